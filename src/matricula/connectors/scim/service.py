"""What a SCIM server says it is: its abilities, its kinds of record, their fields.

Read from ServiceProviderConfig, ResourceTypes and Schemas as they are today. A server
that publishes no schemas is taken to have those of RFC 7643.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError
from scim2_models import (
    EnterpriseUser,
    Group,
    ResourceType,
    Schema,
    ScimPolicy,
    ServiceProviderConfig,
    User,
)

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.scim.attributes import Attribute, attributes_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.connectors.scim.wire import Wire

_TOLERANT = ScimPolicy(unknown=ScimPolicy.Unknown.ignore)
_NOT_FOUND = 404
_CURE = "Report it to the maker of the server; its description must follow RFC 7643."
Published = TypeVar("Published", ResourceType, Schema, ServiceProviderConfig)


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


@dataclass(slots=True)
class Service:
    """A server's abilities. `patches` and `filters` turn false when it turns out otherwise."""

    kinds: Mapping[str, Kind]
    patches: bool = True
    filters: bool = True
    sorts: bool = False
    versions: bool = False
    cursors: bool = False
    page_limit: int | None = None


def service_of(wire: Wire) -> Service:
    """Ask a server what it is.

    Raises:
        GiveUp: Its description cannot be understood. TryAgain, Stop: from the wire.
    """
    schemas = {str(one.id).casefold(): one for one in _schemas(wire)}
    kinds = [_kind(one, schemas) for one in _resource_types(wire)]
    service = Service({kind.name: kind for kind in kinds})
    answer = wire.call("GET", "/ServiceProviderConfig")
    if answer.status == _NOT_FOUND:
        return service
    config = _parsed(ServiceProviderConfig, answer.record)
    service.patches = bool(config.patch and config.patch.supported)
    service.filters = bool(config.filter and config.filter.supported)
    service.sorts = bool(config.sort and config.sort.supported)
    service.versions = bool(config.etag and config.etag.supported)
    service.page_limit = (config.filter.max_results if config.filter else None) or None
    service.cursors = bool(config.pagination and config.pagination.cursor)
    return service


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


def _kind(described: ResourceType, schemas: Mapping[str, Schema]) -> Kind:
    core = schemas.get(str(described.schema_).casefold())
    if core is None:
        raise GiveUp(
            f"The server names the schema {described.schema_} and does not publish it.",
            code="M615",
            cure=_CURE,
        )
    urns = [str(one.schema_).casefold() for one in described.schema_extensions or ()]
    extensions = [schemas[urn] for urn in urns if urn in schemas]
    path = str(described.endpoint).rstrip("/")
    if "://" not in path:
        path = "/" + path.lstrip("/")
    fields = attributes_of(core, extensions)
    name = path.rsplit("/", 1)[-1].lower()
    return Kind(name, path, str(core.id), {one.name: one for one in fields})


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
