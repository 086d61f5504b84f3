"""What our account may do with a table, asked of the database itself.

PostgreSQL alone says it in a form that means one thing; elsewhere the first refusal tells.

Source: PostgreSQL, "Access Privilege Inquiry Functions".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.sql.statements import needed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.kit.protocol import WriteKind
    from matricula.connectors.sql.tables import Mirror

# What is granted for a table holds for its columns. An identity numbers without a right.
_ASK = sa.text("""
    SELECT attname,
        has_column_privilege(attrelid, attnum, 'SELECT'),
        has_column_privilege(attrelid, attnum, 'INSERT'),
        has_column_privilege(attrelid, attnum, 'UPDATE'),
        has_table_privilege(attrelid, 'DELETE'),
        sequence IS NULL OR attidentity <> '' OR has_sequence_privilege(sequence, 'USAGE')
    FROM pg_attribute,
        pg_get_serial_sequence(CAST(CAST(attrelid AS regclass) AS text), attname) AS sequence
    WHERE attrelid = CAST(:table AS regclass) AND attnum > 0 AND NOT attisdropped
""")


@dataclass(frozen=True, slots=True)
class Rights:
    """What our account lacks.

    Attributes:
        reading: Rights without which the resource cannot be read.
        writing: Rights to write, each with the verbs that it is for.
    """

    reading: tuple[str, ...] = ()
    writing: Mapping[str, frozenset[WriteKind]] = field(default_factory=dict)

    def must_read(self, name: str) -> None:
        """Make sure that a resource can be read.

        Raises:
            GiveUp: It cannot (M613).
        """
        if self.reading:
            raise GiveUp(
                f"{name}: the account lacks {', '.join(self.reading)}.",
                code="M613",
                cure="Have it granted to the account that the charter names.",
            )


def rights_on(connection: sa.Connection, mirror: Mirror) -> Rights:
    """Find out what our account lacks for a resource; nothing where that cannot be asked."""
    if connection.dialect.name != "postgresql" or not isinstance(mirror.table, sa.Table):
        return Rights()
    name = connection.dialect.identifier_preparer.format_table(mirror.table)
    found = {row[0]: row[1:] for row in connection.execute(_ASK, {"table": name})}
    reading = tuple(f"SELECT on {name}.{one}" for one in needed(mirror) if not found[one][0])
    if reading and not any(held[0] for held in found.values()):
        reading = (f"SELECT on {name}",)
    if mirror.is_view:
        return Rights(reading)
    return Rights(reading, dict(_lacking(name, [*found.values()])))


def _lacking(
    name: str, held: Sequence[Sequence[bool]]
) -> Iterator[tuple[str, frozenset[WriteKind]]]:
    if not any(one[1] for one in held):
        yield f"INSERT on {name}", frozenset({"create"})
    if not any(one[2] for one in held):
        yield f"UPDATE on {name}", frozenset({"update", "suspend", "resume"})
    if not any(one[3] for one in held):
        yield f"DELETE on {name}", frozenset({"delete"})
    if not all(one[4] for one in held):
        yield f"USAGE on the sequence that numbers {name}", frozenset({"create"})
