"""Answer one request: who asks, what for, which records, as JSON. Thin on purpose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse

from matricula.api import access
from matricula.api.answering import answering, base_of
from matricula.api.rules import SCIM_SCOPES, NotServed
from matricula.api.scim import asking, discovery, filters, grants
from matricula.api.scim.pen import Pen
from matricula.api.scim.refusals import MEDIA, VOICE
from matricula.connectors.scim_provider import queries
from matricula.connectors.scim_provider.kinds import GROUPS, USERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.http import HttpRequest

    from matricula.api.answering import View
    from matricula.api.scim.asking import Asked
    from matricula.api.scim.grants import Grant
    from matricula.connectors.scim_provider.queries import Held

    Record = dict[str, Any]

_SCOPES = {USERS: SCIM_SCOPES["scim-users"], GROUPS: SCIM_SCOPES["scim-groups"]}
_READING = frozenset({"GET", "HEAD"})
_UNCHANGED = 304


def listing_of(kind: str) -> View:
    """Make the view of a listing."""

    def view(request: HttpRequest) -> HttpResponse:
        grant = _granted(request, kind)
        _must_read(request, grant)
        return _page(request, grant, asking.by_address(request.GET))

    return answering(view, VOICE)


def search_of(kind: str) -> View:
    """Make the view that answers search requests: the listing, asked for by POST."""

    def view(request: HttpRequest) -> HttpResponse:
        grant = _granted(request, kind)
        if request.method != "POST":
            raise _no_such(grant.kind.type)
        return _page(request, grant, asking.by_search(request))

    return answering(view, VOICE)


def single_of(kind: str) -> View:
    """Make the view of one record."""

    def view(request: HttpRequest, identifier: str) -> HttpResponse:
        grant = _granted(request, kind)
        _must_read(request, grant)
        asked = asking.by_address(request.GET)
        lot = queries.lot(grant.system, kind)
        held = None if "\0" in identifier else queries.one(lot, identifier)
        if held is None:
            raise _no_such(grant.kind.type)
        pen = Pen(grant, base_of(request), asked.only, asked.but)
        return _single(request, pen, held)

    return answering(view, VOICE)


def described(what: Callable[[Mapping[str, Grant], str], list[Record]]) -> View:
    """Make the view of a list that describes what is served: resource types, or schemas."""

    def view(request: HttpRequest, identifier: str = "") -> HttpResponse:
        system = access.system_for(request, SCIM_SCOPES.values())
        granted = grants.all_of(system)
        _must_describe(request)
        told = what(granted, base_of(request))
        if not identifier:
            return _json(discovery.listed(told))
        for one in told:
            if str(one["id"]).lower() == identifier.lower():
                return _json(one)
        raise _no_such("description")

    return answering(view, VOICE)


def _config(request: HttpRequest) -> HttpResponse:
    """Describe the server; it is for anybody, and names nobody."""
    _must_describe(request)
    return _json(discovery.config(base_of(request)))


def _not_offered(request: HttpRequest) -> HttpResponse:
    """Answer what RFC 7644 has and this server has not: to whoever has a token."""
    access.system_for(request, SCIM_SCOPES.values())
    raise NotServed(
        "M762", "This is not offered here.", cure="Read /Users and /Groups, one by one."
    )


def _nothing(request: HttpRequest) -> HttpResponse:
    """Answer every other address: to whoever has a token, that there is nothing."""
    access.system_for(request, SCIM_SCOPES.values())
    raise NotServed("M756", "There is nothing at this address.", cure="See /ResourceTypes.")


config = answering(_config, VOICE)
not_offered = answering(_not_offered, VOICE)
nothing = answering(_nothing, VOICE)


def _granted(request: HttpRequest, kind: str) -> Grant:
    system = access.system_for(request, [_SCOPES[kind]])
    return grants.of(system, kind)


def _page(request: HttpRequest, grant: Grant, asked: Asked) -> HttpResponse:
    lot = queries.lot(grant.system, grant.kind.name)
    question = queries.Question(
        filters.condition(asked.filter, grant, lot.pk), filters.sort_value(asked.sort, grant),
        descending=asked.descending, start=asked.start,
        count=min(asked.count, grant.largest_page), after=asked.after,
    )  # fmt: skip
    page = queries.page(lot, question)
    pen = Pen(grant, base_of(request), asked.only, asked.but)
    told: Record = {
        "schemas": [discovery.LIST], "totalResults": page.total,
        "itemsPerPage": len(page.records), "Resources": _written(pen, page.records),
    }  # fmt: skip
    if asked.after is None:
        told["startIndex"] = asked.start + 1
    elif page.goes_on:
        told["nextCursor"] = str(page.records[-1].place)
    return _json(told)


def _single(request: HttpRequest, pen: Pen, held: Held) -> HttpResponse:
    version = pen.version(held)
    known = [one.strip() for one in request.headers.get("If-None-Match", "").split(",")]
    if version in known or "*" in known:
        answer = HttpResponse(status=_UNCHANGED)
    else:
        (record,) = _written(pen, [held])
        answer = _json(record)
        answer["Location"] = pen.location(held)
    answer["ETag"] = version
    return answer


def _written(pen: Pen, records: Sequence[Held]) -> list[Record]:
    members: Mapping[int, Sequence[str]] = {}
    if pen.names_members:
        members = queries.members_of(one.number for one in records)
    return [pen.record(one, members.get(one.number, ())) for one in records]


def _must_read(request: HttpRequest, grant: Grant) -> None:
    if request.method == "PATCH":
        raise NotServed("M762", f"PATCH is not offered: {_whose(grant)}", cure=_at_owner(grant))
    if request.method not in _READING:
        raise NotServed("M758", _whose(grant), cure=_at_owner(grant))


def _whose(grant: Grant) -> str:
    return f"{grant.kind.path} are a copy, read only. The record is owned by {grant.owner}."


def _at_owner(grant: Grant) -> str:
    return f"Change it there; {grant.system} is served the change."


def _must_describe(request: HttpRequest) -> None:
    if request.method not in _READING:
        raise NotServed("M758", "What describes the server is read only.", cure="Ask by GET.")
    if "filter" in request.GET:
        # RFC 7644 section 4 wants it refused as forbidden.
        raise NotServed("M752", "Descriptions take no filter.", cure="Read them whole.")


def _no_such(what: str) -> NotServed:
    return NotServed(
        "M756", f"There is no such {what}.", cure="See the listing for what there is."
    )


def _json(told: Record) -> HttpResponse:
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(text.encode(), content_type=MEDIA)
