"""A provider of rosters over OneRoster REST: read whole, looked up in, never written."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pyarrow as pa

from matricula.connectors.kit.errors import ConnectorError, GiveUp
from matricula.connectors.kit.oneroster import rules
from matricula.connectors.kit.oneroster.objects import rest_tables
from matricula.connectors.kit.oneroster.tables import KEY, LEFT
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
from matricula.connectors.oneroster import mapping
from matricula.connectors.oneroster.listing import Listing
from matricula.connectors.oneroster.mapping import ROLES, USERS
from matricula.connectors.oneroster.settings import OneRosterSettings
from matricula.connectors.oneroster.wire import Wire
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from matricula.connectors.kit.protocol import Context, Value, Write
    from matricula.connectors.oneroster.mapping import Record, Row

_ROSTER = ("orgs", "academicSessions", "courses", "classes", USERS, "enrollments")
_GRADEBOOK = ("categories", "lineItems", "results")
_BATCH_ROWS = 20_000
Taken = TypeVar("Taken")


class OneRosterConnector:
    """A provider of rosters over OneRoster 1.1 or 1.2 REST.

    Args:
        settings: Where it is, which version it speaks, and how it lets us in.
        context: The system's name.
    """

    Settings: ClassVar[type[OneRosterSettings]] = OneRosterSettings

    def __init__(self, settings: OneRosterSettings, context: Context) -> None:
        self.capabilities = Capabilities()
        self._settings = settings
        self._system = context.system
        self._wire = Wire(settings)

    def describe(self) -> list[ResourceShape]:
        """Describe what the provider offers and our client may read, by asking for it."""
        found = []
        for name in self._names():
            try:
                self._wire.page(USERS if name == ROLES else name, {"limit": 1})
            except GiveUp as error:
                if error.code != "M602":
                    raise
                continue
            found.append(self._shape(name))
        return found

    def ping(self) -> Health:
        """Ask for one record of everything that is read, and name what we may not read."""
        try:
            offered = [shape.name for shape in self.describe()]
        except ConnectorError as error:
            return Health(well=False, sentence=f"{error.message} {error.cure}")
        lacking = [name for name in self._names() if name not in offered]
        more = f" It does not offer {', '.join(lacking)}." if lacking else ""
        return Health(well=True, sentence=f"The provider lists {', '.join(offered)}.{more}")

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read a whole listing; nothing of one that moved or was cut."""
        self._must_have(resource)
        table, findings = self._read(resource)
        batches = iter(table.to_batches(max_chunksize=_BATCH_ROWS))
        yield Reading(table.schema, batches, findings=findings)

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up, one by one; where the provider cannot be asked, in a whole listing."""
        self._must_have(resource)
        known = {"_id", *mapping.fields_of(resource, self._metadata(resource))}
        named = {name for match in matches for name in match}
        must_have_fields(f"{self._system}.{resource}", named, known)
        whole: list[tuple[str, Row]] | None = None
        found: list[list[Found]] = []
        for match in matches:
            rows = None if asks_for_nobody(match) else self._asked(resource, match)
            if rows is None and not asks_for_nobody(match):
                whole = self._whole(resource) if whole is None else whole
                rows = whole
            found.append(
                [Found(one, dict(row)) for one, row in rows or () if _holds(one, row, match)]
            )
        return found

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:
        """Refuse: a provider's roster is its own.

        Raises:
            GiveUp: Always, when there is anything to write (M602, M607).
        """
        del at
        self._must_have(resource)
        if not writes:
            return []
        raise GiveUp(
            f"{self._system}.{resource} is read, and never written.", code="M607",
            cure="Point the flow at another system; this one is a source.",
        )  # fmt: skip

    def close(self) -> None:
        """Let go of connections; the connector may be used again."""
        self._wire.close()

    def _names(self) -> tuple[str, ...]:
        more = ("demographics",) if self._settings.demographics else ()
        graded = _GRADEBOOK if self._settings.gradebook_url else ()
        return (*_ROSTER, ROLES, *more, *graded)

    def _metadata(self, resource: str) -> tuple[str, ...]:
        return self._settings.metadata.get(resource, ())

    def _must_have(self, resource: str) -> None:
        if resource not in self._names():
            more = "; `demographics: true` and `gradebook_url:` add more"
            raise no_resource(self._system, resource, self._names(), more=more)

    def _shape(self, resource: str) -> ResourceShape:
        fields = tuple(
            FieldShape(name, writable=False)
            for name in mapping.fields_of(resource, self._metadata(resource))
        )
        return ResourceShape(resource, fields, id_field="" if resource == ROLES else KEY)

    def _read(self, resource: str) -> tuple[pa.Table, list[Finding]]:
        schema = self._schema(resource)
        parts, oddities = self._listed(
            resource, lambda records: self._part(resource, schema, records)
        )
        table = pa.Table.from_batches(parts, schema)
        findings = [
            Finding(f"{self._system}.{resource}", "M435", f"{resource}: {one}.",
                    "Have the provider's office report it to its maker.", "warning")
            for one in oddities
        ]  # fmt: skip
        return table, [*findings, *self._breaches(resource, table)]

    def _schema(self, resource: str) -> pa.Schema:
        columns: list[pa.Field[pa.DataType]] = [pa.field("_id", pa.string())]
        if resource == USERS:
            said = {"said_by": "enabledUser"}
            columns.append(pa.field("_suspended", pa.bool_(), metadata=said))
        names = mapping.fields_of(resource, self._metadata(resource))
        return pa.schema([*columns, *(pa.field(name, pa.string()) for name in names)])

    def _breaches(self, resource: str, table: pa.Table) -> Iterator[Finding]:
        if resource == ROLES:
            return
        spec = rest_tables()[resource]
        own = table.select([one.name for one in spec.columns if one.name in table.column_names])
        for one in rules.column_findings(own, spec):
            yield Finding(
                f"{self._system}.{one.place}", one.code, one.message, one.cure, "warning"
            )

    def _listed(
        self, resource: str, take: Callable[[list[Record]], Taken]
    ) -> tuple[list[Taken], list[str]]:
        """Read a listing, page by page without what has left, and what was odd."""
        gone = 0

        def taken(records: list[Record]) -> Taken:
            nonlocal gone
            kept = [one for one in records if one.get("status") != LEFT]
            gone += len(records) - len(kept)
            return take(kept)

        settings = self._settings
        listing = Listing(
            self._wire, USERS if resource == ROLES else resource, settings.page_size,
            settings.concurrency,
        )  # fmt: skip
        parts = listing.read(taken)
        oddities = list(listing.oddities)
        if gone:
            oddities.append(f"{gone} records are marked {LEFT} and were left out")
        return parts, oddities

    def _part(self, resource: str, schema: pa.Schema, records: Sequence[Record]) -> pa.RecordBatch:
        """Write records as a batch: texts, but for what tells whether somebody is suspended."""
        if resource == ROLES:
            rows = self._with_ids(resource, records)
            columns: dict[str, list[Any]] = {
                name: [row.get(name) for _, row in rows] for name in schema.names
            }
            columns["_id"] = [one for one, _ in rows]
        else:
            columns = {**mapping.columns_of(resource, records, self._metadata(resource))}
            columns["_id"] = columns[KEY]
        if resource == USERS:
            columns["_suspended"] = [
                (one or "").lower() == "false" for one in columns["enabledUser"]
            ]
        return pa.RecordBatch.from_pydict(columns, schema=schema)

    def _with_ids(self, resource: str, records: Sequence[Record]) -> list[tuple[str, Row]]:
        if resource == ROLES:
            roles = (row for one in records for row in mapping.roles_of(one))
            return list({mapping.role_id(row): row for row in roles}.items())
        rows = mapping.rows_of(resource, records, self._metadata(resource))
        return [(str(row[KEY]), row) for row in rows]

    def _whole(self, resource: str) -> list[tuple[str, Row]]:
        parts, _ = self._listed(resource, lambda some: self._with_ids(resource, some))
        return [row for part in parts for row in part]

    def _asked(self, resource: str, match: Mapping[str, Value]) -> list[tuple[str, Row]] | None:
        """Ask the provider for what a mapping names; None where it has to be looked for."""
        if resource == ROLES:
            return None
        identifier = match.get("_id", match.get(KEY))
        if identifier is not None:
            record = self._wire.one(resource, str(identifier))
            alive = record is not None and record.get("status") != LEFT
            return self._with_ids(resource, [record]) if record is not None and alive else []
        field, value = next(iter(match.items()), ("", ""))
        name = mapping.property_of(resource, field) if field else ""
        if not name or "'" in str(value):
            return None
        try:
            page = self._wire.page(resource, {"filter": f"{name}='{value}'", "limit": 100})
        except GiveUp:
            # Some do not filter, or not by this field.
            return None
        rows = self._with_ids(resource, [one for one in page.records if one.get("status") != LEFT])
        # Others ignore a filter and answer with everybody.
        obeyed = all(_holds(one, row, {field: value}) for one, row in rows)
        whole = page.total is not None and page.total <= len(page.records)
        return rows if obeyed and whole else None


def _holds(identifier: str, row: Row, match: Mapping[str, Value]) -> bool:
    return all(
        (identifier if name == "_id" else row.get(name)) == _as_text(value)
        for name, value in match.items()
    )


def _as_text(value: Value) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
