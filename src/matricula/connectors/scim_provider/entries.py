"""Where the flat fields of a record stand in the record itself: pure.

One list of placed values serves both ends: the record that is written out, and the rows by which
it is found. What a filter can find is therefore what can be read, value by value.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.scim.values import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.kit.scim.attributes import Attribute

    Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Placed:
    """One value in a record.

    Attributes:
        field: The flat field that holds it.
        entry: Which entry of its attribute it stands in; None where there are no entries.
        sub: The part of the attribute, or of the entry; empty for a simple attribute.
        value: What stands there.
    """

    field: Attribute
    entry: int | None
    sub: str
    value: str | bool

    @property
    def path(self) -> str:
        """Its path, as filters write it."""
        return f"{self.field.path}.{self.sub}" if self.sub else self.field.path

    @property
    def asked_by(self) -> str:
        """The text by which it is found: where capitals make no difference, without them."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return self.value if self.field.exact else folded(self.value)


def paths_of(field: Attribute) -> list[str]:
    """List the paths under which values of a flat field stand, its own value's first."""
    sub = field.sub or ("value" if field.form == "list" else "")
    marks = {"slot": ["type"], "primary": ["primary"]}.get(field.form, [])
    return [f"{field.path}.{one}" if one else field.path for one in (sub, *marks)]


def placed(row: Mapping[str, Value], fields: Mapping[str, Attribute]) -> list[Placed]:
    """Place the values of a flat row.

    The primary entry is the entry of a type where both have one value, and else an entry of
    its own. What is left out of `fields` leaves no trace in what remains.

    Args:
        row: Canonical values by flat field.
        fields: Those to be placed.
    """
    found: list[Placed] = []
    numbers: dict[tuple[str, str], int] = {}
    # Types first: the primary entry may be one of them.
    told = [(one, row[name]) for name, one in fields.items() if row.get(name) is not None]
    for field, value in sorted(told, key=lambda pair: pair[0].form == "primary"):
        found.extend(_of(field, value, numbers, found))
    return found


def record_of(values: Iterable[Placed]) -> Record:
    """Build a record from its values, extensions under their urn."""
    record: Record = {}
    entries: dict[tuple[str, int], Record] = {}
    for one in values:
        home = record.setdefault(one.field.urn, {}) if one.field.urn else record
        name = one.field.attribute
        if one.entry is None and not one.sub:
            home[name] = one.value
        elif one.entry is None:
            home.setdefault(name, {})[one.sub] = one.value
        else:
            key = (one.field.path, one.entry)
            if key not in entries:
                entries[key] = {}
                home.setdefault(name, []).append(entries[key])
            entries[key][one.sub] = one.value
    return record


def _of(
    field: Attribute, value: Value, numbers: dict[tuple[str, str], int], found: list[Placed]
) -> Iterator[Placed]:
    if field.form == "single":
        yield Placed(field, None, field.sub, value if isinstance(value, bool) else str(value))
    elif field.form == "list":
        for one in json.loads(str(value)):
            yield Placed(field, _number(numbers, field, f"={one}"), field.sub or "value", one)
    else:
        which = "[]" if field.form != "slot" else f"[{field.slot}]"
        entry = _same(field, str(value), found) if field.form == "primary" else None
        entry = _number(numbers, field, which) if entry is None else entry
        yield Placed(field, entry, field.sub, str(value))
        if field.form == "slot":
            yield Placed(field, entry, "type", field.slot)
        elif field.form == "primary":
            yield Placed(field, entry, "primary", value=True)


def _same(field: Attribute, value: str, found: Iterable[Placed]) -> int | None:
    """Find the entry of a type that has the primary entry's value. A part proves nothing."""
    if field.sub != "value":
        return None
    for one in found:
        if (one.field.path, one.sub, one.value) == (field.path, "value", value):
            return one.entry
    return None


def _number(numbers: dict[tuple[str, str], int], field: Attribute, which: str) -> int:
    own = sum(1 for path, _ in numbers if path == field.path)
    return numbers.setdefault((field.path, which), own)
