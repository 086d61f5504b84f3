"""A connector on an empty branch of a real directory, and somebody who edits there by hand."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.protocol import Outcome, Write
from tests.counterparts.slapd_server import Hand, branch_of, connected, door

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.ldap.connector import LdapConnector


@dataclass
class Campus:
    """A directory as the tests see it."""

    connector: LdapConnector
    branch: str
    hand: Hand

    def write(self, *writes: Write, resource: str = "people") -> list[Outcome]:
        return self.connector.write(resource, writes, at=AT)

    def make(self, *rows: dict[str, Value], resource: str = "people") -> list[str]:
        outcomes = self.write(*(create(row) for row in rows), resource=resource)
        assert [one.error for one in outcomes] == [None] * len(rows)
        return [str(one.external_id) for one in outcomes]

    def rows(self, resource: str = "people") -> list[dict[str, Any]]:
        with self.connector.read(resource) as reading:
            return [row for batch in reading.batches for row in batch.to_pylist()]

    def row(self, uid: str) -> dict[str, Any]:
        (found,) = (row for row in self.rows() if row["uid"] == uid)
        return found


def person(uid: str = "ango", number: str = "S000001", **over: Value) -> dict[str, Value]:
    return {"uid": uid, "employeeNumber": number, "cn": "Amara Ngô", "sn": "Ngô", **over}


def create(row: dict[str, Value], **over: Any) -> Write:
    name = "employeeNumber" if "employeeNumber" in row else next(iter(row))
    match = {name: row[name]}
    return Write(f"key-{row[name]}", "create", None, row, frozenset(row), match, **over)


def update(identifier: str, **changed: Value) -> Write:
    return Write("key", "update", identifier, changed, frozenset(changed))


@pytest.fixture
def make_campus() -> Iterator[Callable[..., Campus]]:
    """Make connectors, each on a branch of its own, with settings of its own."""
    with ExitStack() as stack:

        def make(branch: str = "", **settings: Any) -> Campus:
            branch = branch or stack.enter_context(branch_of(door()))
            hand = Hand(door())
            stack.callback(hand.close)
            return Campus(stack.enter_context(connected(branch, **settings)), branch, hand)

        yield make


@pytest.fixture
def campus(make_campus: Callable[..., Campus]) -> Campus:
    """A connector on an empty branch."""
    return make_campus()
