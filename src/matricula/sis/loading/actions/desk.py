"""What a load under way has at hand: the calculator, its tables, and what was found so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from matricula.sis.loading.rules import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    import pyarrow as pa

    from matricula.engine.workbench import Workbench
    from matricula.sis.acts.actions import Doing

# So many rows are handed to the database at once.
_GROUP = 20_000
# What every table of the calculator is made of is our own; no value stands in a statement.
_FINDING = """
CREATE TABLE finding (
    tab VARCHAR, n BIGINT, place VARCHAR, field VARCHAR, why VARCHAR, detail VARCHAR,
    is_error BOOLEAN
)"""


@dataclass(slots=True)
class Desk:
    """A load under way; filled as it goes.

    Attributes:
        doing: The act.
        bench: Where it calculates.
        new: Keys of persons of whom somebody decided that they are new.
        came: How many rows of each table there are in the bundle.
        wrong: Tables of which some rows are not taken.
        new_rows: How many rows of each table are new.
        loaded: How many rows of each table were taken.
        there: How many were there already.
    """

    doing: Doing
    bench: Workbench
    new: tuple[str, ...] = ()
    came: dict[str, int] = field(default_factory=dict)
    wrong: set[str] = field(default_factory=set)
    new_rows: dict[str, int] = field(default_factory=dict)
    loaded: dict[str, int] = field(default_factory=dict)
    there: dict[str, int] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The institution's day."""
        return self.doing.acting.today

    def run(self, statement: str, values: Sequence[object] = ()) -> int:
        """Execute a statement of ours; give how many rows it made."""
        told = self.bench.execute(statement, list(values)).fetchall()
        return int(told[0][0] or 0) if told else 0

    def rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Execute a query that yields few rows."""
        return self.bench.execute(query, list(values)).fetchall()

    def number(self, query: str) -> int:
        """Execute a query that yields one number."""
        found = self.rows(query)
        return int(found[0][0] or 0)

    def column(self, query: str) -> Iterator[Any]:
        """Give the values of a query's only column, as they come."""
        for batch in self.batches(query):
            yield from batch.column(0).to_pylist()

    def batches(self, query: str) -> pa.RecordBatchReader:
        """Execute a query and hand its rows on as they come."""
        found: pa.RecordBatchReader = self.bench.sql(query).to_arrow_reader(_GROUP)
        return found

    def keep(self, name: str, columns: Mapping[str, str], rows: Iterable[pa.RecordBatch]) -> None:
        """Keep rows that come from elsewhere in a table, which is made.

        Args:
            name: The table.
            columns: Its columns with their types.
            rows: Each with these columns, in any order.
        """
        self.run(f"CREATE OR REPLACE TABLE {name} ({_typed(columns)})")
        self.add(name, rows)

    def add(self, name: str, rows: Iterable[pa.RecordBatch | pa.Table]) -> None:
        """Add rows to a table, by the names of their columns."""
        for batch in rows:
            self.bench.connection.register("arriving", batch)
            self.run(f"INSERT INTO {name} BY NAME SELECT * FROM arriving")  # noqa: S608 - our own names
            self.bench.unregister("arriving")

    def find(self, table: str, why: str, query: str) -> int:
        """Note what a query finds of the rows of a table.

        Args:
            table: Of which table of the bundle.
            why: One of `rules.REASONS`.
            query: It yields `n`, `place`, `field` and `detail`.

        Returns:
            Of how many.
        """
        if table not in self.came:
            return 0
        count = self.run(
            "INSERT INTO finding SELECT ?, q.n, q.place, q.field, ?, q.detail, ? "  # noqa: S608
            f"FROM ({query}) AS q(n, place, field, detail)",
            (table, why, REASONS[why].is_error),
        )
        if count and REASONS[why].is_error:
            self.wrong.add(table)
        return count

    def note(self, table: str, why: str, detail: str, *, n: int = 0, place: str = "") -> None:
        """Note one thing of a row, or of a table as a whole."""
        values = (table, n, place or table, "", why, detail, REASONS[why].is_error)
        self.run("INSERT INTO finding VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        if REASONS[why].is_error:
            self.wrong.add(table)

    def good(self, table: str) -> str:
        """Write the query for the rows of a table of which nothing wrong was found so far."""
        if table not in self.wrong:
            return f"cast_{table}"
        return (
            f"(SELECT * FROM cast_{table} WHERE n NOT IN (SELECT n FROM finding "  # noqa: S608
            f"WHERE tab = '{table}' AND is_error))"
        )

    def count(self, table: str, *, loaded: int = 0, there: int = 0) -> None:
        """Count rows of a table that were taken, or were there already."""
        self.loaded[table] = self.loaded.get(table, 0) + loaded
        self.there[table] = self.there.get(table, 0) + there


def begin(desk: Desk) -> None:
    """Make the table of what is found."""
    desk.run(_FINDING)


def _typed(columns: Mapping[str, str]) -> str:
    return ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
