"""What can be done to the curriculum, one module for each subject."""

from __future__ import annotations

from matricula.sis.curriculum.actions.sections import lock_sections

__all__ = ["lock_sections"]
