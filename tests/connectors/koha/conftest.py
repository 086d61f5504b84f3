"""A Koha connector on a simulator of its own, with a proxy between them that breaks calls."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.protocol import Context, Outcome, Write
from matricula.connectors.koha.connector import KohaConnector
from matricula.connectors.koha.simulator import Account, Library, Running, koha
from tests.counterparts.faulty_proxy import Fault, Proxy, faulty_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass
class Place:
    """A connector, the simulator it speaks to, and the proxy between them."""

    connector: KohaConnector
    running: Running
    proxy: Proxy

    @property
    def library(self) -> Library:
        return self.running.library

    def write(self, *writes: Write) -> list[Outcome]:
        return self.connector.write("patrons", writes, at=AT)

    def rows(self, resource: str = "patrons") -> list[dict[str, object]]:
        with self.connector.read(resource) as reading:
            return [row for batch in reading.batches for row in batch.to_pylist()]

    def row(self, card: str, resource: str = "patrons") -> dict[str, object]:
        (found,) = (row for row in self.rows(resource) if row["cardnumber"] == card)
        return found

    def break_(self, **fault: object) -> None:
        self.proxy.faults.append(Fault(**fault))  # type: ignore[arg-type]  # as the test names them

    def heal(self) -> None:
        self.proxy.faults.clear()


@pytest.fixture
def make_place(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    """Make connectors, each on an empty Koha of its own, with settings of its own."""
    with ExitStack() as stack:

        def make(
            library: Library | None = None, account: Account | None = None, **settings: object
        ) -> Place:
            return stack.enter_context(_place(tmp_path, library, account, settings))

        yield make


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    """A connector on an empty Koha."""
    return make_place()


@contextmanager
def _place(
    folder: Path, library: Library | None, account: Account | None, settings: dict[str, object]
) -> Iterator[Place]:
    with koha(library, account) as running, faulty_proxy(running.url) as proxy:
        secrets = {
            "user": "matricula", "password": "open-sesame", "key": "key", "secret": "secret",
        }  # fmt: skip
        for name, secret in secrets.items():
            (folder / name).write_text(secret, encoding="utf-8")
        given: dict[str, object] = {
            "url": proxy.url,
            "attributes": ["STUDENT", "FACULTY"],
            "page_size": 3,
            "timeout_seconds": 5,
            **settings,
        }
        if "client_id" not in given:
            given |= {"user": f"file:{folder}/user", "password": f"file:{folder}/password"}
        checked = KohaConnector.Settings.model_validate(given)
        connector = KohaConnector(checked, Context("library", folder))
        yield Place(connector, running, proxy)
        connector.close()
