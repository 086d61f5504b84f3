"""The files connector's subjects: one for each format it writes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.files.connector import FilesConnector
from matricula.connectors.kit.conformance import Subject
from matricula.connectors.kit.protocol import Context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from matricula.connectors.kit.protocol import Connector, Value

COLUMNS = ["cardnumber", "surname", "email", "note", "expires_on", "status"]


def _row(n: int) -> Mapping[str, Value]:
    return {
        "cardnumber": f"{n:07d}",
        "surname": f"Ngô {n}",
        "email": f"patron{n}@northfield.example",
        "note": "first, \"second\"; 'third'",
        "expires_on": "2027-07-31",
    }


def _maker(
    file: str, *, there: bool = True, **more: object
) -> Callable[[Path], AbstractContextManager[Connector]]:
    @contextmanager
    def make(folder: Path) -> Iterator[Connector]:
        if there:
            (folder / "drop").mkdir()
        resource = {
            "file": file,
            "key": ["cardnumber"],
            "columns": COLUMNS,
            "missing_ok": True,
            "may_be_empty": True,
            "suspend": {"field": "status", "value": "blocked", "resume_value": "active"},
            **more,
        }
        settings = FilesConnector.Settings.model_validate(
            {"folder": "drop", "resources": {"patrons": resource}}
        )
        connector = FilesConnector(settings, Context("library", folder))
        yield connector
        connector.close()

    return make


def _subject(name: str, file: str, **more: object) -> Subject:
    return Subject(
        name=name,
        make=_maker(file, **more),
        resource="patrons",
        row=_row,
        match=("cardnumber",),
        change=("email", "changed@northfield.example"),
        text="note",
        clears="note",
        identity="cardnumber",
        refused={"cardnumber": "   "},
        away=_maker(file, there=False, **more),
    )


SUBJECTS = (
    _subject("files-csv", "patrons.csv"),
    _subject("files-csv-semicolon-utf16", "patrons.txt", delimiter=";", encoding="utf-16"),
    _subject("files-csv-cp1252", "patrons.csv", encoding="cp1252"),
    _subject("files-csv-control", "patrons.csv", control={"file": "{file}.control"}),
    _subject("files-jsonl", "patrons.jsonl"),
    _subject("files-parquet", "patrons.parquet"),
)
