"""Ex Libris Alma as a connector: external users to read and write, and their clearance to read."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from matricula.connectors.alma import clearance, mapping, users
from matricula.connectors.alma.fields import ARROW, ID, INACTIVE, STATUS, fields_of
from matricula.connectors.alma.lookup import Lookup
from matricula.connectors.alma.settings import AlmaSettings
from matricula.connectors.alma.wire import Wire
from matricula.connectors.kit import batches
from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.clearance import NAME as CLEARANCE
from matricula.connectors.kit.errors import ConnectorError, TryAgain, Untrusted
from matricula.connectors.kit.odd import read_as_absent
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
from matricula.connectors.kit.refuse import Misfit, must_have_fields, no_resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pydantic import BaseModel

    from matricula.connectors.alma.fields import Field
    from matricula.connectors.alma.mapping import User
    from matricula.connectors.kit.protocol import Context, Value, Write, WriteKind
    from matricula.kernel.findings import Finding

USERS = "users"
_TO_READ = f"; {CLEARANCE} is there to be read"
_ALL: frozenset[WriteKind] = frozenset({"create", "update", "suspend", "resume", "delete"})


class AlmaConnector:
    """One Alma. See the README beside this file for what it needs and its traps."""

    Settings: ClassVar[type[BaseModel]] = AlmaSettings

    def __init__(self, settings: AlmaSettings, context: Context) -> None:
        self._settings = settings
        self._system = context.system
        self._wire = Wire(settings)
        self._fields = fields_of(settings.identifiers)
        self._lookup = Lookup(self._wire, settings)
        self._clearance = clearance.Clearance(
            self._wire, self._lookup, self._fields, concurrency=settings.concurrency
        )
        self.capabilities = Capabilities(batch_size=settings.batch_size)

    def describe(self) -> list[ResourceShape]:
        """Describe what our key may do with users today; asks with calls that do nothing.

        Raises:
            TryAgain: It is away. Stop: it refuses us.
        """
        self._wire.may("GET")
        writes = not self._settings.read_only and self._wire.may("POST")
        fields = tuple(
            FieldShape(
                f.name, f.type, writable=writes, required=f.required, max_length=f.characters
            )
            for f in self._fields.values()
        )
        verbs = _ALL if writes else frozenset()
        return [ResourceShape(USERS, fields, ID, writes=verbs), self._clearance.shape()]

    def ping(self) -> Health:
        """Ask whether our key reads users, and writes them unless nothing is. Never raises."""
        reads_only = self._settings.read_only
        try:
            self._wire.may("GET")
            is_enough = reads_only or self._wire.may("POST")
        except ConnectorError as error:
            return Health(well=False, sentence=f"{error.message} {error.cure}")
        if not is_enough:
            return Health(
                well=False,
                sentence="Our key reads users and may not write them. Give it the area Users "
                "with read and write permission in the Developer Network, or say `read_only: "
                "true` where nothing is written.",
            )
        return Health(
            well=True, sentence=f"Our key reads {'' if reads_only else 'and writes '}users."
        )

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read a whole resource, streaming.

        Raises:
            GiveUp: There is no such resource. TryAgain, Stop. Untrusted: it never held still.
        """
        findings: list[Finding] = []
        if resource == CLEARANCE:
            yield Reading(self._clearance.schema, self._clearance.batches(), findings=findings)
            return
        self._must_have(resource)
        yield Reading(self._schema(), self._user_batches(findings), findings=findings)

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up; every answer is checked here.

        Raises:
            GiveUp: No such resource or field, or none that Alma can be asked for. TryAgain, Stop.
        """
        known: Mapping[str, Field] = self._fields
        if resource == CLEARANCE:
            known = self._clearance.recognised_by
        else:
            self._must_have(resource)
        for match in matches:
            self._must_know(resource, [name for name in match if name != "_id"], known)

        def ask(match: Mapping[str, Value]) -> list[Found]:
            return self._found(resource, match)

        try:
            return batches.each(ask, matches, concurrency=self._settings.concurrency)
        except Untrusted as error:
            raise TryAgain(error.message, code=error.code, cure=error.cure) from error

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:  # noqa: ARG002 - a leaver becomes inactive, on no date of ours
        """Do what is intended, a few writes at a time; outcomes in the order of writes.

        Raises:
            GiveUp: No such resource or field. Stop, TryAgain: nothing of it happened.
        """
        self._must_have(resource)
        for write in writes:
            if write.kind not in ("suspend", "delete"):
                self._must_know(resource, [*write.match, *write.fields], self._fields)
        place = users.Place(
            self._wire, self._lookup, self._clearance, self._fields, Claims(), self._settings
        )

        def job(write: Write) -> batches.Job:
            return batches.Job((write.key,), lambda: [_done(place, write)])

        results = batches.run([job(w) for w in writes], concurrency=self._settings.concurrency)
        return [outcome for outcomes in results for outcome in outcomes]

    def close(self) -> None:
        """Let go of connections; the connector may be used again."""
        self._wire.close()

    def _must_have(self, resource: str) -> None:
        if resource != USERS:
            raise no_resource(self._system, resource, [USERS], more=_TO_READ)

    def _must_know(self, resource: str, names: Sequence[str], known: Mapping[str, Field]) -> None:
        cure = "Correct the charter; a type of identifier is named in `identifiers`."
        must_have_fields(f"{self._system}.{resource}", names, known, cure=cure)

    def _found(self, resource: str, match: Mapping[str, Value]) -> list[Found]:
        if asks_for_nobody(match):
            return []
        wanted = {self._fields[name]: v for name, v in match.items() if name != "_id"}
        own = self._fields[ID]
        if "_id" in match:
            if str(wanted.get(own, match["_id"])) != str(match["_id"]):
                return []
            wanted[own] = match["_id"]
        found = self._lookup.find(wanted)
        if resource == CLEARANCE:
            rows = self._clearance.rows(found)
        else:
            rows = [dict(self._row(one, [])) for one in found]
        return [Found.of_row(row) for row in rows]

    def _schema(self) -> pa.Schema:
        columns: list[pa.Field[pa.DataType]] = [
            pa.field("_id", pa.string()),
            pa.field("_suspended", pa.bool_(), metadata={"said_by": STATUS}),
        ]
        columns += [pa.field(f.name, ARROW[f.type]) for f in self._fields.values()]
        return pa.schema(columns)

    def _user_batches(self, findings: list[Finding]) -> Iterator[pa.RecordBatch]:
        schema = self._schema()
        for page in self._lookup.pages():
            rows: list[dict[str, Any]] = [dict(self._row(user, findings)) for user in page]
            for row in rows:
                row["_suspended"] = row[STATUS] == INACTIVE
                for name in ("expiry_date", "birth_date"):
                    row[name] = None if row[name] is None else date.fromisoformat(row[name])
            yield pa.RecordBatch.from_pylist(rows, schema=schema)

    def _row(self, user: User, findings: list[Finding]) -> dict[str, Value]:
        row: dict[str, Value] = {"_id": str(user[ID])}
        for name, field in self._fields.items():
            try:
                row[name] = mapping.read_field(user, field)
            except Misfit as misfit:
                row[name] = None
                place = f"{USERS}, record {user[ID]}, field {name}"
                read_as_absent(findings, place, misfit.why, office="the library")
        return row


def _done(place: users.Place, write: Write) -> Outcome:
    try:
        return users.write_one(place, write)
    except Untrusted as error:
        # What a user has open could not be seen: nothing was deleted.
        raise TryAgain(error.message, code=error.code, cure=error.cure) from error
