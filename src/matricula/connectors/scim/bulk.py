"""Many changes in one request (RFC 7644 3.7), each settled by what is said of it alone.

`failOnErrors` is left out, so that a server goes on after an error and one bad record harms
no other. What the answer does not settle beyond doubt (a part that is missing, doubled, named
by nothing, or without a status) is unknown, and is read back. A request that is refused as a
whole has its plans begun anew, from the first look on, in smaller parts or one by one; nothing
is sent again on the strength of what was seen before it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from matricula.connectors.kit.errors import ConnectorError, TryAgain
from matricula.connectors.scim.refusals import protected
from matricula.connectors.scim.wire import Answer, NotAllowed, not_let_in, stated_version, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matricula.connectors.scim.mapping import Record
    from matricula.connectors.scim.wire import Change, Endpoint

SCHEMA = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
PATH = "/Bulk"
# Where a server states no limit; within what front ends commonly let through.
_OPERATIONS, _BYTES = 100, 1_000_000
_ENVELOPE = len(json.dumps({"schemas": [SCHEMA], "Operations": []}))
_NOT_NOW = frozenset({408, 425, 429, 503})
_NOT_LET_IN = frozenset({401, 403})
_TOO_LARGE, _NO_SUCH_VERB, _SERVER_ERROR = 413, 501, 500
Settled = Answer | ConnectorError


class Refused(Exception):
    """A request was refused as a whole; whether smaller ones may be tried."""

    def __init__(self, *, too_large: bool) -> None:
        self.too_large = too_large


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a server takes in one request: operations, and bytes of the whole."""

    operations: int = _OPERATIONS
    size: int = _BYTES

    def halved(self) -> Limits | None:
        """Give the half of it; None where a request would hold one operation."""
        half = self.operations // 2
        return replace(self, operations=half, size=max(1, self.size // 2)) if half > 1 else None


def limits_of(operations: int | None, size: int | None) -> Limits:
    """Take a server's own limits, or ours where it states none."""
    return Limits(operations or _OPERATIONS, size or _BYTES)


def within(endpoint: Endpoint, limits: Limits | None) -> Limits | None:
    """Give the limits, or None where a kind of record has no path below the server's own."""
    return None if "://" in endpoint.path else limits


def parts(
    endpoint: Endpoint, changes: Mapping[int, Change], limits: Limits
) -> Iterator[dict[int, Record]]:
    """Put changes into requests that keep to the limits, in their order.

    Args:
        endpoint: Of the kind of record that all of them are about.
        changes: By a number that comes back with each.
        limits: A change that alone is too large stands alone; it is not for bulk.
    """
    part: dict[int, Record] = {}
    size = _ENVELOPE
    for number, change in changes.items():
        operation = _operation(endpoint, number, change)
        # Two for the comma, and a space that some put after it.
        length = len(json.dumps(operation, ensure_ascii=False).encode()) + 2
        if part and (len(part) >= limits.operations or size + length > limits.size):
            yield part
            part, size = {}, _ENVELOPE
        part[number] = operation
        size += length
    if part:
        yield part


def fits(part: Mapping[int, Record], limits: Limits) -> bool:
    """Say whether a part is worth a request and within the limits."""
    said = json.dumps(list(part.values()), ensure_ascii=False).encode()
    return len(part) > 1 and len(said) + _ENVELOPE <= limits.size


def send(endpoint: Endpoint, part: Mapping[int, Record]) -> dict[int, Settled]:
    """Send one request and say of each operation what became of it.

    Raises:
        Refused: It was refused as a whole. TryAgain, Stop: As for any call.
        ReadBack: It was sent, and of no operation is anything known.
    """
    body = {"schemas": [SCHEMA], "Operations": list(part.values())}
    try:
        answer = endpoint.wire.call("POST", PATH, body=body)
    except NotAllowed as error:
        # It may let us write one by one; the next call tells.
        raise Refused(too_large=False) from error
    if not answer.good:
        raise Refused(too_large=answer.status == _TOO_LARGE)
    return settled(part, answer.record)


def settled(part: Mapping[int, Record], body: Record) -> dict[int, Settled]:
    """Pair what a server says with what was sent; whatever cannot be paired is unknown."""
    said: dict[int, Record | None] = {}
    numbers = {name: number for number, sent in part.items() for name in _names(sent)}
    for one in _operations(body):
        number = next((numbers[name] for name in _names_said(one) if name in numbers), None)
        if number is not None:
            # Said twice, it is not known which of the two holds.
            said[number] = None if number in said else one
    judged = {number: _judged(said.get(number)) for number in part}
    if all(isinstance(one, NotAllowed) for one in judged.values()):
        return judged
    # Where others were written, the refusal is about the record and not about us.
    return {
        number: protected() if isinstance(one, NotAllowed) else one
        for number, one in judged.items()
    }


def _operation(endpoint: Endpoint, number: int, change: Change) -> Record:
    path = endpoint.of(change.record_id) if change.record_id else endpoint.path
    operation: Record = {"method": change.method, "path": path, "bulkId": f"m{number}"}
    if change.version:
        operation["version"] = change.version
    if change.body is not None:
        operation["data"] = change.body
    return operation


def _names(sent: Record) -> list[str]:
    # A creation has no address yet; all else may be answered by its address alone.
    named = [str(sent["bulkId"])]
    return (
        named if sent["method"] == "POST" else [*named, f"{sent['method']} {_last(sent['path'])}"]
    )


def _names_said(one: Record) -> list[str]:
    named = [str(one.get("bulkId") or ""), f"{one.get('method')} {_last(one.get('location'))}"]
    return [name for name in named if name]


def _last(address: object) -> str:
    return unquote(str(address or "").rstrip("/").rpartition("/")[2])


def _operations(body: Record) -> list[Record]:
    found = body.get("Operations")
    # One operation without its list: WSO2 Identity Server up to 5.11.
    listed = [found] if isinstance(found, dict) else found
    return [one for one in listed or () if isinstance(one, dict)]


def _judged(said: Record | None) -> Settled:
    status = _status(said)
    if said is None or not status:
        return unknown("The answer to a bulk request says nothing sure of this record.")
    if status in _NOT_LET_IN:
        return not_let_in(status, str(said.get("method") or "write"))
    if status in _NOT_NOW:
        return TryAgain(
            f"The server is too busy for this part of a bulk request (status {status}).",
            code="M611",
            cure="It is tried again by itself.",
        )
    if status >= _SERVER_ERROR and status != _NO_SUCH_VERB:
        return unknown(f"A part of a bulk request is answered with {status}.")
    response = said.get("response")
    record = response if isinstance(response, dict) else {}
    if status < 300:  # noqa: PLR2004 - the class of good answers in HTTP
        record = record if record.get("id") else _by_location(said)
    return Answer(status, record, str(said.get("version") or "") or stated_version(record))


def _status(said: Record | None) -> int:
    status = (said or {}).get("status")
    if isinstance(status, dict):
        # {"code": "201"}: drafts of the RFC, and WSO2 Identity Server.
        status = status.get("code")
    text = str(status or "")
    return int(text) if text.isdecimal() and len(text) == 3 else 0  # noqa: PLR2004 - of HTTP


def _by_location(said: Record) -> Record:
    record_id = _last(said.get("location"))
    return {"id": record_id} if record_id and said.get("method") != "DELETE" else {}
