"""Judge a snapshot by its predecessor: what a spreadsheet, a renumbering or a bad export did.

Everything here looks only at the text of identifiers, old and new. Smaller losses are not
damage but a plan, and the guard counts them; where many are gone that is told, for a flow
that leaves its copies alone has no guard to notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql
from matricula.engine.read import Fault
from matricula.engine.workbench import number, register, run, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    import pyarrow.dataset as ds

    from matricula.engine.workbench import Workbench

# How a spreadsheet writes a date, whatever the country.
_DATE_LIKE = (
    r"([0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}.*)"
    r"|([0-9]{1,2}[- ][A-Za-z]{3}([- ][0-9]{2,4})?)|([A-Za-z]{3}[- ][0-9]{1,4})"
)
# What a spreadsheet takes for a date: 10-20, 1.2.2026, MAR1, 4 Oct.
_MISTAKABLE = (
    r"([0-9]{1,4}[-/.][0-9]{1,4}([-/.][0-9]{1,4})?)"
    r"|((?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[- ]?[0-9]{1,4})"
    r"|([0-9]{1,2}[- ]?(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)"
)

# Below this many, and up to one in so many, some leave every day.
_FEW = 5
_SHARE = 4


def judge(
    bench: Workbench,
    resource: str,
    spelling: Sequence[str],
    previous: ds.Dataset | pa.Table,
    *,
    renumbered: pa.Table | None = None,
) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
    """Compare the identifiers of a snapshot with those of the last trusted one.

    Args:
        bench: After `read.load` of the resource (reads `land_<resource>`).
        resource: As `system.resource`.
        spelling: The native fields that spell the key.
        previous: The last trusted snapshot of the same resource.
        renumbered: Identifiers (column `id`) that a steward said were given up or given.

    Returns:
        Why it must not be trusted, and what is told although it is.
    """
    if not set(spelling) <= set(previous.schema.names):
        return (), ()
    register(bench, "earlier", previous)
    try:
        landed = f"land_{resource}"
        _only(bench, "lost_id", spelling, here="earlier", there=landed)
        _forgive(bench, "lost_id", renumbered)
        lost = size(bench, "lost_id")
        if not lost:
            return (), ()
        _only(bench, "fresh_id", spelling, here=landed, there="earlier")
        _forgive(bench, "fresh_id", renumbered)
        _gather_known(bench, spelling)
        known, fresh = size(bench, "known_id"), size(bench, "fresh_id")
        strangers = _renumbered(resource, known=known, lost=lost, fresh=fresh)
        zeros, dates = _zeros(bench, resource), _dates(bench, resource)
        faults = _likeliest(strangers, zeros, dates, lost=lost)
        return faults, () if faults else _gone(resource, known=known, lost=lost, fresh=fresh)
    finally:
        bench.unregister("earlier")


def _likeliest(
    renumbered: Fault | None, *by_a_spreadsheet: tuple[int, Fault] | None, lost: int
) -> tuple[Fault, ...]:
    """Name one cause: a file is broken once, however many signs of it there are.

    A spreadsheet it was, unless that explains less than half of what a renumbering does.
    """
    told = [sign for sign in by_a_spreadsheet if sign]
    if renumbered and sum(count for count, _ in told) * 2 < lost:
        return (renumbered,)
    return tuple(fault for _, fault in told[:1])


def _only(
    bench: Workbench,
    called: str,
    spelling: Sequence[str],
    *,
    here: str,
    there: str,
) -> None:
    """Leave the parts of keys that stand in one reading and not in the other (column `id`).

    Part by part: in a new term every enrolment is new, but its students are not.
    """
    lone: list[exp.Query] = []
    for part in spelling:
        mine = sql.cast(sql.column(part, "a"), "VARCHAR")
        theirs = sql.cast(sql.column(part, "b"), "VARCHAR")
        lone.append(
            exp.select(sql.named(mine, "id"))
            .from_(sql.table(here, "a"))
            .join(sql.table(there, "b"), on=sql.same(mine, theirs), join_type="anti")
            .where(sql.given(mine))
        )
    _keep_ids(bench, called, lone)


def _forgive(bench: Workbench, called: str, renumbered: pa.Table | None) -> None:
    """Leave out of lone identifiers what a steward explained."""
    if not renumbered or not size(bench, called):
        return
    register(bench, "renumbered", renumbered)
    said = exp.select(sql.column("id")).from_(sql.table("renumbered"))
    mine = exp.In(this=sql.column("id"), query=said.subquery())
    run(bench, exp.delete(sql.table(called), where=mine))
    bench.unregister("renumbered")


def _gather_known(bench: Workbench, spelling: Sequence[str]) -> None:
    """Leave the parts of all keys of the last reading in `known_id`."""
    parts: list[exp.Query] = []
    for part in spelling:
        spelled = sql.cast(sql.column(part), "VARCHAR")
        parts.append(exp.select(sql.named(spelled, "id")).from_(sql.table("earlier")))
    _keep_ids(bench, "known_id", parts)


def _keep_ids(bench: Workbench, called: str, parts: Sequence[exp.Query]) -> None:
    every = sql.union_all(parts).subquery("parts")
    query = exp.select(sql.column("id")).distinct().from_(every)
    run(bench, sql.create("TABLE", called, query.where(sql.given(sql.column("id")))))


def _matching(of: str, pattern: str) -> exp.Select:
    return sql.count(of).where(sql.call("regexp_full_match", sql.column("id"), sql.text(pattern)))


def _zeros(bench: Workbench, resource: str) -> tuple[int, Fault] | None:
    bare = sql.call("ltrim", sql.column("id", "l"), sql.text("0"))
    query = sql.count("lost_id", "l").join(
        sql.table("fresh_id", "f"), on=sql.same(sql.column("id", "f"), bare)
    )
    returned = number(bench, query)
    # One person who leaves as 007 on the day on which another joins as 7 is no damage.
    if not returned or returned * 2 < number(bench, _matching("lost_id", "0.*")):
        return None
    return returned, Fault(
        resource,
        "M408",
        f"{resource}: {returned} known identifier(s) came back without their leading zeros.",
        "Export the source again as text, without opening it in a spreadsheet; "
        "nothing was changed anywhere.",
    )


def _shape(of: str = "") -> exp.Expr:
    digits = sql.call(
        "regexp_replace", sql.column("id", of), sql.text("[0-9]"), sql.text("9"), sql.text("g")
    )
    return sql.call("regexp_replace", digits, sql.text("[A-Za-z]"), sql.text("a"), sql.text("g"))


def _dates(bench: Workbench, resource: str) -> tuple[int, Fault] | None:
    """Find dates of a shape never seen here, where what may have become one is gone."""
    if not number(bench, _matching("lost_id", _MISTAKABLE)):
        return None
    usual = exp.select(_shape()).from_(sql.table("known_id"))
    query = _matching("fresh_id", _DATE_LIKE).where(
        sql.no(exp.In(this=_shape(), query=usual.subquery()))
    )
    count = number(bench, query)
    if not count:
        return None
    return count, Fault(
        resource,
        "M409",
        f"{resource}: {count} identifier(s) look like dates, as none did before.",
        "Export the source again as text, without opening it in a spreadsheet; "
        "nothing was changed anywhere.",
    )


def _renumbered(resource: str, *, known: int, lost: int, fresh: int) -> Fault | None:
    # Half of everybody gone and at least half as many strangers: no day of a term does that.
    if lost * 2 <= known or fresh * 2 < lost:
        return None
    return Fault(
        resource,
        "M407",
        f"{resource}: {lost} of {known} known identifiers are gone and {fresh} unknown ones came.",
        "Restore the identifiers at the source; nothing was changed anywhere. A file of the day "
        "must hold the earlier records too. If they did change for good, tell the old "
        "and the new ones with `matricula matches rekey ... --file`, or remove the files "
        f"in snapshots/{resource} of the home, and look at the next plan with care.",
    )


def _gone(resource: str, *, known: int, lost: int, fresh: int) -> tuple[Fault, ...]:
    if lost < _FEW or lost * _SHARE <= known:
        return ()
    return (
        Fault(
            resource,
            "M415",
            f"{resource}: {lost} of {known} known identifiers are gone since the last reading, "
            f"and {fresh} new ones came.",
            "If so many did leave, there is nothing to do. If not, have the source delivered "
            "again, whole, and with a control total, which would have shown it.",
        ),
    )
