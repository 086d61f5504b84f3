"""What a client asks of a listing, by its address or in a search request.

Source: RFC 7644 sections 3.4.2, 3.4.3 and 3.9; RFC 9865 for cursors.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.api.rules import NotServed
from matricula.connectors.scim_provider.settings import LARGEST_PAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, QueryDict

USUAL = 100
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_LONGEST_BODY = 64 << 10
_LISTS = ("attributes", "excludedAttributes")
_TEXTS = ("filter", "sortBy", "sortOrder", "cursor")
_NUMBERS = ("startIndex", "count")
# Longer ones are no places in any listing, and some databases count in 64 bits.
_MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked.

    Attributes:
        only: The only attributes wanted; all where there are none.
        but: Attributes not wanted.
        filter: As the client wrote it.
        sort: A path; empty for the order of arrival.
        descending: The largest first.
        start: How many records come before the page.
        count: How many it has, at most.
        after: The place after which a page by cursor begins; None for a page by index.
    """

    only: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    filter: str = ""
    sort: str = ""
    descending: bool = False
    start: int = 0
    count: int = USUAL
    after: int | None = None


def by_address(parameters: QueryDict) -> Asked:
    """Read what the parameters of an address ask.

    Raises:
        NotServed: M754, M755, M757 or M763, as `_asked`.
    """
    told: dict[str, object] = {
        name: [one for text in parameters.getlist(name) for one in text.split(",")]
        for name in _LISTS
    }
    told |= {name: parameters[name] for name in (*_TEXTS, *_NUMBERS) if name in parameters}
    return _asked(told)


def by_search(request: HttpRequest) -> Asked:
    """Read what a search request asks.

    Raises:
        NotServed: It is none (M761); M754, M755, M757 or M763.
    """
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > _LONGEST_BODY:
        raise _no_search(f"it is longer than {_LONGEST_BODY} bytes")
    try:
        told = json.loads(request.body)
    except (ValueError, RecursionError):
        raise _no_search("it is no JSON") from None
    schemas = told.get("schemas") if isinstance(told, dict) else None
    if not isinstance(schemas, list) or SEARCH not in schemas:
        raise _no_search(f"its schemas do not name {SEARCH}")
    told = {name: value for name, value in told.items() if value is not None}
    for name in _LISTS:
        own = told.get(name, [])
        if not isinstance(own, list) or not all(isinstance(one, str) for one in own):
            raise _no_search(f"{name} is no list of texts")
    if not all(isinstance(told.get(name, ""), str) for name in _TEXTS):
        raise _no_search(f"{', '.join(_TEXTS)} are texts")
    return _asked(told)


def _asked(told: Mapping[str, object]) -> Asked:
    only, but = _paths(told, "attributes"), _paths(told, "excludedAttributes")
    if only and but:
        raise NotServed(
            "M754", "Attributes are chosen or left out, not both at once.",
            cure="Give attributes or excludedAttributes.",
        )  # fmt: skip
    way = str(told.get("sortOrder") or "ascending").lower()
    if way not in {"ascending", "descending"}:
        raise NotServed("M755", "sortOrder is ascending or descending.", cure="Write one of both.")
    sort = str(told.get("sortBy") or "").strip()
    return Asked(
        only, but, str(told.get("filter") or ""), sort,
        descending=way == "descending",
        # RFC 7644 3.4.2.4: what is too small counts as the smallest.
        start=max(1, _number(told, "startIndex", 1)) - 1,
        count=min(max(0, _number(told, "count", USUAL)), LARGEST_PAGE),
        after=_place(told, sort),
    )  # fmt: skip


def _paths(told: Mapping[str, object], name: str) -> tuple[str, ...]:
    own = told.get(name)
    listed = own if isinstance(own, list) else []
    return tuple(one.strip().lower() for one in listed if one.strip())


def _number(told: Mapping[str, object], name: str, usual: int) -> int:
    text = str(told.get(name, usual)).strip()
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        raise NotServed("M757", f"{name} is a whole number.", cure="Correct it.")
    return int(text)


def _place(told: Mapping[str, object], sort: str) -> int | None:
    if "cursor" not in told:
        return None
    text = str(told["cursor"])
    is_ours = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    if sort or "startIndex" in told or not (is_ours or not text):
        raise NotServed(
            "M763", "The cursor is none of ours, or stands beside startIndex or sortBy.",
            cure="Begin again with an empty cursor, and give each page's nextCursor.",
        )  # fmt: skip
    return int(text) if text else -1


def _no_search(why: str) -> NotServed:
    return NotServed(
        "M761", f"The search request is not understood: {why}.", cure="See RFC 7644 3.4.3."
    )
