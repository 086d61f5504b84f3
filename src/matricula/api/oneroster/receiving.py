"""Take what a consumer puts or deletes: by its scope, where the charter says that it owns it.

A mark that arrives here is a mark of coursework, unverified, and the consumer's own. It is kept
beside what is served and read by the hub as any source is; no office's record changes by it.
The audit has who put which record and when, and no value: that stays its owner's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone

from matricula.api import access, agreement
from matricula.api.rules import LARGEST, NotServed
from matricula.audit.actions import Entry, append
from matricula.connectors.kit.errors import ConnectorError, TryAgain
from matricula.connectors.kit.oneroster import json_rows
from matricula.connectors.kit.oneroster.tables import KEY
from matricula.connectors.oneroster_provider import receiving
from matricula.connectors.oneroster_provider.actions import Served
from matricula.connectors.oneroster_provider.settings import OneRosterProviderSettings

if TYPE_CHECKING:
    from django.http import HttpRequest

    from matricula.api.access import Caller
    from matricula.api.oneroster.operations import Operation
    from matricula.charter.model import Charter


class _Grant(NamedTuple):
    """What is received of whom: by which client, in which system, by which charter."""

    client: str
    served: Served
    charter_version: str


_CONNECTOR = "oneroster_provider"
_WHY = "the charter has it received from the consumer, whose own it is"
_JSON = "application/json"


def take(request: HttpRequest, operation: Operation, identifier: str) -> HttpResponse:
    """Answer a PUT or a DELETE of one record.

    Args:
        request: Of a method that `operation.changes` has.
        operation: At the record's own address.
        identifier: Of the record.

    Raises:
        NotServed: No token or scope (M751, M752), not received from it (M766), not as the
            standard has it (M767), unknown (M756), or still named (M768).
        MatriculaError: There is no charter by which to judge.
    """
    method = request.method or ""
    caller = access.caller(request, {operation.changes[method]})
    grant = _granted(agreement.present(), caller, operation)
    if method == "DELETE":
        _take_away(grant, operation, identifier)
        return _nothing(204)
    _put(grant, operation, _told(request, grant, operation, identifier))
    return _nothing(201)


def _nothing(status: int) -> HttpResponse:
    """Answer without a word, and so without saying of what kind it is."""
    answer = HttpResponse(status=status)
    del answer["Content-Type"]
    return answer


@transaction.atomic
def _put(grant: _Grant, operation: Operation, told: json_rows.Told) -> None:
    table = operation.shape.table
    try:
        kept = receiving.put(grant.served, table, [told])
    except ConnectorError as error:
        _refuse(error, "M767")
    _note(grant, table, dict.fromkeys(kept.changed - kept.new, "put"))
    _note(grant, table, dict.fromkeys(kept.new, "put new"))


@transaction.atomic
def _take_away(grant: _Grant, operation: Operation, identifier: str) -> None:
    table = operation.shape.table
    try:
        was_there = receiving.take_away(grant.served, table, identifier)
    except TryAgain as error:
        _refuse(error, "M768")
    if not was_there:
        raise NotServed(
            "M756", f"There is no such {operation.shape.one}.", cure="See the listing."
        )
    _note(grant, table, {identifier: "delete"})


def _note(grant: _Grant, table: str, done: dict[str, str]) -> None:
    """Have the audit say who changed which record; the last thing in a transaction."""
    entity, actor = f"{grant.served.system}.{table}", f"client {grant.client}"
    entries = [
        Entry(actor, action, entity, one, _WHY, charter_version=grant.charter_version)
        for one, action in done.items()
    ]
    if entries:
        append(entries, at=timezone.now())


def _refuse(error: ConnectorError, code: str) -> NoReturn:
    raise NotServed(code, error.message, cure=error.cure) from error


def _granted(charter: Charter, caller: Caller, operation: Operation) -> _Grant:
    """Find the caller's system in the charter.

    Raises:
        NotServed: It does not receive such records from its consumer (M766).
    """
    table, system = operation.shape.table, charter.systems.get(caller.system)
    if system is not None and system.connector == _CONNECTOR:
        settings = OneRosterProviderSettings.model_validate(dict(system.settings))
        if table in settings.receives:
            return _Grant(caller.client, Served(system.name, settings), charter.digest)
    raise NotServed(
        "M766", f"{table} are not received from a consumer: {_owner(charter, caller, table)}.",
        cure="Change the record there.",
    )  # fmt: skip


def _owner(charter: Charter, caller: Caller, table: str) -> str:
    """Say who owns what is served of a table."""
    flows = [
        one for one in charter.flows.values()
        if (one.target.system, one.target.resource) == (caller.system, table)
    ]  # fmt: skip
    if not flows:
        return "no flow of the charter writes them, and what is fixed there is the charter's"
    entity = charter.entities[flows[0].entity]
    steward = charter.stewards[charter.systems[entity.roster.system].steward]
    return f"the flow {flows[0].name} writes them, and {steward.title} owns the {entity.name}"


def _told(
    request: HttpRequest, grant: _Grant, operation: Operation, identifier: str
) -> json_rows.Told:
    """Read what is put.

    Raises:
        NotServed: It is not as the standard has it (M767).
    """
    shape = operation.shape
    extensions = grant.served.settings.metadata.get(shape.table, ())
    body = _json_of(request)
    if not isinstance(body, dict) or set(body) != {shape.one}:
        raise _unfit(f"one {shape.one} is put, under `{shape.one}` and beside nothing else")
    try:
        told = json_rows.read(shape, body[shape.one], extensions)
    except ConnectorError as error:
        _refuse(error, "M767")
    if told.row[KEY] != identifier:
        raise _unfit("its sourcedId is another one than that of the address")
    return told


def _json_of(request: HttpRequest) -> object:
    if request.content_type != _JSON:
        raise _unfit(f"it is not sent as {_JSON}")
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise _unfit(f"it is longer than {LARGEST} bytes")
    try:
        return json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise _unfit("it is no JSON") from None


def _no_number(word: str) -> NoReturn:
    message = f"{word} is no JSON"
    raise ValueError(message)


def _unfit(why: str) -> NotServed:
    return NotServed("M767", f"What was put is not taken: {why}.", cure="Correct it.")
