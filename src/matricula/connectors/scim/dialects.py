"""PATCH as servers understand it: one change, said in the words that a server takes.

RFC 7644 3.5.2 leaves ways to say the same thing, and servers know some of them. The narrowest
comes first: one entry is reached by its type (`emails[type eq "work"].value`), so that what
somebody else adds meanwhile is not overwritten. A refusal of the words, or a good answer after
which nothing is different, leads on to the next way; what was understood once is kept to. No
way is tried that a strict server would take for more than was meant.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matricula.connectors.scim.mapping import Record, entries_of, home_of, part_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from matricula.connectors.kit.scim.attributes import Attribute
    from matricula.connectors.scim.settings import Way
    from matricula.connectors.scim.wire import Answer

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_BAD_REQUEST, _NOT_IMPLEMENTED = 400, 501
# RFC 7644 3.12: what is wrong with the request and not with a value. Many name nothing.
_ABOUT_THE_WORDS = frozenset({"", "invalidSyntax", "invalidPath", "invalidFilter", "noTarget"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way to say a change.

    Attributes:
        paths: Each operation names its attribute in `path`; otherwise one value holds all.
        narrow: An entry is reached by its type; otherwise the whole list is replaced.
        capital: `Replace`, as Entra ID writes it.
        texts: `"True"` for true, as Entra ID does for older applications.
        by_value: A member is removed by being named in `value`. By the RFC that removes all
            members, so it is spoken only where the charter says so.
    """

    paths: bool = True
    narrow: bool = False
    capital: bool = False
    texts: bool = False
    by_value: bool = False


RFC = Dialect(narrow=True)
WHOLE = Dialect()
PATHLESS = Dialect(paths=False)
ENTRA = Dialect(narrow=True, capital=True, by_value=True)
_CAPITAL = Dialect(narrow=True, capital=True)
_NAMED: Mapping[Way, tuple[Dialect, ...]] = {
    "rfc": (RFC,),
    "whole": (WHOLE,),
    "pathless": (PATHLESS,),
    "entra": (ENTRA, replace(ENTRA, texts=True)),
}
_LADDERS: Mapping[str, tuple[Dialect, ...]] = {
    "plain": (RFC, PATHLESS, _CAPITAL),
    "truth": (RFC, PATHLESS, _CAPITAL, replace(_CAPITAL, texts=True)),
    "extension": (RFC, PATHLESS, _CAPITAL),
    "entries": (RFC, WHOLE, PATHLESS, _CAPITAL),
    "members": (RFC, WHOLE),
}

# Shapes of which the narrow way may reach into an entry.
_REACHES = frozenset({"entries", "members"})


class Dialects:
    """What one server has understood so far, by the shape of what was said."""

    def __init__(self, named: Way = "auto") -> None:
        self._fixed = _NAMED.get(named)
        self._understood: dict[str, Dialect] = {}

    @property
    def are_understood(self) -> bool:
        """Whether a change in part has been understood at all."""
        return bool(self._understood)

    def ways(self, shape: str) -> Sequence[Dialect]:
        """List the ways worth trying, the best first."""
        known = self._understood.get(shape)
        return (known,) if known else self._fixed or _LADDERS[shape]

    def learn(self, shape: str, dialect: Dialect) -> None:
        """Keep to what was understood."""
        self._understood.setdefault(shape, dialect)


class Speech:
    """How one record's change is put to a server, until it is understood."""

    def __init__(self, dialects: Dialects) -> None:
        self._dialects = dialects
        self._shape = ""
        self._tried: list[Dialect] = []
        self._has_value_path = False

    def way(self, shape: str) -> Dialect:
        """Choose how to say something of this shape next."""
        if shape != self._shape:
            self._shape, self._tried = shape, []
        return self._left()[0]

    def says(self, words: Record) -> Record:
        """Note what is put to the server."""
        said = words["Operations"]
        self._has_value_path = any("[" in str(one.get("path", "")) for one in said)
        return words

    def is_over(self) -> None:
        """The record is replaced instead, and there is only one way to do that."""
        self._shape = ""

    def understood(self) -> None:
        """The last way was understood, and what the server holds says so."""
        if not self._shape:
            return
        way = self.way(self._shape)
        # Whoever takes an entry to add has not been heard on how one is reached.
        if self._has_value_path or not way.narrow or self._shape not in _REACHES:
            self._dialects.learn(self._shape, way)

    def another(self, refused: Answer | None = None) -> bool:
        """Go on to the next way; false where there is none, or the words were not at fault.

        Args:
            refused: What the server said; None when it agreed and did nothing.
        """
        if not self._shape or (refused is not None and not _is_about_words(refused)):
            return False
        left = self._left()
        if len(left) < 2:  # noqa: PLR2004 - the one that has just failed is still among them
            return False
        self._tried.append(left[0])
        return True

    def _left(self) -> list[Dialect]:
        ways = self._dialects.ways(self._shape)
        return [one for one in ways if one not in self._tried] or list(ways[-1:])


def shape_of(fields: Iterable[Attribute]) -> str:
    """Name what makes a change hard to say."""
    changed = list(fields)
    if any(field.form != "single" for field in changed):
        return "entries"
    if any(field.type == "boolean" for field in changed):
        return "truth"
    return "extension" if any(field.urn for field in changed) else "plain"


def patch(before: Record, after: Record, fields: Iterable[Attribute], way: Dialect) -> Record:
    """Say in a PATCH message what leads from one record to the other.

    Args:
        before: As the server has it.
        after: As it is to be.
        fields: That differ.
        way: How to say it.
    """
    homes: dict[tuple[str, str], list[Attribute]] = {}
    for field in fields:
        homes.setdefault((field.urn, field.attribute), []).append(field)
    operations: list[Record] = []
    for together in homes.values():
        operations += _of_attribute(before, after, together, way)
    return message(operations, way)


def message(operations: Sequence[Record], way: Dialect) -> Record:
    """Put operations into a PATCH message, as a way has them."""
    said = [_in_words_of(way, one) for one in operations]
    return {"schemas": [PATCH_SCHEMA], "Operations": said if way.paths else _without_paths(said)}


def _of_attribute(
    before: Record, after: Record, fields: Sequence[Attribute], way: Dialect
) -> Iterator[Record]:
    field = fields[0]
    old = home_of(before, field).get(field.attribute)
    new = home_of(after, field).get(field.attribute)
    if field.form == "single" and field.sub and way.paths:
        for one in fields:
            parts = [None if whole is None else part_of(one, whole) for whole in (old, new)]
            yield from _replaced(f"{one.path}.{one.sub}", *parts)
    elif way.narrow and _can_be_narrow(fields, old, new):
        for slot in dict.fromkeys(one.slot for one in fields):
            yield from _of_entry(field.path, *(_typed(whole, slot) for whole in (old, new)))
    else:
        yield from _replaced(field.path, old, new)


def _replaced(path: str, old: object, new: object) -> Iterator[Record]:
    if old == new:
        return
    if new is None:
        yield {"op": "remove", "path": path}
    else:
        yield {"op": "replace", "path": path, "value": new}


def _can_be_narrow(fields: Sequence[Attribute], old: object, new: object) -> bool:
    # Two entries of one type would both be meant by the path; a primary mark moves between
    # entries, and values of a list have no type.
    return all(
        field.form == "slot" and len(_typed(whole, field.slot)) < 2  # noqa: PLR2004
        for field in fields
        for whole in (old, new)
    )


def _typed(whole: object, slot: str) -> list[Record]:
    found = entries_of(whole) if whole is not None else []
    return [
        one
        for one in found
        if isinstance(one, dict) and str(one.get("type") or "").casefold() == slot.casefold()
    ]


def _of_entry(path: str, old: list[Record], new: list[Record]) -> Iterator[Record]:
    if not old:
        if new:
            yield {"op": "add", "path": path, "value": new}
        return
    entry = f"{path}[type eq {json.dumps(old[0]['type'], ensure_ascii=False)}]"
    if not new:
        yield {"op": "remove", "path": entry}
        return
    for sub in dict.fromkeys([*old[0], *new[0]]):
        yield from _replaced(f"{entry}.{sub}", old[0].get(sub), new[0].get(sub))


def _in_words_of(way: Dialect, operation: Record) -> Record:
    said = dict(operation)
    if way.capital:
        said["op"] = str(said["op"]).capitalize()
    if way.texts and isinstance(said.get("value"), bool):
        said["value"] = str(said["value"])
    return said


def _without_paths(operations: Sequence[Record]) -> list[Record]:
    # Nothing can be removed without saying what (RFC 7644 3.5.2.2).
    removals = [one for one in operations if "value" not in one]
    whole: Record = {}
    for one in operations:
        if "value" in one:
            urn, _, name = str(one["path"]).rpartition(":")
            (whole.setdefault(urn, {}) if urn else whole)[name] = one["value"]
    return [*([{"op": "replace", "value": whole}] if whole else []), *removals]


def _is_about_words(refused: Answer) -> bool:
    if refused.status == _NOT_IMPLEMENTED:
        return True
    said = str(refused.record.get("scimType") or "")
    return refused.status == _BAD_REQUEST and said in _ABOUT_THE_WORDS
