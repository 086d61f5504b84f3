"""What this server is and what it serves to one client: RFC 7643 sections 5 to 7.

Schemas are those of the standard, less what was not granted, and read only. A client learns from
them what it may ask for, and nothing of what others may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.api.scim.asking import USUAL
from matricula.api.scim.pen import ROOT
from matricula.connectors.scim_provider.settings import LARGEST_PAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matricula.api.scim.grants import Grant

    Record = dict[str, Any]

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_CORE = "urn:ietf:params:scim:schemas:core:2.0:"
_MEMBER_PARTS = ("value", "$ref", "type")


def config(base: str) -> Record:
    """Describe the server: reading, filters, orders, versions, pages by index and by cursor."""
    no: Record = {"supported": False}
    return {
        "schemas": [f"{_CORE}ServiceProviderConfig"],
        "patch": no,
        "bulk": {**no, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": LARGEST_PAGE},
        "changePassword": no,
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True, "index": True, "defaultPaginationMethod": "index",
            "defaultPageSize": USUAL, "maxPageSize": LARGEST_PAGE,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken", "name": "OAuth 2.0 bearer token",
                "description": f"Client credentials (RFC 6749 4.4) at {base}/oauth/token.",
                "specUri": "https://www.rfc-editor.org/info/rfc6750", "primary": True,
            }
        ],
        "meta": _meta(base, "ServiceProviderConfig", "ServiceProviderConfig"),
    }  # fmt: skip


def resource_types(grants: Mapping[str, Grant], base: str) -> list[Record]:
    """List the kinds of record of which anything is granted."""
    return [_resource_type(grant, base) for grant in grants.values()]


def schemas(grants: Mapping[str, Grant], base: str) -> list[Record]:
    """List the schemas of what is granted."""
    return [one for grant in grants.values() for one in _schemas(grant, base)]


def listed(records: Iterable[Record]) -> Record:
    """Write a list that is whole."""
    told = list(records)
    return {
        "schemas": [LIST], "totalResults": len(told), "startIndex": 1,
        "itemsPerPage": len(told), "Resources": told,
    }  # fmt: skip


def _resource_type(grant: Grant, base: str) -> Record:
    core, *more = [str(one["id"]) for one in _schemas(grant, base)]
    return {
        "schemas": [f"{_CORE}ResourceType"],
        "id": grant.kind.type,
        "name": grant.kind.type,
        "endpoint": f"/{grant.kind.path}",
        "description": f"{grant.kind.path} as the institution's charter grants them.",
        "schema": core,
        "schemaExtensions": [{"schema": urn, "required": False} for urn in more],
        "meta": _meta(base, "ResourceType", f"ResourceTypes/{grant.kind.type}"),
    }


def _schemas(grant: Grant, base: str) -> list[Record]:
    found = []
    for nth, schema in enumerate(grant.kind.schemas):
        # As the standard's own text has it: no empty values, lists or marks of ours.
        whole = schema.model_dump()
        prefix = f"{schema.id}:" if nth else ""
        kept = [_granted(one, prefix, grant) for one in whole["attributes"]]
        attributes = [one for one in kept if one is not None]
        if attributes or not nth:
            found.append({
                "schemas": [f"{_CORE}Schema"], "id": whole["id"], "name": whole["name"],
                "description": whole["description"], "attributes": attributes,
                "meta": _meta(base, "Schema", f"Schemas/{whole['id']}"),
            })  # fmt: skip
    return found


def _granted(attribute: Record, prefix: str, grant: Grant) -> Record | None:
    """Leave of an attribute what is granted; None where nothing is."""
    path = f"{prefix}{attribute['name']}".lower()
    told = {**attribute, "mutability": "readOnly"}
    if path == "members":
        parts = _MEMBER_PARTS if grant.members else ()
        kept = [one for one in attribute["subAttributes"] if one["name"] in parts]
    elif "subAttributes" in attribute:
        kept = [
            one for one in attribute["subAttributes"]
            if f"{path}.{one['name']}".lower() in grant.places
        ]  # fmt: skip
    else:
        return told if path in grant.places else None
    told["subAttributes"] = [{**one, "mutability": "readOnly"} for one in kept]
    return told if kept else None


def _meta(base: str, kind: str, path: str) -> Record:
    return {"resourceType": kind, "location": f"{base}{ROOT}/{path}"}
