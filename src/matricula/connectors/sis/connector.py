"""The register as a connected system: its record is read, what it is told is written.

The same database as everything else of Matricula's, and Django's own connection to it: two
SQLite libraries in one process drop each other's locks (decision 0013). What needs the
database is imported late, for a charter is checked before Django is ready.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.protocol import Capabilities, Found, Health, Outcome, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from matricula.connectors.kit.protocol import Context, ResourceShape, Value, Write
    from matricula.connectors.sis.mapping import Table

BATCH_SIZE = 2_000


class RegisterSettings(BaseModel):
    """What a charter says of the register.

    Attributes:
        policy: Which of the policies that Matricula brings holds here.
    """

    model_config = ConfigDict(extra="forbid")

    policy: Literal["uk", "open"] = "uk"


class RegisterConnector:
    """The register.

    Args:
        settings: See `RegisterSettings`.
        context: The system's name.
    """

    Settings: ClassVar[type[BaseModel]] = RegisterSettings

    def __init__(self, settings: RegisterSettings, context: Context) -> None:
        self.capabilities = Capabilities(batch_size=BATCH_SIZE)
        self._settings = settings
        self._context = context

    def describe(self) -> Sequence[ResourceShape]:
        """Describe the record, and what the register may be told."""
        from matricula.connectors.sis import rows

        return [table.shape() for table in rows.TABLES.values()]

    def ping(self) -> Health:
        """Ask for one row."""
        from django.db import DatabaseError

        from matricula.connectors.sis import rows

        try:
            rows.rows_of(rows.TABLES["programmes"]).exists()
        except DatabaseError:
            return Health(well=False, sentence="The register's database does not answer.")
        return Health(well=True, sentence="The register answers.")

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read a whole resource."""
        from matricula.connectors.sis import rows

        table = self._table(resource)
        # A database that was emptied would lack the hub's links as well: both lie in one.
        yield Reading(table.schema, rows.batches(table), may_be_empty=True)

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up by any of their fields, or by `_id`."""
        from matricula.connectors.sis import rows

        return rows.find(self._table(resource), matches)

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:  # noqa: ARG002 - these tables keep no time of ours
        """Write a batch in one transaction."""
        from matricula.connectors.sis import rows

        table = self._table(resource)
        if table.is_ours and writes:
            raise GiveUp(
                f"{self._context.system}.{resource} is what the register says itself.",
                code="M981",
                cure="Nothing may flow to it: change it by an act, `matricula register`.",
            )
        return rows.write(table, writes)

    def close(self) -> None:
        """Nothing is held open: the connection is Django's."""

    def _table(self, resource: str) -> Table:
        from matricula.connectors.sis import rows

        if resource not in rows.TABLES:
            raise GiveUp(
                f"The register has no resource {resource}.", code="M981",
                cure=f"Use one of {', '.join(rows.TABLES)}.",
            )  # fmt: skip
        return rows.TABLES[resource]
