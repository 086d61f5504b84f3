"""The rules of enrolment, one module for each subject: pure, no database, no clock."""

from __future__ import annotations

from matricula.sis.enrolment.rules.asking import (
    FULL,
    LOADS,
    MOST_CREDITS,
    PART,
    PERMISSION,
    REQUISITES,
    WAIVABLE,
    Taken,
    Wish,
    awaits_permission,
    checks,
    passed,
)
from matricula.sis.enrolment.rules.machines import (
    CANCELLED,
    COMPLETED,
    ELIGIBLE,
    ENROLMENTS,
    HELD,
    NOT_ELIGIBLE,
    NOT_YET,
    OFFICE,
    ON_LEAVE,
    REGISTERED,
    REVERSE,
    TERMS,
    Event,
    Machine,
    Standing,
    Transition,
    state_on,
    walk,
)
from matricula.sis.enrolment.rules.machines import checks as event_checks
from matricula.sis.enrolment.rules.seats import (
    DROP,
    LEAVE,
    OFFERED_FOR,
    WITHDRAW,
    Seats,
    how_to_leave,
    leaving_checks,
)
from matricula.sis.enrolment.rules.statuses import (
    DROPPED,
    ENROLLED,
    GRADED,
    INCOMPLETE,
    OPEN,
    PENDING,
    REQUESTED,
    SEATED,
    STATUSES,
    THERE,
    TOLD_AS,
    WAITING,
    WAITLISTED,
    WITHDRAWN,
    Status,
    is_passed,
)

__all__ = [
    "CANCELLED", "COMPLETED", "DROP", "DROPPED", "ELIGIBLE", "ENROLLED", "ENROLMENTS", "FULL",
    "GRADED", "HELD", "INCOMPLETE", "LEAVE", "LOADS", "MOST_CREDITS", "NOT_ELIGIBLE", "NOT_YET",
    "OFFERED_FOR", "OFFICE", "ON_LEAVE", "OPEN", "PART", "PENDING", "PERMISSION", "REGISTERED",
    "REQUESTED", "REQUISITES", "REVERSE", "SEATED", "STATUSES", "TERMS", "THERE", "TOLD_AS",
    "WAITING", "WAITLISTED", "WAIVABLE", "WITHDRAW", "WITHDRAWN", "Event", "Machine", "Seats",
    "Standing", "Status", "Taken", "Transition", "Wish", "awaits_permission", "checks",
    "event_checks", "how_to_leave", "is_passed", "leaving_checks", "passed", "state_on", "walk",
]  # fmt: skip
