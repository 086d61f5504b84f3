"""The Koha connector's subjects, on the simulator: patrons, and what they still have."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import AT, Subject
from matricula.connectors.kit.protocol import Context, Write
from matricula.connectors.koha.connector import KohaConnector
from matricula.connectors.koha.simulator import Running, koha

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from matricula.connectors.kit.protocol import Connector, Value

_running: list[Running] = []


@contextmanager
def _make(folder: Path) -> Iterator[Connector]:
    with koha() as running, _connector(running.url, folder, seconds=10) as connector:
        _running[:] = [running]
        yield connector


@contextmanager
def _away(folder: Path) -> Iterator[Connector]:
    # Port 9 ("discard") is privileged, and nothing of ours ever listens there.
    with _connector("http://127.0.0.1:9", folder, seconds=0.3) as connector:
        yield connector


@contextmanager
def _connector(url: str, folder: Path, *, seconds: float) -> Iterator[Connector]:
    for name, secret in (("user", "matricula"), ("password", "open-sesame")):
        (folder / name).write_text(secret, encoding="utf-8")
    settings = KohaConnector.Settings.model_validate(
        {
            "url": url,
            "user": f"file:{folder / 'user'}",
            "password": f"file:{folder / 'password'}",
            "attributes": ["STUDENT", "FACULTY"],
            "page_size": 10,
            "timeout_seconds": seconds,
        }
    )
    connector = KohaConnector(settings, Context("library", folder))
    yield connector
    connector.close()


def _patron(n: int) -> Mapping[str, Value]:
    return {
        "cardnumber": f"S{n:06d}",
        "userid": f"student{n}",
        "surname": f"Ngô {n}",
        "firstname": 'Amara "the first"',
        "category_id": "ST",
        "library_id": "CPL",
        "expiry_date": "2031-09-30",
        "date_of_birth": "2004-02-29",
        "email": f"student{n}@northfield.example",
        "gender": "F",
        "postal_code": "NF1 2AB",
        "attribute.STUDENT": f"{n:08d}",
        "attribute.FACULTY": "Law",
    }


def _cleared(n: int) -> Mapping[str, Value]:
    return {
        "cardnumber": f"S{n:06d}",
        "attribute.STUDENT": f"{n:08d}",
        "attribute.FACULTY": "Law",
        "loans": n % 3,
        "overdue": n % 2,
        "holds": n % 2,
        "owed": f"{n}.25",
        "access": "open",
    }


def _seed(folder: Path, rows: Sequence[Mapping[str, Value]]) -> None:
    (running,) = _running
    with _connector(running.url, folder, seconds=10) as connector:
        for n in range(len(rows)):
            connector.write("patrons", [Write(str(n), "create", None, _patron(n))], at=AT)
    for n, row in enumerate(rows):
        number = running.library.numbered(f"S{n:06d}")
        days = [date(2020, 1, 1)] * int(str(row["overdue"])) + [date(2090, 1, 1)] * 2
        running.library.loans[number] = days[: int(str(row["loans"]))]
        running.library.holds[number] = int(str(row["holds"]))
        running.library.debits[number] = [float(str(row["owed"]))]


PATRONS = Subject(
    name="koha-patrons",
    make=_make,
    resource="patrons",
    row=_patron,
    match=("cardnumber",),
    change=("attribute.FACULTY", "Medicine"),
    text="firstname",
    clears="attribute.FACULTY",
    refused={"library_id": "NOWHERE"},
    absent_id="999999",
    many=25,
    away=_away,
)
CLEARANCE = Subject(
    name="koha-clearance",
    make=_make,
    resource="clearance",
    row=_cleared,
    match=("cardnumber",),
    writes=frozenset(),
    seed=_seed,
    absent_id="999999",
    many=25,
    away=_away,
)
SUBJECTS = [PATRONS, CLEARANCE]
