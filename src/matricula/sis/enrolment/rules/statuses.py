"""What the status of an enrolment means, as flags: the policy lives in the table. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUESTED, WAITLISTED, PENDING = "requested", "waitlisted", "pending approval"
ENROLLED, DROPPED, WITHDRAWN = "enrolled", "dropped", "withdrawn"
INCOMPLETE, GRADED = "incomplete", "graded"


@dataclass(frozen=True, slots=True)
class Status:
    """How the university treats an enrolment of a status.

    Attributes:
        occupies_seat: Whether nobody else can have the seat.
        counts_for_fees: Whether it is charged for.
        counts_for_headcount: Whether a count of students counts it.
        gradable: Whether a mark may be given.
        on_transcript: Whether it is told on the transcript.
        automatic_grade: What the transcript says of it where nobody gave a grade.
        has_lms_access: Whether the learning platform lets the student in.
    """

    occupies_seat: bool = False
    counts_for_fees: bool = False
    counts_for_headcount: bool = False
    gradable: bool = False
    on_transcript: bool = False
    automatic_grade: str = ""
    has_lms_access: bool = False


_HERE = Status(
    occupies_seat=True, counts_for_fees=True, counts_for_headcount=True, on_transcript=True,
    has_lms_access=True,
)  # fmt: skip
STATUSES: Mapping[str, Status] = {
    REQUESTED: Status(),
    WAITLISTED: Status(),
    PENDING: Status(),
    ENROLLED: replace(_HERE, gradable=True),
    # To the census: as if it had not been, for the transcript and the fees.
    DROPPED: Status(),
    # After it: told without points. What is given back of the fees, the refund band says.
    WITHDRAWN: Status(
        counts_for_fees=True, counts_for_headcount=True, on_transcript=True, automatic_grade="W"
    ),
    INCOMPLETE: replace(_HERE, gradable=True, automatic_grade="I"),
    GRADED: _HERE,
}
SEATED = frozenset(name for name, status in STATUSES.items() if status.occupies_seat)
# In these a student waits for a seat or for somebody's word.
WAITING = frozenset({REQUESTED, WAITLISTED, PENDING})
# Whoever asks for a section once more in one of these has what they ask for, or waits for it.
THERE = frozenset({ENROLLED, WAITLISTED, PENDING, INCOMPLETE})
# An enrolment of one of these can still end.
OPEN = WAITING | {ENROLLED, INCOMPLETE}

# What other systems are told of a status: one word of five.
TOLD_AS: Mapping[str, str] = {
    REQUESTED: "waiting",
    WAITLISTED: "waiting",
    PENDING: "waiting",
    ENROLLED: "enrolled",
    INCOMPLETE: "enrolled",
    GRADED: "completed",
    DROPPED: "dropped",
    WITHDRAWN: "withdrawn",
}

# What no scale calls passed. A number is a mark out of a hundred.
NOT_PASSED = frozenset(
    {"F", "FAIL", "U", "NP", "NC", "I", "W", "AB", "DE", "WD", "NS", "EX", "WH"}
)
_PASS_MARK = 40


def is_passed(grade: str) -> bool:
    """Whether a grade is a pass; until there are results, whose scales say it instead."""
    try:
        return float(grade) >= _PASS_MARK
    except ValueError:
        return bool(grade) and grade.upper() not in NOT_PASSED
