"""Small words for building SQL as a syntax tree. Every identifier is quoted, always."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def _own(part: exp.Expr) -> exp.Expr:
    """Give a part that may be put into a tree: itself, or a copy where another holds it."""
    return part.copy() if part.parent else part


def name(text: str) -> exp.Identifier:
    """Quote an identifier."""
    return exp.to_identifier(text, quoted=True)


def column(field: str, of: str = "") -> exp.Column:
    """Name a column, of a table where one is given."""
    return exp.Column(this=name(field), table=name(of) if of else None)


def table(text: str, alias: str = "") -> exp.Table:
    """Name a table."""
    return exp.Table(this=name(text), alias=exp.TableAlias(this=name(alias)) if alias else None)


def text(value: str) -> exp.Literal:
    """Write a text literal; quotes inside it are the syntax tree's business."""
    return exp.Literal.string(value)


def call(function: str, *arguments: exp.Expr) -> exp.Anonymous:
    """Call a DuckDB function by name."""
    return exp.Anonymous(this=function, expressions=[_own(a) for a in arguments])


def cast(value: exp.Expr, to: str) -> exp.Cast:
    """Cast; an impossible value is an error."""
    return exp.Cast(this=_own(value), to=_type(to).copy())


def try_cast(value: exp.Expr, to: str) -> exp.TryCast:
    """Cast; an impossible value is null."""
    return exp.TryCast(this=_own(value), to=_type(to).copy())


@cache
def _type(name: str) -> exp.DataType:
    """Parse a type once; a pass names the same few hundreds of times."""
    return exp.DataType.build(name, dialect="duckdb")


def named(value: exp.Expr, as_: str) -> exp.Alias:
    """Give a selected value its name."""
    return exp.Alias(this=_own(value), alias=name(as_))


def differs(left: exp.Expr, right: exp.Expr) -> exp.NullSafeNEQ:
    """Say that two values differ; null equals null."""
    return exp.NullSafeNEQ(this=_own(left), expression=_own(right))


def same(left: exp.Expr, right: exp.Expr) -> exp.EQ:
    """Say that two values are equal; null equals nothing."""
    return exp.EQ(this=_own(left), expression=_own(right))


def no(condition: exp.Expr) -> exp.Not:
    """Deny a condition, whatever it is made of."""
    return exp.Not(this=exp.Paren(this=_own(condition)))


def given(value: exp.Expr) -> exp.Expr:
    """Say that a value is not null."""
    return no(missing(value))


def missing(value: exp.Expr) -> exp.Is:
    """Say that a value is null."""
    return exp.Is(this=_own(value), expression=exp.Null())


def case(
    branches: Sequence[tuple[exp.Expr, exp.Expr]], otherwise: exp.Expr | None = None
) -> exp.Case:
    """Build a CASE."""
    return exp.Case(
        ifs=[exp.If(this=_own(when), true=_own(then)) for when, then in branches],
        default=otherwise.copy() if otherwise else None,
    )


def absent(key: exp.Expr, from_: exp.Query) -> exp.Expr:
    """Say that no row of a query of keys, none of them null, has this key."""
    return no(exp.In(this=_own(key), query=from_.subquery()))


def count(of: str, alias: str = "") -> exp.Select:
    """Count the rows of a table."""
    return exp.select(exp.Count(this=exp.Star())).from_(table(of, alias))


def union(parts: Sequence[exp.Query], *, distinct: bool = True) -> exp.Query:
    """Put queries of the same columns, at least one, one after the other."""
    whole = parts[0]
    for part in parts[1:]:
        whole = exp.union(whole, part, distinct=distinct, copy=False)
    return whole


def union_all(parts: Sequence[exp.Query]) -> exp.Query:
    """Put queries one after the other, each row as often as it stands there."""
    return union(parts, distinct=False)


def keys_in(called: str) -> exp.Select:
    """Select the keys of a table."""
    return exp.select(column("key")).from_(table(called))


def one_per_key(query: exp.Query, *, among: Sequence[str]) -> exp.Select:
    """Keep one row per `key`, always the same one: the first by the columns named."""
    ordered = [column("key"), *[column(name) for name in among]]
    chosen = exp.select(exp.Star()).from_(query.subquery("every")).order_by(*ordered)
    chosen.set("distinct", exp.Distinct(on=exp.Tuple(expressions=[column("key")])))
    return chosen


def json_object(pairs: Iterable[tuple[str, exp.Expr]]) -> exp.Expr:
    """Build a JSON object as text; its names in the order given, nulls kept."""
    arguments = [part for field, value in pairs for part in (text(field), value)]
    return cast(call("json_object", *arguments), "VARCHAR")


def json_value(document: exp.Expr, field: str) -> exp.Expr:
    """Take one member of a JSON document, as JSON; its name may hold any character."""
    return call("json_extract", document, pointer(field))


def pointer(field: str) -> exp.Literal:
    """Point at one member of a JSON document.

    A JSON pointer (RFC 6901) has no wildcards: to a path, a member called `*` means all.
    """
    return text("/" + field.replace("~", "~0").replace("/", "~1"))


def key_of(parts: Sequence[exp.Expr]) -> exp.Expr:
    """Spell a key from its parts; the SQL twin of `matricula.kernel.keys.join_key`."""
    spelled = [cast(part, "VARCHAR") for part in parts]
    if len(spelled) == 1:
        return spelled[0]
    escaped = [
        call("replace", call("replace", part, text("\\"), text("\\\\")), text("|"), text("\\|"))
        for part in spelled
    ]
    joined: exp.Expr = escaped[0]
    for part in escaped[1:]:
        joined = exp.DPipe(this=exp.DPipe(this=joined, expression=text("|")), expression=part)
    return joined


def drop(called: str) -> exp.Drop:
    """Do away with a table."""
    return exp.Drop(tables=[table(called)], kind="TABLE")


# A part of a key, as `matricula.kernel.keys` spells it.
_PART = r"((?:[^\\|]|\\.)*)(?:\||$)"


def parts_of(places: Sequence[int], *, size: int) -> exp.Expr:
    """Take parts out of the column `key`, of `size` parts: one as it stands, several joined."""
    if size == 1:
        return column("key")
    every = call("regexp_extract_all", column("key"), text(_PART), exp.Literal.number(1))
    spelled = [call("list_extract", every.copy(), exp.Literal.number(n + 1)) for n in places]
    plain = (text(r"\\(.)"), text(r"\1"), text("g"))
    return key_of([call("regexp_replace", part, *plain) for part in spelled])


def create(kind: str, called: str, query: exp.Query) -> exp.Create:
    """Keep a query as a TABLE or a VIEW, replacing an earlier one."""
    return exp.Create(this=table(called), kind=kind, replace=True, expression=query)
