"""How operators, CASE, casts and the few functions with rules of their own are judged.

Each rule takes sqlglot's node, judges its parts through `judge`, and builds a new node
from them: nothing passes that was not looked at. Rules also see to it that NULL in gives
NULL out where DuckDB would decide otherwise (`concat`, `greatest`, `least`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.charter.typed import (
    BOOLEAN,
    DATE,
    DECIMAL,
    INSTANT,
    INTEGER,
    NUMERIC,
    TEXT,
    TEXTUAL,
    Typed,
    called,
    cast,
    date_literal,
    instant_literal,
    is_number,
    together,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from matricula.charter.model import ValueType
    from matricula.charter.typed import Scope

    Judge = Callable[[Scope, exp.Expr], Typed]
    Rule = Callable[[Scope, exp.Expr, Judge], Typed]

_UNITS = ("DAY", "WEEK", "MONTH", "YEAR")
_LONG = 100_000
_FINE_UNITS = ("HOUR", "MINUTE", "SECOND")


def written(node: exp.Expr) -> str:
    """Write a part of an expression for a message."""
    return node.sql("duckdb", comments=False)


def _bracketed(node: exp.Expr) -> exp.Expr:
    """Copy a part to where it must not fall apart."""
    plain = isinstance(node, exp.Column | exp.Literal)
    return node.copy() if plain else exp.Paren(this=node.copy())


def _want(scope: Scope, part: Typed, kinds: tuple[str, ...], node: exp.Expr, name: str) -> Typed:
    """Refuse a part whose kind is none of those wanted."""
    if not part.type or part.kind in kinds:
        return part
    return scope.refuse(
        "M305", f"`{written(node)}` needs {name}; a part of it is "
        f"{called(part.type)}.", "Change the value with try_cast, or use another field."
    )  # fmt: skip


def literal(scope: Scope, node: exp.Expr, _: Judge) -> Typed:
    """Take text, and numbers in plain digits."""
    if node.args.get("is_string"):
        return Typed(exp.Literal.string(node.this), TEXT, "text")
    if not is_number(node.this):
        return scope.refuse(
            "M302", f"`{node.this}` is no number of the language.",
            "Write plain digits: at most 18 before and 9 after the point.",
        )  # fmt: skip
    kind = DECIMAL if "." in node.this else INTEGER
    return Typed(exp.Literal.number(node.this), kind, "number")


def truth(_: Scope, node: exp.Expr, __: Judge) -> Typed:
    """Take true and false."""
    return Typed(exp.Boolean(this=node.this), BOOLEAN)


def nothing(_: Scope, __: exp.Expr, ___: Judge) -> Typed:
    """Take NULL, which is of every type."""
    return Typed(exp.null(), None)


def paren(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """Look through brackets."""
    inner = judge(scope, node.this)
    return inner if inner.literal else Typed(exp.Paren(this=inner.tree), inner.type)


def logic(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """AND, OR, NOT."""
    names = ["this", "expression"] if "expression" in node.args else ["this"]
    parts = {
        name: _want(scope, judge(scope, node.args[name]), ("boolean",), node, "true or false")
        for name in names
    }
    return Typed(type(node)(**{name: part.tree for name, part in parts.items()}), BOOLEAN)


def compare(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """=, <>, <, >, IS [NOT] DISTINCT FROM."""
    sides = [judge(scope, node.this), judge(scope, node.expression)]
    (left, right), _ = together(scope, sides, written(node), compared=True)
    return Typed(type(node)(this=left.tree, expression=right.tree), BOOLEAN)


def is_(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """IS NULL, IS TRUE, IS FALSE."""
    value = judge(scope, node.this)
    test = judge(scope, node.expression)
    if isinstance(test.tree, exp.Boolean):
        value = _want(scope, value, ("boolean",), node, "true or false")
    return Typed(exp.Is(this=value.tree, expression=test.tree), BOOLEAN)


def in_list(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """IN a list that is written out."""
    parts = [judge(scope, part) for part in (node.this, *node.expressions)]
    (first, *others), _ = together(scope, parts, written(node), compared=True)
    return Typed(exp.In(this=first.tree, expressions=[part.tree for part in others]), BOOLEAN)


def between(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """BETWEEN, both ends included."""
    parts = [judge(scope, node.args[name]) for name in ("this", "low", "high")]
    (value, low, high), _ = together(scope, parts, written(node), compared=True)
    return Typed(exp.Between(this=value.tree, low=low.tree, high=high.tree), BOOLEAN)


def join_text(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """|| and concat; both give NULL where a part is NULL."""
    parts = node.expressions or [node.this, node.expression]
    judged = [
        _want(scope, judge(scope, part), TEXTUAL, node, "text") for part in parts
    ]  # fmt: skip
    tree = judged[0].tree
    for part in judged[1:]:
        tree = exp.DPipe(this=tree, expression=part.tree)
    return Typed(exp.Paren(this=tree), TEXT)


def negate(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """A minus sign before a number."""
    part = judge(scope, node.this)
    part = _want(scope, part, (*NUMERIC, "money"), node, "a number")
    return Typed(exp.Neg(this=part.tree), part.type, part.literal)


def add(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """+ and -: numbers, money with money, a date and an interval, a date from a date."""
    if isinstance(node.expression, exp.Interval):
        return _shift(scope, node, judge)
    sides = [judge(scope, node.this), judge(scope, node.expression)]
    (left, right), kind = together(scope, sides, written(node), compared=False)
    tree = type(node)(this=left.tree, expression=right.tree)
    if kind and kind.kind == "date" and isinstance(node, exp.Sub):
        return Typed(tree, INTEGER)
    _want(scope, Typed(node, kind), (*NUMERIC, "money"), node, "numbers")
    return Typed(tree, kind)


def _shift(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    value = judge(scope, node.this)
    step = _interval(scope, node.expression, value)
    value = _want(scope, value, ("date", "instant"), node, "a date")
    if step is None or not value.type:
        return Typed(exp.null(), value.type)
    tree = type(node)(this=value.tree, expression=step)
    return Typed(cast(tree, "DATE") if value.kind == "date" else tree, value.type)


def _interval(scope: Scope, node: exp.Expr, value: Typed) -> exp.Expr | None:
    size, unit = node.this, str(node.args.get("unit") or "").upper()
    units = _UNITS if value.kind == "date" else _UNITS + _FINE_UNITS
    count = str(size.this) if isinstance(size, exp.Literal) else ""
    if not count.isdigit() or int(count) > _LONG or unit.rstrip("S") not in units:
        scope.refuse(
            "M302", f"`{written(node)}` is no interval of the language.",
            f"Write a whole number up to {_LONG} and one of {', '.join(units).lower()}.",
        )  # fmt: skip
        return None
    return exp.Interval(this=exp.Literal.string(count), unit=exp.var(unit.rstrip("S")))


def multiply(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """*, /, // and %. Money may be multiplied by a whole number, and nothing else."""
    left, right = judge(scope, node.this), judge(scope, node.expression)
    kinds = [part.kind for part in (left, right)]
    if "money" in kinds:
        return _multiply_money(scope, node, left, right)
    left, right = (_want(scope, part, NUMERIC, node, "numbers") for part in (left, right))
    tree = type(node)(this=left.tree, expression=right.tree)
    if isinstance(node, exp.Div):
        return Typed(cast(tree, "DECIMAL(28, 9)"), DECIMAL)
    whole = all(part.kind in {"integer", ""} for part in (left, right))
    return Typed(tree, INTEGER if whole else DECIMAL)


def _multiply_money(scope: Scope, node: exp.Expr, left: Typed, right: Typed) -> Typed:
    money, other = (left, right) if left.kind == "money" else (right, left)
    if not isinstance(node, exp.Mul) or other.kind not in {"integer", ""}:
        return scope.refuse(
            "M305", f"`{written(node)}` would have to round money.",
            "Let the owner of the amount compute it; copies only multiply by whole numbers.",
        )  # fmt: skip
    return Typed(exp.Mul(this=left.tree, expression=right.tree), money.type)


def case(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """CASE WHEN, CASE value WHEN, and if()."""
    branches = node.args.get("ifs") or [node]
    whens = [branch.this for branch in branches]
    if isinstance(node, exp.Case) and node.this is not None:
        whens = [exp.EQ(this=_bracketed(node.this), expression=_bracketed(w)) for w in whens]
    conditions = [
        _want(scope, judge(scope, when), ("boolean",), when, "true or false") for when in whens
    ]
    otherwise = node.args.get("default") or node.args.get("false")
    values = [judge(scope, branch.args["true"]) for branch in branches]
    values.append(judge(scope, otherwise) if otherwise is not None else Typed(exp.null(), None))
    values, kind = together(scope, values, written(node), compared=False)
    ifs = [
        exp.If(this=condition.tree, true=value.tree)
        for condition, value in zip(conditions, values, strict=False)
    ]
    return Typed(exp.Case(ifs=ifs, default=values[-1].tree), kind)


def choose(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """Coalesce: the first value that is not NULL."""
    parts = [judge(scope, part) for part in (node.this, *node.expressions)]
    parts, kind = together(scope, parts, written(node), compared=False)
    tree = exp.Coalesce(this=parts[0].tree, expressions=[part.tree for part in parts[1:]])
    return Typed(tree, kind)


def null_if(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """Nullif: NULL where the two are equal."""
    sides = [judge(scope, node.this), judge(scope, node.expression)]
    (left, right), _ = together(scope, sides, written(node), compared=True)
    return Typed(exp.Nullif(this=left.tree, expression=right.tree), left.type)


def extreme(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """Greatest and least; NULL where a part is NULL."""
    parts = [judge(scope, part) for part in (node.this, *node.expressions)]
    parts, kind = together(scope, parts, written(node), compared=False)
    first, *others = (part.tree for part in parts)
    missing = exp.or_(*[exp.Is(this=_bracketed(p.tree), expression=exp.null()) for p in parts])
    tree = type(node)(this=first, expressions=others, ignore_nulls=True)
    return Typed(exp.Case(ifs=[exp.If(this=missing, true=exp.null())], default=tree), kind)


def round_(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """Round to a number of decimals that is written out; floor and ceil to whole numbers."""
    part = _want(scope, judge(scope, node.this), NUMERIC, node, "a number")
    if part.kind in {"integer", ""}:
        return Typed(part.tree, part.type)
    if not isinstance(node, exp.Round):
        return Typed(cast(type(node)(this=part.tree), "BIGINT"), INTEGER)
    decimals = node.args.get("decimals")
    if decimals is not None and not (decimals.is_int and 0 <= int(decimals.this) <= 9):  # noqa: PLR2004 - DECIMAL(28, 9)
        return scope.refuse(
            "M302", f"`{written(node)}` must say how many decimals.", "Write 0 to 9."
        )
    return Typed(exp.Round(this=part.tree, decimals=decimals and decimals.copy()), DECIMAL)


_TO: dict[exp.DType, tuple[str, ValueType]] = {
    **dict.fromkeys((exp.DType.TEXT, exp.DType.VARCHAR), ("VARCHAR", TEXT)),
    **dict.fromkeys((exp.DType.INT, exp.DType.BIGINT), ("BIGINT", INTEGER)),
    exp.DType.DECIMAL: ("DECIMAL(28, 9)", DECIMAL),
    exp.DType.BOOLEAN: ("BOOLEAN", BOOLEAN),
    exp.DType.DATE: ("DATE", DATE),
    exp.DType.TIMESTAMPNTZ: ("TIMESTAMP", INSTANT),
    exp.DType.TIMESTAMP: ("TIMESTAMP", INSTANT),
}
_SAFE = {
    ("integer", "text"), ("boolean", "text"), ("date", "text"), ("integer", "decimal"),
    ("decimal", "text"), ("enum", "text"), ("ref", "text"),
}  # fmt: skip
_TRIED = {(kind, to) for kind in TEXTUAL for to in ("integer", "decimal", "boolean", "date")} | {
    ("decimal", "integer")
}


def convert(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """Cast where every value can be cast, try_cast where one may not."""
    part = judge(scope, node.this)
    spelled, kind = _TO.get(node.args["to"].this, ("", None))
    if kind is None:
        return scope.refuse(
            "M302", f"`{written(node.args['to'])}` is no type of the language.",
            "Cast to text, integer, decimal, boolean, date or timestamp.",
        )  # fmt: skip
    if part.literal == "text" and kind in {DATE, INSTANT}:
        return date_literal(scope, part) if kind == DATE else instant_literal(scope, part)
    return _converted(scope, node, part, (spelled, kind))


def _converted(scope: Scope, node: exp.Expr, part: Typed, to: tuple[str, ValueType]) -> Typed:
    spelled, kind = to
    if not part.type or part.kind == kind.kind:
        return Typed(part.tree if part.type else cast(part.tree, spelled), kind)
    if (part.kind, kind.kind) == ("instant", "date"):
        return Typed(cast(local(scope, part).tree, "DATE"), DATE)
    if (part.kind, kind.kind) in _SAFE:
        return Typed(_spelled(part, spelled), kind)
    if (part.kind, kind.kind) not in _TRIED:
        return scope.refuse(
            "M310", f"{called(part.type)} does not become {kind.kind}.",
            "Use a field of the right type; strftime writes dates and instants as text.",
        )  # fmt: skip
    if not isinstance(node, exp.TryCast):
        return scope.refuse(
            "M310", f"`{written(node)}` fails for the whole flow on one odd value.",
            "Write try_cast, which gives NULL there.",
        )  # fmt: skip
    return Typed(cast(part.tree, spelled, strict=False), kind)


def _spelled(part: Typed, to: str) -> exp.Expr:
    if part.kind != "decimal" or to != "VARCHAR":
        return cast(part.tree, to)
    # Without the zeros that the engine's fixed number of decimals brings.
    plain = cast(cast(part.tree, "DECIMAL(28, 9)"), to)
    return exp.RegexpReplace(
        this=plain, expression=exp.Literal.string(r"\.?0+$"), replacement=exp.Literal.string("")
    )


def local(scope: Scope, part: Typed) -> Typed:
    """Turn an instant into the institution's wall clock; leave a date as it is."""
    if part.kind != "instant":
        return part
    utc = exp.AtTimeZone(this=_bracketed(part.tree), zone=exp.Literal.string("UTC"))
    wall = exp.AtTimeZone(this=utc, zone=exp.Literal.string(scope.timezone))
    return Typed(wall, part.type)


def days_between(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """date_diff('day', earlier, later) and its larger units, between dates."""
    unit = str(node.args.get("unit") or "").upper()
    if unit not in _UNITS:
        return _unit_refused(scope, node)
    parts = [judge(scope, node.this), judge(scope, node.expression)]
    (later, earlier), _ = together(scope, parts, written(node), compared=True)
    for part in (later, earlier):
        _want(scope, part, ("date",), node, "dates")
    tree = exp.DateDiff(
        this=later.tree, expression=earlier.tree, unit=exp.var(unit), date_part_boundary=True
    )
    return Typed(tree, INTEGER)


def first_day(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """date_trunc('month', date): the first day of it."""
    unit = str(node.args.get("unit") or "").upper()
    if unit not in _UNITS:
        return _unit_refused(scope, node)
    part = _want(scope, judge(scope, node.this), ("date", "instant"), node, "a date")
    tree = exp.TimestampTrunc(this=local(scope, part).tree, unit=exp.var(unit))
    return Typed(cast(tree, "DATE"), DATE)


def _unit_refused(scope: Scope, node: exp.Expr) -> Typed:
    return scope.refuse(
        "M302", f"`{written(node)}` has no unit of the language.",
        f"Use one of {', '.join(_UNITS).lower()}, in quotes.",
    )  # fmt: skip


RULES: dict[type[exp.Expr], Rule] = {
    exp.Literal: literal,
    exp.Boolean: truth,
    exp.Null: nothing,
    exp.Paren: paren,
    **dict.fromkeys((exp.And, exp.Or, exp.Not), logic),
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE), compare),
    **dict.fromkeys((exp.NullSafeEQ, exp.NullSafeNEQ), compare),
    exp.Is: is_,
    exp.In: in_list,
    exp.Between: between,
    **dict.fromkeys((exp.DPipe, exp.Concat), join_text),
    exp.Neg: negate,
    **dict.fromkeys((exp.Add, exp.Sub), add),
    **dict.fromkeys((exp.Mul, exp.Div, exp.IntDiv, exp.Mod), multiply),
    **dict.fromkeys((exp.Case, exp.If), case),
    exp.Coalesce: choose,
    exp.Nullif: null_if,
    **dict.fromkeys((exp.Greatest, exp.Least), extreme),
    **dict.fromkeys((exp.Round, exp.Floor, exp.Ceil), round_),
    **dict.fromkeys((exp.Cast, exp.TryCast), convert),
    exp.DateDiff: days_between,
    **dict.fromkeys((exp.TimestampTrunc, exp.DateTrunc), first_day),
}
