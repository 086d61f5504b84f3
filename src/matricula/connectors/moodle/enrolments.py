"""Manual enrolments with a role: students' and teachers'. Suspended, never taken away.

Unenrolling removes a person's groups and marks from the course; suspending keeps them. The
function that enrols is also the one that changes, and whatever is left out of it is reset, so
the complete state goes with every call: role, suspension, and no limits in time, which no
function shows.

Moodle keeps one enrolment for a person in a course, however many roles there are.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from matricula.connectors.kit.batches import Job
from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.errors import ConnectorError, SkipRow
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.moodle import mapping
from matricula.connectors.moodle.desk import Desk, courses_of
from matricula.connectors.moodle.fields import ENROLMENTS
from matricula.connectors.moodle.halves import settled
from matricula.connectors.moodle.listing import enrolled
from matricula.connectors.moodle.refusals import Refused, gone, of_no_record, of_record, unknown
from matricula.kernel.keys import join_key, split_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.moodle.mapping import Row


@dataclass(slots=True)
class _Place:
    """What a person is in one course; changes as we write."""

    is_active: bool
    roles: dict[int, str] = field(default_factory=dict)


Roster = dict[str, _Place]


class Rosters:
    """Who takes part in which course, read once in a run and kept up with what we write."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._known: dict[str, Roster | None] = {}

    def learn(self, courses: Sequence[str]) -> None:
        """Read the courses that are not known yet, a few at a time."""
        fresh = [one for one in courses if one not in self._known]
        for course, roster in zip(fresh, self._desk.each(self.fetch, fresh), strict=True):
            self._known[course] = roster

    def fetch(self, course: str) -> Roster | None:
        """Read a course anew; None when there is no such course.

        Neither status nor dates are shown, so those who are suspended are asked for by
        themselves, after all: whoever is moved meanwhile is seen at least once.
        """
        if not mapping.is_number(course):
            return None
        with of_no_record():
            try:
                everybody = enrolled(self._desk, course, "id,roles")
                asleep = []
                if everybody:
                    asleep = enrolled(self._desk, course, "id,roles", only="onlysuspended")
            except Refused as refused:
                if refused.is_absent:
                    return None
                raise
        sleeping = {str(one["id"]) for one in asleep}
        return {
            str(one["id"]): _Place(
                str(one["id"]) not in sleeping,
                {int(r["roleid"]): str(r["shortname"]) for r in one.get("roles") or ()},
            )
            for one in [*everybody, *asleep]
        }

    def of(self, course: str) -> Roster | None:
        """Who takes part in a course that was learnt; None when there is no such course."""
        return self._known.get(course)

    def has(self, course: str, user: str) -> bool:
        """Whether a person is enrolled in a course that was learnt."""
        return user in (self._known.get(course) or {})

    def note(self, one: Intended) -> None:
        """Keep up with an enrolment that was just written."""
        with self._lock:
            roster = self._known.get(one.course)
            if roster is not None:
                place = roster.setdefault(one.user, _Place(is_active=True))
                place.is_active = not one.is_suspended
                place.roles.setdefault(one.role, "")

    def forget(self) -> None:
        """Read anew what is asked for next."""
        self._known.clear()


@dataclass(frozen=True, slots=True)
class Intended:
    """One enrolment in the complete state that it is to have."""

    write: Write
    course: str
    user: str
    role: int
    is_suspended: bool
    external_id: str
    adopted: bool = False

    @property
    def form(self) -> dict[str, str | int]:
        """What the function takes; a limit in time that is left out would be reset as well."""
        return {
            "roleid": self.role,
            "userid": self.user,
            "courseid": self.course,
            "timestart": 0,
            "timeend": 0,
            "suspend": int(self.is_suspended),
        }

    @property
    def done(self) -> Outcome:
        """The outcome when it is done."""
        return Outcome(self.write.key, self.external_id, adopted=self.adopted)


class Enrolments:
    """The resource `enrolments`."""

    table = ENROLMENTS

    def __init__(self, desk: Desk, rosters: Rosters) -> None:
        self._desk, self._rosters = desk, rosters
        self._roles = desk.settings.roles
        self._names = {number: name for name, number in self._roles.items()}

    def read(self) -> Iterator[list[Row]]:
        """Read who takes part in every course, a few courses at a time."""
        courses = [str(one["id"]) for one in courses_of(self._desk)]

        def rows(course: str) -> list[Row]:
            return self._rows(course, self._rosters.fetch(course))

        for found in self._desk.flowing(rows, courses, 16):
            yield [row for some in found for row in some]

    def find(self, matches: Sequence[Mapping[str, Value]]) -> list[list[Row]]:
        """Look enrolments up, read anew: an unknown outcome is settled by this."""
        named = [self._course(match) for match in matches]
        courses = sorted(set(named))
        if not all(named):
            courses = [str(one["id"]) for one in courses_of(self._desk)]
        rosters = self._desk.each(self._rosters.fetch, courses)
        rows = [
            row
            for course, roster in zip(courses, rosters, strict=True)
            for row in self._rows(course, roster)
        ]
        return [
            [row for row in rows if mapping.holds(self.table, match, row)] for match in matches
        ]

    def jobs(self, writes: Sequence[Write]) -> list[Job]:
        """Plan writes: enrolments some fifty in one call, whatever their courses."""
        jobs: list[Job] = []
        triples: list[tuple[Write, tuple[str, str, int]]] = []
        for write in writes:
            try:
                triples.append((write, self._triple(write)))
            except SkipRow as error:
                jobs.append(_settle(Outcome(write.key, error=error)))
        self._rosters.learn(sorted({triple[0] for _, triple in triples}))
        claims = Claims()
        sent: list[Intended] = []
        for write, triple in triples:
            try:
                one = self._planned(write, triple, claims)
            except SkipRow as error:
                jobs.append(_settle(Outcome(write.key, error=error)))
                continue
            if self._is_so(one):
                jobs.append(_settle(one.done))
            else:
                sent.append(one)
        for start in range(0, len(sent), self._desk.settings.batch_size):
            part = sent[start : start + self._desk.settings.batch_size]
            jobs.append(Job([one.write.key for one in part], partial(self._send, part)))
        return jobs

    def _planned(self, write: Write, triple: tuple[str, str, int], claims: Claims) -> Intended:
        course, user, role = triple
        roster = self._rosters.of(course)
        if roster is None:
            raise gone("no such course")
        place = roster.get(user)
        stands = place is not None and role in place.roles
        external_id = join_key([course, user, self._name(role)])
        if write.kind == "create":
            claims.take_over(write, external_id)
        elif not stands:
            raise gone("not enrolled in this role")
        slept = stands and place is not None and not place.is_active
        wanted = _suspension(write, is_suspended=slept)
        if wanted and place is not None and place.is_active and set(place.roles) - {role}:
            raise _several_roles()
        return Intended(
            write,
            course,
            user,
            role,
            wanted,
            external_id,
            adopted=stands and write.kind == "create",
        )

    def _is_so(self, one: Intended) -> bool:
        """Whether nothing has to be sent: the person stands there as intended."""
        place = (self._rosters.of(one.course) or {}).get(one.user)
        return (
            place is not None and one.role in place.roles and place.is_active != one.is_suspended
        )

    def _send(self, rows: Sequence[Intended]) -> list[Outcome]:
        def send(some: Sequence[Intended]) -> list[Outcome]:
            told = self._desk.wire.write(
                "enrol_manual_enrol_users", enrolments=[one.form for one in some]
            )
            if told is not None:
                raise unknown("Enrolments were sent, and the answer is not the usual one.")
            for one in some:
                self._rosters.note(one)
            return self._left(some)

        return settled(rows, send, lambda _, refused: _refusal(refused))

    def _left(self, rows: Sequence[Intended]) -> list[Outcome]:
        """Make sure that whoever was suspended is: another method may still let them in."""
        courses = sorted({one.course for one in rows if one.is_suspended})
        if not courses:
            return [one.done for one in rows]
        try:
            fresh = dict(zip(courses, map(self._rosters.fetch, courses), strict=True))
        except ConnectorError as error:
            raise unknown(error.message) from error
        outcomes = []
        for one in rows:
            place = (fresh.get(one.course) or {}).get(one.user)
            if one.is_suspended and place is not None and place.is_active:
                outcomes.append(Outcome(one.write.key, error=_still_in()))
            else:
                outcomes.append(one.done)
        return outcomes

    def _rows(self, course: str, roster: Roster | None) -> list[Row]:
        rows: list[Row] = []
        for user, place in (roster or {}).items():
            for number, name in place.roles.items():
                role = self._names.get(number, name)
                rows.append(
                    {
                        "_id": join_key([course, user, role]),
                        "_suspended": not place.is_active,
                        "courseid": course,
                        "userid": user,
                        "role": role,
                        "suspended": not place.is_active,
                    }
                )
        return rows

    def _triple(self, write: Write) -> tuple[str, str, int]:
        if write.external_id is None:
            for column in self.table.columns.values():
                mapping.checked(column, write.fields.get(column.name))
            course, user = str(write.fields["courseid"]), str(write.fields["userid"])
            return course, user, self._number(str(write.fields["role"]))
        fixed = sorted(n for n in write.changed if self.table.columns[n].is_fixed)
        if fixed:
            raise SkipRow(
                f"{', '.join(fixed)} of an enrolment cannot change.",
                code="M604",
                cure="Let it be part of the entity's key, so that the old enrolment ends and a "
                "new one begins.",
            )
        course, user, role = _parts(write.external_id)
        if not course:
            raise gone("no enrolment of ours")
        return course, user, self._number(role)

    def _number(self, role: str) -> int:
        if role not in self._roles:
            raise SkipRow(
                f"role is none of {', '.join(sorted(self._roles))}.",
                code="M604",
                cure="Correct the flow, or add the role and its number to the system's `roles:`.",
            )
        return self._roles[role]

    def _name(self, number: int) -> str:
        return self._names.get(number, str(number))

    def _course(self, match: Mapping[str, Value]) -> str:
        if "_id" in match:
            return _parts(match["_id"])[0] or "none"
        return str(match.get("courseid") or "")


def _suspension(write: Write, *, is_suspended: bool) -> bool:
    """Say whether an enrolment is to be suspended; what is not granted stays as it is."""
    if write.kind in ("suspend", "resume"):
        return write.kind == "suspend"
    granted = write.changed or frozenset(write.fields)
    if "suspended" in granted and "suspended" in write.fields:
        return mapping.agrees(
            ENROLMENTS.columns["suspended"], write.fields["suspended"], held=True
        )
    return is_suspended


def _refusal(refused: Refused) -> SkipRow:
    # Without a name Moodle means a course or a person that is not there.
    return gone(refused.code) if refused.is_checked_before else of_record(refused)


def _several_roles() -> SkipRow:
    return SkipRow(
        "The person has another role in this course, and the suspension would end that too.",
        code="M734",
        cure="Have the role that ends taken away in the course, or the other one as well.",
    )


def _still_in() -> SkipRow:
    return SkipRow(
        "The manual enrolment is suspended, and the person still enters the course by another.",
        code="M733",
        cure="Have the other enrolment (by cohort, by themselves) ended in the course.",
    )


def _settle(outcome: Outcome) -> Job:
    return Job((outcome.key,), partial(list, [outcome]))


def _parts(identifier: object) -> tuple[str, str, str]:
    try:
        course, user, role = split_key(str(identifier), 3)
    except ValueError:
        return "", "", ""
    return course, user, role
