"""Give duties and end them, let a lecturer leave, take attendance: one module for each subject."""

from __future__ import annotations

from matricula.sis.teaching.actions.attendance import Met, amend, take
from matricula.sis.teaching.actions.duties import Wanted, assign, end, give_access, hand_over
from matricula.sis.teaching.actions.leaving import lecturer_leaves

__all__ = [
    "Met", "Wanted", "amend", "assign", "end", "give_access", "hand_over", "lecturer_leaves",
    "take",
]  # fmt: skip
