"""The state machine's own system, whose faults are all switched off."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import Subject
from matricula.connectors.kit.protocol import Context, FieldShape
from tests.machine.target import PLACES, MemoryConnector, Place, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIELDS = [FieldShape("number"), FieldShape("note"), FieldShape("credits", "integer")]


@contextmanager
def here(folder: Path, *, is_away: bool = False) -> Iterator[MemoryConnector]:
    PLACES[str(folder)] = Place({"users": table("users", FIELDS)}, is_away=is_away)
    yield MemoryConnector(MemoryConnector.Settings(place=str(folder)), Context("memory", folder))
    del PLACES[str(folder)]


SUBJECT = Subject(
    name="memory",
    make=here,
    away=lambda folder: here(folder, is_away=True),
    resource="users",
    row=lambda n: {"number": f"S{n:04d}", "note": f"note {n}", "credits": n},
    match=("number",),
    change=("note", "Bela"),
    text="note",
    clears="note",
    refused={"credits": -1},
)
