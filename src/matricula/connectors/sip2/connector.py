"""SIP2 as a connector: it reads what people still have from a library, and writes nothing.

The protocol lists nobody. A whole reading asks, one after the other, about the people whom the
settings name; a look-up asks about whom it is given.
"""

from __future__ import annotations

from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from matricula.connectors.kit.errors import ConnectorError, GiveUp
from matricula.connectors.kit.protocol import (
    Capabilities,
    FieldShape,
    Found,
    Health,
    Reading,
    ResourceShape,
    asks_for_nobody,
)
from matricula.connectors.kit.refuse import must_have_fields, no_resource
from matricula.connectors.sip2 import messages, patrons
from matricula.connectors.sip2.line import Line
from matricula.connectors.sip2.settings import Sip2Settings
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pydantic import BaseModel

    from matricula.connectors.kit.protocol import Context, NativeType, Outcome, Value, Write

CLEARANCE = "clearance"
CARD = "cardnumber"
_FIELDS: Sequence[tuple[str, NativeType, pa.DataType]] = (
    (CARD, "text", pa.string()),
    ("loans", "integer", pa.int64()),
    ("overdue", "integer", pa.int64()),
    ("holds", "integer", pa.int64()),
    ("owed", "decimal", pa.decimal128(14, 4)),
    ("currency", "text", pa.string()),
    ("access", "text", pa.string()),
)
_NAMES = [name for name, _, _ in _FIELDS]
SCHEMA = pa.schema([("_id", pa.string()), *((name, kind) for name, _, kind in _FIELDS)])
_ROWS = 500
_Row = dict[str, "str | int | Decimal | None"]


class Sip2Connector:
    """One library behind SIP2. See the README beside this file for what it needs and its traps."""

    Settings: ClassVar[type[BaseModel]] = Sip2Settings

    def __init__(self, settings: Sip2Settings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._line = Line(settings)
        self.capabilities = Capabilities()

    def describe(self) -> list[ResourceShape]:
        """Describe the one resource there is; nothing of it can be written.

        Raises:
            TryAgain: It is away. Stop: it does not let us in. GiveUp: it says it is not well.
        """
        complaint = self._line.complaint()
        if complaint:
            raise GiveUp(
                f"The library cannot be asked: {complaint}.",
                code="M615",
                cure="Have the library look at its SIP2 service.",
            )
        fields = tuple(FieldShape(name, native, writable=False) for name, native, _ in _FIELDS)
        named = bool(self._settings.patrons or self._settings.patrons_file)
        return [ResourceShape(CLEARANCE, fields, id_field=CARD, readable=named)]

    def ping(self) -> Health:
        """Ask whether it lets us in and answers questions about people. Never raises."""
        try:
            complaint = self._line.complaint()
        except ConnectorError as error:
            return Health(well=False, sentence=f"{error.message} {error.cure}")
        if complaint:
            return Health(well=False, sentence=f"The library cannot be asked: {complaint}.")
        return Health(well=True, sentence="The library lets us in and answers.")

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Ask about everybody whom the settings name, streaming.

        Whom the library does not know has no row; how many they are is a finding.

        Raises:
            GiveUp: There is no such resource, or nobody is named (M735). Untrusted: the list of
                people is broken. TryAgain, Stop.
        """
        self._must_have(resource)
        asked = patrons.cards(self._settings, self._context)
        findings: list[Finding] = []
        yield Reading(
            SCHEMA,
            self._batches(asked, findings),
            may_be_empty=self._settings.may_be_empty,
            findings=findings,
        )

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Ask about people by card number (or `_id`, which is the same).

        Raises:
            GiveUp: No such resource or field, or no card number. TryAgain, Stop.
        """
        self._must_have(resource)
        for match in matches:
            has = f"It has {', '.join(_NAMES)}."
            place = f"{self._context.system}.{resource}"
            must_have_fields(place, match, ("_id", *_NAMES), cure=has)
            if not {"_id", CARD} & set(match):
                raise GiveUp(
                    "SIP2 finds people by their card number and by nothing else.",
                    code="M607",
                    cure=f"Match on {CARD}.",
                )
        return [self._found(match) for match in matches]

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:  # noqa: ARG002 - nothing is ever written
        """Refuse: what SIP2 writes is the library's own business (M607).

        Raises:
            GiveUp: Always, unless there is nothing to write.
        """
        self._must_have(resource)
        if not writes:
            return []
        raise GiveUp(
            f"{self._context.system}.{resource} is there to be read.",
            code="M607",
            cure="Write patrons through the library system's own connector.",
        )

    def close(self) -> None:
        """Hang up; the connector may be used again."""
        self._line.close()

    def _must_have(self, resource: str) -> None:
        if resource != CLEARANCE:
            raise no_resource(self._context.system, resource, [CLEARANCE])

    def _batches(self, asked: list[str], findings: list[Finding]) -> Iterator[pa.RecordBatch]:
        unknown = 0
        for start in range(0, len(asked), _ROWS):
            some = asked[start : start + _ROWS]
            rows = [row for card in some if (row := self._row(card)) is not None]
            unknown += len(some) - len(rows)
            yield pa.RecordBatch.from_pylist(rows, schema=SCHEMA)
        if unknown:
            findings.append(_nobody(self._context.system, unknown, len(asked)))

    def _found(self, match: Mapping[str, Value]) -> list[Found]:
        cards = {str(match[name]) for name in ("_id", CARD) if name in match}
        if asks_for_nobody(match) or len(cards) != 1:
            return []
        row = self._row(cards.pop())
        if row is None:
            return []
        fields = {name: _value(row[name]) for name in _NAMES}
        wanted = {name: value for name, value in match.items() if name != "_id"}
        if any(str(fields[name]) != str(value) for name, value in wanted.items()):
            return []
        return [Found(str(row["_id"]), fields)]

    def _row(self, card: str) -> _Row | None:
        """Ask about one person; None where the library does not know them."""
        if not messages.can_be_said(card, self._settings.encoding):
            return None
        told = self._line.ask(card)
        # Some systems take a card number they do not know for a login, and speak of its owner.
        if not told.is_known or told.card != card:
            return None
        return {
            "_id": card,
            CARD: card,
            "loans": told.loans,
            "overdue": told.overdue,
            "holds": told.holds,
            "owed": told.owed,
            "currency": told.currency or None,
            "access": "open" if told.may_borrow else "blocked",
        }


def _value(found: str | int | Decimal | None) -> Value:
    return f"{found.normalize():f}" if isinstance(found, Decimal) else found


def _nobody(system: str, unknown: int, asked: int) -> Finding:
    return Finding(
        place=f"{system}.{CLEARANCE}",
        code="M435",
        message=f"The library does not know {unknown} of the {asked} people asked about, by the "
        "card numbers of the list.",
        cure="Nothing, if they have no account there; otherwise see that both write the same "
        "number.",
        severity="warning",
    )
