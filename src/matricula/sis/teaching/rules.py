"""Who may be given which duty in a section, and what attendance marks say: pure.

A duty is held from a day to a day, both included. Attendance is append-only: a mark that was
wrong is amended by one that names it, and the last of such a chain counts.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from matricula.accounts.rules import holds_on
from matricula.kernel.checks import Check, blocked
from matricula.sis.curriculum.rules import CANCELLED, clashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, time

    from matricula.sis.curriculum.rules import MeetingTime, Taught, TermDates

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
# Who meets students.
MEETING = frozenset({LEAD, LECTURER})

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
        is_cancelled: Whether the section is not taught after all.
    """

    beside: Sequence[Held] = ()
    employed: Sequence[tuple[date, date | None]] = ()
    clashes: Sequence[str] = ()
    is_cancelled: bool = False


def last_day(duty: str, term: TermDates, *, starts_on: date) -> date:
    """Say until when a duty is held where nobody says otherwise: for nobody has it for ever."""
    usual = term.board_on if duty == MODERATOR else term.marks_due_on
    return max(usual, term.ends_on, starts_on)


def at_the_same_time(
    wanted: Held, others: Iterable[Held], taught: Mapping[str, Taught]
) -> list[str]:
    """Say in words where else somebody would have to be, while both duties are held.

    Args:
        wanted: The duty that they are to be given.
        others: What they have.
        taught: The sections of all of these, by code.
    """
    found: dict[str, None] = {}
    for other in others:
        if (
            other.section == wanted.section
            or other.duty not in MEETING
            or not together(wanted, other)
        ):
            continue
        pair = [_while_held(taught[one.section], [wanted, other]) for one in (wanted, other)]
        found.update(dict.fromkeys(str(one) for one in clashes(pair)))
    return list(found)


def _while_held(section: Taught, duties: Sequence[Held]) -> Taught:
    """Keep of a section's meetings the days on which some duties are all held."""
    first = max(one.starts_on for one in duties)
    last = min((one.ends_on for one in duties if one.ends_on), default=None)
    kept = [_clipped(one, first, last) for one in section.meetings]
    return replace(section, meetings=tuple(one for one in kept if one.valid_from <= one.valid_to))


def _clipped(meeting: MeetingTime, first: date, last: date | None) -> MeetingTime:
    until = meeting.valid_to if last is None else min(meeting.valid_to, last)
    return replace(meeting, valid_from=max(meeting.valid_from, first), valid_to=until)


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
    if around.is_cancelled:
        what = f"{wanted.section} is cancelled."
        return [_no("section", what, "Nobody is needed there: choose another section.")]
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
    """Whatever the days: what was judged in autumn its judge does not moderate in winter."""
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
    if not clashes or wanted.duty not in MEETING:
        return []
    more = f" ({len(clashes) - 1} more)" if len(clashes) > 1 else ""
    what = f"{wanted.staff_no} teaches elsewhere at the same time: {clashes[0]}{more}."
    if wanted.duty == LEAD:
        return [Check("clash", "warned", what, _OFFICE, "Have somebody else meet the students.")]
    return [_no("clash", what, "Move one of the meetings, or ask a colleague.")]


def _no(name: str, what: str, cure: str) -> Check:
    return blocked(name, what, office=_OFFICE, clears=cure)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One meeting of a section on one day.

    Attributes:
        on: The day, at the campus.
        starts_at: When it begins, at the campus.
        ends_at: When it ends.
        section: Which.
        title: What is taught.
        room: Where; empty where it needs none.
        campus: At which campus.
        timezone: The campus's clock.
    """

    on: date
    starts_at: time
    ends_at: time
    section: str
    title: str
    room: str
    campus: str
    timezone: str

    @property
    def begins(self) -> datetime:
        """At which instant it begins."""
        return datetime.combine(self.on, self.starts_at, ZoneInfo(self.timezone))


def lessons(sections: Iterable[Taught], days: Iterable[date]) -> list[Lesson]:
    """List the meetings of sections on some days, by the instant at which they begin."""
    asked = list(days)
    found = [
        Lesson(
            day, meeting.starts_at, meeting.ends_at, section.code, section.title, meeting.room,
            section.campus, section.timezone,
        )
        for section in sections
        if section.state != CANCELLED
        for meeting in section.meetings
        for day in asked
        if meeting.weekday == day.isoweekday() and meeting.valid_from <= day <= meeting.valid_to
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.begins, one.section, one.room))


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


def category_checks(categories: Iterable[str]) -> list[Check]:
    """Say which categories are none."""
    unknown = sorted({one for one in categories if one not in CATEGORIES})
    cure = f"Use one of {', '.join(CATEGORIES)}."
    return [_no("category", f"There is no category {one or '(empty)'}.", cure) for one in unknown]


def taking_checks(
    wanted: Mapping[str, str], expected: Mapping[str, bool], *, on: date
) -> list[Check]:
    """Say what is in the way of taking attendance of students.

    Args:
        wanted: The category of each.
        expected: Whether they still attended on the day, for all who were enrolled on it.
        on: The day.
    """
    found = category_checks(wanted.values())
    for student in sorted(wanted):
        if student not in expected:
            what = f"{student} was not enrolled on {on}."
            found.append(_no("roster", what, "Correct the number, or have the student enrolled."))
        elif not expected[student]:
            what = f"{student} had left by {on}, as the last day of attendance says."
            found.append(_no("last day", what, "Have that day corrected, if it is wrong."))
    return found


def amending_checks(amended: Sequence[Mark], reason: str) -> list[Check]:
    """Say whether marks may be amended for a reason."""
    if not amended or reason in AMENDING:
        return []
    first = amended[0]
    what = (
        f"{first.category} was taken of {first.student_no} on {first.met_on} already, and "
        f"{reason or 'nothing'} is no reason to amend it."
    )
    return [_no("reason", what, f"Give one of {', '.join(AMENDING)} with --why.")]


def summary(
    student_no: str, section: str, marks: Iterable[Mark], *, last_attended_on: date | None = None
) -> Attendance:
    """Add up a student's marks in a section; those after the last day of attendance do not count.

    Args:
        student_no: Whose.
        section: Where.
        marks: Those of the student in the section that stand.
        last_attended_on: The student's last day, where they have left.
    """
    mine = list(marks)
    kept = [one for one in mine if last_attended_on is None or one.met_on <= last_attended_on]
    counted = Counter(one.category for one in kept)
    counts = {category: counted[category] for category in CATEGORIES}
    return Attendance(student_no, section, counts, len(mine) - len(kept))


def week_of(day: date) -> tuple[date, ...]:
    """List the days of a day's week, from Monday on."""
    monday = day - timedelta(days=day.isoweekday() - 1)
    return tuple(monday + timedelta(days=offset) for offset in range(7))
