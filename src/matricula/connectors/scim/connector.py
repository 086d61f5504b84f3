"""SCIM 2.0 as a connector: accounts, groups and memberships of any identity provider.

Reads are believed only when the listing held still; look-ups are checked on our side;
writes are sent a few at a time, each with an outcome of its own.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, ClassVar

from matricula.connectors.kit import batches
from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.errors import ConnectorError, GiveUp
from matricula.connectors.kit.protocol import (
    Capabilities,
    Found,
    Health,
    Outcome,
    Reading,
    asks_for_nobody,
)
from matricula.connectors.scim import accounts, examine, mapping, memberships, rounds, tables
from matricula.connectors.scim.calls import Place
from matricula.connectors.scim.dialects import Dialects
from matricula.connectors.scim.listing import BadQuery, Listing
from matricula.connectors.scim.lookup import Lookup
from matricula.connectors.scim.service import Service, service_of
from matricula.connectors.scim.settings import ScimSettings
from matricula.connectors.scim.wire import Endpoint, NotAllowed, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa
    from pydantic import BaseModel

    from matricula.connectors.kit.protocol import Context, ResourceShape, Value, Write
    from matricula.connectors.kit.scim.attributes import Attribute
    from matricula.connectors.scim.calls import Task
    from matricula.connectors.scim.mapping import Record
    from matricula.connectors.scim.service import Kind
    from matricula.kernel.findings import Finding

_BAD_QUERY = 400


class ScimConnector:
    """One SCIM server. See the README beside this file for what it needs and its traps."""

    Settings: ClassVar[type[BaseModel]] = ScimSettings

    def __init__(self, settings: ScimSettings, context: Context) -> None:
        self._settings = settings
        self._system = context.system
        self._wire = Wire(settings)
        self._service: Service | None = None
        self.capabilities = Capabilities(batch_size=settings.batch_size)

    def describe(self) -> list[ResourceShape]:
        """Describe what the server has today; asks it anew every time.

        Raises:
            TryAgain: It is away. Stop: it refuses us. GiveUp: it does not speak SCIM.
        """
        self._service = self._asked()
        return self._shapes(self._service)

    def ping(self) -> Health:
        """Ask for its description and one record of each kind. Never raises.

        What the credential may not do of several things, `lacking` tells one by one.
        """
        try:
            service = service_of(self._wire)
            for kind in service.kinds.values():
                with suppress(NotAllowed):
                    Listing(
                        Endpoint(self._wire, kind.path), {}, min(self._settings.page_size, 1)
                    ).first()
        except ConnectorError as error:
            return Health(well=False, sentence=f"{error.message} {error.cure}")
        return Health(well=True, sentence=f"It speaks SCIM and has {', '.join(service.kinds)}.")

    def lacking(self) -> list[Finding]:
        """Say what the server does not offer and what it refuses us; writes nothing.

        Raises:
            TryAgain: It is away. Stop: It refuses us altogether.
        """
        return list(examine.what_is_lacking(self._wire, self._asked()))

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read a whole resource. A listing that moves is read again before a row is given.

        Raises:
            GiveUp: There is no such resource. TryAgain, Stop. Untrusted: it never held still.
        """
        findings: list[Finding] = []
        if resource == tables.MEMBERSHIPS:
            kind = self._kind_of_groups()
            query = {"attributes": "members"}
            pages = self._listed(kind, query, tables.membership_batch)
            schema = tables.MEMBERSHIP_SCHEMA
        else:
            kind = self._kind(resource)
            schema = tables.schema_of(kind)
            pages = self._listed(
                kind, {}, lambda page: tables.batch_of(kind, schema, page, findings)
            )
        yield Reading(schema, iter(pages), findings=findings)

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up; every answer is checked here, whatever the server filters.

        Raises:
            GiveUp: No such resource or field. TryAgain, Stop.
        """
        if resource == tables.MEMBERSHIPS:
            return self._find_memberships(matches)
        kind = self._kind(resource)
        for match in matches:
            self._must_know(kind, [name for name in match if name != "_id"])
        lookup = self._lookup(kind)
        lookup.prepare([_wanted(kind, match) for match in matches if "_id" not in match])

        def ask(match: Mapping[str, Value]) -> list[Found]:
            return _found(kind, lookup, match)

        return batches.each(ask, matches, concurrency=self._settings.concurrency)

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:  # noqa: ARG002 - SCIM records carry no date of ours
        """Do what is intended, a few writes at a time; outcomes in the order of writes.

        Raises:
            GiveUp: No such resource or field. Stop, TryAgain: nothing of it happened.
        """
        if not writes:
            return []
        if resource == tables.MEMBERSHIPS:
            place, tasks = self._membership_tasks(writes)
        else:
            place, tasks = self._account_tasks(self._kind(resource), writes)
        several = len(tasks) > 1 and place.service.bulk is not None
        drive = rounds.in_step if several else rounds.one_by_one
        outcomes = drive(place, tasks, concurrency=self._settings.concurrency)
        by_key = {outcome.key: outcome for outcome in outcomes}
        return [by_key[write.key] for write in writes]

    def close(self) -> None:
        """Let go of connections; the connector may be used again."""
        self._wire.close()

    def _account_tasks(self, kind: Kind, writes: Sequence[Write]) -> tuple[Place, list[Task]]:
        possible = tables.shape_of(kind).writes
        for write in writes:
            if write.kind not in possible:
                raise _no_verb(kind.name, write.kind)
            if write.kind not in ("suspend", "delete"):
                self._must_know(kind, list(write.match))
                self._must_know(kind, list(write.fields), writing=True)
        place = self._place(kind)
        return place, accounts.tasks(place, writes)

    def _membership_tasks(self, writes: Sequence[Write]) -> tuple[Place, list[Task]]:
        kind = self._kind_of_groups()
        for write in writes:
            if write.kind not in ("create", "delete"):
                raise _no_verb(tables.MEMBERSHIPS, write.kind)
            unknown = sorted({*write.fields, *write.match} - set(memberships.FIELDS))
            if unknown:
                raise _no_field(self._system, tables.MEMBERSHIPS, unknown)
        place = self._place(kind)
        return place, memberships.tasks(place, writes)

    def _shapes(self, service: Service) -> list[ResourceShape]:
        shapes = [tables.shape_of(kind) for kind in service.kinds.values()]
        if self._groups(service) is not None:
            shapes.append(tables.membership_shape())
        return shapes

    def _known(self) -> Service:
        if self._service is None:
            self._service = self._asked()
        return self._service

    def _asked(self) -> Service:
        """Ask the server what it is, and lay over it what the charter says."""
        service = service_of(self._wire)
        service.dialects = Dialects(self._settings.patch)
        service.patches = service.patches and self._settings.patch != "put"
        service.bulk = service.bulk if self._settings.bulk else None
        return service

    def _kind(self, resource: str) -> Kind:
        kinds = self._known().kinds
        if resource not in kinds:
            named = [one.name for one in self._shapes(self._known())]
            raise GiveUp(
                f"{self._system} has no resource {resource}.",
                code="M602",
                cure=f"Use one of {', '.join(named)}.",
            )
        return kinds[resource]

    def _groups(self, service: Service) -> Kind | None:
        return next((one for one in service.kinds.values() if "members" in one.fields), None)

    def _kind_of_groups(self) -> Kind:
        kind = self._groups(self._known())
        return kind if kind is not None else self._kind(tables.MEMBERSHIPS)

    def _must_know(self, kind: Kind, names: Sequence[str], *, writing: bool = False) -> None:
        unknown = sorted({name for name in names if name not in kind.fields})
        if unknown:
            raise _no_field(self._system, kind.name, unknown)
        fixed = sorted({name for name in names if writing and not kind.fields[name].writable})
        if fixed:
            raise GiveUp(
                f"{self._system}.{kind.name} keeps {', '.join(fixed)} to itself.",
                code="M603",
                cure="Take the field out of the flow; only the server writes it.",
            )

    def _lookup(self, kind: Kind) -> Lookup:
        return Lookup(
            Endpoint(self._wire, kind.path),
            kind,
            self._known(),
            size=self._page_size(),
            concurrency=self._settings.concurrency,
        )

    def _place(self, kind: Kind) -> Place:
        endpoint = Endpoint(self._wire, kind.path)
        return Place(endpoint, kind, self._known(), self._lookup(kind), Claims())

    def _page_size(self) -> int:
        limit = self._known().page_limit
        return min(self._settings.page_size, limit) if limit else self._settings.page_size

    def _listed(
        self, kind: Kind, query: Mapping[str, str], take: Callable[[list[Record]], pa.RecordBatch]
    ) -> list[pa.RecordBatch]:
        service = self._known()
        endpoint = Endpoint(self._wire, kind.path)
        order = {"sortBy": "id"} if service.sorts and not service.cursors else {}
        size = self._page_size()
        try:
            return Listing(endpoint, {**query, **order}, size, service.cursors).read(take)
        except BadQuery as refusal:
            # Some servers sort, but not by id. Their own order has to hold still then.
            if not order or refusal.status != _BAD_QUERY:
                raise
        return Listing(endpoint, query, size, service.cursors).read(take)

    def _find_memberships(self, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        for match in matches:
            unknown = sorted(set(match) - {"_id", *memberships.FIELDS})
            if unknown:
                raise _no_field(self._system, tables.MEMBERSHIPS, unknown)
        lookup = self._lookup(self._kind_of_groups())

        def ask(match: Mapping[str, Value]) -> list[Found]:
            return [
                Found(row["_id"], {name: row[name] for name in memberships.FIELDS})
                for row in memberships.matching(lookup, match)
            ]

        return batches.each(ask, matches, concurrency=self._settings.concurrency)


def _found(kind: Kind, lookup: Lookup, match: Mapping[str, Value]) -> list[Found]:
    if asks_for_nobody(match):
        return []
    wanted = _wanted(kind, match)
    if "_id" in match:
        record = lookup.by_id(str(match["_id"]))
        records = [record] if record is not None and mapping.holds(record, wanted) else []
    else:
        records = lookup.by_fields(wanted)
    rows = [tables.row_of(kind, record)[0] for record in records]
    return [Found(str(row.pop("_id")), row) for row in rows]


def _wanted(kind: Kind, match: Mapping[str, Value]) -> dict[Attribute, Value]:
    return {kind.fields[name]: value for name, value in match.items() if name != "_id"}


def _no_field(system: str, resource: str, names: Sequence[str]) -> GiveUp:
    return GiveUp(
        f"{system}.{resource} has no field {', '.join(names)}.",
        code="M603",
        cure="Correct the charter; `matricula check --live` lists the fields it has.",
    )


def _no_verb(resource: str, verb: str) -> GiveUp:
    return GiveUp(
        f"A record of {resource} cannot take: {verb}.",
        code="M607",
        cure="Write `on_exit: delete` or `on_exit: leave` in the flow.",
    )
