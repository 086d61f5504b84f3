"""The SIP2 connector's subject, on the simulator: it reads what the settings ask about."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import Subject
from matricula.connectors.kit.protocol import Context
from matricula.connectors.sip2.connector import Sip2Connector
from matricula.connectors.sip2.simulator import Desk, Person, sip2

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from matricula.connectors.kit.protocol import Connector, Value

_desks: list[Desk] = []


@contextmanager
def _make(folder: Path) -> Iterator[Connector]:
    with sip2() as desk, _connector(desk.port, desk.password, folder) as connector:
        _desks[:] = [desk]
        yield connector


@contextmanager
def _away(folder: Path) -> Iterator[Connector]:
    # Port 9 ("discard") is privileged, and nothing of ours ever listens there.
    with _connector(9, "nothing", folder) as connector:
        (folder / "asked.csv").write_text("cardnumber\nS000001\n", encoding="utf-8")
        yield connector


@contextmanager
def _connector(port: int, password: str, folder: Path) -> Iterator[Connector]:
    for name, secret in (("user", "term1"), ("password", password)):
        (folder / name).write_text(secret, encoding="utf-8")
    # The suite fills the library after the connector is made.
    (folder / "asked.csv").write_text("cardnumber\n", encoding="utf-8")
    settings = Sip2Connector.Settings.model_validate(
        {
            "host": "127.0.0.1",
            "port": port,
            "tls": False,
            "user": f"file:{folder / 'user'}",
            "password": f"file:{folder / 'password'}",
            "patrons_file": {"file": "asked.csv"},
            "timeout_seconds": 5,
        }
    )
    connector = Sip2Connector(settings, Context("library", folder))
    yield connector
    connector.close()


def _row(n: int) -> Mapping[str, Value]:
    return {
        "cardnumber": f"S{n:06d}",
        "loans": n % 3,
        "overdue": n % 2,
        "holds": n % 4,
        "owed": f"{n}.5",
        "currency": "GBP",
        "access": "blocked" if n % 2 else "open",
    }


def _seed(folder: Path, rows: Sequence[Mapping[str, Value]]) -> None:
    (desk,) = _desks
    for row in rows:
        desk.add(
            Person(
                str(row["cardnumber"]),
                loans=int(str(row["loans"])),
                overdue=int(str(row["overdue"])),
                waiting=int(str(row["holds"])) // 2,
                outstanding=int(str(row["holds"])) - int(str(row["holds"])) // 2,
                owed=str(row["owed"]),
                currency=str(row["currency"]),
                is_blocked=row["access"] == "blocked",
            )
        )
    lines = ["cardnumber", *(str(row["cardnumber"]) for row in rows)]
    (folder / "asked.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


SUBJECT = Subject(
    name="sip2-clearance",
    make=_make,
    resource="clearance",
    row=_row,
    match=("cardnumber",),
    writes=frozenset(),
    identity="cardnumber",
    seed=_seed,
    many=25,
    away=_away,
)
