"""How a value of a source becomes a value of the charter's types, and a value of a plan.

`read_value` is strict: what is not clearly of the type becomes null, and `is_bad` tells
such a null from an absent value, so nothing is ever repaired silently. `plan_value` writes
the one canonical form that goes into plans, links and writes: text, integer, boolean;
dates and instants as ISO 8601 text, decimals and money (major units) as text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql
from matricula.kernel.money import decimals_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from matricula.charter.model import ValueType

_INTEGER = r"[+-]?[0-9]{1,18}"
_WHOLE = rf"{_INTEGER}(\.0*)?"
_DECIMAL = r"[+-]?([0-9]{1,18}(\.[0-9]{1,9}0*)?|\.[0-9]{1,9}0*)"
# A year 0000 is what some databases write for no date; DuckDB would read 1 BC.
_YEAR = r"([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_DATE = rf"{_YEAR}-[0-9]{{2}}-[0-9]{{2}}"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
_INSTANT = rf"{_DATE}[T ]{_TIME}(Z|[+-][0-9]{{2}}:?[0-9]{{2}})?"
_WORDS = {
    True: ("true", "t", "yes", "y", "1"),
    False: ("false", "f", "no", "n", "0"),
}


def sql_type(value_type: ValueType) -> str:
    """Name the DuckDB type in which the engine keeps a value."""
    return {
        "integer": "BIGINT",
        "decimal": "DECIMAL(28, 9)",
        "boolean": "BOOLEAN",
        "date": "DATE",
        "instant": "TIMESTAMP",
        "money": "BIGINT",
    }.get(value_type.kind, "VARCHAR")


def read_value(raw: exp.Expr, native: pa.DataType, value_type: ValueType) -> exp.Expr:
    """Turn a source's column into the engine's type, or null where it is not of it.

    Args:
        raw: The column.
        native: Its Arrow type in the snapshot.
        value_type: What the charter says it is.
    """
    if _is_text(native):
        return _from_text(raw, value_type)
    if value_type.kind == "instant" and _sort(native) == "timestamp":
        # By way of the zone: nanoseconds with one are cast to nothing else.
        zoned = sql.try_cast(raw, "TIMESTAMPTZ") if "tz=" in str(native) else raw
        return sql.try_cast(zoned, "TIMESTAMP")
    if not can_be_bad(native, value_type) or (value_type.kind, _sort(native)) in _BY_CAST:
        return _within(sql.try_cast(raw, sql_type(value_type)), value_type)
    # A day of a source that keeps instants: midnight, or it says more than a date.
    if value_type.kind == "date" and _sort(native) == "timestamp":
        day = sql.try_cast(raw, "DATE")
        return sql.case([(sql.same(sql.cast(day, "TIMESTAMP"), raw), day)])
    # What is not plainly of the type already is judged by how it reads.
    spelled = sql.cast(raw, "VARCHAR")
    if value_type.kind == "integer":
        whole = sql.try_cast(spelled, "DECIMAL(28, 9)")
        fits = sql.call("regexp_full_match", spelled, sql.text(_WHOLE))
        return sql.case([(fits, sql.try_cast(whole, "BIGINT"))])
    return _from_text(spelled, value_type)


# How a lax store spells a day or a whole number that it was given.
_LAX = {"date": r"[T ]00:00(:00(\.0+)?)?Z?\s*$", "integer": r"\.0+\s*$"}


def seen_value(raw: exp.Expr, native: pa.DataType, value_type: ValueType) -> exp.Expr:
    """Turn a target's column into the engine's type, where the spelling is all that differs.

    An owner is read strictly. A copy that comes back as a day with midnight behind it, or as
    a whole number with `.0`, was edited by nobody.
    """
    strict = read_value(raw, native, value_type)
    if not _is_text(native) or value_type.kind not in _LAX:
        return strict
    bare = sql.call("regexp_replace", raw, sql.text(_LAX[value_type.kind]), sql.text(""))
    return sql.call("coalesce", strict, read_value(bare, native, value_type))


# Binary fractions have no exact text; the nine decimals kept are what they are read as.
_BY_CAST = {("decimal", "double"), ("decimal", "float"), ("enum", "dictionary")}


def _sort(native: pa.DataType) -> str:
    return re.match("[a-z]*", str(native))[0]  # type: ignore[index]  # it always matches


def _is_text(native: pa.DataType) -> bool:
    return str(native) in {"string", "large_string", "string_view"}


def _from_text(raw: exp.Expr, value_type: ValueType) -> exp.Expr:
    kind = value_type.kind
    if kind == "boolean":
        return _truth(sql.call("lower", sql.call("trim", raw)))
    if kind == "money":
        return _money(raw, value_type.currency)
    if kind in _PATTERNS:
        return _matching(raw, _PATTERNS[kind], lambda text: _cast_text(text, value_type))
    if kind == "date":
        return _matching(raw, _DATE, _day, plainly=_plain_day(raw))
    if kind == "integer":
        return _matching(raw, _INTEGER, _whole, plainly=_as_spelled(raw, "BIGINT"))
    return _within(raw, value_type)


_PATTERNS = {"decimal": _DECIMAL, "instant": _INSTANT}


def _cast_text(text: exp.Expr, value_type: ValueType) -> exp.Expr:
    if value_type.kind == "instant":
        return sql.try_cast(sql.try_cast(text, "TIMESTAMPTZ"), "TIMESTAMP")
    return sql.try_cast(text, sql_type(value_type))


def _day(text: exp.Expr) -> exp.Expr:
    return sql.try_cast(text, "DATE")


def _whole(text: exp.Expr) -> exp.Expr:
    return sql.try_cast(text, "BIGINT")


def _matching(
    raw: exp.Expr,
    pattern: str,
    value: Callable[[exp.Expr], exp.Expr],
    *,
    plainly: exp.Expr | None = None,
) -> exp.Expr:
    """Read text that has a pattern; a cast alone would accept and round what has not.

    Args:
        raw: The text.
        pattern: Of the whole text, white space around it aside.
        value: How such a text becomes a value.
        plainly: A condition under which it surely has the pattern. Most texts are spelled
            as DuckDB itself would spell the value, and to see that costs far less.
    """
    trimmed = sql.call("trim", raw)
    fits = sql.call("regexp_full_match", trimmed, sql.text(pattern))
    branches = [(plainly, value(raw))] if plainly else []
    return sql.case([*branches, (fits, value(trimmed))])


def _as_spelled(raw: exp.Expr, kind: str) -> exp.Expr:
    """Say that a short text is what DuckDB would write for the number it reads."""
    again = sql.cast(sql.try_cast(raw, kind), "VARCHAR")
    short = exp.LTE(this=sql.call("strlen", raw), expression=exp.Literal.number(18))
    return exp.and_(sql.same(again, raw), short)


def _plain_day(raw: exp.Expr) -> exp.Expr:
    # Ten characters: neither `infinity`, nor a year before Christ or beyond 9999.
    again = sql.cast(_day(raw), "VARCHAR")
    ten = sql.same(sql.call("strlen", raw), exp.Literal.number(10))
    return exp.and_(sql.same(again, raw), ten)


def _truth(word: exp.Expr) -> exp.Expr:
    return sql.case(
        [
            (
                exp.In(this=word.copy(), expressions=[sql.text(w) for w in words]),
                exp.convert(truth),
            )
            for truth, words in _WORDS.items()
        ]
    )


def _within(value: exp.Expr, value_type: ValueType) -> exp.Expr:
    if value_type.kind != "enum":
        return value
    words = [sql.text(word) for word in value_type.values]
    return sql.case([(exp.In(this=value.copy(), expressions=words), value)])


def _money(raw: exp.Expr, currency: str) -> exp.Expr:
    places = decimals_of(currency)
    fraction = rf"(\.[0-9]{{1,{places}}}0*)?" if places else ""
    major = f"DECIMAL(24, {places})"

    def minor(amount: exp.Expr) -> exp.Expr:
        scaled = exp.Mul(
            this=sql.try_cast(amount, major), expression=exp.Literal.number(10**places)
        )
        return sql.try_cast(exp.Paren(this=scaled), "BIGINT")

    pattern = rf"[+-]?[0-9]{{1,15}}{fraction}"
    return _matching(raw, pattern, minor, plainly=_as_spelled(raw, major))


def is_bad(raw: exp.Expr, native: pa.DataType, value_type: ValueType) -> exp.Expr:
    """Say that a source states a value which is not of the charter's type."""
    return exp.and_(sql.given(raw), sql.missing(read_value(raw, native, value_type)))


def can_be_bad(native: pa.DataType, value_type: ValueType) -> bool:
    """Say whether a column of this native type could state a value not of the type at all."""
    if sql_type(value_type) == "VARCHAR":
        return value_type.kind == "enum"
    settled = {
        "integer": ("int",),
        "decimal": ("int",),
        "boolean": ("bool",),
        "date": ("date",),
        "instant": ("timestamp",),
    }
    return not str(native).startswith(settled.get(value_type.kind, ("-",)))


def plan_value(value: exp.Expr, value_type: ValueType) -> exp.Expr:
    """Write a value of the engine's type in the canonical form of plans and links.

    An expression may yield another of DuckDB's types than a field of the same kind has, so
    everything is cast first: `2.0` and `2` would look like an edit for ever.
    """
    kind = value_type.kind
    if kind == "date":
        return sql.cast(sql.cast(value, "DATE"), "VARCHAR")
    if kind == "instant":
        instant = sql.cast(value, "TIMESTAMP")
        return sql.call("strftime", instant, sql.text("%Y-%m-%dT%H:%M:%S.%fZ"))
    if kind == "decimal":
        plain = sql.cast(sql.cast(value, "DECIMAL(28, 9)"), "VARCHAR")
        return sql.call("regexp_replace", plain, sql.text(r"\.?0+$"), sql.text(""))
    if kind == "money":
        places = decimals_of(value_type.currency)
        # Multiplied, not divided: DuckDB divides decimals as floating point.
        unit = exp.Literal.number(f"{10**-places:.{places}f}" if places else "1")
        scaled = exp.Mul(this=sql.cast(value, "DECIMAL(24, 0)"), expression=unit)
        return sql.cast(scaled, "VARCHAR")
    return sql.cast(value, sql_type(value_type))
