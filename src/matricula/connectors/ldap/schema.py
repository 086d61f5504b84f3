"""What a directory says its entries may hold: its subschema (RFC 4512 4.2), read. Pure.

A field is an attribute by its first name. Passwords and values that are no text are none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from matricula.connectors.kit.protocol import NativeType

_TOKEN = re.compile(r"'((?:[^'\\]|\\.)*)'|([()])|([^\s()']+)")
_STANDARD = "1.3.6.1.4.1.1466.115.121.1."
_MICROSOFT = "1.2.840.113556.1.4."
_TYPES: Mapping[str, NativeType] = {
    f"{_STANDARD}7": "boolean",
    f"{_STANDARD}27": "integer",
    f"{_MICROSOFT}906": "integer",
    f"{_STANDARD}24": "instant",
}
# Certificates, pictures, keys and the like, and what only a directory understands.
_NO_TEXT = frozenset(
    {f"{_STANDARD}{n}" for n in (2, 4, 5, 6, 8, 9, 10, 13, 23, 28, 40, 49)}
    | {f"{_MICROSOFT}{n}" for n in (903, 904, 907)}
    | {"1.3.6.1.1.16.1", "1.3.6.1.1.15.2", "1.3.6.1.1.15.3", "1.3.6.1.1.15.4"}
)
_OF_ONE_CASE = re.compile(r"caseExact|octetString|bitString", re.IGNORECASE)
# Matricula carries no password, in neither direction.
_SECRET = re.compile(
    r"password|^unicodePwd$|^dBCSPwd$|pwdHistory|^sambaNTPassword$|^sambaLMPassword$|PwdHistory$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class AttributeType:
    """One attribute as the schema has it.

    Attributes:
        name: Its first name.
        names: All its names, small.
        type: What its values are; None where they are no text.
        single: It has one value at most.
        fixed: Only the directory writes it.
        operational: The directory keeps it for itself, and shows it when asked.
        exact: Its values differ by case.
    """

    name: str
    names: frozenset[str]
    type: NativeType | None = "text"
    single: bool = False
    fixed: bool = False
    operational: bool = False
    exact: bool = False


@dataclass(frozen=True, slots=True)
class ObjectClass:
    """One class: what its entries must and may have, by attributes' small names."""

    name: str
    kind: str
    above: tuple[str, ...]
    must: frozenset[str]
    may: frozenset[str]


@dataclass(frozen=True, slots=True)
class Schema:
    """A directory's schema, by small names."""

    attributes: Mapping[str, AttributeType] = field(default_factory=dict)
    classes: Mapping[str, ObjectClass] = field(default_factory=dict)

    def missing(self, classes: Iterable[str]) -> list[str]:
        """List classes that the directory does not know."""
        return [name for name in classes if name.lower() not in self.classes]

    def required(self, classes: Iterable[str]) -> frozenset[AttributeType]:
        """Give the attributes that an entry of these classes must have."""
        return frozenset(self._of(one.must for one in self._with_above(classes)))

    def fields(self, classes: Iterable[str]) -> list[AttributeType]:
        """Give the attributes that are fields of an entry of these classes, by name."""
        known = self._of(one.must | one.may for one in self._with_above(classes))
        usable = {one for one in known if one.type is not None and not _SECRET.search(one.name)}
        return sorted(
            (one for one in usable if one.name.lower() != "objectclass"), key=lambda one: one.name
        )

    def is_auxiliary(self, name: str) -> bool:
        """Say whether an entry may be given the class later on."""
        known = self.classes.get(name.lower())
        return known is not None and known.kind == "AUXILIARY"

    def _with_above(self, classes: Iterable[str]) -> Iterator[ObjectClass]:
        waiting, seen = [name.lower() for name in classes], set[str]()
        while waiting:
            name = waiting.pop()
            one = self.classes.get(name)
            if one is not None and name not in seen:
                seen.add(name)
                waiting += [above.lower() for above in one.above]
                yield one

    def _of(self, sets: Iterable[frozenset[str]]) -> Iterator[AttributeType]:
        for names in sets:
            yield from (self.attributes[name] for name in names if name in self.attributes)


def read_schema(attribute_types: Iterable[str], object_classes: Iterable[str]) -> Schema:
    """Read the descriptions of a subschema; what is not understood is left out."""
    described = [_facts(text) for text in attribute_types]
    by_name = {name.lower(): facts for facts in described for name in facts.get("NAME", ())}
    attributes: dict[str, AttributeType] = {}
    for facts in described:
        one = _attribute(facts, by_name)
        if one is not None:
            attributes |= dict.fromkeys(one.names, one)
    classes: dict[str, ObjectClass] = {}
    for text in object_classes:
        facts = _facts(text)
        names = facts.get("NAME", [])
        if names:
            classes |= dict.fromkeys((name.lower() for name in names), _class(facts, names[0]))
    return Schema(attributes, classes)


def _attribute(
    facts: Mapping[str, list[str]], by_name: Mapping[str, Mapping[str, list[str]]]
) -> AttributeType | None:
    names = facts.get("NAME", [])
    if not names:
        return None
    syntax = _inherited(facts, "SYNTAX", by_name).partition("{")[0]
    usage = (facts.get("USAGE") or ["userApplications"])[0]
    return AttributeType(
        names[0],
        frozenset(name.lower() for name in names),
        None if syntax in _NO_TEXT else _TYPES.get(syntax, "text"),
        single="SINGLE-VALUE" in facts,
        fixed="NO-USER-MODIFICATION" in facts,
        operational=usage != "userApplications",
        exact=bool(_OF_ONE_CASE.search(_inherited(facts, "EQUALITY", by_name))),
    )


def _inherited(
    facts: Mapping[str, list[str]], what: str, by_name: Mapping[str, Mapping[str, list[str]]]
) -> str:
    seen: set[str] = set()
    while what not in facts:
        above = (facts.get("SUP") or [""])[0].lower()
        if above not in by_name or above in seen:
            return ""
        seen.add(above)
        facts = by_name[above]
    return (facts[what] or [""])[0]


def _class(facts: Mapping[str, list[str]], name: str) -> ObjectClass:
    kind = next((k for k in ("AUXILIARY", "ABSTRACT") if k in facts), "STRUCTURAL")
    must, may = (frozenset(n.lower() for n in facts.get(word, ())) for word in ("MUST", "MAY"))
    return ObjectClass(name, kind, tuple(facts.get("SUP", ())), must, may)


def _facts(text: str) -> dict[str, list[str]]:
    """Read a description: each word with the values that follow it."""
    facts: dict[str, list[str]] = {}
    word, depth = "", 0
    for quoted, bracket, bare in _TOKEN.findall(text):
        if bracket:
            depth += 1 if bracket == "(" else -1
        elif quoted:
            facts.setdefault(word, []).append(quoted)
        elif depth == 1 and bare.isupper() and (word not in ("SUP", "MUST", "MAY") or facts[word]):
            word = bare
            facts.setdefault(word, [])
        elif bare != "$" and word:
            facts[word].append(bare)
    return facts
