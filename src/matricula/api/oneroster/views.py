"""Answer one request: who asks, what for, which rows, as JSON. Thin on purpose."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt

from matricula.api import access
from matricula.api.answering import Voice, answering, base_of
from matricula.api.oneroster import discovery, filters, receiving
from matricula.api.oneroster.operations import PARENTS, operations
from matricula.api.rules import (
    BROKEN,
    BUSY,
    MEANINGS,
    NOT_NOW,
    ONEROSTER_SCOPES,
    Meaning,
    NotAllowed,
    NotServed,
)
from matricula.connectors.kit.oneroster.json_text import Pen, outside
from matricula.connectors.kit.oneroster.tables import ACTIVE
from matricula.connectors.oneroster_provider import conditions, queries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpRequest

    from matricula.api.answering import View
    from matricula.api.oneroster.filters import Asked
    from matricula.api.oneroster.operations import Operation
    from matricula.connectors.kit.oneroster.objects import Property
    from matricula.connectors.oneroster_provider.conditions import Condition
    from matricula.connectors.oneroster_provider.queries import Shelves, Values


def view_of(operation: Operation) -> View:
    """Make the view of an operation."""

    def view(request: HttpRequest, **named: str) -> HttpResponse:
        if request.method in operation.changes:
            _must_be_words(named)
            return receiving.take(request, operation, named["sourcedId"])
        shelves = queries.shelves_of(access.system_for(request, operation.scopes))
        _must_read(request, operation.allowed)
        _must_be_words(named)
        read = _single if operation.is_single else _listing
        return read(request, operation, shelves, named)

    return answering(view, _VOICE)


def _nothing(request: HttpRequest) -> HttpResponse:
    """Answer every other address: to whoever has a token, that there is nothing."""
    access.system_for(request, ONEROSTER_SCOPES.values())
    _must_read(request, "GET, HEAD")
    raise NotServed("M756", "There is nothing at this address.", cure="See the discovery file.")


@csrf_exempt
def described(request: HttpRequest, service: str) -> HttpResponse:
    """Answer with the discovery file of a service; it is for anybody, and names nobody."""
    told = discovery.document(service, base_of(request), operations())
    return HttpResponse(json.dumps(told), content_type="application/json")


def broken(request: HttpRequest) -> HttpResponse:
    """Answer when something was not foreseen: in the standard's words, and with no more."""
    del request
    return _refusal(BROKEN, "Something was not foreseen; whoever runs this is told.")


def _single(
    request: HttpRequest, operation: Operation, shelves: Shelves, named: Mapping[str, str]
) -> HttpResponse:
    fields = filters.selected(request.GET, operation.shape)
    pen = Pen(operation.shape, base_of(request), fields)
    also = operation.restriction(shelves, named) if operation.restriction else None
    table, identifier = operation.shape.table, named["sourcedId"]
    row = queries.one(shelves, table, identifier, pen.columns, also=also)
    if row is None:
        raise _unknown(operation.shape.one)
    (text,) = _written(pen, shelves, [row], base_of(request))
    return _json(f'{{"{operation.shape.one}":{text}}}')


def _listing(
    request: HttpRequest, operation: Operation, shelves: Shelves, named: Mapping[str, str]
) -> HttpResponse:
    shape = operation.shape
    asked = filters.asked(request.GET, shape)
    for word, identifier in named.items():
        if queries.one(shelves, PARENTS[word], identifier, ["sourcedId"]) is None:
            raise _unknown(word)
    wanted = filters.condition(asked.filter, shape, shelves)
    belongs = operation.restriction(shelves, named) if operation.restriction else None
    both = [one for one in (belongs, wanted) if one is not None]
    pen = Pen(shape, base_of(request), asked.fields)
    page = queries.page(shelves, _question(shape.table, asked, both), pen.columns)
    written = ",".join(_written(pen, shelves, page.rows, base_of(request)))
    answer = _json(f'{{"{shape.table}":[{written}]}}')
    answer["X-Total-Count"] = str(page.total)
    answer["Link"] = _links(request, asked, page.total)
    return answer


def _question(table: str, asked: Asked, both: Sequence[Condition]) -> queries.Question:
    return queries.Question(
        table, conditions.every(both) if both else None, asked.sort,
        descending=asked.descending, limit=asked.limit, offset=asked.offset,
    )  # fmt: skip


def _written(pen: Pen, shelves: Shelves, rows: Sequence[Values], base: str) -> list[str]:
    return pen.page(rows, [(one.name, _others(one, shelves, rows, base)) for one in pen.needed])


def _others(
    one: Property, shelves: Shelves, rows: Sequence[Values], base: str
) -> dict[str | None, str]:
    """Write the properties that come from another table, by the identifiers of their owners."""
    # Of who has left, nothing is told but the roles, which the binding wants.
    owners = [str(row[0]) for row in rows if one.table == "roles" or row[1] == ACTIVE]
    write = outside(one, base)
    found = queries.inside(shelves, one.table, owners)
    return {whose: write(parts) for whose, parts in found.items()}


def _links(request: HttpRequest, asked: Asked, total: int) -> str:
    last = max(0, (total - 1) // asked.limit * asked.limit)
    told: list[tuple[str, int]] = [("first", 0), ("last", last)]
    if asked.offset + asked.limit < total:
        told.append(("next", asked.offset + asked.limit))
    if asked.offset > 0:
        told.append(("prev", max(0, asked.offset - asked.limit)))
    address = f"{base_of(request)}{request.path}"
    kept = [(n, v) for n, vs in request.GET.lists() for v in vs if n not in {"limit", "offset"}]
    return ", ".join(
        f"<{address}?{urlencode([*kept, ('limit', asked.limit), ('offset', offset)])}>; "
        f'rel="{relation}"'
        for relation, offset in told
    )


def _must_read(request: HttpRequest, allowed: str) -> None:
    if request.method not in {"GET", "HEAD"}:
        raise NotAllowed(allowed)


def _must_be_words(named: Mapping[str, str]) -> None:
    if any("\0" in value for value in named.values()):
        raise _unknown("record")


def _unknown(what: str) -> NotServed:
    return NotServed(
        "M756", f"There is no such {what}.", cure="See the listing for what there is."
    )


def _json(text: str) -> HttpResponse:
    return HttpResponse(text.encode(), content_type="application/json")


def _refusal(meaning: Meaning, why: str) -> HttpResponse:
    told: dict[str, Any] = {
        "imsx_codeMajor": meaning.major,
        "imsx_severity": "error",
        "imsx_description": why,
        "imsx_CodeMinor": {
            "imsx_codeMinorField": [
                {
                    "imsx_codeMinorFieldName": "TargetEndSystem",
                    "imsx_codeMinorFieldValue": meaning.minor,
                }
            ]
        },
    }
    return HttpResponse(json.dumps(told), content_type="application/json", status=meaning.status)


def _refused(error: NotServed) -> HttpResponse:
    return _refusal(MEANINGS[error.code], f"{error.code}: {error.message}")


def _busy(why: str) -> HttpResponse:
    return _refusal(BUSY, why)


def _not_now(why: str) -> HttpResponse:
    return _refusal(NOT_NOW, why)


_VOICE = Voice(_refused, _busy, _not_now)
nothing = answering(_nothing, _VOICE)
