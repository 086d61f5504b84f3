"""The rules of the curriculum, one module for each subject: pure, no database, no clock."""

from __future__ import annotations

from matricula.sis.curriculum.rules.sections import (
    CANCELLED,
    CLOSED,
    FINISHED,
    OPEN,
    PLANNED,
    MeetingTime,
    Taught,
)
from matricula.sis.curriculum.rules.terms import TermDates, band_on, closed_before

__all__ = [
    "CANCELLED", "CLOSED", "FINISHED", "OPEN", "PLANNED", "MeetingTime", "Taught", "TermDates",
    "band_on", "closed_before",
]  # fmt: skip
