"""Koha as a connector: patrons to read and write, and their clearance to read.

Patrons are kept by the library's own permission system; whatever our account lacks is named.
Look-ups are checked on our side; writes are sent a few at a time, each with an outcome of its
own.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from matricula.connectors.kit import batches
from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.clearance import NAME as CLEARANCE
from matricula.connectors.kit.errors import ConnectorError, GiveUp, TryAgain, Untrusted
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
from matricula.connectors.koha import clearance, mapping, patrons
from matricula.connectors.koha.fields import ARROW, CARD, EXPIRY, fields_of
from matricula.connectors.koha.lookup import ID, Lookup
from matricula.connectors.koha.settings import KohaSettings
from matricula.connectors.koha.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pydantic import BaseModel

    from matricula.connectors.kit.protocol import Context, Value, Write, WriteKind
    from matricula.connectors.koha.fields import Field
    from matricula.connectors.koha.mapping import Patron
    from matricula.kernel.findings import Finding

PATRONS = "patrons"
_TO_READ = f"; {CLEARANCE} is there to be read"


class KohaConnector:
    """One Koha. See the README beside this file for what it needs and its traps."""

    Settings: ClassVar[type[BaseModel]] = KohaSettings

    def __init__(self, settings: KohaSettings, context: Context) -> None:
        self._settings = settings
        self._system = context.system
        self._wire = Wire(settings)
        self._fields = fields_of(settings.attributes)
        self._lookup = Lookup(self._wire, settings)
        self._clearance = clearance.Clearance(self._wire, self._lookup, self._fields, settings)
        self.capabilities = Capabilities(batch_size=settings.batch_size)

    def describe(self) -> list[ResourceShape]:
        """Describe what our account may do with patrons and their clearance today.

        Raises:
            TryAgain: It is away. Stop: it refuses us.
        """
        lacking = {
            use: self._wire.lacking(use)
            for use in ("reading", "create", "update", "deletion", self._use("clearance"))
        }
        verbs: set[WriteKind] = set()
        if not lacking["create"]:
            verbs |= {"create"}
        if not lacking["update"]:
            verbs |= {"update", "suspend", "resume"}
        if not lacking["deletion"]:
            verbs |= {"delete"}
        readable = not lacking["reading"]
        shape = ResourceShape(
            PATRONS,
            tuple(
                FieldShape(
                    f.name, f.type, writable=f.writable and bool(verbs & {"create", "update"}),
                    required=f.required, max_length=f.characters,
                )
                for f in self._fields.values()
            ),
            readable=readable,
            writes=frozenset(verbs),
        )  # fmt: skip
        may_clear = readable and not lacking[self._use("clearance")]
        return [shape, self._clearance.shape(readable=may_clear)]

    def ping(self) -> Health:
        """Ask whether it lets us do what the charter uses it for. Never raises."""
        try:
            lacking = {use: self._wire.lacking(use) for use in self._used()}
        except ConnectorError as error:
            return Health(well=False, sentence=f"{error.message} {error.cure}")
        named = {name: use for use, names in lacking.items() for name in names}
        if named:
            said = ", ".join(f"{name} (for {use})" for name, use in named.items())
            return Health(
                well=False,
                sentence=f"Koha lets us in, and our account lacks {said}. Have the library grant "
                "it, or say in `uses` that it is not needed.",
            )
        return Health(well=True, sentence=f"Koha lets us in for {', '.join(self._settings.uses)}.")

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read a whole resource, streaming.

        Raises:
            GiveUp: There is no such resource. TryAgain, Stop. Untrusted: it is not in order.
        """
        findings: list[Finding] = []
        if resource == CLEARANCE:
            yield Reading(self._clearance.schema, self._clearance.batches(), findings=findings)
            return
        self._must_have(resource)
        yield Reading(self._schema(), self._patron_batches(findings), findings=findings)

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up; every answer is checked here, whatever Koha finds.

        Raises:
            GiveUp: No such resource or field. TryAgain, Stop.
        """
        if resource == CLEARANCE:
            known: Mapping[str, Field] = self._clearance.recognised_by
        else:
            self._must_have(resource)
            known = self._fields
        for match in matches:
            self._must_know(resource, [name for name in match if name != "_id"], known)
        found = self._patrons_found(matches)
        try:
            return self._shown(resource, found)
        except Untrusted as error:
            raise TryAgain(error.message, code=error.code, cure=error.cure) from error

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:
        """Do what is intended, a few writes at a time; outcomes in the order of writes.

        Raises:
            GiveUp: No such resource or field, or one that is the library's alone. Stop,
                TryAgain: nothing of it happened.
        """
        self._must_have(resource)
        for write in writes:
            if write.kind not in ("suspend", "delete"):
                self._must_know(resource, list(write.match), self._fields)
                self._must_know(resource, list(write.fields), self._fields)
                self._must_be_ours([*write.fields])
        place = patrons.Place(
            self._wire, self._lookup, self._fields, Claims(), at.date(),
            self._settings.resumed_days, self._looked_up(writes),
        )  # fmt: skip

        concurrency = self._settings.concurrency
        jobs = patrons.jobs(place, writes, concurrency=concurrency)
        results = batches.run(jobs, concurrency=concurrency)
        return [outcome for outcomes in results for outcome in outcomes]

    def _use(self, use: str) -> str:
        # Of a listing that says everything nothing more is asked.
        by_listing = use == "clearance" and self._settings.clearance_by == "listing"
        return "reading" if by_listing else use

    def _used(self) -> list[str]:
        return list(dict.fromkeys(["reading", *map(self._use, self._settings.uses)]))

    def _looked_up(self, writes: Sequence[Write]) -> dict[str, Patron | None]:
        """Look up at once who has the card numbers that a batch would give to new patrons."""
        cards = [
            str(one.match[CARD])
            for one in writes
            if one.kind == "create" and set(one.match) == {CARD}
        ]
        cards = [card for card in dict.fromkeys(cards) if _can_be(self._fields, card)]
        found = self._lookup.by_cards(cards, everywhere=True)
        return {card: found.get(card) for card in cards}

    def close(self) -> None:
        """Let go of connections; the connector may be used again."""
        self._wire.close()

    def _must_have(self, resource: str) -> None:
        if resource != PATRONS:
            raise no_resource(self._system, resource, [PATRONS], more=_TO_READ)

    def _must_know(self, resource: str, names: Sequence[str], known: Mapping[str, Field]) -> None:
        cure = "Correct the charter; `matricula check --live` lists the fields it has, and an "
        cure += "extended attribute is named in the settings' `attributes`."
        must_have_fields(f"{self._system}.{resource}", names, known, cure=cure)

    def _must_be_ours(self, names: Sequence[str]) -> None:
        theirs = sorted({name for name in names if not self._fields[name].writable})
        if theirs:
            raise GiveUp(
                f"{', '.join(theirs)} of {self._system}.{PATRONS} is the library's alone.",
                code="M603",
                cure="Take the field out of the flow.",
            )

    def _schema(self) -> pa.Schema:
        columns: list[pa.Field[pa.DataType]] = [
            pa.field("_id", pa.string()),
            pa.field("_suspended", pa.bool_(), metadata={"said_by": EXPIRY}),
        ]
        columns += [pa.field(f.name, ARROW[f.type]) for f in self._fields.values()]
        return pa.schema(columns)

    def _patron_batches(self, findings: list[Finding]) -> Iterator[pa.RecordBatch]:
        schema = self._schema()

        def odd(patron: Patron, misfit: Misfit) -> None:
            place = f"{PATRONS}, record {patron[ID]}, field {misfit.field}"
            read_as_absent(findings, place, misfit.why, office="the library")

        for page, day in self._lookup.pages():
            columns = {n: mapping.column(page, field, odd) for n, field in self._fields.items()}
            columns["_id"] = [str(one[ID]) for one in page]
            columns["_suspended"] = [
                None if day is None else mapping.is_past(one, day) for one in page
            ]
            yield pa.RecordBatch.from_pydict(columns, schema=schema)

    def _row(self, patron: Patron) -> dict[str, Value]:
        row: dict[str, Value] = {"_id": str(patron[ID])}
        for name, field in self._fields.items():
            try:
                row[name] = mapping.read_field(patron, field)
            except Misfit:
                row[name] = None
        return row

    def _patrons_found(self, matches: Sequence[Mapping[str, Value]]) -> list[list[Patron]]:
        """Look patrons up; those asked for by card number alone, many at once."""
        cards = [str(match[CARD]) for match in matches if set(match) == {CARD}]
        wanted = [card for card in dict.fromkeys(cards) if card and _can_be(self._fields, card)]
        by_card = self._lookup.by_cards(wanted)

        def ask(match: Mapping[str, Value]) -> list[Patron]:
            if asks_for_nobody(match):
                return []
            if set(match) == {CARD}:
                found = by_card.get(str(match[CARD]))
                return [found] if found else []
            fields = {self._fields[name]: v for name, v in match.items() if name != "_id"}
            if "_id" not in match:
                return self._lookup.by_fields(fields)
            return self._lookup.by_id(str(match["_id"]), fields)

        return batches.each(ask, matches, concurrency=self._settings.concurrency)

    def _shown(self, resource: str, found: list[list[Patron]]) -> list[list[Found]]:
        if resource == CLEARANCE:
            ids = list(dict.fromkeys(str(one[ID]) for some in found for one in some))
            # An address of a single patron does not say what is on loan; a listing does.
            rows = self._clearance.rows(*self._lookup.with_counts(ids))
        else:
            patrons_ = {str(one[ID]): one for some in found for one in some}
            rows = [dict(self._row(one)) for one in patrons_.values()]
        by_id = {str(row["_id"]): row for row in rows}
        return [
            [Found.of_row(by_id[str(one[ID])]) for one in some if str(one[ID]) in by_id]
            for some in found
        ]


def _can_be(fields: Mapping[str, Field], card: str) -> bool:
    try:
        return mapping.canonical(fields[CARD], card) == card
    except Misfit:
        return False
