"""The Alma connector's subjects, on the simulator: users, and what they still have."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from matricula.connectors.alma.connector import AlmaConnector
from matricula.connectors.alma.simulator import Institution, alma
from matricula.connectors.kit.conformance import AT, Subject
from matricula.connectors.kit.protocol import Context, Write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from matricula.connectors.kit.protocol import Connector, Value

_running: list[Institution] = []


@contextmanager
def _make(folder: Path) -> Iterator[Connector]:
    with alma() as institution, _connector(institution.url, folder, seconds=10) as connector:
        _running[:] = [institution]
        yield connector


@contextmanager
def _away(folder: Path) -> Iterator[Connector]:
    # Port 9 ("discard") is privileged, and nothing of ours ever listens there.
    with _connector("http://127.0.0.1:9", folder, seconds=0.3) as connector:
        yield connector


@contextmanager
def _connector(url: str, folder: Path, *, seconds: float) -> Iterator[Connector]:
    (folder / "key").write_text("open-sesame", encoding="utf-8")
    settings = AlmaConnector.Settings.model_validate(
        {
            "url": url,
            "api_key": f"file:{folder / 'key'}",
            "external_id": "SIS",
            "identifiers": ["BARCODE"],
            "page_size": 10,
            "timeout_seconds": seconds,
            "per_second": None,
        }
    )
    connector = AlmaConnector(settings, Context("library", folder))
    yield connector
    connector.close()


def _user(n: int) -> Mapping[str, Value]:
    return {
        "primary_id": f"S{n:06d}",
        "last_name": f"Ngô {n}",
        "first_name": 'Amara "the first"',
        "user_group": "UG",
        "status": "ACTIVE",
        "expiry_date": "2031-09-30",
        "birth_date": "2004-02-29",
        "preferred_language": "en",
        "email": f"student{n}@northfield.example",
        "identifier.BARCODE": f"B{n:08d}",
    }


def _cleared(n: int) -> Mapping[str, Value]:
    return {
        "primary_id": f"S{n:06d}",
        "identifier.BARCODE": f"B{n:08d}",
        "loans": n % 3,
        "overdue": n % 2,
        "holds": n % 2,
        "owed": f"{n}.25",
        "access": "open",
    }


def _seed(folder: Path, rows: Sequence[Mapping[str, Value]]) -> None:
    (at,) = _running
    with _connector(at.url, folder, seconds=10) as connector:
        for n in range(len(rows)):
            connector.write("users", [Write(str(n), "create", None, _user(n))], at=AT)
    for n, row in enumerate(rows):
        user_id = f"S{n:06d}"
        due = [datetime(2020, 1, 1, tzinfo=UTC)] * int(str(row["overdue"]))
        due += [datetime(2090, 1, 1, tzinfo=UTC)] * 2
        at.loans[user_id] = due[: int(str(row["loans"]))]
        at.requests[user_id] = int(str(row["holds"]))
        at.fees[user_id, "INDISPUTE"] = [float(n)]
        at.fees[user_id, "ACTIVE"] = [0.25]


USERS = Subject(
    name="alma-users",
    make=_make,
    resource="users",
    row=_user,
    match=("primary_id",),
    change=("user_group", "PG"),
    text="first_name",
    clears="email",
    identity="primary_id",
    refused={"user_group": "NOWHERE"},
    many=25,
    away=_away,
)
CLEARANCE = Subject(
    name="alma-clearance",
    make=_make,
    resource="clearance",
    row=_cleared,
    match=("primary_id",),
    writes=frozenset(),
    identity="primary_id",
    seed=_seed,
    many=25,
    away=_away,
)
SUBJECTS = [USERS, CLEARANCE]
