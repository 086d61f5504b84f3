"""Load a bundle in one act: what fits is taken, what does not is named, nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.accounts.rules import About
from matricula.engine.workbench import Bench, open_workbench
from matricula.sis.loading import access
from matricula.sis.loading.actions import (
    catalogue,
    enrolments,
    histories,
    persons,
    sections,
    staff,
    students,
    told,
)
from matricula.sis.loading.actions.desk import Desk, begin
from matricula.sis.loading.actions.landing import land
from matricula.sis.loading.rules import REASONS, TABLES, as_finding
from matricula.sis.people.actions import second_person
from matricula.sis.registration import queries as registrations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from matricula.kernel.findings import Finding
    from matricula.sis.acts.actions import Doing

_MEMORY_MB = 384


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is to be loaded.

    Attributes:
        source: Which system it is from, for the audit.
        pieces: Names of tables with rows of each, in any order and in as many parts as it
            takes; `rules.TABLES` has the tables and their columns, all may be texts. `place`
            says where a row stands.
        new: Keys of persons of whom somebody decided that they are nobody who is there.
        scratch: A folder for what does not fit in memory; it is held in memory when None.
    """

    source: str
    pieces: Iterable[tuple[str, pa.Table]]
    new: tuple[str, ...] = ()
    scratch: Path | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """What became of the rows of a table.

    Attributes:
        table: Which.
        rows: How many came.
        taken: How many are new in the register.
        there: How many were there already.
        left_out: How many were not taken; the findings name each.
    """

    table: str
    rows: int
    taken: int
    there: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of a bundle.

    Attributes:
        counts: For each table of which rows came.
        found: What was found, as columns: `place`, `field`, `why` and `detail`.
    """

    counts: tuple[Count, ...]
    found: pa.Table

    def findings(self) -> Iterator[Finding]:
        """Say what was found, in the order of the tables and their rows."""
        for batch in self.found.to_batches():
            for row in batch.to_pylist():
                yield as_finding(
                    row["place"], row["why"], field=row["field"], detail=row["detail"]
                )

    @property
    def left_out(self) -> int:
        """How many rows were not taken."""
        return sum(one.left_out for one in self.counts)


def load(doing: Doing, bundle: Bundle) -> Loaded:
    """Take what a bundle has and the register has not; name every row that is not taken.

    A row that is there already stays as it is, whatever the bundle says: loading the same
    bundle again changes nothing. Persons are matched by their numbers alone.

    Args:
        doing: The act.
        bundle: What is to be loaded.

    Raises:
        Refused: Not permitted (M903), no such table or column (M991), or it brings results
            where there are students already, to which a second person must agree (M909).
    """
    access.may(doing.acting, "load records")
    doing.name("load records", "load", bundle.source)
    had_students = registrations.has_students()
    # Without a folder little comes, in a test or by hand: then opening would take the longest.
    size = Bench(folder=bundle.scratch, memory_mb=_MEMORY_MB)
    bench = size if bundle.scratch else Bench(small=True)
    with open_workbench(bench) as calculator:
        desk = Desk(doing, calculator, bundle.new)
        begin(desk)
        desk.came = land(desk, bundle.pieces, bundle.scratch)
        _take(desk)
        if had_students:
            _must_be_agreed(desk, bundle.source)
        told.tell(desk)
        told.write_down(desk, bundle.source)
        return Loaded(tuple(_counts(desk)), _found(desk))


def _must_be_agreed(desk: Desk, source: str) -> None:
    """Ask for a second person where marks, completions or awards come into a running register."""
    results = histories.count_results(desk)
    if results:
        what = f"To load results ({results})"
        second_person(desk.doing, what, About("load", source))


def _take(desk: Desk) -> None:
    """Take the tables in the order in which they name one another."""
    catalogue.take(desk)
    sections.take(desk)
    catalogue.take_meetings(desk)
    persons.take(desk)
    staff.take(desk)
    staff.take_teaching(desk)
    students.take(desk)
    students.take_registrations(desk)
    enrolments.take_terms(desk)
    enrolments.take(desk)
    histories.count_unreasoned(desk)


def _counts(desk: Desk) -> Iterator[Count]:
    wrong = dict(
        desk.rows("SELECT tab, count(DISTINCT n) FROM finding WHERE is_error GROUP BY tab")
    )
    for name in TABLES:
        if name in desk.came:
            yield Count(
                name, desk.came[name], desk.loaded.get(name, 0), desk.there.get(name, 0),
                wrong.get(name, 0),
            )  # fmt: skip


def _found(desk: Desk) -> pa.Table:
    order = ", ".join(f"'{name}'" for name in TABLES)
    whys = ", ".join(f"'{why}'" for why in REASONS)
    query = (
        "SELECT tab, place, field, why, detail FROM finding "  # noqa: S608 - our own words
        f"ORDER BY list_position([{order}], tab), n, list_position([{whys}], why), field"
    )
    return desk.batches(query).read_all()
