"""Rows as the database keeps them, and as they are served once a record has left: pure."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

from matricula.connectors.kit.oneroster.objects import METADATA_COLUMN, rest_tables
from matricula.connectors.kit.oneroster.tables import ACTIVE, KEY, METADATA, MODIFIED, STATUS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matricula.connectors.kit.oneroster.mapping import Row

# Tables whose rows tell of a person: of who has left, nothing but identifiers is kept.
PERSONAL = frozenset({
    "users", "demographics", "results", "userProfiles", "assessmentResults",
    "resultLearningObjectiveIds", "assessmentResultLearningObjectiveIds",
})  # fmt: skip
_NAMES_NOBODY = frozenset({"guid", "guids", "enum", "enums"})


@cache
def columns_of(table: str) -> tuple[str, ...]:
    """List the columns of a table as they are stored: its own, then that of the extensions."""
    return (*(one.name for one in rest_tables()[table].columns), METADATA_COLUMN)


def stored(table: str, row: Row, stamp: str) -> tuple[str | None, ...]:
    """Turn a row into values of `columns_of`, active and changed at an instant."""
    told = {name[len(METADATA) :]: v for name, v in row.items() if name.startswith(METADATA) and v}
    own: dict[str, str | None] = {
        **row, STATUS: ACTIVE, MODIFIED: stamp,
        METADATA_COLUMN: json.dumps(told, ensure_ascii=False, sort_keys=True) if told else "",
    }  # fmt: skip
    return tuple(own.get(name) for name in columns_of(table))


def row_of(table: str, values: Sequence[str | None]) -> Row:
    """Turn stored values into a row, without its status and the time of its last change."""
    found = dict(zip(columns_of(table), values, strict=True))
    told = json.loads(found.pop(METADATA_COLUMN) or "{}")
    kept = {name: value for name, value in found.items() if name not in {STATUS, MODIFIED}}
    return {**kept, **{METADATA + name: str(value) for name, value in told.items()}}


def blanks(table: str) -> dict[str, str | None]:
    """Say what columns are set to when a record leaves.

    Whoever fetches needs its identifier and what it belonged to. A person's name, address or
    mark has no purpose any more; what the binding requires all the same is blank.
    """
    if table not in PERSONAL:
        return {METADATA_COLUMN: ""}
    found: dict[str, str | None] = {METADATA_COLUMN: ""}
    for column in rest_tables()[table].columns:
        if column.name in {KEY, STATUS, MODIFIED} or column.kind in _NAMES_NOBODY:
            continue
        if column.required and column.kind in {"boolean", "date"}:
            if column.kind == "boolean":
                found[column.name] = "false"
            continue
        found[column.name] = "" if column.required else None
    return found
