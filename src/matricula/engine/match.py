"""Match: pairs of records that may be one person, by how far their fields agree.

Fellegi and Sunter's model, computed by Splink inside the run's own sealed DuckDB. It
proposes and links nothing: only equal identifiers link (`matricula.engine.resolve`), and a
steward decides of the rest. The same records give the same pairs: how often a field agrees
by chance is counted over the records themselves, how often it agrees for one person is
written below, nothing is drawn and nothing is trained.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from sqlglot import exp

from matricula.engine import sql
from matricula.engine.workbench import arrow, number, register, rows, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.charter.model import Entity, ResourceRef
    from matricula.engine.workbench import Workbench

# How far two values agree, best first: a word for people, a condition on the two values, and
# how often it holds for records of one person. What is left is `differs`.
LEVELS: dict[str, tuple[tuple[str, str, float], ...]] = {
    "name": (
        ("equal", "{l} = {r}", 0.82),
        ("close", "jaro_winkler_similarity({l}, {r}) >= 0.92", 0.08),
        ("similar", "jaro_winkler_similarity({l}, {r}) >= 0.8", 0.04),
    ),
    "text": (
        ("equal", "{l} = {r}", 0.70),
        ("similar", "jaro_winkler_similarity({l}, {r}) >= 0.88", 0.15),
    ),
    "date": (
        ("equal", "{l} = {r}", 0.90),
        ("mistyped", "damerau_levenshtein({l}, {r}) <= 1", 0.05),
    ),
    "exact": (("equal", "{l} = {r}", 0.90),),
}
_DIFFERS, _UNKNOWN = "differs", "unknown"
# One record in a hundred has a second one, until its fields say otherwise.
_DUPLICATES = 0.01
# Records that share a value with more than so many are not paired by it: it says nothing.
_CROWD = 200
# How many pairs of strangers are counted.
_NEIGHBOURS, _STRANGERS = 20, 5_000
# As if so many pairs more had been seen, one of them equal: few records prove little.
_UNSEEN = 1_000
NOTHING = pa.table(
    {
        "key": pa.array([], pa.string()),
        "resource": pa.array([], pa.string()),
        "other": pa.array([], pa.string()),
        "probability": pa.array([], pa.float64()),
        "evidence": pa.array([], pa.list_(pa.string())),
    }
)


def candidates(bench: Workbench, entity: Entity, *, trusted: Sequence[ResourceRef]) -> pa.Table:
    """Find pairs of records that may be one.

    The roster's records are compared with one another and with those records of other
    owners that no identifier and no decision links to anybody.

    Args:
        bench: After `take_in`: `found_E:R` is there for every trusted owner.
        entity: With its `matching`.
        trusted: Owners that could be read.

    Returns:
        `key` (of the roster), `resource` and `other` (the other record: a key where the
        resource is the roster), `probability`, `evidence` (per compared field, in the
        charter's order, how far the two agree). Each pair once, sorted.
    """
    if entity.matching is None or entity.roster not in trusted:
        return NOTHING
    _gather(bench, entity, trusted)
    return compare(bench, entity.name, entity.matching.compare, entity.matching.propose)


def compare(
    bench: Workbench,
    name: str,
    kinds: Mapping[str, str],
    propose: float,
    *,
    strangers: str = "",
) -> pa.Table:
    """Compare the records gathered in `alike_<name>`; see `candidates` for what it gives.

    Args:
        bench: With the table `alike_<name>`: `unique_id`, `resource`, `id`,
            `is_roster`, and per compared field `c0`, `c1`, ... as text, cleaned.
        name: Whose.
        kinds: Field to the way it is compared, in the order of the columns.
        propose: From which probability on a pair is given.
        strangers: A table of the same columns, over which one counts how often fields agree
            by chance; `alike_<name>` when left out.
    """
    known = number(bench, sql.count(f"alike_{name}"))
    roster = sql.count(f"alike_{name}").where(sql.column("is_roster"))
    if known < len("ab") or not number(bench, roster):
        return NOTHING
    ways = list(kinds.values())
    blocks = block(bench, name, ways)
    chances = _by_chance(bench, name, ways, among=strangers or f"alike_{name}")
    register(bench, f"chance_{name}", pa.table({"known": [known], "chances": [chances]}))
    settings = _settings(ways, chances, known=known)
    with _quiet():
        _predict(bench, name, settings, blocks=blocks, propose=propose)
    return told(bench, f"pair_alike_{name}", ways)


def clean(value: exp.Expr) -> exp.Expr:
    """Bring a value into the form in which it is compared; blank is null."""
    plain = sql.call("lower", sql.call("strip_accents", sql.cast(value, "VARCHAR")))
    spaced = sql.call("regexp_replace", plain, sql.text(r"\s+"), sql.text(" "), sql.text("g"))
    return sql.call("nullif", sql.call("trim", spaced), sql.text(""))


def _gather(bench: Workbench, entity: Entity, trusted: Sequence[ResourceRef]) -> None:
    matching = entity.matching
    if matching is None:
        return
    resources = [entity.roster, *sorted(matching.others)]
    parts = [part(entity, r) for r in resources if r in trusted and r in entity.owners()]
    run(bench, sql.create("TABLE", f"alike_{entity.name}", sql.union_all(parts)))


def part(entity: Entity, resource: ResourceRef, *, golden: bool = False) -> exp.Select:
    """Select what is compared of one owner's records; of others than the roster, nobody's.

    Args:
        entity: Whose.
        resource: The owner.
        golden: Of the roster's records those in `golden_E`.
    """
    is_roster = resource == entity.roster
    matching = entity.matching
    compared_by = list(matching.compare) if matching else []
    own = {n: n if golden else entity.fields[n].owner_field for n in compared_by}
    names = own if is_roster or matching is None else matching.others[resource]
    called = f"golden_{entity.name}" if golden else f"found_{entity.name}:{resource}"
    here, word = sql.column("key" if is_roster else "_id", "f"), sql.text(str(resource))
    compared = [
        sql.named(
            clean(sql.column(names[name], "f"))
            if name in names
            else sql.cast(exp.null(), "VARCHAR"),
            f"c{place}",
        )
        for place, name in enumerate(compared_by)
    ]
    spelled = exp.DPipe(this=exp.DPipe(this=word, expression=sql.text(" ")), expression=here)
    query = exp.select(
        sql.named(spelled, "unique_id"), sql.named(word, "resource"), sql.named(here, "id"),
        sql.named(exp.true() if is_roster else exp.false(), "is_roster"), *compared,
    ).from_(sql.table(called, "f"))  # fmt: skip
    if is_roster:
        return query
    somebody = exp.select(sql.column("key")).from_(
        sql.table(f"found_{entity.name}:{entity.roster}")
    )
    key = sql.column("key", "f")
    nobody = sql.absent(sql.call("coalesce", key, sql.text("")), somebody)
    return query.where(exp.or_(sql.missing(key), nobody))


def paired_by(kinds: Sequence[str]) -> list[exp.Expr]:
    """List by what records are paired: a date, an exact value, or two others that are equal."""
    alone = [[n] for n, kind in enumerate(kinds) if kind in ("date", "exact")]
    both = [list(p) for p in combinations([n for n, k in enumerate(kinds) if k != "exact"], 2)]
    # Two that are paired alone already need not be paired together.
    sets = alone + [pair for pair in both if [pair[0]] not in alone or [pair[1]] not in alone]
    return [_joined([sql.column(f"c{place}") for place in places]) for places in sets]


def _joined(parts: Sequence[exp.Expr]) -> exp.Expr:
    whole = parts[0]
    for part in parts[1:]:
        whole = exp.DPipe(this=exp.DPipe(this=whole, expression=sql.text("|")), expression=part)
    return whole


def block(bench: Workbench, name: str, kinds: Sequence[str]) -> list[str]:
    """Add to `alike_<name>` what records are paired by, as `blocked_<name>`: `b0`, `b1`, ..."""
    values = [
        sql.named(sql.case([(is_few(shared), shared)]), f"b{place}")
        for place, shared in enumerate(paired_by(kinds))
    ]
    query = exp.select(exp.Star(), *values).from_(sql.table(f"alike_{name}"))
    run(bench, sql.create("TABLE", f"blocked_{name}", query))
    return [value.alias for value in values]


def is_few(shared: exp.Expr) -> exp.Expr:
    """Say that no crowd shares a value."""
    crowd = exp.Window(this=exp.Count(this=exp.Star()), partition_by=[shared.copy()])
    return exp.LTE(this=crowd, expression=exp.Literal.number(_CROWD))


def _by_chance(
    bench: Workbench, name: str, kinds: Sequence[str], *, among: str
) -> list[list[float]]:
    """Count how often the fields of strangers agree, level by level, the last one included."""
    found = []
    ordered = exp.select(exp.Star()).from_(sql.table(among))
    ordered = ordered.order_by(sql.call("md5", sql.column("unique_id"))).limit(_STRANGERS)
    placed = exp.select(
        exp.Star(),
        sql.named(exp.Window(this=sql.call("row_number")), "n"),
    ).from_(ordered.subquery("o"))
    run(bench, sql.create("TABLE", f"stranger_{name}", placed))
    for place, kind in enumerate(kinds):
        column = f"c{place}"
        equal = _equal_by_chance(bench, among, column)
        rest = _strangers(bench, name, column, kind)
        total = sum(rest) + len(rest)
        shares = [equal, *((count + 1) / total for count in rest[1:-1])]
        found.append([*shares, max(1 - sum(shares), 0.01)])
    return found


def _equal_by_chance(bench: Workbench, among: str, column: str) -> float:
    counted = exp.select(sql.named(exp.Count(this=exp.Star()), "n"))
    counted = counted.from_(sql.table(among)).where(sql.given(sql.column(column)))
    counted = counted.group_by(sql.column(column))
    n = sql.cast(sql.column("n"), "DOUBLE")
    others = exp.Mul(
        this=n.copy(),
        expression=exp.Paren(this=exp.Sub(this=n.copy(), expression=exp.Literal.number(1))),
    )
    agreeing = exp.select(
        sql.call("coalesce", exp.Sum(this=others), exp.Literal.number(0)),
        sql.call("coalesce", exp.Sum(this=n.copy()), exp.Literal.number(0)),
    ).from_(counted.subquery("v"))
    [(together, total)] = rows(bench, agreeing)
    pairs = float(str(total)) * (float(str(total)) - 1)
    # Never certain: a value that nobody shares may be shared by the next who comes.
    return min((float(str(together)) + 1) / (pairs + _UNSEEN), 0.9)


def _strangers(bench: Workbench, name: str, column: str, kind: str) -> list[int]:
    levels = [condition for _, condition, _ in LEVELS[kind]]
    agreed = level(levels, sql.column(column, "a"), sql.column(column, "b"))
    near = exp.Between(
        this=exp.Sub(this=sql.column("n", "b"), expression=sql.column("n", "a")),
        low=exp.Literal.number(1), high=exp.Literal.number(_NEIGHBOURS),
    )  # fmt: skip
    known = exp.and_(sql.given(sql.column(column, "a")), sql.given(sql.column(column, "b")))
    query = (
        exp.select(sql.named(agreed, "level"), exp.Count(this=exp.Star()))
        .from_(sql.table(f"stranger_{name}", "a"))
        .join(sql.table(f"stranger_{name}", "b"), on=near)
        .where(known)
        .group_by("1")
    )
    counts = {int(str(place)): int(str(count)) for place, count in rows(bench, query)}
    return [counts.get(place, 0) for place in range(len(levels) + 1)]


def level(conditions: Sequence[str], left: exp.Expr, right: exp.Expr) -> exp.Expr:
    """Say which of some conditions holds first of two values, counted from none."""
    sides = {"l": left.sql(dialect="duckdb"), "r": right.sql(dialect="duckdb")}
    branches: list[tuple[exp.Expr, exp.Expr]] = [
        (exp.maybe_parse(condition.format(**sides), dialect="duckdb"), exp.Literal.number(place))
        for place, condition in enumerate(conditions)
    ]
    return sql.case(branches, exp.Literal.number(len(conditions)))


def prior(known: int) -> float:
    """Say how probable it is of any two of so many records that they are one."""
    return min(2 * _DUPLICATES / known, 0.5)


def _settings(
    kinds: Sequence[str], chances: Sequence[Sequence[float]], *, known: int
) -> dict[str, Any]:
    """Say to Splink what is compared, how often that agrees, and how rare a second record is."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "probability_two_random_records_match": prior(known),
        "comparisons": [
            _comparison(f"c{place}", kind, chances[place]) for place, kind in enumerate(kinds)
        ],
        "additional_columns_to_retain": ["resource", "id", "is_roster"],
        "retain_intermediate_calculation_columns": False,
        "retain_matching_columns": True,
    }


def _predict(
    bench: Workbench,
    name: str,
    settings: dict[str, Any],
    *,
    blocks: Sequence[str],
    propose: float,
) -> None:
    """Have Splink weigh the pairs that share a block, and keep them as `pair_alike_<name>`."""
    from splink import DuckDBAPI, Linker, block_on

    settings["blocking_rules_to_generate_predictions"] = [block_on(block) for block in blocks]
    api = DuckDBAPI(connection=bench.connection)
    linker = Linker(api.register(f"blocked_{name}"), settings, log_level=logging.ERROR)
    found = linker.inference.predict(threshold_match_probability=propose)
    query = exp.select(exp.Star()).from_(sql.table(found.physical_name))
    run(bench, sql.create("TABLE", f"pair_alike_{name}", query))
    api.delete_tables_created_by_splink_from_db()  # type: ignore[no-untyped-call]  # theirs


def _comparison(column: str, kind: str, chance: Sequence[float]) -> dict[str, Any]:
    left, right = f'"{column}_l"', f'"{column}_r"'
    levels: list[dict[str, Any]] = [
        {
            "sql_condition": f"{left} IS NULL OR {right} IS NULL",
            "label_for_charts": _UNKNOWN,
            "is_null_level": True,
        }
    ]
    sure = 0.0
    for (word, condition, share), u in zip(LEVELS[kind], chance, strict=False):
        sure += share
        levels.append(
            {
                "sql_condition": condition.format(l=left, r=right), "label_for_charts": word,
                "m_probability": share, "u_probability": u,
            }
        )  # fmt: skip
    levels.append(
        {
            "sql_condition": "ELSE", "label_for_charts": _DIFFERS,
            "m_probability": 1 - sure, "u_probability": chance[-1],
        }
    )  # fmt: skip
    return {"output_column_name": column, "comparison_levels": levels}


def told(bench: Workbench, pairs: str, kinds: Sequence[str]) -> pa.Table:
    """Turn Splink's pairs into ours: the roster's record first, levels as words."""
    words = [_word(kind, sql.column(f"gamma_c{place}")) for place, kind in enumerate(kinds)]
    both = exp.and_(sql.column("is_roster_l"), sql.column("is_roster_r"))
    smaller = exp.LT(this=sql.column("id_l"), expression=sql.column("id_r"))
    left_first = exp.or_(
        exp.and_(both, smaller), exp.and_(sql.no(both), sql.column("is_roster_l"))
    )
    query = (
        exp.select(
            sql.named(_either(left_first, "id", "l", "r"), "key"),
            sql.named(_either(left_first, "resource", "r", "l"), "resource"),
            sql.named(_either(left_first, "id", "r", "l"), "other"),
            sql.named(exp.func("round", sql.column("match_probability"), "6"), "probability"),
            sql.named(exp.cast(exp.array(*words), "VARCHAR[]"), "evidence"),
        )
        .from_(sql.table(pairs))
        .where(exp.or_(sql.column("is_roster_l"), sql.column("is_roster_r")))
        .order_by("1", "2", "3")
    )
    return arrow(bench, query)


def _either(first: exp.Expr, column: str, one: str, other: str) -> exp.Expr:
    return sql.case([(first, sql.column(f"{column}_{one}"))], sql.column(f"{column}_{other}"))


def _word(kind: str, gamma: exp.Expr) -> exp.Expr:
    """Spell Splink's level: the best has the highest number, none known is -1."""
    best = len(LEVELS[kind])
    branches = [
        (sql.same(gamma, exp.Literal.number(best - place)), sql.text(word))
        for place, (word, _, _) in enumerate(LEVELS[kind])
    ]
    branches.append((sql.same(gamma, exp.Literal.number(0)), sql.text(_DIFFERS)))
    return sql.case(branches, sql.text(_UNKNOWN))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Splink from talking to the person: what it would say is not about their records."""
    log = logging.getLogger("splink")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)
