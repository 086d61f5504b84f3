"""A provider of rosters, on the small one that comes with the connector: users and enrolments."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import Subject
from matricula.connectors.oneroster.simulator import Provider, provider
from tests.connectors.oneroster.rosters import connected, role, sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from matricula.connectors.kit.protocol import Connector, Value

_running: dict[Path, Provider] = {}


@contextmanager
def make(folder: Path) -> Iterator[Connector]:
    with provider() as running, connected(running, page_size=10) as connector:
        _running[folder] = running
        yield connector


@contextmanager
def away(folder: Path) -> Iterator[Connector]:
    # Port 9 ("discard") is privileged, and nothing of ours ever listens there.
    nobody = Provider(url="http://127.0.0.1:9/or", token_url="http://127.0.0.1:9/token")
    with connected(nobody) as connector:
        yield connector


def _seeding(table: str, **more: object) -> Callable[[Path, Sequence[Mapping[str, Value]]], None]:
    def seed(folder: Path, rows: Sequence[Mapping[str, Value]]) -> None:
        _running[folder].records[table] = [sent(table, row, **more) for row in rows]

    return seed


def user(n: int) -> Mapping[str, Value]:
    return {
        "sourcedId": f"S{n:04d}", "givenName": 'Amara "the first"', "familyName": f"Ngô {n}",
        "enabledUser": "true", "identifier": f"{n:06d}", "grades": "13,14",
        "userIds": f"{{card:{n}}}",
    }  # fmt: skip


def enrolment(n: int) -> Mapping[str, Value]:
    return {
        "sourcedId": f"e{n}", "userSourcedId": f"S{n:04d}", "classSourcedId": "law101-a",
        "schoolSourcedId": "northfield", "role": "student", "beginDate": "2026-09-01",
    }  # fmt: skip


SUBJECTS = [
    Subject(
        name="oneroster-users", make=make, away=away, resource="users", row=user,
        match=("identifier",), writes=frozenset(), identity="sourcedId", many=45,
        seed=_seeding("users", roles=[role()]),
    ),
    Subject(
        name="oneroster-enrollments", make=make, away=away, resource="enrollments",
        row=enrolment, match=("sourcedId",), writes=frozenset(), identity="sourcedId", many=45,
        seed=_seeding("enrollments"),
    ),
]  # fmt: skip
