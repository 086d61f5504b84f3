"""Objects of the REST binding, 1.1 or 1.2, as rows of text: pure, and tolerant.

Providers write booleans as booleans and numbers as text, leave out what a reference must have,
and put one value where a list belongs. All of that is read for what it means; what a value
must not be is left as it stands, for the rules of the standard to find.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.moments import moment
from matricula.connectors.kit.oneroster.json_rows import pairs_text
from matricula.connectors.kit.oneroster.objects import rest_tables, shapes
from matricula.connectors.kit.oneroster.tables import KEY, METADATA, STATUS
from matricula.kernel.keys import join_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


ROLES, USERS = "roles", "users"
# What version 1.1 has in the user itself, and 1.2 in its roles.
ROLE, ORGS = "role", "orgSourcedIds"
_ROLE_FIELDS = ("userSourcedId", "roleType", "role", "orgSourcedId", "beginDate", "endDate")
# Objects of 1.1 that have another name for it.
_OLD_NAMES: Mapping[tuple[str, str], str] = {("lineItems", "academicSession"): "gradingPeriod"}

Record = dict[str, Any]
Row = dict[str, str | None]


def fields_of(resource: str, metadata: Sequence[str] = ()) -> tuple[str, ...]:
    """List the fields of a resource, in order."""
    if resource == ROLES:
        return _ROLE_FIELDS
    own = [one.name for one in rest_tables()[resource].columns if one.name != STATUS]
    more = [ROLE, ORGS] if resource == USERS else []
    return (*own, *more, *metadata)


def property_of(resource: str, field: str) -> str:
    """Say what a field is called in a filter; empty where it cannot be asked by."""
    if field in {KEY, "dateLastModified"}:
        return field
    found = [one for one in shapes()[resource].properties if one.column == field]
    if not found or found[0].how not in {"text", "ref"}:
        return ""
    return f"{found[0].name}.sourcedId" if found[0].how == "ref" else found[0].name


def columns_of(
    resource: str, records: Sequence[Record], metadata: Sequence[str] = ()
) -> dict[str, list[str | None]]:
    """Turn objects into columns, one value for each, without what they have inside them."""
    found: dict[str, list[str | None]] = {}
    for column, name, old, read in _reading(resource):
        values = [one.get(name) for one in records]
        if old:
            values = [
                one.get(old) if value is None else value
                for one, value in zip(records, values, strict=True)
            ]
        found[column] = [None if value is None else read(value) for value in values]
    if resource == USERS:
        every = [roles_of(one) for one in records]
        found[ROLE] = [roles[0]["role"] if roles else None for roles in every]
        found[ORGS] = [_orgs(roles) for roles in every]
    for name in metadata:
        told = [one.get("metadata") for one in records]
        inner = name[len(METADATA) :]
        found[name] = [_text(one.get(inner)) if isinstance(one, dict) else None for one in told]
    return found


def rows_of(resource: str, records: Sequence[Record], metadata: Sequence[str] = ()) -> list[Row]:
    """Turn objects into rows, without what they have inside them."""
    columns = columns_of(resource, records, metadata)
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


@cache
def _reading(resource: str) -> list[tuple[str, str, str, Callable[[object], str | None]]]:
    """Say how each column is read: the property, another name for it, and what reads it."""
    told = [(one, one, "", _text) for one in (KEY, "dateLastModified")]
    return told + [
        (one.column, one.name, _OLD_NAMES.get((resource, one.name), ""), _READERS[one.how])
        for one in shapes()[resource].properties
        if one.column
    ]


def roles_of(record: Record) -> list[Row]:
    """List the roles of a user, the primary one first; those of 1.1 are all primary."""
    told = record.get("roles")
    if not isinstance(told, list):
        orgs = _references(record.get("orgs"))
        role = _text(record.get(ROLE))
        named: list[str | None] = [*orgs] or [None]
        return [_role(record, "primary", role, org) for org in named] if role else []
    found = [_role_in(record, one) for one in told if isinstance(one, dict)]
    return sorted(found, key=lambda row: row["roleType"] != "primary")


def _role_in(record: Record, one: Record) -> Row:
    return {
        "userSourcedId": _text(record.get(KEY)), "roleType": _text(one.get("roleType")),
        "role": _text(one.get("role")), "orgSourcedId": _reference(one.get("org")),
        "beginDate": _text(one.get("beginDate")), "endDate": _text(one.get("endDate")),
    }  # fmt: skip


def _orgs(roles: Sequence[Row]) -> str | None:
    if len(roles) == 1:
        return roles[0]["orgSourcedId"]
    return ",".join(dict.fromkeys(r["orgSourcedId"] or "" for r in roles)).strip(",") or None


def role_id(row: Row) -> str:
    """Name a role: whose, which, where and of what kind."""
    return join_key(
        str(row[name] or "") for name in ("userSourcedId", "role", "orgSourcedId", "roleType")
    )


def _role(record: Record, kind: str | None, role: str | None, org: str | None) -> Row:
    return {
        "userSourcedId": _text(record.get(KEY)), "roleType": kind, "role": role,
        "orgSourcedId": org, "beginDate": None, "endDate": None,
    }  # fmt: skip


def _text(value: object) -> str | None:
    if type(value) is str:  # what nearly all are
        return value or None
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _reference(value: object) -> str | None:
    return _text(value.get(KEY)) if isinstance(value, dict) else _text(value)


def _references(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [one for one in map(_reference, listed) if one]


def _list(value: object) -> str | None:
    listed = value if isinstance(value, list) else [value]
    return ",".join(one for one in map(_text, listed) if one) or None


def _pairs(first: str, second: str) -> Callable[[object], str | None]:
    def read(value: object) -> str | None:
        pairs = value if isinstance(value, list) else []
        told = [
            (_text(one.get(first)), _text(one.get(second)))
            for one in pairs
            if isinstance(one, dict)
        ]
        return pairs_text([(a, b or "") for a, b in told if a]) or None

    return read


def _moment(value: object) -> str | None:
    text = _text(value)
    return moment(text) if text else None


def _refs(value: object) -> str | None:
    return ",".join(_references(value)) or None


_READERS: Mapping[str, Callable[[object], str | None]] = {
    "text": _text, "number": _text, "list": _list, "instant": _moment, "ref": _reference,
    "refs": _refs, "ids": _pairs("type", "identifier"),
    "values": _pairs("itemValueLHS", "itemValueRHS"),
}  # fmt: skip
