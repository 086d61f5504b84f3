"""The rules of the curriculum, one module for each subject: pure, no database, no clock."""

from __future__ import annotations

from matricula.sis.curriculum.rules.clashes import Clash, clashes, days_in_common
from matricula.sis.curriculum.rules.days import WEEKDAYS, days_met
from matricula.sis.curriculum.rules.requirements import (
    Earned,
    Progress,
    Requirement,
    missing,
    modules_named,
    parse_requirements,
    progress,
    with_credits,
)
from matricula.sis.curriculum.rules.requisites import (
    Known,
    Requisite,
    in_words,
    modules_of,
    parse_requisites,
    unmet,
)
from matricula.sis.curriculum.rules.sections import (
    CANCELLED,
    CLOSED,
    FINISHED,
    OPEN,
    PLANNED,
    REASONS,
    RESIZE,
    TRANSITIONS,
    Event,
    MeetingTime,
    Standing,
    Taught,
    capacity_checks,
    meeting_faults,
    move_checks,
    room_checks,
    standing,
    term_checks,
)
from matricula.sis.curriculum.rules.stretches import in_force, in_its_way
from matricula.sis.curriculum.rules.terms import (
    BOUNDARIES,
    TermDates,
    band_on,
    closed_before,
    out_of_order,
    rewritten,
)

__all__ = [
    "BOUNDARIES", "CANCELLED", "CLOSED", "FINISHED", "OPEN", "PLANNED", "REASONS", "RESIZE",
    "TRANSITIONS", "WEEKDAYS", "Clash", "Earned", "Event", "Known", "MeetingTime", "Progress",
    "Requirement", "Requisite", "Standing", "Taught", "TermDates", "band_on", "capacity_checks",
    "clashes", "closed_before", "days_in_common", "days_met", "in_force", "in_its_way",
    "in_words", "meeting_faults", "missing", "modules_named", "modules_of", "move_checks",
    "out_of_order", "parse_requirements", "parse_requisites", "progress", "rewritten",
    "room_checks", "standing", "term_checks", "unmet", "with_credits",
]  # fmt: skip
