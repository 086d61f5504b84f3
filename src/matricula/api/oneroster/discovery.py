"""The discovery files: which operations a service offers here, where, and by which scopes.

The binding and the certification guide name the file differently; both names are served. It
is an OpenAPI description made from the operations themselves: it can promise nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from matricula import __version__
from matricula.api.rules import SCOPES
from matricula.connectors.kit.oneroster.json_text import path_of
from matricula.connectors.kit.oneroster.objects import SERVICES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matricula.api.oneroster.operations import Operation
    from matricula.connectors.kit.oneroster.objects import Service

_WORD = {"rostering": "rosters", "gradebook": "gradebook", "resources": "resources"}
_PAGED = ("limit", "offset", "sort", "orderBy", "filter", "fields")
_SEVERAL = {"type": "array", "items": {"type": "string"}}
_NUMBER = {"type": "integer", "minimum": 0}
_VERBS = {"put": "Puts", "delete": "Deletes"}
_DONE = {"PUT": "201", "DELETE": "204"}
_NAMED = re.compile(r"\{(?!sourcedId\})(\w+)\}")
_REFUSED = {
    "default": {
        "description": "Why not, in the standard's words.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
}


def files() -> list[tuple[str, Service]]:
    """List the paths under which discovery files are served, and for which service."""
    return [
        (f"{path_of(service)}/discovery/{name}".lstrip("/"), service)
        for service in SERVICES
        for name in (
            f"onerosterv1p2{_WORD[service]}service_openapi3_v1p0.json",
            f"imsorv1p2_{service}_openapi3_v1p0.json",
        )
    ]


def document(service: str, base: str, operations: Iterable[Operation]) -> dict[str, Any]:
    """Describe a service as it is offered here.

    Args:
        service: One of the standard's three.
        base: The address of this installation.
        operations: All that there are.
    """
    own = [one for one in operations if one.shape.service == service]
    used = {scope for one in own for scope in (*one.scopes, *one.changes.values())}
    flow = {
        "tokenUrl": f"{base}/oauth/token",
        "scopes": {SCOPES[word]: _covers(word) for word in SCOPES if SCOPES[word] in used},
    }
    return {
        "openapi": "3.0.1",
        "info": {
            "title": f"OneRoster 1.2 {service}",
            "description": "The copy that the institution's charter grants. What it has received "
            "from a consumer is put and deleted by that one; all else is read only.",
            "version": "1.2",
            "x-implementation": f"Matricula {__version__}",
        },
        "servers": [{"url": base + path_of(own[0].shape.service)}],
        "paths": {f"/{_NAMED.sub(_spelled, one.path)}": _methods(one) for one in own},
        "components": {
            "securitySchemes": {
                "OAuth2CC": {"type": "oauth2", "flows": {"clientCredentials": flow}}
            }
        },
    }


def _covers(word: str) -> str:
    whole, _, verb = word.rpartition("-")
    if verb in _VERBS:
        return f"{_VERBS[verb]} what of {whole} is received from the consumer."
    return f"Reads what {word} covers."


def _methods(operation: Operation) -> dict[str, Any]:
    return {
        "get": _described(operation),
        **{method.lower(): _changing(operation, method) for method in operation.changes},
    }


def _changing(operation: Operation, method: str) -> dict[str, Any]:
    one, status = operation.shape.one, _DONE[method]
    told: dict[str, Any] = {
        "operationId": method.lower() + operation.name.removeprefix("get"),
        "parameters": _in_path(operation),
        "security": [{"OAuth2CC": [operation.changes[method]]}],
        "responses": {status: {"description": f"The {one} is kept, or gone."}, **_REFUSED},
    }
    if method == "PUT":
        body = {"type": "object", "required": [one], "properties": {one: {"type": "object"}}}
        content = {"application/json": {"schema": body}}
        told["requestBody"] = {"required": True, "content": content}
    return told


def _in_path(operation: Operation) -> list[dict[str, Any]]:
    named = re.findall(r"\{(\w+)\}", _NAMED.sub(_spelled, operation.path))
    text = {"type": "string"}
    return [{"name": one, "in": "path", "required": True, "schema": text} for one in named]


def _described(operation: Operation) -> dict[str, Any]:
    asked = ("fields",) if operation.is_single else _PAGED
    return {
        "operationId": operation.name,
        "parameters": [
            *_in_path(operation),
            *({"name": name, "in": "query", "required": False, "schema": _schema(name)}
              for name in asked),
        ],
        "security": [{"OAuth2CC": [scope]} for scope in sorted(operation.scopes)],
        "responses": {"200": _answer(f"What is served of {operation.shape.table}."), **_REFUSED},
    }  # fmt: skip


def _answer(said: str) -> dict[str, Any]:
    return {"description": said, "content": {"application/json": {"schema": {"type": "object"}}}}


def _spelled(found: re.Match[str]) -> str:
    """Name what an address takes as the standard does."""
    return f"{{{found[1]}SourcedId}}"


def _schema(name: str) -> dict[str, Any]:
    if name in {"limit", "offset"}:
        return _NUMBER
    return _SEVERAL if name == "fields" else {"type": "string"}
