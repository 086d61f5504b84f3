"""Amara, Bela, Chidi and Dewi as a flow would write them to an identity provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.kit.protocol import Write

if TYPE_CHECKING:
    from matricula.connectors.kit.protocol import Value, WriteKind

AMARA = {"externalId": "S001", "userName": "amara", "name.familyName": "Okafor"}
BELA = {"externalId": "S002", "userName": "bela", "name.familyName": "Kovács"}
CHIDI = {"externalId": "S003", "userName": "chidi", "name.familyName": "Eze"}
DEWI = {"externalId": "S004", "userName": "dewi", "name.familyName": "Lestari"}


def create(person: dict[str, str], **more: Value) -> Write:
    """Intend to create an account, found by `externalId`."""
    fields: dict[str, Value] = {**person, **more}
    match = {"externalId": fields["externalId"]}
    return Write(str(person["externalId"]), "create", None, fields, frozenset(fields), match)


def change(record_id: str | None, kind: WriteKind = "update", **changes: Value) -> Write:
    """Intend to change some fields of an account."""
    return Write(f"change-{record_id}", kind, record_id, changes, frozenset(changes))
