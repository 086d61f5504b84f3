"""A SIP2 connector on a simulator of its own."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.protocol import Context, Found
from matricula.connectors.sip2.connector import Sip2Connector
from matricula.connectors.sip2.simulator import Desk, Person, sip2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Library:
    """A connector, and the desk that it asks."""

    connector: Sip2Connector
    desk: Desk

    def ask(self, *cards: str) -> list[list[Found]]:
        return self.connector.find("clearance", [{"cardnumber": card} for card in cards])

    def rows(self) -> list[dict[str, object]]:
        with self.connector.read("clearance") as reading:
            return [row for batch in reading.batches for row in batch.to_pylist()]


@pytest.fixture
def make_library(tmp_path: Path) -> Iterator[Callable[..., Library]]:
    """Make connectors, each on a desk of its own, with settings of its own."""
    with ExitStack() as stack:

        def make(**settings: object) -> Library:
            desk = stack.enter_context(sip2())
            for name, secret in (("user", desk.user), ("password", desk.password)):
                (tmp_path / name).write_text(secret, encoding="utf-8")
            given = {
                "host": "127.0.0.1",
                "port": desk.port,
                "tls": False,
                "user": f"file:{tmp_path}/user",
                "password": f"file:{tmp_path}/password",
                "timeout_seconds": 2,
                **settings,
            }
            checked = Sip2Connector.Settings.model_validate(given)
            connector = Sip2Connector(checked, Context("library", tmp_path))
            stack.callback(connector.close)
            return Library(connector, desk)

        yield make


@pytest.fixture
def library(make_library: Callable[..., Library]) -> Library:
    """A connector on a desk that knows Amara."""
    made = make_library()
    made.desk.add(
        Person("S001", "amara", loans=2, overdue=1, waiting=1, outstanding=2, owed="12.5")
    )
    return made
