"""What a consumer asks of a listing: filter, order, selection, page. From words to conditions.

The standard's filter is one or more comparisons, parted by AND or OR; AND binds closer. Values
stand in single quotes; an apostrophe within a word needs no sign of its own, any other one is
written twice.

Source: OneRoster 1.2 rostering REST binding, sections on pagination, sorting, filtering and
field selection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.api.rules import NotServed
from matricula.connectors.kit.moments import instant, instant_in, moment
from matricula.connectors.kit.oneroster.objects import INSIDE, rest_tables
from matricula.connectors.oneroster_provider import conditions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import QueryDict

    from matricula.connectors.kit.oneroster.objects import Property, Shape
    from matricula.connectors.oneroster_provider.conditions import Condition
    from matricula.connectors.oneroster_provider.queries import Shelves

USUAL, LARGEST = 100, 5_000
# The published schemas have both numbers in 32 bits.
_LARGEST_NUMBER = 2**31 - 1
_COMMON = ("sourcedId", "status", "dateLastModified")
_ONE = re.compile(
    r"\s*(?P<field>[A-Za-z][A-Za-z0-9_.]*)\s*(?P<operator>!=|>=|<=|=|>|<|~)\s*"
    r"'(?P<value>(?:[^']|''|(?<=\w)'(?=\w))*)'\s*(?:(?P<join>\b(?:AND|OR)\b)\s*(?=[A-Za-z])|$)",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST, _MOST_COMPARISONS = 4_000, 20
_OF_ROLES = {
    "roles.role": "role", "roles.roleType": "roleType", "roles.org.sourcedId": "orgSourcedId",
    "roles.beginDate": "beginDate", "roles.endDate": "endDate",
}  # fmt: skip
_CURE = "See the standard's object for its fields."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a consumer asks of a listing.

    Attributes:
        limit: Rows on a page; never more than we give.
        offset: Rows before it.
        sort: A column; empty for the order of arrival.
        descending: The largest first.
        fields: The only properties wanted; None is all.
        filter: In words; empty for all rows.
    """

    limit: int
    offset: int
    sort: str
    descending: bool
    fields: frozenset[str] | None
    filter: str


def asked(parameters: QueryDict, shape: Shape) -> Asked:
    """Read what is asked.

    Raises:
        NotServed: A number (M757), a field (M754) or an order (M755) is not understood.
    """
    way = parameters.get("orderBy", "asc").lower()
    if way not in {"asc", "desc"}:
        raise NotServed("M755", "orderBy is asc or desc.", cure="Write one of the two.")
    return Asked(
        limit=min(_number(parameters, "limit", USUAL, least=1), LARGEST),
        offset=_number(parameters, "offset", 0, least=0),
        sort=_sort(parameters.get("sort", ""), shape),
        descending=way == "desc",
        fields=selected(parameters, shape),
        filter=parameters.get("filter", "").strip(),
    )


def selected(parameters: QueryDict, shape: Shape) -> frozenset[str] | None:
    """Read which properties are wanted; None is all.

    Raises:
        NotServed: There is no such property (M754).
    """
    told = ",".join(parameters.getlist("fields"))
    names = frozenset(name.strip() for name in told.split(",") if name.strip())
    known = {*_COMMON, "metadata", *(one.name for one in shape.properties)}
    unknown = sorted(names - known)
    if unknown:
        raise NotServed("M754", f"{shape.one} has no field {unknown[0][:60]}.", cure=_CURE)
    return names or None


def condition(text: str, shape: Shape, shelves: Shelves) -> Condition | None:
    """Turn a filter into a condition; None where there is none.

    Raises:
        NotServed: It is not understood, or names a field that is not there (M753).
    """
    if not text:
        return None
    if len(text) > _LONGEST:
        raise _not_understood("it is too long")
    either: list[list[Condition]] = [[]]
    place, more, count = 0, True, 0
    while more:
        count += 1
        if count > _MOST_COMPARISONS:
            raise _not_understood(f"it has more than {_MOST_COMPARISONS} comparisons")
        found = _ONE.match(text, place)
        if found is None:
            raise _not_understood("it is not made of field, operator and quoted value")
        either[-1].append(_compared(found.groupdict(), shape, shelves))
        join = (found["join"] or "").upper()
        if join == "OR":
            either.append([])
        place, more = found.end(), bool(join)
    return conditions.any_of([conditions.every(all_of) for all_of in either])


def _compared(told: Mapping[str, str], shape: Shape, shelves: Shelves) -> Condition:
    field, operator, value = told["field"], told["operator"], told["value"].replace("''", "'")
    if "\0" in value:
        raise _not_understood("a value holds a NUL")
    if field in _COMMON:
        value = _instant(value) if field == "dateLastModified" and operator != "~" else value
        return conditions.compared(shape.table, field, operator, value)
    if shape.table == "users" and field in _OF_ROLES:
        return _by_role(shelves, _OF_ROLES[field], operator, value)
    name, _, part = field.partition(".")
    one = shape.named(name)
    if one is None or not one.column or (part == "sourcedId") != (one.how in {"ref", "refs"}):
        raise _no_field(field, shape)
    if one.how not in {"ref", "refs"} and part:
        raise _no_field(field, shape)
    if one.how == "refs" and operator in {"=", "~", "!="}:
        return conditions.listed(one.column, value, is_there=operator != "!=")
    return conditions.compared(shape.table, one.column, operator, _value(one, shape, value))


def _value(one: Property, shape: Shape, value: str) -> str:
    if one.how == "instant":
        return moment(value)
    if rest_tables()[shape.table].column(one.column).kind in conditions.NUMBERS:
        try:
            float(value)
        except ValueError:
            raise _not_understood(f"{one.name} is compared with a number") from None
    return value


def _by_role(shelves: Shelves, column: str, operator: str, value: str) -> Condition:
    if operator not in {"=", "~", "!="}:
        raise _not_understood("roles are compared by =, != and ~")
    shelf = shelves.of("roles")
    owner = INSIDE["roles"][1]
    found = conditions.named_by(
        shelf, own="sourcedId", other="roles", column=owner, equal={column: value}
    )
    return conditions.Condition(f"NOT ({found.sql})", found.values) if operator == "!=" else found


def _instant(value: str) -> str:
    found = instant_in(value)
    if found is None:
        raise _not_understood(
            "dateLastModified is compared with an instant, as in 2026-09-01T06:00:00.000Z"
        )
    return instant(found)


def _sort(name: str, shape: Shape) -> str:
    if not name:
        return ""
    if name in _COMMON:
        return name
    first, _, part = name.partition(".")
    one = shape.named(first)
    wanted = "ref" if part == "sourcedId" else "text"
    plain = one is not None and one.how in (
        {wanted, "number", "instant"} if not part else {wanted}
    )
    if one is None or not plain or part not in {"", "sourcedId"}:
        raise NotServed("M755", f"{shape.one} is not sorted by {name[:60]}.", cure=_CURE)
    return one.column


def _number(parameters: QueryDict, name: str, usual: int, *, least: int) -> int:
    text = parameters.get(name)
    if text is None:
        return usual
    whole = text.isascii() and text.isdigit() and len(text) < 20  # noqa: PLR2004 - long enough
    if not whole or not least <= int(text) <= _LARGEST_NUMBER:
        raise NotServed("M757", f"{name} is a whole number from {least} on.", cure="Correct it.")
    return int(text)


def _no_field(field: str, shape: Shape) -> NotServed:
    return NotServed("M753", f"{shape.one} cannot be filtered by {field[:60]}.", cure=_CURE)


def _not_understood(why: str) -> NotServed:
    return NotServed("M753", f"The filter is not understood: {why}.", cure=_CURE)
