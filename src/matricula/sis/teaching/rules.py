"""Who may be given which duty in a section, and what attendance marks say: pure.

A duty is held from a day to a day, both included. Attendance is append-only: a mark that was
wrong is amended by one that names it, and the last of such a chain counts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from matricula.accounts.rules import holds_on
from matricula.kernel.checks import Check, blocked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, time

LEAD, LECTURER, MARKER, MODERATOR = DUTIES = ("lead", "lecturer", "marker", "moderator")
# What is left to who has gone: to hand in marks, until a day. Nobody is assigned to it.
SUBMISSION = "submission"
# The role that an account needs for a duty, within the section.
ROLES: Mapping[str, str] = {
    LEAD: "lecturer",
    LECTURER: "lecturer",
    MARKER: "marker",
    MODERATOR: "moderator",
    SUBMISSION: "marker",
}
# Whoever judges the work of a section does not moderate that judgement.
JUDGING = frozenset({LEAD, MARKER})
# Who hands in marks, and may still do so for a time after having gone.
HANDING_IN = frozenset({LEAD, LECTURER, MARKER})

PRESENT, PARTIAL, EXCUSED, UNEXCUSED = CATEGORIES = (
    "present", "partial", "excused", "unexcused",
)  # fmt: skip
# Why a mark may be amended: words from a list, for a sentence would tell of somebody's health.
AMENDING = ("mistaken", "came late", "evidence", "appeal")

_OFFICE = "the department"


@dataclass(frozen=True, slots=True)
class Held:
    """A duty in a section.

    Attributes:
        section: Its code.
        staff_no: Whose.
        duty: One of `DUTIES`.
        starts_on: The first day.
        ends_on: The last day; None while nobody says otherwise.
    """

    section: str
    staff_no: str
    duty: str
    starts_on: date
    ends_on: date | None = None

    def on(self, day: date) -> bool:
        """Whether it is held on a day."""
        return holds_on(self.starts_on, self.ends_on, on=day)


@dataclass(frozen=True, slots=True)
class Around:
    """What is known around a duty that somebody is to be given.

    Attributes:
        beside: The person's duties in this section, ended ones too.
        employed: From which day to which the person is a lecturer here.
        clashes: Meetings of other sections of theirs at the same time, in words.
    """

    beside: Sequence[Held] = ()
    employed: Sequence[tuple[date, date | None]] = ()
    clashes: Sequence[str] = ()


def together(one: Held, other: Held) -> bool:
    """Whether two duties are held on a day in common."""
    later = max(one.starts_on, other.starts_on)
    return all(end is None or later <= end for end in (one.ends_on, other.ends_on))


def covers(stretches: Iterable[tuple[date, date | None]], wanted: Held) -> bool:
    """Whether stretches of days, taken together, hold on every day of a duty."""
    reached = wanted.starts_on
    for begins, ends in sorted(stretches, key=lambda one: one[0]):
        if begins > reached:
            return False
        if ends is None:
            return True
        reached = max(reached, ends + timedelta(days=1))
    return wanted.ends_on is not None and reached > wanted.ends_on


def checks(wanted: Held, around: Around) -> list[Check]:
    """Say what is in the way of giving somebody a duty.

    A clash is in the way of who is to teach; of a lead, who need not be there, it is a warning.
    """
    if wanted.duty not in DUTIES:
        return [_no("duty", f"There is no duty {wanted.duty}.", f"Use {' or '.join(DUTIES)}.")]
    if wanted.ends_on is not None and wanted.ends_on < wanted.starts_on:
        what = f"The last day, {wanted.ends_on}, is before {wanted.starts_on}."
        return [_no("days", what, "Correct one of the two days.")]
    return [
        *_overlaps(wanted, around.beside), *_judges_and_moderates(wanted, around.beside),
        *_not_employed(wanted, around.employed), *_clashing(wanted, around.clashes),
    ]  # fmt: skip


def _overlaps(wanted: Held, beside: Sequence[Held]) -> list[Check]:
    return [
        _no(
            "overlap",
            f"{wanted.staff_no} is {wanted.duty} of {wanted.section} from {other.starts_on} on "
            "already.",
            "End that duty first, or choose days outside it.",
        )
        for other in beside
        if other.duty == wanted.duty and together(wanted, other)
    ][:1]


def _judges_and_moderates(wanted: Held, beside: Sequence[Held]) -> list[Check]:
    """Whatever the days: work that was judged in autumn is not moderated by its judge in winter."""
    had = {one.duty for one in beside}
    if wanted.duty == MODERATOR:
        against = sorted(had & JUDGING)
    else:
        against = sorted(had & {MODERATOR}) if wanted.duty in JUDGING else []
    if not against:
        return []
    what = f"{wanted.staff_no} is or was {against[0]} of {wanted.section}, and not {wanted.duty}."
    return [_no("moderation", what, "Whoever marks is not the moderator: ask a colleague.")]


def _not_employed(wanted: Held, employed: Sequence[tuple[date, date | None]]) -> list[Check]:
    if covers(employed, wanted):
        return []
    until = f" until {wanted.ends_on}" if wanted.ends_on else " on, without an end"
    what = f"{wanted.staff_no} is no lecturer here on every day from {wanted.starts_on}{until}."
    cure = "Choose days within the duty of lecturer, or have that recorded first."
    return [blocked("employment", what, office="the staff office", clears=cure)]


def _clashing(wanted: Held, clashes: Sequence[str]) -> list[Check]:
    if not clashes or wanted.duty not in (LEAD, LECTURER):
        return []
    more = f" ({len(clashes) - 1} more)" if len(clashes) > 1 else ""
    what = f"{wanted.staff_no} teaches elsewhere at the same time: {clashes[0]}{more}."
    if wanted.duty == LEAD:
        return [Check("clash", "warned", what, _OFFICE, "Have somebody else meet the students.")]
    return [_no("clash", what, "Move one of the meetings, or ask a colleague.")]


def _no(name: str, what: str, cure: str) -> Check:
    return blocked(name, what, office=_OFFICE, clears=cure)


@dataclass(frozen=True, slots=True)
class Mark:
    """An attendance mark.

    Attributes:
        number: Counts upwards in the order in which marks were recorded.
        student_no: Whose.
        section: Which section met.
        met_on: On which day, at the campus.
        starts_at: At what time, at the campus.
        category: One of `CATEGORIES`.
        recorded_at: When we came to know of it.
        reason: Why it amends another; from `AMENDING`.
        amends: The number of the mark it amends.
    """

    number: int
    student_no: str
    section: str
    met_on: date
    starts_at: time
    category: str
    recorded_at: datetime
    reason: str = ""
    amends: int | None = None


@dataclass(frozen=True, slots=True)
class Attendance:
    """What a student's marks in a section come to.

    Attributes:
        student_no: Whose.
        section: Where.
        counts: How many meetings of each category.
        after_leaving: How many marks are of days after the student's last, and do not count.
    """

    student_no: str
    section: str
    counts: Mapping[str, int]
    after_leaving: int = 0

    @property
    def attended_percent(self) -> int | None:
        """Of the meetings not excused, the share attended at least in part, rounded down."""
        attended = self.counts[PRESENT] + self.counts[PARTIAL]
        asked = attended + self.counts[UNEXCUSED]
        return attended * 100 // asked if asked else None


def standing(marks: Iterable[Mark], *, known_at: datetime | None = None) -> list[Mark]:
    """Keep the marks that count, as known now or at an instant, in the order of the meetings."""
    known = [one for one in marks if known_at is None or one.recorded_at <= known_at]
    amended = {one.amends for one in known}
    kept = [one for one in known if one.number not in amended]
    return sorted(kept, key=lambda one: (one.met_on, one.starts_at, one.section, one.student_no))


def summary(
    student_no: str, section: str, marks: Iterable[Mark], *, last_attended_on: date | None = None
) -> Attendance:
    """Add up a student's marks in a section; those after the last day of attendance do not count.

    Args:
        student_no: Whose.
        section: Where.
        marks: Those that stand.
        last_attended_on: The student's last day, where they have left.
    """
    mine = [one for one in marks if (one.student_no, one.section) == (student_no, section)]
    kept = [one for one in mine if last_attended_on is None or one.met_on <= last_attended_on]
    counted = Counter(one.category for one in kept)
    counts = {category: counted[category] for category in CATEGORIES}
    return Attendance(student_no, section, counts, len(mine) - len(kept))


def begins(met_on: date, starts_at: time, timezone: str) -> datetime:
    """Say at which instant a meeting begins, by the clock of its campus."""
    return datetime.combine(met_on, starts_at, ZoneInfo(timezone))


def week_of(day: date) -> tuple[date, ...]:
    """List the days of a day's week, from Monday on."""
    monday = day - timedelta(days=day.isoweekday() - 1)
    return tuple(monday + timedelta(days=offset) for offset in range(7))
