"""Readings and changes the way the hub takes them, for the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.protocol import Whole

if TYPE_CHECKING:
    from matricula.connectors.sql.connector import SqlConnector


def whole(connector: SqlConnector, resource: str = "students") -> tuple[set[str], str]:
    """Read everything: the identifiers, and the token."""
    with connector.read(resource) as reading:
        return _ids(reading.batches), reading.token


def changed(
    connector: SqlConnector, since: str, *also: str, resource: str = "students"
) -> tuple[set[str], set[str], str]:
    """Read what may differ: what is there, what was looked for and is not, and the token."""
    with connector.changes(resource, since, also=also) as told:
        assert not isinstance(told, Whole), told.why
        ids = _ids(told.reading.batches)
        return ids, set(told.named) - ids, told.reading.token


def why_whole(connector: SqlConnector, since: str, resource: str = "students") -> str:
    """Say why only a whole reading can tell."""
    with connector.changes(resource, since) as told:
        assert isinstance(told, Whole), told
        return told.why


def _ids(batches: Any) -> set[str]:
    found = [one for batch in batches for one in batch.column("_id").to_pylist()]
    assert len(found) == len(set(found)), "a record is told once"
    return set(found)
