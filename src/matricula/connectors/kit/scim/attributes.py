"""Which flat fields a SCIM resource has, worked out from the schemas the server publishes.

Names follow the schema: `userName`, `name.givenName`, `emails[work]` (the value of the
entry of that type), `emails` (the value of the primary entry), `addresses[work].locality`.
An entry list without known types (`roles`, `members`) is one field: a JSON list of
values. Attributes of an extension have their short name (`employeeNumber`), or the full
urn in front where the short one is taken. A password is no field: Matricula carries none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from scim2_models import Attribute as Described
from scim2_models import Mutability, Required, Returned, Uniqueness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scim2_models import Schema

    from matricula.connectors.kit.protocol import NativeType

Form = Literal["single", "slot", "primary", "first", "list"]

_TYPES: dict[str, NativeType] = {
    "boolean": "boolean",
    "integer": "integer",
    "decimal": "decimal",
    "dateTime": "instant",
}
# RFC 7643 8.7.1; for servers whose schema leaves the canonical types out.
_KNOWN_SLOTS = {
    "emails": ("work", "home", "other"),
    "phoneNumbers": ("work", "home", "mobile", "fax", "pager", "other"),
    "addresses": ("work", "home", "other"),
}
# Lists of which a person usually has one entry; where a server knows neither types nor a
# primary entry, the field speaks of the first.
_ONE_OF_A_KIND = frozenset({*_KNOWN_SLOTS, "photos", "ims"})
_NOT_VALUES = frozenset({"type", "primary", "display", "$ref"})


@dataclass(frozen=True, slots=True)
class Attribute:
    """One flat field and where its value sits in a SCIM record.

    Attributes:
        name: The flat field.
        attribute: The top-level attribute it belongs to.
        urn: Of the extension that holds the attribute; empty for the core schema.
        sub: The sub-attribute with the value; empty for a simple attribute.
        form: `single`; `slot`: the entry of one type; `primary`: the entry marked so;
            `first`: the first entry; `list`: the values of all entries.
        slot: The type of the entry, for `slot`.
        fixed: May be given at creation and never changed afterwards.
        seen: The server shows it in answers without being asked.
        on_request: The server shows it to those who name it.
        exact: Upper and lower case differ.
        unique: No two records of the server share a value.
    """

    name: str
    attribute: str
    urn: str = ""
    sub: str = ""
    form: Form = "single"
    slot: str = ""
    type: NativeType = "text"
    writable: bool = True
    required: bool = False
    fixed: bool = False
    seen: bool = True
    on_request: bool = False
    exact: bool = False
    unique: bool = False

    @property
    def path(self) -> str:
        """The attribute as filters, PATCH paths and `attributes` write it."""
        return f"{self.urn}:{self.attribute}" if self.urn else self.attribute


EXTERNAL_ID = Attribute("externalId", "externalId", exact=True)


def attributes_of(core: Schema, extensions: Sequence[Schema]) -> tuple[Attribute, ...]:
    """List the flat fields of a resource type.

    Args:
        core: Schema of the resource type.
        extensions: Schemas that extend it, in the server's order.
    """
    found = {field.name: field for field in _of_schema(core, urn="")}
    # RFC 7643 3.1: every resource has it, whether its schema says so or not.
    found = {EXTERNAL_ID.name: found.pop(EXTERNAL_ID.name, EXTERNAL_ID), **found}
    for extension in extensions:
        urn = str(extension.id)
        for field in _of_schema(extension, urn=urn):
            name = field.name if field.name not in found else f"{urn}:{field.name}"
            found[name] = replace(field, name=name)
    return tuple(found.values())


def _of_schema(schema: Schema, *, urn: str) -> Iterator[Attribute]:
    for described in schema.attributes or ():
        if described.name in ("id", "schemas", "meta", "password"):
            continue
        if described.type != Described.Type.complex:
            form: Form = "list" if described.multi_valued else "single"
            yield _field(described, described, urn=urn, name=str(described.name), form=form)
        elif described.multi_valued:
            yield from _of_entries(described, urn=urn)
        else:
            yield from _of_parts(described, urn=urn)


def _of_parts(parent: Described, *, urn: str) -> Iterator[Attribute]:
    for part in parent.sub_attributes or ():
        if part.name != "$ref" and not part.multi_valued:
            name = f"{parent.name}.{part.name}"
            yield _field(parent, part, urn=urn, name=name, form="single")


def _of_entries(parent: Described, *, urn: str) -> Iterator[Attribute]:
    parts = {str(part.name): part for part in parent.sub_attributes or ()}
    slots = _slots(parent, parts)
    if not slots and parent.name not in _ONE_OF_A_KIND:
        if "value" in parts:
            name = str(parent.name)
            yield _field(parent, parts["value"], urn=urn, name=name, form="list")
        return
    alone: Form = "primary" if _usable("primary", parent, parts) else "first"
    for part in (part for name, part in parts.items() if name not in _NOT_VALUES):
        tail = "" if part.name == "value" else f".{part.name}"
        yield _field(parent, part, urn=urn, name=f"{parent.name}{tail}", form=alone)
        for slot in slots:
            name = f"{parent.name}[{slot}]{tail}"
            yield _field(parent, part, urn=urn, name=name, form="slot", slot=slot)


def _slots(parent: Described, parts: dict[str, Described]) -> Sequence[str]:
    # `type` of a group's members tells users from groups: no place for one value.
    if not _usable("type", parent, parts) or parent.name in ("members", "groups"):
        return ()
    return parts["type"].canonical_values or _KNOWN_SLOTS.get(str(parent.name), ())


def _usable(name: str, parent: Described, parts: dict[str, Described]) -> bool:
    part = parts.get(name)
    if part is None or part.mutability is None:
        return False
    # Where nothing of the attribute is written, its entries are told apart all the same.
    is_read = parent.mutability == Mutability.read_only
    return is_read or part.mutability != Mutability.read_only


def _field(
    parent: Described, part: Described, *, urn: str, name: str, form: Form, slot: str = ""
) -> Attribute:
    mutability = {parent.mutability, part.mutability}
    returned = {parent.returned, part.returned}
    unique = part.uniqueness in (Uniqueness.server, Uniqueness.global_)
    return Attribute(
        name=name,
        attribute=str(parent.name),
        urn=urn,
        sub="" if part is parent else str(part.name),
        form=form,
        slot=slot,
        type="json" if form == "list" else _TYPES.get(str(part.type and part.type.value), "text"),
        writable=Mutability.read_only not in mutability,
        required=parent.required == Required.true and part.required == Required.true,
        # The value of an entry may be immutable although entries come and go.
        fixed=Mutability.immutable in mutability and form == "single",
        seen=not returned & {Returned.never, Returned.request},
        on_request=Returned.request in returned and Returned.never not in returned,
        exact=part.case_exact is not None and bool(part.case_exact.value),
        unique=unique and form == "single",
    )
