"""FOLIO's users to flat rows, and flat rows to what an import sends. Pure.

An import names groups and address types; a user's record has their identifiers.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from matricula.connectors.folio.fields import ACTIVE, FIELDS, GROUP, NUMBER
from matricula.connectors.kit.refuse import Misfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.folio.fields import Field
    from matricula.connectors.kit.protocol import Value

User = dict[str, Any]
_DAY = len("2026-09-01")
# How a record writes what an import calls by name.
CONTACTS: Mapping[str, str] = {
    "001": "mail", "002": "email", "003": "text", "004": "phone", "005": "mobile",
}  # fmt: skip
_SPECIAL = str.maketrans({sign: f"\\{sign}" for sign in '\\"*?^'})


def canonical(field: Field, value: Value) -> Value:
    """Write a value as FOLIO holds it.

    Raises:
        Misfit: It cannot be held.
    """
    if value is None or value == "":
        if field.required or field.name == ACTIVE:
            raise Misfit(field.name, "is empty, and a user cannot be without it")
        return None
    if field.type == "boolean":
        if str(value).lower() not in ("true", "false"):
            raise Misfit(field.name, "is neither true nor false")
        return str(value).lower() == "true"
    if field.type == "date":
        try:
            return date.fromisoformat(str(value)).isoformat()
        except ValueError:
            raise Misfit(field.name, "is no date of the form YYYY-MM-DD") from None
    return str(value)


def read_field(user: User, field: Field, groups: Mapping[str, str]) -> Value:
    """Read one field of a record; None when it is not there.

    Args:
        user: As FOLIO writes it.
        field: Which.
        groups: Names of patron groups by identifier.
    """
    raw = ((user.get("personal") or {}) if field.personal else user).get(field.name)
    if field.type == "boolean":
        # The documents leave open what a missing `active` means; the interface shows inactive.
        return bool(raw)
    if raw is None or raw == "":
        return None
    if field.name == GROUP:
        return groups.get(str(raw), str(raw))
    return str(raw)[:_DAY] if field.type == "date" else str(raw)


def differing(user: User, wanted: Mapping[Field, Value], groups: Mapping[str, str]) -> list[Field]:
    """List the fields whose value is not the wanted one; values as `canonical` has them."""
    return [field for field, value in wanted.items() if read_field(user, field, groups) != value]


def imported(
    present: User | None,
    wanted: Mapping[Field, Value],
    groups: Mapping[str, str],
    *,
    contact: str,
    preference: Mapping[str, Any] | None,
) -> User:
    """Make one user of an import: what is there, with the wanted values laid over it.

    Everything that we read is sent along: an import may take what is absent for a default, and
    deletes a request preference that is not sent.

    Args:
        present: The record as it is; None for a new user.
        wanted: Values as `canonical` has them.
        groups: Names of patron groups by identifier.
        contact: How a new user is written to.
        preference: The request preference as an import writes it, if there is one.
    """
    kept = {f: read_field(present, f, groups) for f in FIELDS.values()} if present else {}
    held: dict[str, Any] = {ACTIVE: True}
    personal: dict[str, Any] = {}
    for field, value in {**kept, **wanted}.items():
        if value is not None:
            (personal if field.personal else held)[field.name] = value
    stored = ((present or {}).get("personal") or {}).get("preferredContactTypeId")
    personal["preferredContactTypeId"] = CONTACTS.get(str(stored), contact)
    user = {**held, "personal": personal}
    return {**user, "requestPreference": dict(preference)} if preference else user


def quoted(value: object) -> str:
    """Write a value as a term of a query in which no sign has a meaning of its own."""
    return f'"{str(value).translate(_SPECIAL)}"'


def number_of(user: User) -> str:
    """Give the number that another system knows a user by; empty where it has none."""
    return str(user.get(NUMBER) or "")
