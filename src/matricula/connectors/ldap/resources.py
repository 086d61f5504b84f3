"""What a connected directory has: its abilities, its schema, and each resource in its words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import ConnectorError, GiveUp
from matricula.connectors.ldap import filters, messages, refusals
from matricula.connectors.ldap.layouts import LAYOUTS
from matricula.connectors.ldap.schema import read_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.kit.protocol import WriteKind
    from matricula.connectors.ldap.layouts import Layout, Lock
    from matricula.connectors.ldap.messages import Answer, Attributes
    from matricula.connectors.ldap.schema import AttributeType, Schema
    from matricula.connectors.ldap.settings import LdapSettings, Place
    from matricula.connectors.ldap.wire import Wire

# Attributes of eduPerson and SCHAC that hold several values by their own definition, and what
# other entries say of an entry.
_LISTS = (
    "eduPersonAffiliation", "eduPersonScopedAffiliation", "eduPersonEntitlement",
    "eduPersonAssurance", "eduPersonNickname", "eduPersonOrcid", "eduPersonOrgUnitDN",
    "eduPersonPrincipalNamePrior", "eduPersonTargetedID", "eduPersonUniqueId",
    "schacUserStatus", "schacPersonalUniqueCode", "schacPersonalUniqueID",
    "schacPersonalPosition", "schacCountryOfCitizenship", "schacCountryOfResidence",
    "schacUserPresenceID", "schacUserPrivateAttribute", "schacProjectMembership",
    "schacProjectSpecificRole", "memberOf", "isMemberOf", "proxyAddresses",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a resource: an attribute, and whether it is a list of values, or just text."""

    attribute: AttributeType
    is_list: bool = False
    required: bool = False
    is_plain: bool = False

    @property
    def name(self) -> str:
        """Its name in a charter."""
        return self.attribute.name


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the settings, as the directory has it.

    Attributes:
        name: In the charter.
        place: What the settings say.
        layout: What kind of directory it lies in.
        classes: Of a new entry.
        naming: The field that names an entry below its branch.
        bases: The branches that hold its records.
        fields: By name.
        schema: The directory's.
        must_have_members: For groups: their class allows no empty one.
    """

    name: str
    place: Place
    layout: Layout
    classes: tuple[str, ...]
    naming: str
    bases: tuple[str, ...]
    fields: Mapping[str, Field]
    schema: Schema
    must_have_members: bool = False

    @property
    def lock(self) -> Lock | None:
        """What locks an account, where suspending does that."""
        suspension = self.place.suspend
        return self.layout.lock if suspension and suspension.lock else None

    @property
    def deletes(self) -> bool:
        """Whether entries may be removed for good."""
        stated = self.place.deletes
        return stated if stated is not None else self.place.kind == "groups"

    @property
    def writes(self) -> frozenset[WriteKind]:
        """What may be done to its records, as far as the settings say."""
        verbs: set[WriteKind] = {"update"}
        if self.place.creates:
            verbs.add("create")
        if self.place.suspend:
            verbs |= {"suspend", "resume"}
        if self.deletes:
            verbs.add("delete")
        return frozenset(verbs)

    @property
    def wanted(self) -> bytes:
        """The filter that finds its entries."""
        return filters.equal("objectClass", self.classes[0].encode())

    @property
    def shown(self) -> tuple[str, ...]:
        """The attributes to ask for; a password or a picture is none of them."""
        extra = [self.layout.id_attribute, "objectClass"]
        if self.layout.version:
            extra.append(self.layout.version)
        if self.lock is not None:
            extra.append(self.lock.attribute)
        return (*extra, *self.fields)

    @property
    def placeholder(self) -> str:
        """The member that every group has whose class allows no empty one."""
        return self.place.placeholder or f"cn=nobody,{self.place.base}"


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory as it is today.

    Attributes:
        controls: What it offers beyond the standard's core.
        resources: Those that it has, by name.
        missing: Why it does not have the others, by name.
    """

    controls: frozenset[str] = frozenset()
    resources: Mapping[str, Resource] = field(default_factory=dict)
    missing: Mapping[str, ConnectorError] = field(default_factory=dict)


def directory_of(wire: Wire, settings: LdapSettings) -> Directory:
    """Ask a directory what it is, what its entries may hold, and whether our branches are there.

    Raises:
        GiveUp: It does not describe itself. TryAgain, Stop: from the wire.
    """
    root = _entry(wire, "", "objectClass", ("supportedControl", "subschemaSubentry"))
    controls = frozenset(_texts(root, "supportedControl"))
    where = _texts(root, "subschemaSubentry")
    if not where:
        raise _undescribed()
    described = _entry(wire, where[0], "attributeTypes", ("attributeTypes", "objectClasses"))
    schema = read_schema(_texts(described, "attributeTypes"), _texts(described, "objectClasses"))
    if not schema.classes:
        raise _undescribed()
    found: dict[str, Resource] = {}
    missing: dict[str, ConnectorError] = {}
    for name, place in settings.resources.items():
        try:
            _must_be_there(wire, place)
            found[name] = _resource(name, place, settings, schema)
        except GiveUp as error:
            missing[name] = error
    return Directory(controls, found, missing)


def _resource(name: str, place: Place, settings: LdapSettings, schema: Schema) -> Resource:
    layout = LAYOUTS[settings.layout]
    usual, naming = layout.people if place.kind == "people" else layout.groups
    classes = place.object_classes or usual
    unknown = schema.missing(classes)
    if unknown:
        raise GiveUp(
            f"The directory knows no object class {', '.join(unknown)}, which {name} is made of.",
            code="M743",
            cure="Have the schema loaded (one for eduPerson and SCHAC lies beside the connector), "
            "or correct `object_classes:`.",
        )
    lock = layout.lock.attribute
    if place.suspend and place.suspend.lock and lock.lower() not in schema.attributes:
        raise GiveUp(
            f"The directory knows no {lock}, by which {name} would be locked.",
            code="M743",
            cure="Have the password policy overlay set up, or suspend by `move_to:` alone.",
        )
    lists = {one.lower() for one in (*_LISTS, *settings.lists)}
    required = {one.name for one in schema.required(classes)}
    naming = place.name or naming
    must = (required if layout.required is None else layout.required) | {naming}
    never = {lock.lower(), place.member.lower() if place.kind == "groups" else ""}
    fields = {}
    for one in schema.fields(classes):
        is_list = bool(one.names & lists)
        is_plain = one.type == "text" and not is_list
        if not one.names & never:
            fields[one.name] = Field(one, is_list, one.name in must, is_plain)
    if naming not in fields:
        raise GiveUp(
            f"{naming} is no attribute of {name}'s object classes, and cannot name its entries.",
            code="M743",
            cure="Correct `name:` or `object_classes:`, as the directory spells them.",
        )
    return Resource(
        name, place, layout, classes, naming, place.bases, fields, schema,
        must_have_members=place.kind == "groups" and place.member in required,
    )  # fmt: skip


def _must_be_there(wire: Wire, place: Place) -> None:
    for base in place.bases:
        request = messages.search(base, messages.BASE, filters.present("objectClass"), ("1.1",))
        (answer,) = wire.fetch([request])
        if answer.code:
            raise refusals.of_search(answer.code, base)
        if not answer.entries:
            raise refusals.of_search(refusals.NO_SUCH_ENTRY, base)


def _entry(wire: Wire, dn: str, having: str, shown: tuple[str, ...]) -> Attributes:
    request = messages.search(dn, messages.BASE, filters.present(having), shown)
    (answer,) = wire.fetch([request])
    if _is_wrong(answer):
        raise _undescribed()
    found = answer.entries[0].attributes
    return {name.lower(): values for name, values in found.items()}


def _is_wrong(answer: Answer) -> bool:
    return bool(answer.code) or len(answer.entries) != 1


def _texts(attributes: Attributes, name: str) -> list[str]:
    return [one.decode(errors="replace") for one in attributes.get(name.lower(), ())]


def _undescribed() -> GiveUp:
    return GiveUp(
        "The directory does not show our account its root and its schema.",
        code="M743",
        cure='Have us granted to read the root ("") and the entry that its subschemaSubentry '
        "names.",
    )
