"""Entries to flat rows, and fields to what is sent. Pure.

Whatever a write does not name stays as it is: other attributes, classes that others added,
values in other languages (`cn;lang-ja`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.ldap import names, values
from matricula.connectors.ldap.messages import Change
from matricula.connectors.ldap.values import Misfit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.ldap.messages import Attributes, Entry
    from matricula.connectors.ldap.resources import Resource

Wanted = dict[str, list[bytes]]


def row_of(resource: Resource, entry: Entry) -> tuple[dict[str, Value], list[tuple[str, str]]]:
    """Read an entry as a flat row, without fields that it does not have.

    Returns:
        The row with `_id` and, where people can be suspended, `_suspended`; and the fields
        that could not be read, each with the reason.
    """
    row: dict[str, Value] = {"_id": resource.layout.identifier(entry.attributes)}
    misfits: list[tuple[str, str]] = []
    for name, raw in entry.attributes.items():
        field = resource.fields.get(name)
        if field is None or field.attribute.type is None:
            continue
        try:
            if field.is_plain and len(raw) == 1:
                row[name] = values.text_of(raw[0])
            else:
                row[name] = values.from_bytes(field.attribute.type, raw, is_list=field.is_list)
        except Misfit as misfit:
            misfits.append((name, str(misfit)))
    if resource.place.suspend:
        row["_suspended"] = is_suspended(resource, entry)
    return row, misfits


def is_suspended(resource: Resource, entry: Entry) -> bool:
    """Say whether a person is kept out: by the lock where there is one, else by the branch."""
    if resource.lock is not None:
        return resource.lock.holds(entry.attributes)
    return is_away(resource, entry.dn)


def is_away(resource: Resource, dn: str) -> bool:
    """Say whether an entry lies where suspended people go."""
    suspension = resource.place.suspend
    if suspension is None or suspension.move_to is None:
        return False
    return _lies_below(names.parent(dn), suspension.move_to)


@lru_cache(maxsize=4096)
def _lies_below(parent: str, branch: str) -> bool:
    # Thousands of people live in one branch, and its name is read once.
    try:
        return names.lies_below(names.parse(parent), names.parse(branch))
    except names.Unnamed:
        return False


def wanted(resource: Resource, fields: Mapping[str, Value]) -> Wanted:
    """Write fields as the directory keeps them; a blank as no value.

    Raises:
        SkipRow: A value is not of its attribute's kind (M604).
    """
    found: Wanted = {}
    for name, value in fields.items():
        field = resource.fields[name]
        try:
            found[name] = values.to_bytes(
                field.attribute.type or "text", value, is_list=field.is_list
            )
        except Misfit as misfit:
            raise SkipRow(
                f"{name} {misfit}.", code="M604", cure="Correct the value at its owner."
            ) from misfit
    return found


def new_entry(resource: Resource, given: Wanted) -> tuple[str, Wanted]:
    """Make the name and the attributes of a new entry.

    Raises:
        SkipRow: It has nothing to be named by (M604).
    """
    own = given.get(resource.naming)
    if not own or len(own) != 1:
        raise SkipRow(
            f"{resource.naming} is needed, for it names the entry in its branch.",
            code="M604",
            cure=f"Have the flow grant {resource.naming}, with one value.",
        )
    attributes: Wanted = {"objectClass": [one.encode() for one in resource.classes]}
    if resource.place.kind == "people":
        attributes |= {name: list(raw) for name, raw in resource.layout.made_with.items()}
    if resource.must_have_members:
        attributes[resource.place.member] = [resource.placeholder.encode()]
    attributes |= {name: raw for name, raw in given.items() if raw}
    dn = names.below(resource.place.base, resource.naming, own[0].decode())
    return dn, attributes


def differing(entry: Entry, given: Wanted) -> Wanted:
    """Keep what the entry does not hold as it is wanted."""
    return {
        name: raw for name, raw in given.items() if set(raw) != set(entry.attributes.get(name, ()))
    }


def changes(resource: Resource, entry: Entry, pending: Wanted) -> list[Change]:
    """Say what leads an entry to what is wanted, once it has the right name.

    The auxiliary classes of the resource are added where the entry lacks them: a person made
    by hand has no place for affiliations yet.
    """
    found = [Change("replace", name, raw) for name, raw in pending.items()]
    if not found:
        return []
    has = {one.lower() for one in entry.attributes.get("objectClass", ())}
    lacking = [
        one.encode()
        for one in resource.classes
        if one.encode().lower() not in has and resource.schema.is_auxiliary(one)
    ]
    return [Change("add", "objectClass", lacking), *found] if lacking else found


def new_name(resource: Resource, entry: Entry, pending: Wanted) -> str | None:
    """Write the own part of an entry's name when that changes.

    An attribute may hold other values beside the one that is in the name.

    Raises:
        SkipRow: It would have none (M604).
    """
    own = pending.get(resource.naming)
    if own is None:
        return None
    if len(own) != 1:
        raise SkipRow(
            f"{resource.naming} cannot be emptied: it names the entry.",
            code="M604",
            cure=f"Give {resource.naming} one value at its owner.",
        )
    part = names.part(resource.naming, own[0].decode())
    return None if names.same_part(part, names.first_part(entry.dn)) else part


def holds(resource: Resource, attributes: Attributes, match: Mapping[str, Value]) -> bool:
    """Say whether an entry equals every wanted value, as the directory compares them."""
    try:
        return all(
            key <= keys_of(resource, attributes, name)
            for name, key in keys_of_match(resource, match).items()
        )
    except Misfit:
        return False


def keys_of(resource: Resource, attributes: Attributes, name: str) -> frozenset[bytes]:
    """Give an attribute's values in the form in which they are compared."""
    exact = resource.fields[name].attribute.exact
    return frozenset(values.folded(one, exact=exact) for one in attributes.get(name, ()))


def keys_of_match(resource: Resource, match: Mapping[str, Value]) -> dict[str, frozenset[bytes]]:
    """Give what a look-up asks for in the form in which it is compared.

    Raises:
        Misfit: A value is not of its attribute's kind, so nobody has it.
    """
    found = {}
    for name, value in match.items():
        field = resource.fields[name]
        raw = values.to_bytes(field.attribute.type or "text", value, is_list=field.is_list)
        found[name] = frozenset(values.folded(one, exact=field.attribute.exact) for one in raw)
    return found


def named(fields: Iterable[str]) -> str:
    """List names of fields for a message."""
    return ", ".join(sorted(fields))
