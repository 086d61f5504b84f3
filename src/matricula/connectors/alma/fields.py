"""The fields of an Alma user that a charter may name, and where each stands in the record.

Source: Ex Libris, `rest_user.xsd` and "Update User Details", the Developer Network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matricula.connectors.kit.protocol import NativeType

IDENTIFIER = "identifier."
ID, STATUS, GROUP, EMAIL = "primary_id", "status", "user_group", "email"
ACTIVE, INACTIVE = "ACTIVE", "INACTIVE"
Form = Literal["plain", "coded", "email", "identifier"]
ARROW: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "date": pa.date32(),
    "decimal": pa.decimal128(14, 4),
}


# Each is itself alone: what is told of fields is kept by field, and looked up very often.
@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of a user.

    Attributes:
        name: As the charter has it.
        form: `plain` text; `coded`, an object with a value; an `email` or `identifier` of ours.
        sticky: Kept as staff wrote it, unless it is named in `override`; and never emptied.
        asked: What a look-up calls it in a query; empty where it cannot ask for it.
    """

    name: str
    form: Form = "plain"
    type: NativeType = "text"
    characters: int = 255
    required: bool = False
    sticky: bool = False
    identifies: bool = False
    asked: str = ""

    @property
    def id_type(self) -> str:
        """The type of identifier that it stands for; empty for other fields."""
        return self.name.removeprefix(IDENTIFIER) if self.form == "identifier" else ""


_PLAIN: Sequence[Field] = (
    Field(ID, required=True, identifies=True),
    Field("last_name", required=True, asked="last_name"),
    Field("first_name", asked="first_name"),
    Field("middle_name", asked="middle_name"),
    Field(GROUP, "coded", required=True, sticky=True),
    Field(STATUS, "coded"),
    Field("expiry_date", type="date"),
    Field("birth_date", type="date"),
    Field("preferred_language", "coded", sticky=True),
    Field("campus_code", "coded", sticky=True),
    Field(EMAIL, "email", asked="email"),
)


def fields_of(identifiers: Iterable[str]) -> dict[str, Field]:
    """List the fields of a user, with one for each type of identifier that is named."""
    every = [
        *_PLAIN,
        *(Field(IDENTIFIER + one, "identifier", identifies=True) for one in identifiers),
    ]
    return {field.name: field for field in every}
