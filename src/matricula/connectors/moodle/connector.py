"""Moodle as a connector: accounts, courses, enrolments, groups, cohorts; marks to be read.

Everything goes through the token's external service, which names what it may call. Writes go
in calls of some fifty records, divided when they are refused; look-ups are checked on our side.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, get_args
from zoneinfo import ZoneInfo

from matricula.connectors.kit import batches
from matricula.connectors.kit.errors import ConnectorError, GiveUp
from matricula.connectors.kit.protocol import (
    Capabilities,
    Found,
    Health,
    Outcome,
    Reading,
    asks_for_nobody,
)
from matricula.connectors.kit.refuse import must_have_fields, no_resource
from matricula.connectors.moodle import fields, tables
from matricula.connectors.moodle.cohorts import Cohorts, InCohorts
from matricula.connectors.moodle.courses import Categories, Courses
from matricula.connectors.moodle.desk import Desk
from matricula.connectors.moodle.enrolments import Enrolments, Rosters
from matricula.connectors.moodle.groups import Groups, InGroups
from matricula.connectors.moodle.health import troubles
from matricula.connectors.moodle.marks import Marks
from matricula.connectors.moodle.members import Members
from matricula.connectors.moodle.service import service_of
from matricula.connectors.moodle.settings import MoodleSettings, Resource
from matricula.connectors.moodle.users import Users
from matricula.connectors.moodle.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pydantic import BaseModel

    from matricula.connectors.kit.protocol import Context, ResourceShape, Value, Write
    from matricula.connectors.moodle import desk

# One look-up for all of them costs little then.
_CALLS_IN_A_BATCH = 16


class MoodleConnector:
    """One Moodle site. See the README beside this file for what it needs and its traps."""

    Settings: ClassVar[type[BaseModel]] = MoodleSettings

    def __init__(self, settings: MoodleSettings, context: Context) -> None:
        self._settings = settings
        self._system = context.system
        self._wire = Wire(settings)
        self._resources: dict[str, desk.Resource] = {}
        self._desk: Desk | None = None
        self.capabilities = Capabilities(batch_size=settings.batch_size * _CALLS_IN_A_BATCH)

    def describe(self) -> list[ResourceShape]:
        """Describe what our token may have today; asks anew every time.

        Raises:
            TryAgain: It is away. Stop: it refuses us. GiveUp: it is no Moodle.
        """
        self._open()
        service = self._known().service
        return [
            tables.shape_of(one.table, service)
            for name, one in self._resources.items()
            if service.reads(name)
        ]

    def ping(self) -> Health:
        """Ask who we are, and name the functions and capabilities that we lack. Never raises."""
        try:
            self._open()
            known = self._known().service
            missing = known.missing(self._resources)
            wrong = troubles(self._known(), self._resources)
        except ConnectorError as error:
            return Health(well=False, sentence=f"{error.message} {error.cure}")
        if missing:
            wrong.insert(
                0,
                f"The token's service lacks {', '.join(missing)}. Add the functions to it, or "
                "name in `resources:` what the charter uses.",
            )
        if wrong:
            return Health(well=False, sentence=" ".join(wrong))
        return Health(well=True, sentence=f"It is Moodle {known.release} and lets our token in.")

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read a whole resource. A listing that moves is read again before a row is given.

        Raises:
            GiveUp: There is no such resource. TryAgain, Stop. Untrusted: it never held still.
        """
        one = self._resource(resource)
        schema = tables.schema_of(one.table)
        rows = (tables.batch_of(schema, page) for page in one.read())
        findings = one.findings if isinstance(one, Marks) else []
        yield Reading(schema, rows, may_be_empty=True, findings=findings)

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up; every answer is checked here, whatever Moodle takes for equal.

        Raises:
            GiveUp: No such resource or field. TryAgain, Stop.
        """
        one = self._resource(resource)
        for match in matches:
            self._must_know(one, [name for name in match if name != "_id"])
        asked = [match for match in matches if not asks_for_nobody(match)]
        answers = iter(one.find(asked) if asked else [])
        return [
            [] if asks_for_nobody(m) else [_found(row) for row in next(answers)] for m in matches
        ]

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:  # noqa: ARG002 - Moodle stamps its records itself
        """Do what is intended, some fifty writes in a call; outcomes in the order of writes.

        Raises:
            GiveUp: No such resource or field. Stop, TryAgain: nothing of it happened.
        """
        one = self._resource(resource)
        self._must_be_possible(one, writes)
        if not writes:
            return []
        results = batches.run(one.jobs(writes), concurrency=self._settings.concurrency)
        by_key = {outcome.key: outcome for outcomes in results for outcome in outcomes}
        return [by_key[write.key] for write in writes]

    def close(self) -> None:
        """Let go of connections; the connector may be used again."""
        self._wire.close()

    def _open(self) -> None:
        service = service_of(self._wire)
        known = Desk(self._wire, self._settings, service, ZoneInfo(self._settings.timezone))
        rosters = Rosters(known)
        every: dict[str, desk.Resource] = {
            "users": Users(known),
            "categories": Categories(known),
            "courses": Courses(known),
            "cohorts": Cohorts(known),
            "cohort_members": Members(known, fields.COHORT_MEMBERS, InCohorts(known)),
            "groups": Groups(known),
            "group_members": Members(known, fields.GROUP_MEMBERS, InGroups(known, rosters)),
            "enrolments": Enrolments(known, rosters),
            "marks": Marks(known, "marks"),
            "coursework": Marks(known, "coursework"),
            "grade_items": Marks(known, "grade_items"),
        }
        chosen = self._settings.resources or get_args(Resource)
        self._resources = {name: every[name] for name in chosen}
        self._desk = known

    def _known(self) -> Desk:
        if self._desk is None:
            self._open()
        return self._desk or self._known()

    def _resource(self, resource: str) -> desk.Resource:
        service = self._known().service
        if resource in self._resources and service.reads(resource):
            return self._resources[resource]
        lacking = service.missing([resource]) if resource in self._resources else []
        if lacking:
            raise GiveUp(
                f"{self._system}.{resource} needs {', '.join(lacking)}, which the token's "
                "service lacks.",
                code="M602",
                cure="Add the functions to the token's external service in Moodle.",
            )
        raise no_resource(self._system, resource, self._resources)

    def _must_be_possible(self, one: desk.Resource, writes: Sequence[Write]) -> None:
        possible = self._known().service.writes(one.table.name)
        for write in writes:
            if write.kind not in possible:
                raise _no_verb(one.table.name, write.kind)
            if write.kind not in ("suspend", "delete"):
                self._must_know(one, [*write.fields, *write.match])

    def _must_know(self, one: desk.Resource, names: Sequence[str]) -> None:
        must_have_fields(f"{self._system}.{one.table.name}", names, one.table.columns)


def _found(row: Mapping[str, Value]) -> Found:
    shown = {name: value for name, value in row.items() if name != "_id"}
    return Found(str(row["_id"]), shown)


def _no_verb(resource: str, verb: str) -> GiveUp:
    return GiveUp(
        f"A record of {resource} in Moodle cannot take: {verb}.",
        code="M607",
        cure="Write `on_exit: suspend` where records can be suspended, else `leave`; or have the "
        "function for it added to the token's service.",
    )
