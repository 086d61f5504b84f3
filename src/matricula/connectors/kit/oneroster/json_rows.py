"""Read one object of the REST binding as rows, strictly: what a consumer puts is its word.

Nothing is repaired and nothing is left out in silence: objects are closed, as the published
schemas have them, and a value of another type is refused by the name of its property. What
the tables demand of values beyond their type is `rules`' to say.

Source: OneRoster 1.2 OpenAPI file of the gradebook service, the only one in which consumers put.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.moments import instant_in, moment
from matricula.connectors.kit.oneroster.objects import INSIDE, METADATA_COLUMN, rest_tables, shapes
from matricula.connectors.kit.oneroster.tables import ACTIVE, KEY, METADATA, MODIFIED, STATUS
from matricula.kernel.digests import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from matricula.connectors.kit.oneroster.mapping import Row
    from matricula.connectors.kit.oneroster.objects import Property, Shape

# Of one text, in signs: what was put is told again, thousands at a time.
_LONGEST = 16_000
_EVERY = frozenset({KEY, STATUS, MODIFIED, METADATA_COLUMN})
_REFERENCE = frozenset({"href", KEY, "type"})


class Told(NamedTuple):
    """An object as rows.

    `row`: of its own table, with every column that the binding has; None for what is left out.
    `inside`: for each table whose rows stand inside the object, those that do.
    """

    row: Row
    inside: Mapping[str, list[Row]]


def read(shape: Shape, record: object, extensions: Collection[str] = ()) -> Told:
    """Read an object.

    Args:
        shape: What it must be.
        record: Of JSON.
        extensions: The `metadata.` columns that are kept.

    Raises:
        SkipRow: It is not as the binding has it (M604); no value is named.
    """
    told = _headed(shape, record)
    identifier = _text(KEY, told[KEY])
    row: Row = {KEY: identifier, **dict.fromkeys(extensions)}
    inside: dict[str, list[Row]] = {}
    for one in shape.properties:
        value = told.get(one.name)
        if one.name in told and value is None:
            raise _refused(one.name, "null; what has no value is left out")
        if one.column:
            row[one.column] = None if value is None else _READERS[one.how](one.name, value, one)
        elif one.how in _INSIDE:
            found = [] if value is None else _INSIDE[one.how](one, value)
            inside[one.table] = _rows_in(identifier, one.table, found)
    return Told({**row, **_extended(told.get(METADATA_COLUMN, {}), extensions)}, inside)


def _headed(shape: Shape, record: object) -> dict[str, Any]:
    """Make sure that an object is closed, has what it must, and begins as every one does."""
    told = _closed(record, shape.one, {*_EVERY, *(one.name for one in shape.properties)})
    for name in (KEY, STATUS, MODIFIED, *(p.name for p in shape.properties if p.required)):
        if name not in told:
            raise _refused(name, "missing, and the standard requires one")
    if told[STATUS] != ACTIVE:
        raise _refused(STATUS, "another one than active; what is to leave is deleted")
    _instant(MODIFIED, told[MODIFIED])
    return told


def _rows_in(identifier: str, table: str, found: list[Row]) -> list[Row]:
    """Give rows that stand inside a record its identifier, and identifiers that last."""
    owner = INSIDE[table][1]
    named = "learningObjectiveId"
    return [
        {
            KEY: digest([identifier, each.get("source"), each.get(named)]),
            owner: identifier, **each,
        }
        for each in found
    ]  # fmt: skip


def pairs_text(pairs: Collection[tuple[str, str]]) -> str:
    """Write pairs as the tables have them: `{a:b},{c:d}`."""
    return ",".join(f"{{{a}:{b}}}" for a, b in pairs)


def _closed(value: object, what: str, names: Collection[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _refused(what, "no object")
    unknown = sorted(set(value) - set(names))
    if unknown:
        raise SkipRow(
            f"{what} has no property {unknown[0][:60]}.", code="M604",
            cure="Leave it out; the standard's objects are closed but for `metadata`.",
        )  # fmt: skip
    return value


def _extended(told: object, extensions: Collection[str]) -> Row:
    known = {one[len(METADATA) :] for one in extensions}
    found = _closed(told, METADATA_COLUMN, known)
    return {METADATA + name: _text(name, value) for name, value in found.items()}


def _text(name: str, value: object, _: object = None) -> str:
    if not isinstance(value, str):
        raise _refused(name, "no text")
    if len(value) > _LONGEST:
        raise _refused(name, f"longer than {_LONGEST:,} signs")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _refused(name, "half a sign") from None
    return value


def _plain(name: str, value: object, _: object = None) -> str | None:
    """Read a text; an empty one is none, which the tables do not tell apart."""
    return _text(name, value) or None


def _number(name: str, value: object, _: object = None) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(name, "no number")
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        raise _refused(name, "larger than any number that is kept")
    return str(int(found)) if found.is_integer() and abs(found) < 2**53 else repr(found)


def _instant(name: str, value: object, _: object = None) -> str:
    text = _text(name, value)
    if "T" not in text or instant_in(text) is None:
        raise _refused(name, "no instant")
    return moment(text)


def _reference(name: str, value: object, one: Property) -> str:
    return _named(name, value, one.table)


def _named(name: str, value: object, table: str) -> str:
    told = _closed(value, name, _REFERENCE)
    for part in sorted(_REFERENCE):
        _text(f"{name}.{part}", told.get(part))
    if told["type"] != shapes()[table].one:
        raise _refused(f"{name}.type", f"another one than {shapes()[table].one}")
    return str(told[KEY])


def _values(name: str, value: object, _: object = None) -> str:
    """Read the values of a scale. What the tables part them by cannot stand within one."""
    left, right = "itemValueLHS", "itemValueRHS"
    found = []
    for each in _several(name, value):
        told = _closed(each, name, {left, right})
        a, b = (_text(f"{name}.{part}", told.get(part)) for part in (left, right))
        if not a.strip() or set(a) & set("{}:") or set(b) & set("{}"):
            raise _refused(name, "blank, or holds a brace or a colon, which is not kept")
        found.append((a, b))
    return pairs_text(found)


def _scale(one: Property, value: object) -> list[Row]:
    refers = rest_tables()[one.table].column(one.leads).refers
    return [{one.leads: _named(one.name, value, refers)}]


def _objectives(one: Property, value: object) -> list[Row]:
    scored = any(column.name == "score" for column in rest_tables()[one.table].columns)
    word = "learningObjectiveResults" if scored else "learningObjectiveIds"
    found: dict[tuple[str, str], Row] = {}
    for each in _several(one.name, value, least=0):
        told = _closed(each, one.name, {"source", word})
        source = _text(f"{one.name}.source", told.get("source"))
        for objective in _several(f"{one.name}.{word}", told.get(word)):
            row = _objective(one.name, objective, scored=scored)
            key = (source, str(row["learningObjectiveId"]))
            if key in found:
                raise _refused(one.name, "one that names a learning objective twice")
            found[key] = {"source": source, **row}
    return list(found.values())


def _objective(name: str, value: object, *, scored: bool) -> Row:
    if not scored:
        return {"learningObjectiveId": _text(name, value)}
    parts: dict[str, Callable[[str, object], str | None]] = {
        "learningObjectiveId": _text, "score": _number, "textScore": _plain,
    }  # fmt: skip
    told = _closed(value, name, parts)
    if "learningObjectiveId" not in told:
        raise _refused(f"{name}.learningObjectiveId", "missing, and the standard requires one")
    return {
        part: reader(f"{name}.{part}", told[part]) if part in told else None
        for part, reader in parts.items()
    }


def _several(name: str, value: object, *, least: int = 1) -> list[Any]:
    if not isinstance(value, list) or len(value) < least:
        raise _refused(name, "no list" if least == 0 else "no list with something in it")
    return value


def _refused(name: str, breach: str) -> SkipRow:
    return SkipRow(
        f"The value of {name[:80]} is {breach}.", code="M604",
        cure=f"Send {name[:80]} as the standard's object has it.",
    )  # fmt: skip


_READERS: Mapping[str, Callable[[str, object, Property], str | None]] = {
    "text": _plain, "number": _number, "instant": _instant, "ref": _reference, "values": _values,
}  # fmt: skip
_INSIDE: Mapping[str, Callable[[Property, object], list[Row]]] = {
    "one": _scale, "objectives": _objectives,
}  # fmt: skip
