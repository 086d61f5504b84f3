"""Patrons as Koha writes them to flat rows and back, and where two differ. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.refuse import Misfit
from matricula.connectors.koha.fields import CARD, EXPIRY, SURNAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.koha.fields import Field

Patron = dict[str, Any]
ATTRIBUTES = "extended_attributes"
# Koha takes white space off both ends of every column.
_TRIMMED = re.compile(r"^\s|\s$")
# What must not be blank: Koha takes an empty surname, and one empty card number of all.
_NEVER_BLANK = frozenset({SURNAME, CARD})


def canonical(field: Field, value: Value) -> Value:
    """Write a value as Koha stores it.

    Raises:
        Misfit: Koha would cut it, trim it, refuse it, or store something else.
    """
    if value is None:
        if field.required:
            raise Misfit(field.name, "is empty, and a patron cannot be without it")
        return None
    if field.type == "date":
        return _day(field, value)
    text = str(value)
    if text == "" and (field.name in _NEVER_BLANK or field.required):
        raise Misfit(field.name, "is empty, and Koha would take it so")
    if _TRIMMED.search(text):
        raise Misfit(field.name, "begins or ends with white space, which Koha takes off")
    if field.characters is not None and len(text) > field.characters:
        raise Misfit(field.name, f"is longer than the {field.characters} characters it has there")
    if field.bytes_ is not None and len(text.encode(errors="replace")) > field.bytes_:
        raise Misfit(field.name, f"is longer than the {field.bytes_} bytes it has there")
    return text


def _day(field: Field, value: Value) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise Misfit(field.name, "is no date of the form YYYY-MM-DD") from None


def read_field(patron: Patron, field: Field) -> Value:
    """Read one field of a patron; None when it is not there.

    Raises:
        Misfit: It is not of its type, or there are several where one should be.
    """
    if field.attribute:
        found = [one.get("value") for one in attributes_of(patron, field.attribute)]
        if len(found) > 1:
            raise Misfit(field.name, "is there several times")
        return None if not found or found[0] is None else str(found[0])
    raw = patron.get(field.name)
    if raw is None:
        return None
    if field.type == "boolean":
        return bool(raw)
    if field.type == "date":
        # The answer to a creation shows a date as an instant.
        return _day(field, str(raw)[:10])
    if field.type == "instant":
        return _instant(field, raw)
    return str(raw)


def column(
    patrons: Sequence[Patron], field: Field, odd: Callable[[Patron, Misfit], None]
) -> list[Any]:
    """Read one field of many patrons, days and instants as such.

    Args:
        patrons: In their order.
        field: Which.
        odd: Is told of a value that is not of its type; it is read as absent.
    """
    if field.type == "text" and not field.attribute:
        plain = [one.get(field.name) for one in patrons]
        return [raw if raw is None or type(raw) is str else str(raw) for raw in plain]

    def read(patron: Patron) -> Value:
        try:
            return read_field(patron, field)
        except Misfit as misfit:
            odd(patron, misfit)
            return None

    values = map(read, patrons)
    typed = _TYPED.get(field.type)
    return [v if v is None or typed is None else typed(str(v)) for v in values]


_TYPED: Mapping[str, Callable[[str], Any]] = {
    "date": date.fromisoformat,
    "instant": datetime.fromisoformat,
}


def _instant(field: Field, raw: object) -> str:
    try:
        found = datetime.fromisoformat(str(raw))
    except ValueError:
        raise Misfit(field.name, "is no instant") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).isoformat()


def attributes_of(patron: Patron, code: str) -> list[dict[str, Any]]:
    """List a patron's extended attributes of one type."""
    return [one for one in patron.get(ATTRIBUTES) or [] if one.get("type") == code]


def differing(patron: Patron, wanted: Mapping[Field, Value]) -> list[Field]:
    """List the fields whose value is not the wanted one; values as `canonical` has them."""
    found = []
    for field, value in wanted.items():
        try:
            same = read_field(patron, field) == value
        except Misfit:
            same = False
        if not same:
            found.append(field)
    return found


def holds(patron: Patron, wanted: Mapping[Field, Value]) -> bool:
    """Say whether a patron equals every wanted value; a blank equals nothing."""
    return not differing(patron, wanted) and all(v not in (None, "") for v in wanted.values())


def new_patron(wanted: Mapping[Field, Value]) -> Patron:
    """Make the body of a creation."""
    given = {field: value for field, value in wanted.items() if value is not None}
    body: Patron = {f.name: value for f, value in given.items() if not f.attribute}
    attributes = [{"type": f.attribute, "value": v} for f, v in given.items() if f.attribute]
    return {**body, ATTRIBUTES: attributes} if attributes else body


def change(patron: Patron, wanted: Mapping[Field, Value], required: Iterable[str]) -> Patron:
    """Make the body of a change: what changes, and what Koha demands to be told again.

    Koha keeps what is absent. Attributes have an address of their own: with them in it the
    change would fail.
    """
    body: Patron = {name: patron.get(name) for name in required}
    return {**body, **{f.name: value for f, value in wanted.items() if not f.attribute}}


def is_past(patron: Patron, day: date) -> bool:
    """Say whether a patron's card had expired by a day; one without an end never has."""
    raw = patron.get(EXPIRY)
    try:
        return raw is not None and date.fromisoformat(str(raw)[:10]) < day
    except ValueError:
        return False
