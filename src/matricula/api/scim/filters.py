"""Filters and orders of RFC 7644, turned into conditions on what was granted.

The grammar, with its precedence, value paths and escapes, is read by scim2-models. A path that
was not granted is refused in the same words as one that SCIM does not have, and before anything
is looked at: neither an answer nor its absence tells whether a value is there.

Source: RFC 7644 sections 3.4.2.2 and 3.4.2.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial, reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Literal

from scim2_models import InvalidFilterException, ScimFilter
from scim2_models.path import Comparison, FilterVisitor, LogicalExpr, LogicalOperator, ValuePath

from matricula.api.rules import NotServed
from matricula.connectors.kit.moments import instant, instant_in
from matricula.connectors.kit.scim.values import folded
from matricula.connectors.scim_provider import conditions
from matricula.connectors.scim_provider.conditions import EVERYBODY, NOBODY, Test

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.db.models import Q
    from django.db.models.expressions import Combinable
    from scim2_models.path import AttrPath, FilterNode, Not, Present

    from matricula.api.scim.grants import Grant
    from matricula.connectors.scim_provider.conditions import Place

_LONGEST, _MOST_TESTS = 4_000, 40
# Each is looked for in every entry of every record.
_MOST_INSIDE = 8
_OF_TEXT = frozenset({"co", "sw", "ew"})
_SORTED_COLUMNS = {
    "id": "identifier", "meta.created": "created", "meta.lastmodified": "modified",
}  # fmt: skip
_CURE = "See /Schemas for what is served to this client."


@dataclass(frozen=True, slots=True)
class Leaf:
    """A path that may be asked by.

    Attributes:
        test: Makes the condition that its values pass a test.
        type: What its values are.
        exact: Whether capitals make a difference.
    """

    test: Callable[[Test], Q]
    type: Literal["text", "boolean", "instant"] = "text"
    exact: bool = False


def condition(text: str, grant: Grant, shelf: int) -> Q | None:
    """Turn a filter into a condition; None where there is none.

    Args:
        text: As the client wrote it.
        grant: What it may ask by.
        shelf: Whose records are asked.

    Raises:
        NotServed: It is not understood, too large, or names what is not served (M753).
    """
    if not text.strip():
        return None
    if len(text) > _LONGEST:
        raise _not_understood(f"it is longer than {_LONGEST} signs")
    try:
        text.encode()
        tree = ScimFilter(text).ast
    except (InvalidFilterException, UnicodeEncodeError):
        raise _not_understood("it does not follow the grammar, or nests too deeply") from None
    return _Records(grant, shelf).visit(tree)


def sort_value(path: str, grant: Grant) -> Combinable | None:
    """Give the value that a path sorts by; None where there is no path.

    Raises:
        NotServed: It is not served, or has no order (M755).
    """
    if not path:
        return None
    key = _key(path, grant)
    if key in _SORTED_COLUMNS:
        return conditions.in_signs(_SORTED_COLUMNS[key])
    place = grant.places.get(key) or grant.places.get(f"{key}.value")
    if place is None:
        raise NotServed("M755", f"{grant.kind.path} are not sorted by {path[:120]}.", cure=_CURE)
    return conditions.value_to_sort_by(place, place.path.rpartition(".")[0])


class _Tests(FilterVisitor["Q"]):
    """Turns a tree into a condition over the leaves that there are."""

    def __init__(self, grant: Grant, leaves: Mapping[str, Leaf], counted: list[str]) -> None:
        self.grant = grant
        self.leaves = leaves
        self.counted = counted

    def visit_logical_expr(self, node: LogicalExpr) -> Q:
        both = and_ if node.op == LogicalOperator.and_ else or_
        return reduce(both, [self.visit(term) for term in node.terms])

    def visit_not(self, node: Not) -> Q:
        return ~self.visit(node.expr)

    def visit_present(self, node: Present) -> Q:
        self._count(node)
        return self._present(node.attr_path)

    def visit_comparison(self, node: Comparison) -> Q:
        self._count(node)
        operator = node.op.value
        if node.value is None:
            # RFC 7643 2.5: null is the same as no value.
            if operator not in {"eq", "ne"}:
                raise _not_understood("nothing is larger, smaller or part of null")
            there = self._present(node.attr_path)
            return ~there if operator == "eq" else there
        leaf = self.leaf(node.attr_path)
        test = _test(leaf, str(node.attr_path), operator, node.value)
        return ~leaf.test(test) if operator == "ne" else leaf.test(test)

    def visit_value_path(self, node: ValuePath) -> Q:
        raise _not_understood(f"{str(node)[:120]} stands where no value path can")

    def leaf(self, path: AttrPath) -> Leaf:
        """Find what a path leads to; of several values, their `value`."""
        key = _key(str(path), self.grant)
        found = self.leaves.get(key) or self.leaves.get(f"{key}.value")
        if found is None:
            raise _no_path(str(path), self.grant)
        return found

    def _present(self, path: AttrPath) -> Q:
        key = _key(str(path), self.grant)
        under = [
            leaf for name, leaf in self.leaves.items()
            if name == key or name.startswith((f"{key}.", f"{key}:"))
        ]  # fmt: skip
        if not under:
            raise _no_path(str(path), self.grant)
        return reduce(or_, [leaf.test(Test("pr")) for leaf in under])

    def _count(self, node: FilterNode) -> None:
        self.counted.append(type(node).__name__)
        if len(self.counted) > _MOST_TESTS:
            raise _not_understood(f"it has more than {_MOST_TESTS} tests")


class _Records(_Tests):
    """Conditions on records, which may reach into the entries of an attribute."""

    def __init__(self, grant: Grant, shelf: int) -> None:
        own = {key: _of_place(one, partial(conditions.has, shelf, one))
               for key, one in grant.places.items()}  # fmt: skip
        super().__init__(grant, {**_of_every_record(grant, shelf), **own}, [])
        self.shelf = shelf
        self.within = 0
        if grant.members:
            self.leaves = {**self.leaves, **_of_members(conditions.member)}

    def visit_value_path(self, node: ValuePath) -> Q:
        key = _key(str(node.attr_path), self.grant)
        if key == "members" and self.grant.members:
            of_one = _inside(_of_members(lambda own: own), key)
            told = _Tests(self.grant, of_one, self.counted).visit(node.val_filter)
            return conditions.member(told)
        places = {
            name: one for name, one in self.grant.places.items()
            if one.is_one_of_several and name.startswith(f"{key}.")
        }  # fmt: skip
        if not places:
            raise _no_path(str(node.attr_path), self.grant)
        leaves = {name: _of_place(one, partial(conditions.entry_has, one))
                  for name, one in places.items()}  # fmt: skip
        inside = _Tests(self.grant, _inside(leaves, key), self.counted)
        before = len(self.counted)
        inner = inside.visit(node.val_filter)
        self.within += len(self.counted) - before
        if self.within > _MOST_INSIDE:
            raise _not_understood(f"it has more than {_MOST_INSIDE} tests within brackets")
        driver = _driver(node.val_filter, inside, places, key)
        return conditions.within(self.shelf, list(places.values()), inner, driver)


def _driver(
    inner: FilterNode, inside: _Tests, places: Mapping[str, Place], key: str
) -> tuple[Place, Test] | None:
    """Choose the equality that every entry looked for has, by which few are found at once."""
    terms = [inner]
    if isinstance(inner, LogicalExpr) and inner.op == LogicalOperator.and_:
        terms = list(inner.terms)
    equal = [
        one for one in terms
        if isinstance(one, Comparison) and one.op.value == "eq" and one.value is not None
    ]  # fmt: skip
    # A value is held by few, a type by many.
    equal.sort(key=lambda one: one.attr_path.attr.lower() in {"type", "primary"})
    for one in equal[:1]:
        path = str(one.attr_path)
        test = _test(inside.leaf(one.attr_path), path, "eq", one.value)
        return places[f"{key}.{_key(path, inside.grant)}"], test
    return None


def _of_every_record(grant: Grant, shelf: int) -> dict[str, Leaf]:
    def schemas(test: Test) -> Q:
        core, *more = [str(one.id) for one in grant.kind.schemas]
        found = EVERYBODY if _passes(core, test) else NOBODY
        for urn in more:
            own = [name for name, one in grant.fields.items() if one.urn == urn]
            if own and _passes(urn, test):
                found |= conditions.has_any(shelf, own, f"{urn}:")
        return found

    def resource_type(test: Test) -> Q:
        return EVERYBODY if _passes(grant.kind.type, test) else NOBODY

    return {
        "id": Leaf(partial(conditions.compared, "identifier"), exact=True),
        "schemas": Leaf(schemas),
        "meta.resourcetype": Leaf(resource_type),
        "meta.created": Leaf(partial(conditions.compared, "created"), "instant"),
        "meta.lastmodified": Leaf(partial(conditions.compared, "modified"), "instant"),
    }


def _of_members(within: Callable[[Q], Q]) -> dict[str, Leaf]:
    def value(test: Test) -> Q:
        return within(conditions.compared("user__identifier", test))

    def kind(test: Test) -> Q:
        return within(EVERYBODY) if _passes("User", test) else NOBODY

    return {"members.value": Leaf(value, exact=True), "members.type": Leaf(kind)}


def _of_place(place: Place, test: Callable[[Test], Q]) -> Leaf:
    return Leaf(test, "boolean" if place.is_boolean else "text", exact=place.exact)


def _inside(leaves: Mapping[str, Leaf], key: str) -> dict[str, Leaf]:
    start = len(key) + 1
    return {name[start:]: leaf for name, leaf in leaves.items()}


def _passes(text: str, test: Test) -> bool:
    own, asked = folded(text), test.text
    return {
        "eq": own == asked, "co": asked in own, "sw": own.startswith(asked),
        "ew": own.endswith(asked), "gt": own > asked, "ge": own >= asked, "lt": own < asked,
        "le": own <= asked, "pr": True,
    }[test.operator]  # fmt: skip


def _test(leaf: Leaf, path: str, operator: str, value: object) -> Test:
    """Read the value that a path is compared with.

    Raises:
        NotServed: It is not of the path's type, or such values have no order (M753).
    """
    operator = "eq" if operator == "ne" else operator
    if leaf.type == "boolean":
        if operator != "eq" or str(value).lower() not in {"true", "false"}:
            raise _not_understood(f"{path[:120]} is true or false, and is compared by eq and ne")
        return Test("eq", str(value).lower())
    if not isinstance(value, str):
        raise _not_understood(f"{path[:120]} is compared with a quoted text")
    if leaf.type == "instant":
        return Test(operator, _instant(path, operator, value))
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _not_understood("a value holds half a sign") from None
    if "\0" in value:
        raise _not_understood("a value holds a NUL")
    return Test(operator, value if leaf.exact else folded(value))


def _instant(path: str, operator: str, value: str) -> str:
    found = instant_in(value)
    if found is None or operator in _OF_TEXT:
        raise _not_understood(
            f"{path[:120]} is compared with an instant, as in 2026-09-01T06:00:00Z"
        )
    return instant(found)


def _key(path: str, grant: Grant) -> str:
    """Write a path as it is looked up: in small letters, without the core schema's urn."""
    return path.lower().removeprefix(f"{grant.kind.core.lower()}:")


def _no_path(path: str, grant: Grant) -> NotServed:
    return NotServed(
        "M753", f"{grant.kind.path} cannot be filtered by {path[:120]}, or not like that.",
        cure=_CURE,
    )  # fmt: skip


def _not_understood(why: str) -> NotServed:
    return NotServed("M753", f"The filter is not understood: {why}.", cure="See RFC 7644 3.4.2.2.")
