"""A SCIM connector on an empty tenant of a real server, with or without a faulty proxy between."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.protocol import Context, Outcome, Write
from matricula.connectors.scim.connector import ScimConnector
from tests.connectors.scim.rfc import must_be_scim
from tests.counterparts.faulty_proxy import Fault, Proxy, faulty_proxy
from tests.counterparts.scim_server import shared_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Idp:
    """A connector, and the proxy between it and its server."""

    connector: ScimConnector
    proxy: Proxy

    def write(self, *writes: Write, resource: str = "users") -> list[Outcome]:
        return self.connector.write(resource, writes, at=AT)

    def rows(self, resource: str = "users") -> list[dict[str, object]]:
        with self.connector.read(resource) as reading:
            return [row for batch in reading.batches for row in batch.to_pylist()]

    def row(self, name: str) -> dict[str, object]:
        (found,) = (row for row in self.rows() if row["userName"] == name)
        return found

    def break_(self, **fault: object) -> None:
        self.proxy.faults.append(Fault(**fault))  # type: ignore[arg-type]  # as the test names them

    def heal(self) -> None:
        self.proxy.faults.clear()


@pytest.fixture
def make_idp() -> Iterator[Callable[..., Idp]]:
    """Make connectors, each on an empty server of its own, with settings of its own."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def make(**settings: object) -> Idp:
            return stack.enter_context(_idp(settings))

        yield make


@pytest.fixture
def idp(make_idp: Callable[..., Idp]) -> Idp:
    """A connector on an empty server."""
    return make_idp()


@contextmanager
def _idp(settings: dict[str, object]) -> Iterator[Idp]:
    server = shared_server(str(settings.pop("server", "")))
    with faulty_proxy(server.tenant()) as proxy:
        given = {
            "url": proxy.url,
            "token": server.secret(),
            "page_size": 5,
            # What is tried of single calls is tried of single calls.
            "bulk": False,
            **settings,
        }
        checked = ScimConnector.Settings.model_validate(given)
        connector = ScimConnector(checked, Context("idp", Path()))
        yield Idp(connector, proxy)
        connector.close()
        for method, path, body in proxy.bodies:
            must_be_scim(method, path, body)
