"""How Koha reads a listing's parameters: filters, its query language, order and pages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matricula.connectors.koha.simulator.columns import COLUMNS
from matricula.connectors.koha.simulator.library import Library, Refused, folded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matricula.connectors.koha.simulator.library import Patron

ATTRIBUTES = "extended_attributes"
_RESERVED = frozenset({"_page", "_per_page", "_order_by", "_match", "q"})
_USUAL_PAGE = 20
# Attributes have a patron's number too: joined, a bare one means neither.
_AMBIGUOUS = frozenset({"patron_id"})
_OF_ATTRIBUTES = {f"{ATTRIBUTES}.code": "type", f"{ATTRIBUTES}.attribute": "value"}


@dataclass(frozen=True, slots=True)
class Page:
    """A page of patrons.

    Attributes:
        numbers: The patrons.
        total: How many the filters let through.
        base: How many there are.
        shown: Of each patron, the attributes that the query joined; None for all.
    """

    numbers: Sequence[int]
    total: int
    base: int
    shown: Mapping[int, Sequence[Mapping[str, Any]]] | None = None


def listed(library: Library, asked: Mapping[str, str], embed: Sequence[str]) -> Page:
    """Answer a listing of patrons.

    Raises:
        Refused: 400 for a parameter that is none; 500 for a malformed query, a column that is
            none, or pages of nothing.
    """
    unknown = sorted(name for name in asked if name not in _RESERVED and name not in COLUMNS)
    if unknown:
        faults = [{"message": "Malformed query string", "path": f"/query/{n}"} for n in unknown]
        raise Refused(400, faults)
    joined = ATTRIBUTES in embed
    query = _query(asked.get("q"), joined=joined)
    filters = {name: value for name, value in asked.items() if name not in _RESERVED}
    match = asked.get("_match", "contains")
    found = [
        number
        for number, patron in _candidates(library, query)
        if _fits(patron, query) and all(_like(patron, n, v, match) for n, v in filters.items())
    ]
    on_attributes = {_OF_ATTRIBUTES[n]: v for n, v in query.items() if n in _OF_ATTRIBUTES}
    shown: dict[int, list[Mapping[str, Any]]] | None = None
    if on_attributes:
        shown = {n: [a for a in library.of(n) if _fits(a, on_attributes)] for n in found}
        found = [n for n in found if shown[n]]
    ordered = _ordered(library, found, asked.get("_order_by", ""), joined=joined)
    return Page(_page(ordered, asked), len(found), len(library.patrons), shown)


def _candidates(library: Library, query: Mapping[str, Any]) -> list[tuple[int, Patron]]:
    """List those who may fit: by number, card number or login alone, through their index."""
    numbered = query.get("patron_id")
    if isinstance(numbered, list):
        ids = [n for n in numbered if isinstance(n, int) and n in library.patrons]
        return [(n, library.patrons[n]) for n in sorted(set(ids))]
    if isinstance(numbered, Mapping) and {">", "<="} >= numbered.keys():
        first, last = int(numbered.get(">", -1)), int(numbered.get("<=", 1 << 60))
        return [(n, one) for n, one in library.patrons.items() if first < n <= last]
    for name in ("cardnumber", "userid"):
        wanted = query.get(name)
        some = wanted if isinstance(wanted, list) else [wanted]
        if all(isinstance(one, str) for one in some):
            numbers = {library.number_of(name, str(one)) for one in some}
            return [(n, library.patrons[n]) for n in sorted(n for n in numbers if n is not None)]
    return list(library.patrons.items())


def _query(text: str | None, *, joined: bool) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        query = json.loads(text)
    except ValueError:
        raise _broken() from None
    if not isinstance(query, dict):
        raise _broken()
    return {_column(name, joined=joined): value for name, value in query.items()}


def _column(name: str, *, joined: bool) -> str:
    if name in _OF_ATTRIBUTES:
        if not joined:
            raise _broken()
        return name
    bare = name.removeprefix("me.")
    known = bare in COLUMNS and COLUMNS[bare].stored
    if not known or (joined and bare == name and bare in _AMBIGUOUS):
        raise _broken()
    return bare


def _fits(row: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    return all(
        _holds(row.get(name), wanted)
        for name, wanted in query.items()
        if name not in _OF_ATTRIBUTES
    )


def _holds(value: object, wanted: object) -> bool:
    if isinstance(wanted, list):
        return any(_holds(value, one) for one in wanted)
    if isinstance(wanted, Mapping):
        return all(_compared(value, clause, one) for clause, one in wanted.items())
    if value is None or wanted is None:
        return value is None and wanted is None
    return folded(value) == folded(wanted)


def _compared(value: object, clause: str, wanted: object) -> bool:
    if value is None:
        return False
    if clause in ("-like", "-not_like"):
        parts = [re.escape(folded(part)) for part in str(wanted).split("%")]
        hit = re.fullmatch(".*".join(parts), folded(value), re.DOTALL) is not None
        return hit is (clause == "-like")
    is_number = isinstance(value, int)
    one: Any = value if is_number else folded(value)
    other: Any = int(str(wanted)) if is_number else folded(wanted)
    results = {">": one > other, ">=": one >= other, "<": one < other, "<=": one <= other}
    if clause not in results:
        raise _broken()
    return bool(results[clause])


def _like(patron: Patron, name: str, wanted: str, match: str) -> bool:
    value = folded(patron.get(name) if patron.get(name) is not None else "")
    sought = folded(wanted)
    if match == "exact":
        return patron.get(name) is not None and value == sought
    if match == "starts_with":
        return value.startswith(sought)
    if match == "ends_with":
        return value.endswith(sought)
    return sought in value


def _ordered(library: Library, found: list[int], order: str, *, joined: bool) -> list[int]:
    for word in reversed([part.strip() for part in order.split(",") if part.strip()]):
        column = _column(word.lstrip("+- "), joined=joined)

        def by(number: int, column: str = column) -> Any:  # noqa: ANN401 - of any type that sorts
            value = library.patrons[number].get(column)
            return (value is not None, value if isinstance(value, int) else folded(value))

        found = sorted(found, key=by, reverse=word.startswith("-"))
    return found


def _page(ordered: list[int], asked: Mapping[str, str]) -> list[int]:
    size, page = int(asked.get("_per_page", _USUAL_PAGE)), int(asked.get("_page", 1))
    if size == -1:
        return ordered
    if size == 0:
        raise _broken()
    return ordered[(page - 1) * size : page * size]


def _broken() -> Refused:
    return Refused(
        500,
        error="Something went wrong, check Koha logs for details.",
        error_code="internal_server_error",
    )
