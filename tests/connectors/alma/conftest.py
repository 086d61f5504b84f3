"""An Alma connector on a simulator of its own, with a proxy between them that breaks calls."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.alma.connector import AlmaConnector
from matricula.connectors.alma.simulator import Institution, alma
from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.protocol import Context, Outcome, Write
from tests.counterparts.faulty_proxy import Fault, Proxy, faulty_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AMARA = {
    "primary_id": "S001", "last_name": "Okafor", "first_name": "Amara", "user_group": "UG",
    "email": "amara@northfield.example",
}  # fmt: skip
BELA = {**AMARA, "primary_id": "S002", "last_name": "Kovács", "email": "bela@northfield.example"}


@dataclass
class Place:
    """A connector, the simulator it speaks to, and the proxy between them."""

    connector: AlmaConnector
    institution: Institution
    proxy: Proxy

    def write(self, *writes: Write) -> list[Outcome]:
        return self.connector.write("users", writes, at=AT)

    def create(self, person: dict[str, str], by: str = "primary_id", **more: object) -> Outcome:
        fields = {**person, **more}
        write = Write(
            person["primary_id"], "create", None, fields, frozenset(fields), {by: fields[by]}
        )
        return self.write(write)[0]

    def do(self, kind: str, user_id: str, **fields: object) -> Outcome:
        return self.write(Write("k", kind, user_id, fields, frozenset(fields)))[0]

    def rows(self, resource: str = "users") -> list[dict[str, object]]:
        with self.connector.read(resource) as reading:
            return [row for batch in reading.batches for row in batch.to_pylist()]

    def break_(self, **fault: object) -> None:
        self.proxy.faults.append(Fault(**fault))  # type: ignore[arg-type]  # as the test names them


@pytest.fixture
def make_place(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    """Make connectors, each on an empty Alma of its own, with settings of its own."""
    with ExitStack() as stack:

        def make(**settings: object) -> Place:
            institution = stack.enter_context(alma())
            proxy = stack.enter_context(faulty_proxy(institution.url))
            (tmp_path / "key").write_text(institution.key, encoding="utf-8")
            given = {
                "url": proxy.url, "api_key": f"file:{tmp_path}/key", "external_id": "SIS",
                "identifiers": ["BARCODE"], "page_size": 3, "timeout_seconds": 5,
                "per_second": None, **settings,
            }  # fmt: skip
            checked = AlmaConnector.Settings.model_validate(given)
            connector = AlmaConnector(checked, Context("library", tmp_path))
            stack.callback(connector.close)
            return Place(connector, institution, proxy)

        yield make


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    """A connector on an empty Alma."""
    return make_place()
