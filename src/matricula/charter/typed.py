"""The ground on which expressions are judged: typed trees, and the fields in reach.

A part whose type is not known (a NULL, or something already refused) fits everywhere, so
that one mistake is reported once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from sqlglot import exp

from matricula.charter.model import Read, ValueType
from matricula.kernel.money import decimals_of, to_minor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT = ValueType("text")
INTEGER = ValueType("integer")
DECIMAL = ValueType("decimal")
BOOLEAN = ValueType("boolean")
DATE = ValueType("date")
INSTANT = ValueType("instant")

TEXTUAL = ("text", "enum", "ref")
NUMERIC = ("integer", "decimal")

LiteralKind = Literal["", "text", "number"]


@dataclass(frozen=True, slots=True)
class Typed:
    """A part of an expression, rebuilt from what the language allows, and its type.

    Attributes:
        tree: Safe to run.
        type: None where it is not known.
        literal: Whether it is written out in the charter, as text or as a number.
    """

    tree: exp.Expr
    type: ValueType | None
    literal: LiteralKind = ""

    @property
    def kind(self) -> str:
        """The kind of its type; empty where it is not known."""
        return self.type.kind if self.type else ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an expression is refused; who asked knows the place."""

    code: str
    message: str
    cure: str


@dataclass(slots=True)
class Scope:
    """What an expression may read, and what was found while judging it.

    Attributes:
        entity: The entity whose fields are in reach.
        fields: Type by name, for every entity; None where the type is not known.
        timezone: The institution's.
        refs: The entity's named refs, and the entities they lead to.
    """

    entity: str
    fields: Mapping[str, Mapping[str, ValueType | None]]
    timezone: str
    refs: Mapping[str, str] = field(default_factory=dict)
    reads: set[Read] = field(default_factory=set)
    refusals: list[Refusal] = field(default_factory=list)

    def refuse(self, code: str, message: str, cure: str) -> Typed:
        """Note a refusal; what is refused has no type, so nothing else stumbles over it."""
        self.refusals.append(Refusal(code, message, cure))
        return Typed(exp.null(), None)


def called(value: ValueType) -> str:
    """Say a type in words."""
    if value.kind == "enum":
        return f"one of {', '.join(value.values)}"
    return f"ref({value.entity})" if value.kind == "ref" else value.kind


def together(
    scope: Scope, parts: Sequence[Typed], where: str, *, compared: bool
) -> tuple[list[Typed], ValueType | None]:
    """Bring parts that must be of one type to that type.

    Args:
        scope: Takes the refusals.
        parts: Of a comparison, a list, the branches of a CASE.
        where: The text, for the message.
        compared: Whether a word outside a list type is a mistake (it could never be equal).

    Returns:
        The parts, with literals written in the common type, and that type.
    """
    kinds = {part.kind for part in parts if part.type and not part.literal}
    for special, bring in (("money", _as_money), ("date", _as_date), ("instant", _as_instant)):
        if special in kinds:
            leader = next(part.type for part in parts if part.kind == special)
            parts = [bring(scope, part, leader) for part in parts]
    found = [part.type for part in parts if part.type]
    if not found:
        return list(parts), None
    if all(t.kind in TEXTUAL for t in found):
        return list(parts), _textual(scope, parts, compared=compared)
    if all(t.kind in NUMERIC for t in found):
        return list(parts), DECIMAL if DECIMAL in found else INTEGER
    if len(set(found)) == 1:
        return list(parts), found[0]
    names = " and ".join(dict.fromkeys(called(t) for t in found))
    scope.refuse(
        "M305", f"`{where}` puts {names} side by side.", "Compare and choose among values of one "
        "type; change one with cast or try_cast."
    )  # fmt: skip
    return list(parts), None


def _textual(scope: Scope, parts: Sequence[Typed], *, compared: bool) -> ValueType:
    enums = list(dict.fromkeys(part.type for part in parts if part.type and part.kind == "enum"))
    literals = [str(part.tree.this) for part in parts if part.literal == "text"]
    for enum in enums if compared else []:
        for word in [word for word in literals if word not in enum.values]:
            scope.refuse(
                "M306", f"'{word}' is none of the words {', '.join(enum.values)}.",
                "Use one of them, or add the word to the field's type.",
            )  # fmt: skip
    others = [part for part in parts if part.type and part.literal != "text"]
    same = len({part.type for part in others}) == 1
    if same and others[0].kind == "enum" and all(w in enums[0].values for w in literals):
        return enums[0]
    if same and others[0].kind == "ref" and not literals and others[0].type:
        return others[0].type
    return TEXT


def _as_money(scope: Scope, part: Typed, money: ValueType | None) -> Typed:
    """Read a number beside money as an amount in major units, as a person would."""
    if part.literal != "number" or money is None:
        return part
    amount = part.tree.sql("duckdb")
    try:
        minor = to_minor(amount, money.currency)
    except ValueError:
        return scope.refuse(
            "M305", f"{amount} has more decimals than {money.currency} has.",
            f"Write at most {decimals_of(money.currency)} decimals.",
        )  # fmt: skip
    return Typed(whole_number(minor), money)


def _as_date(scope: Scope, part: Typed, _: ValueType | None) -> Typed:
    return date_literal(scope, part) if part.literal == "text" else part


def _as_instant(scope: Scope, part: Typed, _: ValueType | None) -> Typed:
    return instant_literal(scope, part) if part.literal == "text" else part


def date_literal(scope: Scope, part: Typed) -> Typed:
    """Read a text literal as a date."""
    word = str(part.tree.this)
    try:
        day = date.fromisoformat(word)
    except ValueError:
        return scope.refuse("M305", f"'{word}' is no date.", "Write it as '2026-12-14'.")
    return Typed(cast(exp.Literal.string(day.isoformat()), "DATE"), DATE)


def instant_literal(scope: Scope, part: Typed) -> Typed:
    """Read a text literal as an instant, in UTC."""
    word = str(part.tree.this)
    try:
        moment = datetime.fromisoformat(word.removesuffix("Z")).replace(tzinfo=None)
    except ValueError:
        return scope.refuse(
            "M305", f"'{word}' is no instant.", "Write it in UTC, as '2026-12-14T09:00:00Z'."
        )
    return Typed(cast(exp.Literal.string(moment.isoformat(" ")), "TIMESTAMP"), INSTANT)


def cast(tree: exp.Expr, to: str, *, strict: bool = True) -> exp.Expr:
    """Cast; an impossible value is an error, or null where `strict` is false."""
    kind = exp.Cast if strict else exp.TryCast
    return kind(this=tree, to=exp.DataType.build(to, dialect="duckdb"))


def whole_number(number: int) -> exp.Expr:
    """Write a whole number, also a negative one."""
    literal = exp.Literal.number(abs(number))
    return exp.Neg(this=literal) if number < 0 else literal


def is_number(text: str) -> bool:
    """Say whether a literal is a number in plain digits that the engine can hold."""
    plain = text.replace(".", "", 1).isdigit()
    if not plain:
        return False
    number = Decimal(text)
    return number < 10**18 and int(number.as_tuple().exponent) >= -9  # noqa: PLR2004 - BIGINT, DECIMAL(28, 9)


def written(node: exp.Expr) -> str:
    """Write a part of an expression for a message."""
    return node.sql("duckdb", comments=False)


def bracketed(node: exp.Expr) -> exp.Expr:
    """Copy a part to where it must not fall apart."""
    plain = isinstance(node, exp.Column | exp.Literal)
    return node.copy() if plain else exp.Paren(this=node.copy())


def want(scope: Scope, part: Typed, kinds: tuple[str, ...], node: exp.Expr, name: str) -> Typed:
    """Refuse a part whose kind is none of those wanted."""
    if not part.type or part.kind in kinds:
        return part
    return scope.refuse(
        "M305", f"`{written(node)}` needs {name}; a part of it is "
        f"{called(part.type)}.", "Change the value with try_cast, or use another field."
    )  # fmt: skip
