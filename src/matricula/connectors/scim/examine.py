"""Say beforehand what a server does not offer and what our credential may not do there.

Nothing is written. What may be changed is asked of a record that does not exist, with an id
made for the question: a server that would let us answers that there is no such record.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import ConnectorError, Stop
from matricula.connectors.scim import tables
from matricula.connectors.scim.dialects import PATCH_SCHEMA
from matricula.connectors.scim.listing import Listing
from matricula.connectors.scim.wire import Change, Endpoint
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matricula.connectors.scim.service import Kind, Service
    from matricula.connectors.scim.wire import Wire

# RFC 7643 5, `authenticationSchemes.type`.
_BEARS_TOKENS = frozenset({"oauthbearertoken", "oauth2", "oauth"})
_ROOM = "Have the permission in the connector's page granted to the credential."


def what_is_lacking(wire: Wire, service: Service) -> Iterator[Finding]:
    """List what a server is without, and what it refuses us, resource by resource.

    A finding's place is the resource it concerns; empty where it concerns them all.
    """
    yield from _not_offered(service)
    for kind in service.kinds.values():
        found = list(_not_granted(Endpoint(wire, kind.path), kind, service))
        yield from found
        if "members" in kind.fields:
            yield from (replace(one, place=tables.MEMBERSHIPS) for one in found)


def _not_offered(service: Service) -> Iterator[Finding]:
    if not service.says:
        yield _without("a description of what it offers", "it is taken to follow the RFC")
    if service.schemes and not _BEARS_TOKENS & set(service.schemes):
        named = ", ".join(service.schemes)
        yield _without("bearer tokens as a way in", f"it names {named}, and a token is sent")
    if not service.filters:
        yield _without("filters", "every batch of look-ups reads the whole listing")
    if not service.patches:
        guard = "" if service.versions else ", and it has no ETags to notice who was quicker"
        yield _without("PATCH", f"a record is read and replaced as a whole{guard}")


def _without(what: str, instead: str) -> Finding:
    return Finding(
        "",
        "M629",
        f"The server does not offer {what}: {instead}.",
        "Have its office switch it on if it can; otherwise nothing is to be done.",
        severity="warning",
    )


def _not_granted(endpoint: Endpoint, kind: Kind, service: Service) -> Iterator[Finding]:
    if _is_refused(Listing(endpoint, {}, 1).first):
        yield Finding(
            kind.name, "M613", f"The credential may not read {kind.name} (GET {kind.path}).", _ROOM
        )
        return
    nobody = uuid.uuid4().hex
    empty = {"schemas": [PATCH_SCHEMA], "Operations": [_nothing()]}
    asked = [Change("PATCH", nobody, empty)] if service.patches else []
    for change in [*asked, Change("DELETE", nobody)]:
        if _is_refused(partial(endpoint.send, change)):
            yield Finding(
                kind.name,
                "M613",
                f"The credential may not change {kind.name} ({change.method} {kind.path}).",
                f"{_ROOM} Where no flow writes there, nothing is to be done.",
                severity="warning",
            )


def _nothing() -> dict[str, str]:
    return {"op": "replace", "path": "externalId", "value": "nobody"}


def _is_refused(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except Stop:
        return True
    except ConnectorError:
        # Away, or in words of its own: told by whatever needs it.
        return False
    return False
