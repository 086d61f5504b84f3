"""Alma's users to flat rows and back, and where two differ. Pure.

Inside a record every address and identifier is internal or external. The external ones are the
student system's, and ours; what staff or the person added is internal, and stays as it is.
"""

from __future__ import annotations

import copy
from datetime import date
from typing import TYPE_CHECKING, Any

from matricula.connectors.alma.fields import ID, STATUS, Field
from matricula.connectors.kit.refuse import Misfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.alma.settings import AlmaSettings
    from matricula.connectors.kit.protocol import Value

User = dict[str, Any]
OURS = "External"
_DAY = len("2026-09-01")


def canonical(field: Field, value: Value) -> Value:
    """Write a value as Alma holds it.

    Raises:
        Misfit: Alma would refuse it, or keep what was there.
    """
    if value is None or value == "":
        if field.required:
            raise Misfit(field.name, "is empty, and a user cannot be without it")
        if field.sticky:
            raise Misfit(field.name, "cannot be emptied: Alma would keep what is there")
        if field.name == STATUS:
            raise Misfit(field.name, "is empty; it is ACTIVE or INACTIVE")
        return None
    text = str(value)
    if field.type == "date":
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise Misfit(field.name, "is no date of the form YYYY-MM-DD") from None
    if len(text) > field.characters:
        raise Misfit(field.name, f"is longer than the {field.characters} characters it has there")
    return text


def read_field(user: User, field: Field) -> Value:
    """Read one field of a user; None when it is not there.

    Raises:
        Misfit: There are several external entries where one should be.
    """
    if field.form == "coded":
        return _text((user.get(field.name) or {}).get("value"))
    if field.form in ("email", "identifier"):
        found = _ours(user, field)
        if len(found) > 1:
            raise Misfit(field.name, "is there several times")
        return _text(found[0].get(_value_name(field))) if found else None
    raw = _text(user.get(field.name))
    # A day is written with the zone `Z` behind it.
    return raw[:_DAY] if raw and field.type == "date" else raw


def _text(raw: object) -> str | None:
    return None if raw is None or raw == "" else str(raw)


def differing(user: User, wanted: Mapping[Field, Value]) -> list[Field]:
    """List the fields whose value is not the wanted one; values as `canonical` has them."""
    found = []
    for field, value in wanted.items():
        try:
            same = _same(field, read_field(user, field), value)
        except Misfit:
            same = False
        if not same:
            found.append(field)
    return found


def _same(field: Field, seen: Value, wanted: Value) -> bool:
    if field.name == ID and seen is not None and wanted is not None:
        # Alma does not tell letters' case in it apart.
        return str(seen).casefold() == str(wanted).casefold()
    return seen == wanted


def new_user(wanted: Mapping[Field, Value], settings: AlmaSettings) -> User:
    """Make the record of a creation: an external user of our profile."""
    bare: User = {
        "record_type": {"value": settings.record_type},
        "account_type": {"value": "EXTERNAL"},
        "external_id": settings.external_id,
        "status": {"value": "ACTIVE"},
        "contact_info": {"email": [], "phone": [], "address": []},
        "user_identifier": [],
    }
    given = {field: value for field, value in wanted.items() if value is not None}
    return changed(bare, given, settings)


def changed(user: User, wanted: Mapping[Field, Value], settings: AlmaSettings) -> User:
    """Lay changes over a whole record, as Alma wants it back; the record itself is untouched.

    Roles are left out: those that are there are kept then.
    """
    after = copy.deepcopy(user)
    after.pop("user_role", None)
    for field, value in wanted.items():
        if field.form == "coded":
            after[field.name] = {"value": value}
        elif field.form in ("email", "identifier"):
            _put_entry(after, field, value, settings)
        else:
            after[field.name] = f"{value}Z" if value and field.type == "date" else value
    return after


def _ours(user: User, field: Field) -> list[dict[str, Any]]:
    return [
        one
        for one in _entries(user, field)
        if one.get("segment_type") == OURS
        and (field.form == "email" or (one.get("id_type") or {}).get("value") == field.id_type)
    ]


def _entries(user: User, field: Field) -> list[dict[str, Any]]:
    if field.form == "email":
        found: list[dict[str, Any]] = (user.get("contact_info") or {}).get("email") or []
        return found
    identifiers: list[dict[str, Any]] = user.get("user_identifier") or []
    return identifiers


def _value_name(field: Field) -> str:
    return "email_address" if field.form == "email" else "value"


def _put_entry(user: User, field: Field, value: Value, settings: AlmaSettings) -> None:
    ours, entries = _ours(user, field), _entries(user, field)
    if len(ours) > 1:
        raise Misfit(field.name, "is there several times, and which one is meant is not clear")
    if value is None:
        kept = [one for one in entries if one not in ours]
    elif ours:
        ours[0][_value_name(field)] = value
        kept = entries
    else:
        kept = [*entries, _entry(field, value, entries, settings)]
    if field.form == "email":
        user.setdefault("contact_info", {})["email"] = kept
    else:
        user["user_identifier"] = kept


def _entry(
    field: Field, value: Value, entries: list[dict[str, Any]], settings: AlmaSettings
) -> dict[str, Any]:
    if field.form == "identifier":
        return {
            "value": value, "id_type": {"value": field.id_type}, "status": "ACTIVE",
            "segment_type": OURS,
        }  # fmt: skip
    return {
        "email_address": value, "email_type": [{"value": settings.email_type}],
        # The one that somebody chose stays the preferred one.
        "preferred": not any(one.get("preferred") for one in entries), "segment_type": OURS,
    }  # fmt: skip
