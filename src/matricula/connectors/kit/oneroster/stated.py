"""What a charter says of a OneRoster system, judged alike whichever way its records go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from matricula.connectors.kit.oneroster.tables import KEY, METADATA

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

# Providers in the field name extensions with a colon as well.
_EXTENSION = re.compile(rf"{re.escape(METADATA)}[A-Za-z0-9._:-]+")
_SCOPE = "https://purl.imsglobal.org/spec/or/v{}/scope/{}.{}"


def must_be_extensions(metadata: Mapping[str, Sequence[str]]) -> None:
    """Make sure that every field under `metadata:` is one.

    Raises:
        ValueError: One is not.
    """
    for name in (one for names in metadata.values() for one in names):
        if not _EXTENSION.fullmatch(name):
            message = f"{name!r} is no extension field; write {METADATA}something"
            raise ValueError(message)


def must_be_rows(
    static: Mapping[str, Sequence[Mapping[str, str | None]]],
    fields: Callable[[str], Collection[str]],
) -> None:
    """Make sure that the fixed rows under `static:` are rows of their tables.

    Args:
        static: Table to its rows.
        fields: Gives the fields that a table has.

    Raises:
        ValueError: A row has another field, or no identifier of its own.
    """
    for table, rows in static.items():
        foreign = {name for row in rows for name in row} - set(fields(table))
        if foreign:
            message = f"{table} has no field {', '.join(sorted(foreign))}"
            raise ValueError(message)
        keys = [row.get(KEY) for row in rows]
        if not all(keys) or len(set(keys)) < len(keys):
            message = f"every row of `static: {table}` needs a {KEY} of its own"
            raise ValueError(message)


def scope(word: str, *, verb: str = "readonly", version: str = "1.2") -> str:
    """Give a scope of the standard by its word: `roster-core`, `gradebook`."""
    return _SCOPE.format(version.replace(".", "p"), word, verb)
