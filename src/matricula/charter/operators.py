"""How operators, CASE, casts and the few functions with rules of their own are judged.

Each rule takes sqlglot's node, judges its parts through `judge`, and builds a new node
from them: nothing passes that was not looked at. Rules also see to it that NULL in gives
NULL out where DuckDB would decide otherwise (`concat`, `greatest`, `least`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.charter.conversions import convert, days_between, first_day, shift
from matricula.charter.typed import (
    BOOLEAN,
    DECIMAL,
    INTEGER,
    NUMERIC,
    TEXT,
    TEXTUAL,
    Typed,
    bracketed,
    cast,
    is_number,
    together,
    want,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from matricula.charter.typed import Scope

    Judge = Callable[[Scope, exp.Expr], Typed]
    Rule = Callable[[Scope, exp.Expr, Judge], Typed]


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
        name: want(scope, judge(scope, node.args[name]), ("boolean",), node, "true or false")
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
        value = want(scope, value, ("boolean",), node, "true or false")
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
        want(scope, judge(scope, part), TEXTUAL, node, "text") for part in parts
    ]  # fmt: skip
    tree = judged[0].tree
    for part in judged[1:]:
        tree = exp.DPipe(this=tree, expression=part.tree)
    return Typed(exp.Paren(this=tree), TEXT)


def negate(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """A minus sign before a number."""
    part = judge(scope, node.this)
    part = want(scope, part, (*NUMERIC, "money"), node, "a number")
    return Typed(exp.Neg(this=part.tree), part.type, part.literal)


def add(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """+ and -: numbers, money with money, a date and an interval, a date from a date."""
    if isinstance(node.expression, exp.Interval):
        return shift(scope, node, judge)
    sides = [judge(scope, node.this), judge(scope, node.expression)]
    (left, right), kind = together(scope, sides, written(node), compared=False)
    tree = type(node)(this=left.tree, expression=right.tree)
    if kind and kind.kind == "date" and isinstance(node, exp.Sub):
        return Typed(tree, INTEGER)
    want(scope, Typed(node, kind), (*NUMERIC, "money"), node, "numbers")
    return Typed(tree, kind)


def multiply(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """*, /, // and %. Money may be multiplied by a whole number, and nothing else."""
    left, right = judge(scope, node.this), judge(scope, node.expression)
    kinds = [part.kind for part in (left, right)]
    if "money" in kinds:
        return _multiply_money(scope, node, left, right)
    left, right = (want(scope, part, NUMERIC, node, "numbers") for part in (left, right))
    tree = type(node)(this=left.tree, expression=right.tree)
    whole = all(part.kind in {"integer", ""} for part in (left, right))
    if whole and not isinstance(node, exp.Div):
        return Typed(tree, INTEGER)
    # The decimals of a product are those of both sides together, and DuckDB has room for 38.
    return Typed(cast(tree, "DECIMAL(28, 9)"), DECIMAL)


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
        whens = [exp.EQ(this=bracketed(node.this), expression=bracketed(w)) for w in whens]
    conditions = [
        want(scope, judge(scope, when), ("boolean",), when, "true or false") for when in whens
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
    missing = exp.or_(*[exp.Is(this=bracketed(p.tree), expression=exp.null()) for p in parts])
    tree = type(node)(this=first, expressions=others, ignore_nulls=True)
    return Typed(exp.Case(ifs=[exp.If(this=missing, true=exp.null())], default=tree), kind)


def round_(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """Round to a number of decimals that is written out; floor and ceil to whole numbers."""
    part = want(scope, judge(scope, node.this), NUMERIC, node, "a number")
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
