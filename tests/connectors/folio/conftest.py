"""A FOLIO connector on a simulator of its own, with a proxy between them that breaks calls."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.folio.connector import FolioConnector
from matricula.connectors.folio.simulator import Tenant, folio
from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.protocol import Context, Outcome, Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AMARA = {
    "externalSystemId": "S001", "username": "amara", "patronGroup": "undergrad",
    "lastName": "Okafor", "email": "amara@northfield.example",
}  # fmt: skip
BELA = {**AMARA, "externalSystemId": "S002", "username": "bela", "lastName": "Kovács"}
CHIDI = {**AMARA, "externalSystemId": "S003", "username": "chidi", "lastName": "Eze"}


def create(person: dict[str, str], by: str = "externalSystemId", **more: object) -> Write:
    """Intend to create a user."""
    fields = {**person, **more}
    key = person["externalSystemId"]
    return Write(key, "create", None, fields, frozenset(fields), {by: fields[by]})


@dataclass
class Place:
    """A connector and the simulator it speaks to."""

    connector: FolioConnector
    tenant: Tenant

    def write(self, *writes: Write) -> list[Outcome]:
        return self.connector.write("users", writes, at=AT)

    def do(self, kind: str, user_id: str | None, **fields: object) -> Outcome:
        return self.write(Write("k", kind, user_id, fields, frozenset(fields)))[0]

    def rows(self, resource: str = "users") -> list[dict[str, object]]:
        with self.connector.read(resource) as reading:
            return [row for batch in reading.batches for row in batch.to_pylist()]


@pytest.fixture
def make_place(tmp_path: Path) -> Iterator[Callable[..., Place]]:
    """Make connectors, each on an empty FOLIO of its own, with settings of its own."""
    with ExitStack() as stack:

        def make(**settings: object) -> Place:
            tenant = stack.enter_context(folio())
            for name, secret in (("user", tenant.user), ("password", tenant.password)):
                (tmp_path / name).write_text(secret, encoding="utf-8")
            given = {
                "url": tenant.url, "tenant": tenant.tenant, "user": f"file:{tmp_path}/user",
                "password": f"file:{tmp_path}/password", "page_size": 3, "timeout_seconds": 5,
                **settings,
            }  # fmt: skip
            checked = FolioConnector.Settings.model_validate(given)
            connector = FolioConnector(checked, Context("library", tmp_path))
            stack.callback(connector.close)
            return Place(connector, tenant)

        yield make


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    """A connector on an empty FOLIO."""
    return make_place()
