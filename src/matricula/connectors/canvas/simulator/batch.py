"""An import in the small Canvas: unpacked, told apart by its headers, run in Canvas's order.

Source: lib/sis/csv/import_refactored.rb and app/models/sis_batch.rb of Canvas.
"""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRIPPED = "\0\t\n\v\f\r "
_BOMB = 100


class RowError(Exception):
    """Why a row is not imported, in Canvas's words."""


@dataclass(slots=True)
class Said:
    """What an import says of a row, or of a whole file."""

    message: str
    file: str | None = None
    row: int | None = None
    failure: bool = False


@dataclass(slots=True)
class Batch:
    """One import.

    Attributes:
        options: As they were asked for.
        package: The zip.
        state: Its workflow state.
        counts: Rows that were done, by file kind.
    """

    id: int
    options: dict[str, str]
    package: bytes
    state: str = "created"
    said: list[Said] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def on(self, option: str) -> bool:
        """Tell whether an option was asked for."""
        return self.options.get(option, "").lower() in ("true", "1", "on")

    @property
    def label(self) -> str:
        """Its data set identifier."""
        return self.options.get("diffing_data_set_identifier", "")

    def finish(self) -> None:
        """Say how it ended."""
        if any(one.failure for one in self.said):
            self.state = "failed_with_messages"
        else:
            self.state = "imported_with_messages" if self.said else "imported"


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a file: its cells by column, stripped, and its line."""

    cells: dict[str, str]
    number: int
    file: str

    def get(self, name: str) -> str:
        """Give a cell; empty where there is none."""
        return self.cells.get(name, "")


@dataclass(slots=True)
class Sheet:
    """A file of an import."""

    kind: str
    file: str
    lines: list[Line]


# In Canvas's own order. Each file is the first kind whose mark its header bears.
ORDER = ("change_sis_id", "account", "term", "course", "section", "user", "login", "enrollment")


def sheets(batch: Batch) -> list[Sheet]:
    """Unpack an import and tell its files apart; what is no sound file is said of the batch."""
    found = [sheet for name, data in _files(batch) if (sheet := _sheet(batch, name, data))]
    return sorted(found, key=lambda sheet: ORDER.index(sheet.kind))


def less(batch: Batch, now: list[Sheet], before: list[Sheet]) -> list[Sheet]:
    """Leave out what an earlier import of the data set said already; delete what it alone said."""
    earlier = {(s.kind, _named(s.kind, one)): one for s in before for one in s.lines}
    changed: list[Sheet] = []
    for sheet in now:
        own = {(sheet.kind, _named(sheet.kind, one)) for one in sheet.lines}
        fresh = [
            one
            for one in sheet.lines
            if (old := earlier.get((sheet.kind, _named(sheet.kind, one)))) is None
            or old.cells != one.cells
        ]
        gone = [one for key, one in earlier.items() if key[0] == sheet.kind and key not in own]
        if not batch.on("skip_deletes"):
            fresh += [Line({**one.cells, "status": "deleted"}, 0, one.file) for one in gone]
        changed.append(Sheet(sheet.kind, sheet.file, fresh))
    return changed


def _named(kind: str, line: Line) -> tuple[str, ...]:
    names = {
        "enrollment": ("course_id", "section_id", "user_id", "role"),
        "change_sis_id": ("old_id",),
        "login": ("user_id",),
    }
    return tuple(line.get(name) for name in names.get(kind, (f"{kind}_id",)))


def _files(batch: Batch) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(batch.package)) as archive:
            whole = sum(one.file_size for one in archive.infolist())
            if whole >= _BOMB * len(batch.package):
                batch.said.append(Said("The import is too dense to be unpacked", failure=True))
                return
            for name in archive.namelist():
                yield name, archive.read(name)
    except zipfile.BadZipFile:
        batch.said.append(Said("Error while importing CSV. Please contact support.", failure=True))


def _sheet(batch: Batch, name: str, data: bytes) -> Sheet | None:
    if not name.lower().endswith(".csv"):
        batch.said.append(Said("Skipping unknown file type", name))
        return None
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8")), strict=True))
    except UnicodeDecodeError:
        batch.said.append(Said("Invalid UTF-8", name, failure=True))
        return None
    except csv.Error:
        batch.said.append(Said("Malformed CSV", name, failure=True))
        return None
    header = [one.strip(_STRIPPED).lower() for one in rows[0]] if rows else []
    kind = _kind(set(header))
    if not kind:
        batch.said.append(Said("Couldn't find Canvas CSV import headers", name, failure=True))
        return None
    told = [row for row in rows[1:] if row]
    return Sheet(
        kind,
        name,
        [
            Line({c: v.strip(_STRIPPED) for c, v in zip(header, row, strict=False)}, number, name)
            for number, row in enumerate(told, 2)
        ],
    )


def _kind(header: set[str]) -> str:
    marks = {
        "change_sis_id": bool({"old_id", "old_integration_id"} & header),
        "login": "existing_user_id" in header,
        "account": {"account_id", "parent_account_id"} <= header,
        "enrollment": {"user_id", "role", "status"} <= header,
        "section": {"section_id", "course_id"} <= header,
        "course": {"course_id", "short_name"} <= header,
        "term": {"term_id", "name"} <= header,
        "user": {"user_id", "login_id"} <= header,
    }  # fmt: skip
    return next((kind for kind, fits in marks.items() if fits), "")
