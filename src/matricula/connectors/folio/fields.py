"""The fields of a FOLIO user that a charter may name.

Source: `userdataimport.json` of mod-user-import and `userdata.json` of mod-users.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.connectors.kit.protocol import NativeType

NUMBER, ACTIVE, GROUP, USERNAME, BARCODE = (
    "externalSystemId", "active", "patronGroup", "username", "barcode",
)  # fmt: skip
ARROW: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "date": pa.date32(),
    "decimal": pa.decimal128(14, 4),
}


# Each is itself alone: what is told of fields is kept by field, and looked up very often.
@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of a user; `personal` where it stands in that part of the record."""

    name: str
    type: NativeType = "text"
    personal: bool = False
    required: bool = False
    identifies: bool = False

    @property
    def asked(self) -> str:
        """What a query calls it."""
        return f"personal.{self.name}" if self.personal else self.name


_EVERY: Sequence[Field] = (
    Field(NUMBER, required=True, identifies=True),
    Field(USERNAME, required=True, identifies=True),
    Field(BARCODE, identifies=True),
    Field(ACTIVE, "boolean"),
    Field(GROUP, required=True),
    Field("lastName", personal=True, required=True),
    Field("firstName", personal=True),
    Field("middleName", personal=True),
    Field("preferredFirstName", personal=True),
    Field("email", personal=True),
    Field("phone", personal=True),
    Field("mobilePhone", personal=True),
    Field("dateOfBirth", "date", personal=True),
    Field("enrollmentDate", "date"),
    Field("expirationDate", "date"),
)
FIELDS: Mapping[str, Field] = {field.name: field for field in _EVERY}
