"""Nearby: compares a few records with those alone that share something with them.

A full comparison (`matricula.engine.match`) leaves what it compared, and an index of it by what
records are paired by. Who comes or changes after it is looked up there and weighed as the full
comparison weighs, by the chances that it counted. What is kept is a calculator's memory, not
the truth: what it proposes has to be there now, and the next full comparison keeps anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from matricula.engine import match, sql
from matricula.engine.workbench import arrow, batches, register, rows, run

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pyarrow.dataset as ds

    from matricula.charter.model import Entity, ResourceRef
    from matricula.engine.workbench import Workbench

# What the fingerprints were made with; those of another version say nothing.
VERSION = f"1 {duckdb.__version__}"
_CHANCES = b"chances"
_OWN = ("unique_id", "resource", "id", "is_roster")


@dataclass(frozen=True, slots=True)
class Kept:
    """What a full comparison left, and what was compared since.

    Attributes:
        rows: The records, as they were compared.
        blocks: `block` (a fingerprint of what records are paired by), sorted, and `place` (whose
            it is, by where that record stands in `rows`).
        since: Records of the same columns that came or changed after it; they go before.
    """

    rows: pa.Table
    blocks: ds.Dataset
    since: pa.Table


def kept_rows(bench: Workbench, entity: Entity) -> pa.RecordBatchReader:
    """Give the records that were compared; after `match.candidates`, which found some."""
    name = entity.name
    place = exp.Window(this=sql.call("row_number"))
    numbered = exp.select(exp.Star(), sql.named(place, "n"))
    numbered = numbered.from_(sql.table(f"blocked_{name}"))
    run(bench, sql.create("TABLE", f"kept_{name}", numbered))
    run(bench, sql.drop(f"blocked_{name}"))
    [counted] = rows(bench, exp.select(exp.Star()).from_(sql.table(f"chance_{name}")))
    told = {_CHANCES: json.dumps(counted).encode()}
    columns = [sql.column(column) for column in _columns(_kinds(entity))]
    found = batches(bench, exp.select(*columns).from_(sql.table(f"kept_{name}")).order_by("n"))
    schema = found.schema.with_metadata(told)
    return pa.RecordBatchReader.from_batches(
        schema, (b.replace_schema_metadata(told) for b in found)
    )


def kept_blocks(bench: Workbench, entity: Entity) -> pa.RecordBatchReader:
    """Give the index of them; after `kept_rows` was read."""
    kept = f"kept_{entity.name}"
    values = [sql.column(f"b{n}") for n in range(len(match.paired_by(_kinds(entity))))]
    last = exp.Sub(this=sql.column("n"), expression=exp.Literal.number(1))
    place = sql.named(sql.cast(last, "INTEGER"), "place")
    return batches(bench, _entries(kept, values, place).order_by("1"))


def _kinds(entity: Entity) -> list[str]:
    return list(entity.matching.compare.values()) if entity.matching else []


def _columns(kinds: Sequence[str]) -> list[str]:
    return [*_OWN, *(f"c{place}" for place in range(len(kinds)))]


def _entries(table: str, values: Sequence[exp.Expr], *beside: exp.Expr) -> exp.Select:
    """Select what each record is paired by, one row for each, beside something of it."""
    prints = [
        sql.case([(sql.given(value), sql.call("hash", exp.Literal.number(place), value))])
        for place, value in enumerate(values)
    ]
    every = exp.select(sql.named(sql.call("unnest", exp.array(*prints)), "block"), *beside)
    every = every.from_(sql.table(table))
    return exp.select(exp.Star()).from_(every.subquery("e")).where(sql.given(sql.column("block")))


def candidates(
    bench: Workbench, entity: Entity, kept: Kept, *, trusted: Sequence[ResourceRef]
) -> tuple[pa.Table, pa.Table]:
    """Find pairs of records that may be one, of which at least one came or changed.

    Args:
        bench: After `take_in`, with those that came, changed or went as `dirty_E`, and
            `golden_E` of them.
        entity: With its `matching`.
        kept: Of this entity and this version.
        trusted: Owners that could be read.

    Returns:
        Pairs as `match.candidates` gives them, and what is `since` from now on.
    """
    kinds, near = _kinds(entity), f"near {entity.name}"
    new = arrow(bench, sql.union_all([_changed(entity), _gone(entity)]))
    since = _others(kept.since, than=new)
    shared = _others(_sharing(bench, near, new, kept, kinds), than=pa.concat_tables([new, since]))
    is_new = pa.repeat(pa.scalar(True), new.num_rows)  # noqa: FBT003 - a value
    every = [new.append_column("is_new", is_new)]
    for some in (since, shared):
        is_new = pa.repeat(pa.scalar(False), some.num_rows)  # noqa: FBT003 - a value
        every.append(some.append_column("is_new", is_new))
    register(bench, f"alike_{near}", pa.concat_tables(every))
    propose = entity.matching.propose if entity.matching else 1.0
    found = match.NOTHING
    if _weigh(bench, near, kinds, kept, propose=propose):
        found = match.told(bench, f"pair_alike_{near}", kinds)
    return _there(bench, entity, found, trusted), pa.concat_tables([new, since])


def _changed(entity: Entity) -> exp.Select:
    return match.part(entity, entity.roster, golden=True)


def _gone(entity: Entity) -> exp.Select:
    """Select those that went, with nothing to compare, so that nobody is paired with them."""
    key, word = sql.column("key"), sql.text(str(entity.roster))
    spelled = exp.DPipe(this=sql.text(f"{entity.roster} "), expression=key)
    nothing = sql.cast(exp.null(), "VARCHAR")
    columns = [sql.named(nothing, f"c{place}") for place in range(len(_kinds(entity)))]
    gone = sql.keys_in(f"dirty_{entity.name}").distinct()
    gone = gone.where(sql.absent(key, sql.keys_in(f"golden_{entity.name}")))
    return exp.select(
        sql.named(spelled, "unique_id"), sql.named(word, "resource"), sql.named(key.copy(), "id"),
        sql.named(exp.true(), "is_roster"), *columns,
    ).from_(gone.subquery("g"))  # fmt: skip


def _others(some: pa.Table, *, than: pa.Table) -> pa.Table:
    """Leave out the records that are there in a newer form."""
    older = pc.is_in(some["unique_id"], value_set=than["unique_id"])
    return some.filter(pc.invert(older)).replace_schema_metadata(None)


def _sharing(
    bench: Workbench, near: str, new: pa.Table, kept: Kept, kinds: Sequence[str]
) -> pa.Table:
    """Take those out of what is kept who share something with one of the new ones."""
    register(bench, f"new {near}", new)
    prints = arrow(bench, _entries(f"new {near}", match.paired_by(kinds)))["block"].unique()
    found = kept.blocks.to_table(filter=pc.field("block").isin(prints))
    return _take(kept.rows, {int(str(place)) for place in found["place"].to_pylist()})


def _take(rows_: pa.Table, places: Collection[int]) -> pa.Table:
    """Take some rows; Arrow's own way would first put all that is kept into one piece."""
    found, start, wanted = [], 0, sorted(places)
    for batch in rows_.to_batches():
        end = start + batch.num_rows
        mine = [place - start for place in wanted if start <= place < end]
        found.append(batch.take(pa.array(mine, pa.int64())))
        start = end
    return pa.Table.from_batches(found, rows_.schema)


def _weigh(
    bench: Workbench, near: str, kinds: Sequence[str], kept: Kept, *, propose: float
) -> int:
    """Weigh the pairs that share something by Fellegi and Sunter, as Splink does; count them."""
    known, chances = json.loads((kept.rows.schema.metadata or {})[_CHANCES])
    levels = [sql.named(_gamma(kind, f"c{n}"), f"gamma_c{n}") for n, kind in enumerate(kinds)]
    named = [
        sql.named(sql.column(column, side), f"{column}_{side}")
        for column in _OWN
        for side in ("l", "r")
    ]
    beside = exp.select(*named, *levels).from_(
        _pairs(near, kinds).subquery("p", copy=False), copy=False
    )
    for side, end in (("l", "one"), ("r", "two")):
        beside = beside.join(
            sql.table(f"alike_{near}", side),
            on=sql.same(sql.column("unique_id", side), sql.column(end, "p")),
            copy=False,
        )
    odds = _odds(kinds, chances, known=known)
    likely = exp.select(exp.Star(), sql.named(odds, "match_probability"))
    likely = likely.from_(beside.subquery("b", copy=False), copy=False)
    above = exp.GTE(this=sql.column("match_probability"), expression=exp.Literal.number(propose))
    # A deep tree takes longer to copy than to compute.
    query = exp.select(exp.Star()).from_(likely.subquery("w", copy=False), copy=False)
    query = query.where(above, copy=False)
    return run(bench, sql.create("TABLE", f"pair_alike_{near}", query))


def _pairs(near: str, kinds: Sequence[str]) -> exp.Select:
    """Select the pairs of a new record and one that shares something that no crowd does."""
    beside = [sql.column(column) for column in ("unique_id", "is_new")]
    entries = _entries(f"alike_{near}", match.paired_by(kinds), *beside)
    entries.set("qualify", exp.Qualify(this=match.is_few(sql.column("block"))))
    one, two = sql.column("unique_id", "x"), sql.column("unique_id", "y")
    ends = [
        sql.named(sql.call(which, one, two), end)
        for which, end in (("least", "one"), ("greatest", "two"))
    ]
    return (
        exp.select(*ends)
        .distinct()
        .from_(entries.subquery("x"), copy=False)
        .join(
            entries.subquery("y", copy=False),
            on=sql.same(sql.column("block", "x"), sql.column("block", "y")),
            copy=False,
        )
        .where(sql.column("is_new", "x"), copy=False)
        .where(exp.NEQ(this=one.copy(), expression=two.copy()), copy=False)
    )


def _gamma(kind: str, column: str) -> exp.Expr:
    """Say how far the records `l` and `r` agree in a column, numbered as Splink does."""
    left, right = sql.column(column, "l"), sql.column(column, "r")
    conditions = [condition for _, condition, _ in match.LEVELS[kind]]
    agreed = exp.Sub(
        this=exp.Literal.number(len(conditions)),
        expression=exp.Paren(this=match.level(conditions, left, right)),
    )
    unknown = exp.or_(sql.missing(left), sql.missing(right))
    return sql.case([(unknown, exp.Literal.number(-1))], agreed)


def _odds(kinds: Sequence[str], chances: Sequence[Sequence[float]], *, known: int) -> exp.Expr:
    """Say how probable it is that two records are one, by the columns `gamma_c0`, ..."""
    first = match.prior(known)
    for_one: exp.Expr = sql.cast(exp.Literal.number(first / (1 - first)), "DOUBLE")
    for place, kind in enumerate(kinds):
        same = [share for _, _, share in match.LEVELS[kind]]
        best, shares = len(same), [*same, 1 - sum(same)]
        weights: list[tuple[exp.Expr, exp.Expr]] = [
            (
                sql.same(sql.column(f"gamma_c{place}"), exp.Literal.number(best - level)),
                sql.cast(exp.Literal.number(share / chance), "DOUBLE"),
            )
            for level, (share, chance) in enumerate(zip(shares, chances[place], strict=True))
        ]
        weight = sql.case(weights, sql.cast(exp.Literal.number(1), "DOUBLE"))
        for_one = exp.Mul(this=for_one, expression=weight)
    more = exp.Add(this=exp.Literal.number(1), expression=for_one.copy())
    return exp.Div(this=exp.Paren(this=for_one), expression=exp.Paren(this=more))


def _there(
    bench: Workbench, entity: Entity, found: pa.Table, trusted: Sequence[ResourceRef]
) -> pa.Table:
    """Leave out pairs with another owner's record that went, or that somebody is by now."""
    pairs = found.to_pylist()
    there = {str(entity.roster): {pair["other"] for pair in pairs}}
    for resource in trusted:
        named = [pair["other"] for pair in pairs if pair["resource"] == str(resource)]
        if named and resource != entity.roster:
            some = exp.In(this=sql.column("id"), expressions=[sql.text(one) for one in named])
            query = exp.select(sql.column("id")).from_(match.part(entity, resource).subquery("p"))
            there[str(resource)] = {row[0] for row in rows(bench, query.where(some))}
    is_there = [pair["other"] in there.get(pair["resource"], ()) for pair in pairs]
    return found.filter(pa.array(is_there, pa.bool_()))
