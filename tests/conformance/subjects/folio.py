"""The FOLIO connector's subjects, on the simulator: users, and what they still have."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.folio.connector import FolioConnector
from matricula.connectors.folio.simulator import Tenant, folio
from matricula.connectors.kit.conformance import AT, Subject
from matricula.connectors.kit.protocol import Context, Write

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from matricula.connectors.kit.protocol import Connector, Value

_running: list[Tenant] = []


@contextmanager
def _make(folder: Path) -> Iterator[Connector]:
    with folio() as tenant, _connector(tenant.url, folder, seconds=20) as connector:
        _running[:] = [tenant]
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
    settings = FolioConnector.Settings.model_validate(
        {
            "url": url,
            "tenant": "campus",
            "user": f"file:{folder / 'user'}",
            "password": f"file:{folder / 'password'}",
            "page_size": 10,
            "timeout_seconds": seconds,
        }
    )
    connector = FolioConnector(settings, Context("library", folder))
    yield connector
    connector.close()


def _user(n: int) -> Mapping[str, Value]:
    return {
        "externalSystemId": f"S{n:06d}",
        "username": f"student{n}",
        "barcode": f"B{n:08d}",
        "patronGroup": "undergrad",
        "active": True,
        "lastName": f"Ngô {n}",
        "firstName": 'Amara "the first"',
        "email": f"student{n}@northfield.example",
        "dateOfBirth": "2004-02-29",
        "expirationDate": "2031-09-30",
    }


def _cleared(n: int) -> Mapping[str, Value]:
    return {
        "externalSystemId": f"S{n:06d}",
        "username": f"student{n}",
        "barcode": f"B{n:08d}",
        "loans": n % 3,
        "overdue": n % 2,
        "holds": n % 2,
        "owed": f"{n}.25",
        "access": "open",
    }


def _seed(folder: Path, rows: Sequence[Mapping[str, Value]]) -> None:
    (at,) = _running
    with _connector(at.url, folder, seconds=20) as connector:
        some = [Write(str(n), "create", None, _user(n)) for n in range(len(rows))]
        connector.write("users", some, at=AT)
    for n, row in enumerate(rows):
        user_id = at.numbered(f"S{n:06d}")["id"]
        due = ["2020-01-01T00:00:00Z"] * int(str(row["overdue"])) + ["2090-01-01T00:00:00Z"] * 2
        at.loans[user_id] = due[: int(str(row["loans"]))]
        at.requests[user_id] = int(str(row["holds"]))
        at.accounts[user_id] = [float(n), 0.25]


USERS = Subject(
    name="folio-users",
    make=_make,
    resource="users",
    row=_user,
    match=("externalSystemId",),
    change=("patronGroup", "graduate"),
    text="firstName",
    refused={"patronGroup": "nowhere"},
    many=25,
    away=_away,
)
CLEARANCE = Subject(
    name="folio-clearance",
    make=_make,
    resource="clearance",
    row=_cleared,
    match=("externalSystemId",),
    writes=frozenset(),
    seed=_seed,
    many=25,
    away=_away,
)
SUBJECTS = [USERS, CLEARANCE]
