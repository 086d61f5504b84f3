"""Flat rows to SCIM records and back, and the difference between two records. Pure.

Records are JSON objects as the server writes them. Whatever is not named in a change
stays as it is: other entries of a list, other parts of a name, attributes of extensions
nobody here has heard of.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.scim.values import Misfit, canonical, equal, read_value, to_scim

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.kit.scim.attributes import Attribute

Record = dict[str, Any]


def read_field(record: Record, field: Attribute) -> Value:
    """Read one field of a record; None when it is not there.

    Raises:
        Misfit: The record holds something that is not of the field's type.
    """
    raw = home_of(record, field).get(field.attribute)
    if raw is None:
        return None
    if field.form == "single":
        raw = part_of(field, raw) if field.sub else raw
    elif field.form == "list":
        raw = [part_of(field, one) if field.sub else one for one in entries_of(raw)]
        raw = [one for one in raw if one is not None] or None
    else:
        entry = _entry(field, entries_of(raw))
        raw = None if entry is None else entry.get(field.sub)
    return read_value(field, raw)


def flatten(record: Record, fields: Iterable[Attribute]) -> tuple[dict[str, Value], list[Misfit]]:
    """Read every field of a record.

    Returns:
        The flat row, without fields that are not there, and what could not be read.
    """
    row: dict[str, Value] = {}
    misfits: list[Misfit] = []
    for field in fields:
        if field.attribute not in (record if not field.urn else record.get(field.urn) or ()):
            continue
        try:
            row[field.name] = read_field(record, field)
        except Misfit as misfit:
            misfits.append(misfit)
    return row, misfits


def changed(record: Record, changes: Mapping[Attribute, Value]) -> Record:
    """Lay changes over a record; None takes a value away. The record itself is untouched.

    Raises:
        Misfit: A value is not of its field's type.
    """
    after = copy.deepcopy(record)
    # The primary entry may be the entry of a type, so types come first.
    for field, value in sorted(changes.items(), key=lambda pair: pair[0].form == "primary"):
        _put(after, field, to_scim(field, canonical(field, value)))
    return after


def new_record(core: str, changes: Mapping[Attribute, Value]) -> Record:
    """Make the record that a creation sends, with its list of schemas.

    Raises:
        Misfit: A value is not of its field's type.
    """
    record = changed({}, {field: value for field, value in changes.items() if value is not None})
    used = [field.urn for field in changes if field.urn in record]
    return {"schemas": list(dict.fromkeys([core, *used])), **record}


def replacement(after: Record, fields: Sequence[Attribute]) -> Record:
    """Make the record that a PUT sends: everything but what only the server may write."""
    writable = {(field.urn, field.attribute) for field in fields if field.writable}
    read_only = {(f.urn, f.attribute) for f in fields} - writable
    record = {name: value for name, value in after.items() if ("", name) not in read_only}
    record.pop("meta", None)
    return record


def differing(
    record: Record, wanted: Mapping[Attribute, Value], *, unseen: bool = False
) -> list[Attribute]:
    """List the fields whose value in the record is not the wanted one.

    Args:
        record: As the server shows it.
        wanted: Values as a write names them.
        unseen: Also judge fields that the server does not show in ordinary answers.
    """
    found = []
    for field, value in wanted.items():
        try:
            same = read_field(record, field) == canonical(field, value)
        except Misfit:
            same = False
        if not same and (field.seen or unseen):
            found.append(field)
    return found


def holds(record: Record, wanted: Mapping[Attribute, Value]) -> bool:
    """Say whether a record equals every wanted value, as the server compares them.

    What is not there equals nothing, not even another thing that is not there.
    """
    try:
        return all(
            value not in (None, "")
            and equal(field, read_field(record, field), canonical(field, value))
            for field, value in wanted.items()
        )
    except Misfit:
        return False


def filter_for(field: Attribute, value: Value) -> str:
    """Write the filter that finds records whose field equals the value.

    Raises:
        Misfit: The value is not of the field's type.
    """
    literal = json.dumps(to_scim(field, canonical(field, value)), ensure_ascii=False)
    path = field.path
    if field.form == "slot":
        return f"{path}[type eq {json.dumps(field.slot)} and {field.sub} eq {literal}]"
    return f"{path}.{field.sub} eq {literal}" if field.sub else f"{path} eq {literal}"


def home_of(record: Record, field: Attribute) -> Record:
    """Give the part of a record that holds the field's attribute: itself, or an extension."""
    if not field.urn:
        return record
    home = record.get(field.urn)
    return home if isinstance(home, dict) else {}


def part_of(field: Attribute, raw: object) -> object:
    """Take the field's own part out of a complex value."""
    # A few servers write a complex value as the bare text of its `value`.
    return raw.get(field.sub) if isinstance(raw, dict) else raw


def entries_of(raw: object) -> list[Any]:
    """Give the entries of an attribute; some servers write one of them without a list."""
    return raw if isinstance(raw, list) else [raw]


def _entry(field: Attribute, entries: list[Any]) -> Record | None:
    """Choose the entry a `slot`, `primary` or `first` field speaks of."""
    known = [one for one in entries if isinstance(one, dict)]
    if field.form == "slot":
        typed = [one for one in known if str(one.get("type") or "").lower() == field.slot.lower()]
        return next((one for one in typed if one.get("primary")), typed[0] if typed else None)
    marked = next((one for one in known if one.get("primary")), None)
    if marked is None and (len(known) == 1 or (known and field.form == "first")):
        return known[0]
    return marked


def _put(record: Record, field: Attribute, value: object) -> None:
    home = record.setdefault(field.urn, {}) if field.urn else record
    if field.form == "single" and not field.sub:
        _set(home, field.attribute, value)
    elif field.form == "single":
        parent = dict(home.get(field.attribute) or {})
        _set(parent, field.sub, value)
        # `$ref` and its like describe the value that has just gone.
        _set(home, field.attribute, parent if value is not None or field.sub != "value" else None)
    elif field.form == "list":
        _set(
            home,
            field.attribute,
            _relisted(field, entries_of(home.get(field.attribute) or []), value),
        )
    else:
        entries = entries_of(home.get(field.attribute) or [])
        _set(home, field.attribute, _reentered(field, entries, value))
    if field.urn and not home:
        del record[field.urn]


def _set(home: Record, name: str, value: object) -> None:
    if value is None or value in ({}, []):
        home.pop(name, None)
    else:
        home[name] = value


def _relisted(field: Attribute, entries: list[Any], value: object) -> list[Any]:
    wanted = list(value) if isinstance(value, list) else []
    if not field.sub:
        return wanted
    # An entry that stays keeps its display name, its type and whatever else it has.
    present = {part_of(field, one): one for one in entries}
    return [present.get(one, {field.sub: one}) for one in wanted]


def _reentered(field: Attribute, entries: list[Any], value: object) -> list[Any]:
    chosen = _entry_to_write(field, entries, value)
    if chosen is None:
        if value is None:
            return entries
        return [*entries, {field.sub: value, **_mark(field)}]
    _set(chosen, field.sub, value)
    if field.form == "primary" and value is not None:
        chosen["primary"] = True
    return [
        one for one in entries if one is not chosen or set(one) - {"type", "primary", "display"}
    ]


def _mark(field: Attribute) -> Record:
    if field.form == "slot":
        return {"type": field.slot}
    return {"primary": True} if field.form == "primary" else {}


def _entry_to_write(field: Attribute, entries: list[Any], value: object) -> Record | None:
    if field.form in ("slot", "first") or value is None:
        return _entry(field, entries)
    known = [one for one in entries if isinstance(one, dict)]
    equal_one = next((one for one in known if one.get(field.sub) == value), None)
    sole = known[0] if len(known) == 1 and not known[0].get("type") else None
    marked = next((one for one in known if one.get("primary")), None)
    return marked or equal_one or sole
