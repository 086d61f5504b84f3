"""Amara, Bela, Chidi and Dewi as a flow would write them to a library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.kit.protocol import Write

if TYPE_CHECKING:
    from matricula.connectors.kit.protocol import Value, WriteKind

_STUDENT = {"category_id": "ST", "library_id": "CPL", "expiry_date": "2031-09-30"}
AMARA = {**_STUDENT, "cardnumber": "S001", "surname": "Okafor", "firstname": "Amara"}
BELA = {**_STUDENT, "cardnumber": "S002", "surname": "Kovács", "firstname": "Bela"}
CHIDI = {**_STUDENT, "cardnumber": "S003", "surname": "Eze", "firstname": "Chidi"}
DEWI = {**_STUDENT, "cardnumber": "S004", "surname": "Lestari", "firstname": "Dewi"}


def create(person: dict[str, str], *, by: str = "cardnumber", **more: Value) -> Write:
    """Intend to create a patron, found by card number or another field."""
    fields: dict[str, Value] = {**person, **more}
    return Write(person["cardnumber"], "create", None, fields, frozenset(fields), {by: fields[by]})


def change(patron_id: str | None, kind: WriteKind = "update", **changes: Value) -> Write:
    """Intend to change some fields of a patron; `attribute_X` stands for `attribute.X`."""
    named = {name.replace("attribute_", "attribute."): v for name, v in changes.items()}
    return Write(f"change-{patron_id}", kind, patron_id, named, frozenset(named))
