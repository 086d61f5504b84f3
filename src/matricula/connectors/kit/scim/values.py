"""Single values between the flat world and SCIM: checked going out, read coming in.

Both directions end in one canonical form, so that what was sent and what the server
keeps can be compared with `==`.
"""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from matricula.connectors.kit.protocol import NativeType, Value
    from matricula.connectors.kit.scim.attributes import Attribute


class Misfit(Exception):
    """A value that the field's type has no place for. Carries the field, never the value."""

    def __init__(self, field: str, why: str) -> None:
        self.field = field
        self.why = why
        super().__init__(f"{field} {why}")


def canonical(field: Attribute, value: Value) -> Value:
    """Bring a value that is to be written into the form `read_value` would give it.

    Raises:
        Misfit: The value is not of the field's type.
    """
    if value is None:
        return None
    return _CANONICAL.get(field.type, _text)(field, value)


def to_scim(field: Attribute, value: Value) -> object:
    """Write a canonical value as it stands in a SCIM record; a list's as its values."""
    if value is None:
        return None
    if field.type == "json":
        return json.loads(str(value))
    if field.type == "decimal":
        return float(str(value))
    return value


def read_value(field: Attribute, raw: object) -> Value:
    """Read a value out of a SCIM record, in its canonical form.

    Raises:
        Misfit: The server sent something that is not of the type its schema says.
    """
    if raw is None:
        return None
    if field.type == "json":
        return _joined(str(one) for one in raw) if isinstance(raw, list) else _joined([str(raw)])
    if isinstance(raw, str | int):
        return canonical(field, raw)
    if isinstance(raw, float) and field.type in ("decimal", "integer"):
        return canonical(field, str(int(raw) if raw.is_integer() else raw))
    if field.type == "text":
        return json.dumps(raw, ensure_ascii=False, sort_keys=True)
    raise Misfit(field.name, f"is not of type {field.type}")


def equal(field: Attribute, one: Value, other: Value) -> bool:
    """Compare two canonical values the way the server compares them when it looks one up."""
    if one is None or other is None or field.exact or field.type != "text":
        return one == other
    return folded(str(one)) == folded(str(other))


def folded(text: str) -> str:
    """Bring a text into the form in which capitals and composed signs make no difference."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _boolean(field: Attribute, value: Value) -> bool:
    # Some servers write booleans as text, in more than one spelling.
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise Misfit(field.name, "is neither true nor false")


def _integer(field: Attribute, value: Value) -> int:
    if isinstance(value, bool):
        raise Misfit(field.name, "is not a whole number")
    try:
        return int(value or 0)
    except ValueError as error:
        raise Misfit(field.name, "is not a whole number") from error


def _decimal(field: Attribute, value: Value) -> str:
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise Misfit(field.name, "is not a number") from error
    if not number.is_finite() or Decimal(repr(float(number))) != number:
        raise Misfit(field.name, "has more digits than a JSON number carries")
    return format(number.normalize(), "f")


def _instant(field: Attribute, value: Value) -> str:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Misfit(field.name, "is not a date and time in ISO 8601") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _values(field: Attribute, value: Value) -> str:
    try:
        found = json.loads(str(value))
    except ValueError as error:
        raise Misfit(field.name, "is not a JSON list of texts") from error
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Misfit(field.name, "is not a JSON list of texts")
    return _joined(_text(field, one) for one in found)


def _joined(values: Iterable[str]) -> str:
    # Entries have no order in SCIM; sorted, so that two readings agree.
    return json.dumps(sorted(set(values)), ensure_ascii=False)


def _text(field: Attribute, value: Value) -> str:
    if isinstance(value, bool):
        raise Misfit(field.name, "is a truth value where the server keeps text")
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Misfit(field.name, "holds half a character (a lone surrogate)") from error
    return text


_CANONICAL: dict[NativeType, Callable[[Attribute, Value], Value]] = {
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "instant": _instant,
    "json": _values,
}
