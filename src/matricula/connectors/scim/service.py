"""What a SCIM server says it is: its abilities, its kinds of record, their fields.

Read from ServiceProviderConfig, ResourceTypes and Schemas as they are today. A server
that publishes no schemas is taken to have those of RFC 7643.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError
from scim2_models import (
    EnterpriseUser,
    Group,
    ResourceType,
    Schema,
    ScimPolicy,
    User,
)

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.scim.attributes import Attribute, attributes_of
from matricula.connectors.scim.bulk import Limits, limits_of
from matricula.connectors.scim.dialects import Dialects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.connectors.scim.mapping import Record
    from matricula.connectors.scim.wire import Wire

_TOLERANT = ScimPolicy(unknown=ScimPolicy.Unknown.ignore)
_NOT_FOUND = 404
_CURE = "Report it to the maker of the server; its description must follow RFC 7643."
Published = TypeVar("Published", ResourceType, Schema)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record.

    Attributes:
        name: As a charter writes it: `users`.
        path: Where the server keeps it: `/Users`.
        core: Urn of its schema.
        fields: By name.
    """

    name: str
    path: str
    core: str
    fields: Mapping[str, Attribute]

    @property
    def suspends(self) -> bool:
        """A record can be made inactive without being deleted."""
        return "active" in self.fields and self.fields["active"].type == "boolean"

    @property
    def on_request(self) -> str:
        """The attributes that the server shows only to those who name them."""
        found = (field.path for field in self.fields.values() if field.on_request)
        return ",".join(dict.fromkeys(found))


@dataclass(slots=True)
class Service:
    """A server's abilities, corrected where it turns out otherwise.

    Attributes:
        kinds: By name.
        patches: Records can be changed in part.
        filters: Listings can be narrowed.
        joins: Filters may be joined with `or`.
        sorts: Listings can be put in order.
        versions: Records have ETags, and a change may be made to depend on one.
        cursors: Listings are read by cursor (RFC 9865).
        page_limit: Records that one page holds, at most.
        bulk: How much one bulk request may hold; None where there are none.
        schemes: The ways in that it names; empty where it names none.
        says: Whether it describes itself at all.
        dialects: How it wants PATCH to be said.
        known: Of each kind, records that were there a moment ago.
    """

    kinds: Mapping[str, Kind]
    patches: bool = True
    filters: bool = True
    joins: bool = True
    sorts: bool = False
    versions: bool = False
    cursors: bool = False
    page_limit: int | None = None
    bulk: Limits | None = None
    schemes: tuple[str, ...] = ()
    says: bool = False
    dialects: Dialects = field(default_factory=Dialects)
    known: dict[str, list[str]] = field(default_factory=dict)

    def take_less_in_bulk(self, than: Limits | None, *, smaller: bool) -> None:
        """Heed that a request within these limits was refused, or lost: halve them, or none."""
        # Several of one batch may have been refused; they are heeded once.
        if than is not None and self.bulk == than:
            self.bulk = than.halved() if smaller else None


def service_of(wire: Wire) -> Service:
    """Ask a server what it is.

    Raises:
        GiveUp: Its description cannot be understood. TryAgain, Stop: from the wire.
    """
    schemas = {str(one.id).casefold(): one for one in _schemas(wire)}
    kinds = [_kind(one, schemas, wire.base) for one in _resource_types(wire)]
    service = Service({kind.name: kind for kind in kinds})
    answer = wire.call("GET", "/ServiceProviderConfig")
    if answer.status == _NOT_FOUND:
        return service
    config = answer.record
    service.says = True
    service.patches = _offers(config, "patch")
    service.filters = _offers(config, "filter")
    service.sorts = _offers(config, "sort")
    service.versions = _offers(config, "etag")
    service.cursors = _is_true(_part(config, "pagination").get("cursor"))
    if _offers(config, "bulk"):
        bulk = _part(config, "bulk")
        service.bulk = limits_of(_count(bulk, "maxOperations"), _count(bulk, "maxPayloadSize"))
    limits = (
        _count(_part(config, "filter"), "maxResults"),
        _count(_part(config, "pagination"), "maxPageSize"),
    )
    service.page_limit = min((one for one in limits if one), default=None)
    schemes = config.get("authenticationSchemes")
    named = [schemes] if isinstance(schemes, dict) else schemes or ()
    service.schemes = tuple(
        str(one["type"]).casefold() for one in named if isinstance(one, dict) and one.get("type")
    )
    return service


def _offers(config: Record, ability: str) -> bool:
    return _is_true(_part(config, ability).get("supported"))


def _part(config: Record, name: str) -> Record:
    part = config.get(name)
    return part if isinstance(part, dict) else {}


def _is_true(value: object) -> bool:
    # Some servers write booleans as text.
    return str(value).casefold() == "true"


def _count(part: Record, name: str) -> int | None:
    text = str(part.get(name) or "")
    return int(text) if text.isdecimal() and int(text) > 0 else None


def _schemas(wire: Wire) -> Sequence[Schema]:
    answer = wire.call("GET", "/Schemas")
    if answer.good:
        return [_parsed(Schema, one) for one in answer.record.get("Resources") or ()]
    return [User.to_schema(), EnterpriseUser.to_schema(), Group.to_schema()]


def _resource_types(wire: Wire) -> Sequence[ResourceType]:
    answer = wire.call("GET", "/ResourceTypes")
    if answer.good:
        return [_parsed(ResourceType, one) for one in answer.record.get("Resources") or ()]
    if answer.status == _NOT_FOUND and not wire.call("GET", "/Users", query={"count": 1}).good:
        raise GiveUp(
            "There is neither /ResourceTypes nor /Users at this address.",
            code="M615",
            cure="Look at `url` in the charter: it must be what stands before /Users.",
        )
    return [ResourceType.from_resource(one) for one in (User[EnterpriseUser], Group)]


def _kind(described: ResourceType, schemas: Mapping[str, Schema], base: str) -> Kind:
    core = schemas.get(str(described.schema_).casefold())
    if core is None:
        raise GiveUp(
            f"The server names the schema {described.schema_} and does not publish it.",
            code="M615",
            cure=_CURE,
        )
    urns = [str(one.schema_).casefold() for one in described.schema_extensions or ()]
    extensions = [schemas[urn] for urn in urns if urn in schemas]
    path = _below(base, str(described.endpoint).rstrip("/"))
    fields = attributes_of(core, extensions)
    name = path.rsplit("/", 1)[-1].lower()
    return Kind(name, path, str(core.id), {one.name: one for one in fields})


def _below(base: str, endpoint: str) -> str:
    """Give an endpoint as a path below the base address, as RFC 7643 6 has it.

    Some servers write the whole address or the whole path (django-scim2).
    """
    for before in (base, urlsplit(base).path):
        if before and endpoint.startswith(f"{before}/"):
            return endpoint.removeprefix(before)
    return endpoint if "://" in endpoint else "/" + endpoint.lstrip("/")


def _parsed(model: type[Published], record: Mapping[str, Any]) -> Published:
    try:
        return model.model_validate(record, scim_policy=_TOLERANT)
    except ValidationError as error:
        where = ", ".join(sorted({".".join(map(str, one["loc"])) for one in error.errors()}))
        raise GiveUp(
            f"The server's {model.__name__} does not follow RFC 7643 in {where}.",
            code="M615",
            cure=_CURE,
        ) from error
