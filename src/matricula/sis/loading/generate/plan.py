"""What the made-up university is: its terms around a day, its programmes, and who is where.

Pure: everything follows from its size and the day. Students of a programme and a cohort are
parted into streams; a stream meets as one in every module of its term, so that nobody is
asked to be in two places.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from matricula.sis.curriculum.rules import TermDates
from matricula.sis.loading.generate.names import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Sequence

# Modules of a term, each of so many credits.
MODULES, CREDITS = 4, "7.50"
# At most so many are taught together; a room has a few seats more.
STREAM, SEATS = 60, 72
_BETWEEN = timedelta(weeks=26)
_RUNNING_SINCE = timedelta(days=42)
# From the first day of a term: when what follows from it is.
_DAYS = {
    "starts_on": 0, "ends_on": 104, "register_from": -56, "add_until": 13, "drop_until": 20,
    "census_on": 27, "withdraw_until": 69, "marks_due_on": 118, "board_on": 125,
}  # fmt: skip
# At least so many subjects, and one for so many students.
_FEWEST, _STUDENTS_EACH = 2, 250
# Kinds of programme: what is added to code and title, the award, its terms, its share of 100.
_KINDS = (("", "", "BSc", 6, 85), ("M", ", advanced", "MSc", 2, 15))


@dataclass(frozen=True, slots=True)
class Size:
    """How large the university is to be.

    Attributes:
        students: How many people ever studied there.
        terms: How many terms it has, the running one included.
        seed: The same seed makes the same university.
        today: The day in the running term.
    """

    students: int
    terms: int
    seed: int
    today: date


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme: `terms` of four modules each."""

    code: str
    title: str
    department: str
    award: str
    terms: int
    share: int

    def module(self, stage: int, place: int) -> str:
        """Name a module, by the term of study in which it stands and its place there."""
        return f"{self.code}{stage + 1}{place + 1:02d}"


PROGRAMMES = tuple(
    Programme(code + suffix, title + more, department[:3].upper(), award, terms, share)
    for suffix, more, award, terms, share in _KINDS
    for code, title, department in SUBJECTS
)
_DEPARTMENTS = {title[:3].upper(): title for _, _, title in SUBJECTS}


def programmes(size: Size) -> list[int]:
    """Say which programmes there are, by their places: a small university has few subjects."""
    subjects = max(_FEWEST, min(len(SUBJECTS), size.students // _STUDENTS_EACH))
    return [place for place in range(len(PROGRAMMES)) if place % len(SUBJECTS) < subjects]


def departments(size: Size) -> dict[str, str]:
    """Give the departments of those programmes: codes with titles."""
    kept = {PROGRAMMES[place].department for place in programmes(size)}
    return {code: title for code, title in _DEPARTMENTS.items() if code in kept}


def terms(size: Size) -> list[TermDates]:
    """Make the terms: two a year, the last of them running on the day."""
    monday = size.today - _RUNNING_SINCE - timedelta(days=size.today.weekday())
    year = size.today.year - (size.terms - 1) // 2
    found = []
    for place in range(size.terms):
        first = monday - _BETWEEN * (size.terms - 1 - place)
        days = {name: first + timedelta(days=after) for name, after in _DAYS.items()}
        code = f"{year + place // 2}-{1 + place % 2}"
        title = f"Term {1 + place % 2} of {year + place // 2}"
        bands = ((days["add_until"], 90), (days["census_on"], 50))
        found.append(TermDates(code, title, **days, bands=bands))
    return found


def intakes(size: Size) -> list[int]:
    """Name the terms in which a cohort begins: the first of every year."""
    return list(range(0, size.terms, 2))


def cohort(term: TermDates) -> str:
    """Name the cohort that begins in a term."""
    return term.code.partition("-")[0]


def shares(size: Size) -> list[tuple[int, int, int]]:
    """Share the students out: how many begin in which term in which programme, in order.

    Returns:
        The intake, the place of the programme in `PROGRAMMES`, how many.
    """
    weights = [
        (intake, place, PROGRAMMES[place].share)
        for intake in intakes(size)
        for place in programmes(size)
    ]
    whole = sum(weight for *_, weight in weights)
    found, given, passed = [], 0, 0
    for intake, place, weight in weights:
        passed += weight
        upto = size.students * passed // whole
        found.append((intake, place, upto - given))
        given = upto
    return found


@dataclass(frozen=True, slots=True)
class Stream:
    """Students of a programme and a cohort who are taught together in a term.

    Attributes:
        term: Its place among the terms.
        programme: Its place in `PROGRAMMES`.
        stage: Which term of their study it is, from 0.
        group: Which of the groups.
        slot: Counts the streams of a term, those of a department one after the other.
    """

    term: int
    programme: int
    stage: int
    group: int
    slot: int

    @property
    def room(self) -> int:
        """In which room they meet."""
        return self.slot // len(HOURS)

    @property
    def hour(self) -> int:
        """At which hour they meet."""
        return HOURS[self.slot % len(HOURS)]

    def section(self, term: TermDates, place: int) -> str:
        """Name the section of one of their modules."""
        module = PROGRAMMES[self.programme].module(self.stage, place)
        return f"{module}-{term.code}-{self.group + 1}"


HOURS = (9, 10, 11, 12, 13, 14, 15, 16)


def streams(size: Size) -> dict[tuple[int, int, int], list[Stream]]:
    """Make the streams of every term.

    Returns:
        By term, programme and stage: the groups.
    """
    found: dict[tuple[int, int, int], list[Stream]] = {}
    sizes = {(intake, place): count for intake, place, count in shares(size)}
    by_department = sorted(
        programmes(size), key=lambda place: (PROGRAMMES[place].department, place)
    )
    for term in range(size.terms):
        slot = 0
        for place in by_department:
            for stage in _stages(term, PROGRAMMES[place].terms):
                count = sizes.get((term - stage, place), 0)
                groups = -(-count // STREAM)
                found[term, place, stage] = [
                    Stream(term, place, stage, group, slot + group) for group in range(groups)
                ]
                slot += groups
    return found


def _stages(term: int, length: int) -> Sequence[int]:
    """Say in which terms of their study the cohorts are that study in a term."""
    return [stage for stage in range(min(length, term + 1)) if (term - stage) % 2 == 0]
