"""What can be loaded, and how: one module for each stretch of the way."""

from __future__ import annotations

from matricula.sis.loading.actions.bundles import Bundle, Count, Loaded, load
from matricula.sis.loading.actions.landing import must_be_known
from matricula.sis.loading.actions.making_up import generate
from matricula.sis.loading.generate.plan import Size

__all__ = ["Bundle", "Count", "Loaded", "Size", "generate", "load", "must_be_known"]
