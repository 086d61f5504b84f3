"""Judge the charter's expressions: parse, allow, type, and note what they read.

What comes out is a syntax tree built anew from the parts that the language knows, so
nothing that was not looked at can run. `link(...)` and `as_of()` stay as calls of those
names; the engine puts the other flow's identifiers and the run's date in their place.
"""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from matricula.charter import whitelist
from matricula.charter.conversions import local
from matricula.charter.model import Expression, LinkCall, Read, ValueType
from matricula.charter.operators import RULES
from matricula.charter.typed import (
    BOOLEAN,
    DATE,
    INTEGER,
    NUMERIC,
    TEXT,
    TEXTUAL,
    Typed,
    called,
    cast,
    written,
)

if TYPE_CHECKING:
    from matricula.charter.typed import Refusal, Scope

_LONGEST = 4000
_GIVES = {"text": TEXT, "integer": INTEGER, "boolean": BOOLEAN, "date": DATE}
_WANTS: dict[str, tuple[tuple[str, ...], str]] = {
    "text": (TEXTUAL, "text"),
    "integer": (("integer",), "a whole number"),
    "amount": ((*NUMERIC, "money"), "a number"),
    "day": (("date", "instant"), "a date"),
}


def judge_expression(
    scope: Scope, text: str, *, links: bool = False, condition: bool = False
) -> Expression | None:
    """Judge one expression.

    Args:
        scope: The fields in reach; takes every refusal and the lineage.
        text: As written.
        links: Whether the whole of it may be `link(...)`.
        condition: Whether it must be true or false.

    Returns:
        The expression, or None when the scope has refusals.
    """
    try:
        typed, link = _judge_text(scope, text, links=links)
    except RecursionError:
        typed, link = _refuse_text(scope, text, "cannot be read as an expression: too deep"), None
    if condition and typed.type and typed.kind != "boolean":
        scope.refuse(
            "M305", f"`{text}` is {called(typed.type)}; a condition is true or false.",
            "Write a comparison, such as status = 'active'.",
        )  # fmt: skip
    if scope.refusals:
        return None
    return Expression(
        text, _finished(typed), typed.type or TEXT, reads=tuple(_sorted(scope.reads)), link=link
    )


def _judge_text(scope: Scope, text: str, *, links: bool) -> tuple[Typed, LinkCall | None]:
    node = _parse(scope, text)
    if node is None:
        return Typed(exp.null(), None), None
    if links and _is_call(node, "link"):
        return Typed(node, TEXT), _link(scope, node)
    return judge(scope, node), None


def _sorted(reads: set[Read]) -> list[Read]:
    return sorted(reads, key=lambda read: (read.field, read.of))


def _parse(scope: Scope, text: str) -> exp.Expr | None:
    if len(text) > _LONGEST:
        _refuse_text(scope, text, f"is longer than {_LONGEST} characters")
        return None
    try:
        found = sqlglot.parse(text, dialect="duckdb")
    except SqlglotError as error:
        reason = str(error).splitlines()[0].rstrip(".")
        _refuse_text(scope, text, f"cannot be read as an expression: {reason}")
        return None
    if len(found) == 1 and found[0] is not None:
        return found[0]
    _refuse_text(scope, text, "is not one expression")
    return None


def _refuse_text(scope: Scope, text: str, reason: str) -> Typed:
    return scope.refuse(
        "M301", f"`{_short(text)}` {reason}.",
        "Write one expression; text stands in single quotes, names of fields in none.",
    )  # fmt: skip


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - a line's width


def _finished(typed: Typed) -> exp.Expr:
    """Fix the type's scale.

    A number out of range or a division by zero stays an error: it is not the owner's NULL, and
    as one it would overwrite copies. The engine sets that record aside.
    """
    tree = typed.tree
    kept = {"decimal": "DECIMAL(28, 9)", "integer": "BIGINT", "": "VARCHAR"}.get(typed.kind)
    return cast(tree, kept) if kept and not isinstance(tree, exp.Column) else tree


def judge(scope: Scope, node: exp.Expr) -> Typed:
    """Judge a part of an expression and build it anew."""
    if node.args.get("negate"):
        plain = node.copy()
        plain.set("negate", None)
        return judge(scope, exp.Not(this=plain))
    function = whitelist.FUNCTIONS.get(type(node))
    known = {name for name, _ in function.takes} if function else whitelist.PARTS
    surplus = [n for n, v in node.args.items() if v and n not in known | whitelist.HARMLESS]
    if isinstance(node, exp.Column):
        return _column(scope, node)
    if isinstance(node, exp.Anonymous):
        return _named_call(scope, node)
    if not function and type(node) not in RULES:
        return _outside(scope, node)
    if surplus:
        return scope.refuse(
            "M302", f"`{written(node)}` says more than the language knows.",
            f"Leave out what concerns {', '.join(surplus)}.",
        )  # fmt: skip
    return _call(scope, node, function) if function else RULES[type(node)](scope, node, judge)


def _is_call(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.lower() == name


def _named_call(scope: Scope, node: exp.Anonymous) -> Typed:
    if _is_call(node, "as_of"):
        if node.expressions:
            return scope.refuse("M302", "as_of() takes nothing.", "Write as_of().")
        return Typed(exp.Anonymous(this="as_of"), DATE)
    if _is_call(node, "link"):
        return scope.refuse(
            "M307", f"`{written(node)}` stands where no link may.",
            "link(...) is the whole expression of a flow's field, and nothing else.",
        )  # fmt: skip
    return _outside(scope, node)


def _outside(scope: Scope, node: exp.Expr) -> Typed:
    named = isinstance(node, exp.Anonymous)
    name = node.name.lower() if named else node.key
    if name in whitelist.NOT_DETERMINISTIC:
        return scope.refuse(
            "M303", f"`{written(node)}` differs from one moment to the next.",
            "Use as_of(), the date of the run, or a field that an owner states.",
        )  # fmt: skip
    near = difflib.get_close_matches(name, whitelist.NAMES, n=1, cutoff=0.75) if named else []
    hint = f"Did you mean {near[0]}?" if near else f"Functions are {', '.join(whitelist.NAMES)}."
    return scope.refuse("M302", f"`{_short(written(node))}` is not in the language.", hint)


def _column(scope: Scope, node: exp.Column) -> Typed:
    if node.args.get("db") or node.args.get("catalog") or isinstance(node.this, exp.Star):
        return scope.refuse(
            "M304", f"`{written(node)}` is no field.",
            "Read a field by its name, or through a ref as programme.title.",
        )  # fmt: skip
    fields = scope.fields[scope.entity]
    if node.table:
        return _through(scope, node)
    if node.name not in fields and node.name in scope.refs:
        return scope.refuse(
            "M308", f"{scope.entity}.{node.name} is a ref of several parts; it is no value.",
            f"Read a field behind it, as {node.name}.field.",
        )  # fmt: skip
    if node.name not in fields:
        return _unknown(scope, node.name, scope.entity)
    scope.reads.add(Read(node.name))
    return Typed(exp.column(node.name, quoted=True), fields[node.name])


def _through(scope: Scope, node: exp.Column) -> Typed:
    """Read a field of the entity that a ref refers to."""
    own = {**{n: ValueType("ref", entity=e) for n, e in scope.refs.items()},
           **scope.fields[scope.entity]}  # fmt: skip
    if node.table not in own:
        return _unknown(scope, node.table, scope.entity)
    ref = own[node.table]
    if ref is not None and ref.kind != "ref":
        return scope.refuse(
            "M308", f"{scope.entity}.{node.table} is {called(ref)}; nothing is behind it.",
            f"Read {node.table} itself, or give it the type ref(...).",
        )  # fmt: skip
    behind = scope.fields.get(ref.entity) if ref else None
    if ref is None or behind is None:
        return Typed(exp.null(), None)
    if node.name not in behind:
        return _unknown(scope, node.name, ref.entity)
    scope.reads.add(Read(node.table, of=node.name))
    return Typed(exp.column(node.name, table=node.table, quoted=True), behind[node.name])


def _unknown(scope: Scope, name: str, entity: str) -> Typed:
    known = [*scope.fields[entity], *(scope.refs if entity == scope.entity else ())]
    near = difflib.get_close_matches(name.lower(), known, n=1)
    cure = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(known)}."
    return scope.refuse("M304", f"{entity} has no field `{name}`.", cure)


def _link(scope: Scope, node: exp.Expr) -> LinkCall | None:
    """Read `link('flow', field, ...)`; whether the flow fits is a rule of the whole charter."""
    first, *others = node.expressions or [exp.null()]
    plain = all(isinstance(o, exp.Column) and not o.table for o in others)
    if not (isinstance(first, exp.Literal) and first.is_string and others and plain):
        scope.refuse(
            "M307", f"`{written(node)}` is no link.",
            "Write link('other-flow', field, ...) with a field for each part of its key.",
        )  # fmt: skip
        return None
    for column in others:
        judge(scope, column)
    return LinkCall(first.this, tuple(column.name for column in others))


def _call(scope: Scope, node: exp.Expr, function: whitelist.Function) -> Typed:
    built = node.copy()
    first: ValueType | None = None
    for name, want in function.takes:
        part = node.args.get(name)
        if part is None:
            continue
        typed = _part(scope, node, part, want)
        first = typed.type if name == "this" else first
        built.set(name, typed.tree)
    if isinstance(node, exp.RegexpReplace) and not scope.refusals and not _replaces(node):
        return scope.refuse(
            "M309", f"`{written(node)}` puts in a group that its pattern does not have.",
            "Write the group into the pattern, in brackets, or leave it out.",
        )  # fmt: skip
    return Typed(built, first if function.gives == "same" else _GIVES[function.gives])


def _part(scope: Scope, node: exp.Expr, part: exp.Expr, want: whitelist.Want) -> Typed:
    if want in _LITERALS:
        return _literal_part(scope, node, part, want)
    typed = judge(scope, part)
    kinds, name = _WANTS[want]
    if typed.type and typed.kind not in kinds:
        return scope.refuse(
            "M305", f"`{written(node)}` needs {name} where `{written(part)}` is "
            f"{called(typed.type)}.", "Change the value with cast or try_cast, or use another "
            "field.",
        )  # fmt: skip
    return local(scope, typed) if want == "day" else typed


# DuckDB refuses the whole query for a higher one.
_LAST_GROUP = 9
_LITERALS = {
    "count": f"a whole number up to {whitelist.LONGEST_PAD} (a group: {_LAST_GROUP}), written out",
    "word": "text, written out (to pad with, at least one character)",
    "pattern": "a pattern that DuckDB understands, written out",
    "format": "a format such as '%d.%m.%Y', written out",
    "options": "some of the letters g, i, c, s, m",
}


def _literal_part(scope: Scope, node: exp.Expr, part: exp.Expr, want: str) -> Typed:
    """Take a literal that cannot fail when the expression runs."""
    good = isinstance(part, exp.Literal) and part.is_string is (want != "count")
    if good and want == "count":
        most = _LAST_GROUP if isinstance(node, exp.RegexpExtract) else whitelist.LONGEST_PAD
        good = part.this.isdigit() and int(part.this) <= most
    elif good and want == "options":
        good = set(part.this) <= set("gicsm")
    elif good and want == "word":
        # There is no padding with nothing.
        good = bool(part.this) or not isinstance(node, exp.Pad)
    elif good:
        good = _runs(want, part.this)
    if not good:
        return scope.refuse(
            "M309", f"`{written(node)}` needs {_LITERALS[want]}.", "Correct it there."
        )
    return Typed(part.copy(), None)


def _replaces(node: exp.RegexpReplace) -> bool:
    return _runs("replacement", node.expression.name, node.args["replacement"].name)


@cache
def _runs(want: str, *texts: str) -> bool:
    """Ask DuckDB whether it understands a pattern, a format, or a pattern's replacement."""
    # Few charters need it, and every command reads a charter.
    import duckdb

    question = {
        "pattern": "SELECT regexp_matches('', $1)",
        "format": "SELECT strftime(DATE '2026-12-14', $1)",
        "replacement": "SELECT regexp_replace('', $1, $2)",
    }
    try:
        with duckdb.connect(":memory:") as connection:
            connection.execute(question[want], texts).fetchall()
    except duckdb.Error:
        return False
    return True


def refusals_of(scope: Scope) -> tuple[Refusal, ...]:
    """Give what a scope refused, once each."""
    return tuple(dict.fromkeys(scope.refusals))
