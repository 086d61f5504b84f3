"""How casts and dates are judged.

Every instant is UTC until a person would read it: its date, its year, its text are those
of the institution's wall clock. What cannot always be cast is tried, and gives NULL:
the charter says so itself, by writing `try_cast`.
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
    TEXT,
    TEXTUAL,
    Typed,
    bracketed,
    called,
    cast,
    date_literal,
    instant_literal,
    together,
    want,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from matricula.charter.model import ValueType
    from matricula.charter.typed import Scope

    Judge = Callable[[Scope, exp.Expr], Typed]

_UNITS = ("DAY", "WEEK", "MONTH", "YEAR")
_LONG = 100_000
_FINE_UNITS = ("HOUR", "MINUTE", "SECOND")
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


def shift(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """A date or an instant, plus or minus an interval."""
    value = judge(scope, node.this)
    step = _interval(scope, node.expression, value)
    value = want(scope, value, ("date", "instant"), node, "a date")
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
            "M310", f"`{written(node)}` has no value for a text or number that is odd.",
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
    utc = exp.AtTimeZone(this=bracketed(part.tree), zone=exp.Literal.string("UTC"))
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
        want(scope, part, ("date",), node, "dates")
    tree = exp.DateDiff(
        this=later.tree, expression=earlier.tree, unit=exp.var(unit), date_part_boundary=True
    )
    return Typed(tree, INTEGER)


def first_day(scope: Scope, node: exp.Expr, judge: Judge) -> Typed:
    """date_trunc('month', date): the first day of it."""
    unit = str(node.args.get("unit") or "").upper()
    if unit not in _UNITS:
        return _unit_refused(scope, node)
    part = want(scope, judge(scope, node.this), ("date", "instant"), node, "a date")
    tree = exp.TimestampTrunc(this=local(scope, part).tree, unit=exp.var(unit))
    return Typed(cast(tree, "DATE"), DATE)


def _unit_refused(scope: Scope, node: exp.Expr) -> Typed:
    return scope.refuse(
        "M302", f"`{written(node)}` has no unit of the language.",
        f"Use one of {', '.join(_UNITS).lower()}, in quotes.",
    )  # fmt: skip
