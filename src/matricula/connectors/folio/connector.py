"""FOLIO as a connector: users to read and write, and their clearance to read."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from matricula.connectors.folio import clearance, mapping, users
from matricula.connectors.folio.fields import ACTIVE, ARROW, FIELDS
from matricula.connectors.folio.lookup import Lookup
from matricula.connectors.folio.settings import FolioSettings
from matricula.connectors.folio.wire import Wire
from matricula.connectors.kit import batches
from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.clearance import NAME as CLEARANCE
from matricula.connectors.kit.errors import ConnectorError, TryAgain, Untrusted
from matricula.connectors.kit.protocol import (
    Capabilities,
    FieldShape,
    Found,
    Health,
    Outcome,
    Reading,
    ResourceShape,
    asks_for_nobody,
)
from matricula.connectors.kit.refuse import must_have_fields, no_resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pydantic import BaseModel

    from matricula.connectors.folio.fields import Field
    from matricula.connectors.folio.mapping import User
    from matricula.connectors.kit.protocol import Context, Value, Write, WriteKind

USERS = "users"
_TO_READ = f"; {CLEARANCE} is there to be read"
_ALL: frozenset[WriteKind] = frozenset({"create", "update", "suspend", "resume", "delete"})
# Several are under way at once, and one look-up for all of them costs little.
_IMPORTS_IN_A_BATCH = 16


class FolioConnector:
    """One FOLIO tenant. See the README beside this file for what it needs and its traps."""

    Settings: ClassVar[type[BaseModel]] = FolioSettings

    def __init__(self, settings: FolioSettings, context: Context) -> None:
        self._settings = settings
        self._system = context.system
        self._wire = Wire(settings)
        self._lookup = Lookup(self._wire, settings)
        self._clearance = clearance.Clearance(
            self._wire, self._lookup, concurrency=settings.concurrency
        )
        self.capabilities = Capabilities(batch_size=settings.batch_size * _IMPORTS_IN_A_BATCH)

    def describe(self) -> list[ResourceShape]:
        """Describe users and their clearance.

        Raises:
            TryAgain: It is away. Stop: it refuses us.
        """
        self._lookup.groups(anew=True)
        fields = tuple(FieldShape(f.name, f.type, required=f.required) for f in FIELDS.values())
        return [ResourceShape(USERS, fields, writes=_ALL), self._clearance.shape()]

    def ping(self) -> Health:
        """Ask whether it lets us do what the charter uses it for. Never raises."""
        try:
            lacking = {use: self._wire.lacking(use) for use in self._settings.uses}
            groups = {} if any(lacking.values()) else self._lookup.groups(anew=True)
        except ConnectorError as error:
            return Health(well=False, sentence=f"{error.message} {error.cure}")
        if any(lacking.values()):
            named = {name: use for use, names in lacking.items() for name in names}
            said = ", ".join(f"{name} (for {use})" for name, use in named.items())
            return Health(
                well=False,
                sentence=f"FOLIO lets us in, and our account lacks {said}. Have the library grant "
                "it, or say in `uses` that it is not needed.",
            )
        missing = sorted(set(self._settings.patron_groups) - set(groups.values()))
        if missing:
            sentence = f"FOLIO has no patron group {', '.join(missing)}."
            return Health(well=False, sentence=sentence)
        return Health(well=True, sentence=f"FOLIO lets us in; it has {len(groups)} patron groups.")

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read a whole resource.

        Raises:
            GiveUp: There is no such resource. TryAgain, Stop. Untrusted: it never held still.
        """
        if resource == CLEARANCE:
            yield Reading(clearance.SCHEMA, self._clearance.batches())
            return
        self._must_have(resource)
        yield Reading(_schema(), self._user_batches())

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up; every answer is checked here.

        Raises:
            GiveUp: No such resource or field. TryAgain, Stop.
        """
        known: Mapping[str, Field] = FIELDS
        if resource == CLEARANCE:
            known = clearance.RECOGNISED
        else:
            self._must_have(resource)
        for match in matches:
            self._must_know(resource, [name for name in match if name != "_id"], known)

        try:
            return self._found(resource, matches)
        except Untrusted as error:
            raise TryAgain(error.message, code=error.code, cure=error.cure) from error

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:  # noqa: ARG002 - a leaver becomes inactive, on no date of ours
        """Do what is intended by a few imports, but for deletions, which go one by one.

        Raises:
            GiveUp: No such resource or field. Stop, TryAgain: nothing of it happened.
        """
        self._must_have(resource)
        for write in writes:
            if write.kind not in ("suspend", "delete"):
                self._must_know(resource, [*write.match, *write.fields], FIELDS)
        place = users.Place(self._wire, self._lookup, Claims(), self._settings)
        results = batches.run(users.jobs(place, writes), concurrency=self._settings.concurrency)
        by_key = {outcome.key: outcome for outcomes in results for outcome in outcomes}
        return [by_key[write.key] for write in writes]

    def close(self) -> None:
        """Let go of connections; the connector may be used again."""
        self._wire.close()

    def _must_have(self, resource: str) -> None:
        if resource != USERS:
            raise no_resource(self._system, resource, [USERS], more=_TO_READ)

    def _must_know(self, resource: str, names: Sequence[str], known: Mapping[str, Field]) -> None:
        has = f"It has {', '.join(known)}."
        must_have_fields(f"{self._system}.{resource}", names, known, cure=has)

    def _found(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        asked = [match for match in matches if not asks_for_nobody(match)]
        known = self._lookup.learn(_wanted(match) for match in asked if "_id" not in match)
        users = self._lookup.by_ids(str(match["_id"]) for match in asked if "_id" in match)

        def find(match: Mapping[str, Value]) -> list[User]:
            if asks_for_nobody(match):
                return []
            if "_id" not in match:
                return self._lookup.find(_wanted(match), known)
            one = users.get(str(match["_id"]))
            if one is None or not self._lookup.is_ours(one):
                return []
            differ = mapping.differing(one, _wanted(match), self._lookup.groups())
            return [] if differ else [one]

        found = [find(match) for match in matches]
        rows = self._rows(resource, {str(one["id"]): one for some in found for one in some})
        return [
            [Found.of_row(rows[str(one["id"])]) for one in some if str(one["id"]) in rows]
            for some in found
        ]

    def _rows(self, resource: str, users: Mapping[str, User]) -> dict[str, dict[str, Any]]:
        if resource == CLEARANCE:
            rows = self._clearance.rows(list(users.values()))
        else:
            rows = [dict(self._row(one)) for one in users.values()]
        return {str(row["_id"]): row for row in rows}

    def _user_batches(self) -> Iterator[pa.RecordBatch]:
        schema, groups = _schema(), self._lookup.groups()
        yield from self._lookup.everybody(lambda page: _batch(schema, page, groups))

    def _row(self, user: User) -> dict[str, Value]:
        groups = self._lookup.groups()
        held = {name: mapping.read_field(user, field, groups) for name, field in FIELDS.items()}
        return {"_id": str(user["id"]), **held}


def _wanted(match: Mapping[str, Value]) -> dict[Field, Value]:
    return {FIELDS[name]: value for name, value in match.items() if name != "_id"}


def _schema() -> pa.Schema:
    columns: list[pa.Field[pa.DataType]] = [
        pa.field("_id", pa.string()),
        pa.field("_suspended", pa.bool_(), metadata={"said_by": ACTIVE}),
    ]
    columns += [pa.field(field.name, ARROW[field.type]) for field in FIELDS.values()]
    return pa.schema(columns)


def _batch(schema: pa.Schema, users: Sequence[User], groups: Mapping[str, str]) -> pa.RecordBatch:
    columns: dict[str, list[Any]] = {"_id": [str(one["id"]) for one in users]}
    for name, field in FIELDS.items():
        column: list[Any] = [mapping.read_field(one, field, groups) for one in users]
        if field.type == "date":
            column = [None if one is None else date.fromisoformat(str(one)) for one in column]
        columns[name] = column
    columns["_suspended"] = [not one for one in columns[ACTIVE]]
    return pa.RecordBatch.from_pydict(columns, schema=schema)
