"""The fields of a patron that a charter may name, and what Koha can hold in each.

Lengths are those of Koha's own table: it cuts a longer value without a word, and the answer
to a creation shows the value uncut.

Source: `installer/data/mysql/kohastructure.sql` and the patron's definition, Koha 23.05.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matricula.connectors.kit.protocol import NativeType

ATTRIBUTE = "attribute."
EXPIRY, CATEGORY, LIBRARY, SURNAME = "expiry_date", "category_id", "library_id", "surname"
CARD, USER = "cardnumber", "userid"
REQUIRED = (SURNAME, CATEGORY, LIBRARY)
ARROW: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "date": pa.date32(),
    "instant": pa.timestamp("us", tz="UTC"),
    "decimal": pa.decimal128(14, 4),
}


# Each is itself alone: what is told of fields is kept by field, and looked up very often.
@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of a patron.

    Attributes:
        name: As the charter has it.
        type: What it holds.
        characters: So many fit.
        bytes_: So many bytes of UTF-8 fit, where the column is counted so.
        required: A patron cannot be without it.
        writable: Whether it is Matricula's to write; the rest is the library's own.
        identifies: Two patrons never share a value, or Koha is told so (an attribute).
        asked: Whether a look-up can ask Koha for it.
    """

    name: str
    type: NativeType = "text"
    characters: int | None = None
    bytes_: int | None = None
    required: bool = False
    writable: bool = True
    identifies: bool = False
    asked: bool = True

    @property
    def attribute(self) -> str:
        """The code of the extended attribute that it stands for; empty for a plain field."""
        return self.name.removeprefix(ATTRIBUTE) if self.name.startswith(ATTRIBUTE) else ""


_TINY = 255
_TEXTS = (
    "firstname", "other_name", "initials", "title", "pronouns", "address", "address2", "city",
    "state", "country", "email", "secondary_email", "phone", "secondary_phone", "fax",
    "opac_notes",
)  # fmt: skip
_TINY_TEXTS = ("street_number", "street_type", "postal_code", "mobile")

PLAIN: Sequence[Field] = (
    Field(CARD, characters=32, identifies=True),
    Field(USER, characters=75, identifies=True),
    Field(SURNAME, required=True),
    Field(CATEGORY, characters=10, required=True),
    Field(LIBRARY, characters=10, required=True),
    Field(EXPIRY, "date"),
    Field("date_enrolled", "date"),
    Field("date_of_birth", "date"),
    Field("gender", characters=1),
    Field("sms_number", characters=50),
    Field("statistics_1", characters=80),
    Field("statistics_2", characters=80),
    Field("lang", characters=25),
    *(Field(name) for name in _TEXTS),
    *(Field(name, bytes_=_TINY) for name in _TINY_TEXTS),
    # The library's own: staff restrictions and lost cards are read and never touched.
    Field("restricted", "boolean", writable=False, asked=False),
    Field("patron_card_lost", "boolean", writable=False, asked=False),
    Field("updated_on", "instant", writable=False, asked=False),
)


def fields_of(attributes: Iterable[str]) -> dict[str, Field]:
    """List the fields of a patron, with one for each extended attribute that is named."""
    every = [
        *PLAIN,
        *(Field(ATTRIBUTE + code, characters=255, identifies=True) for code in attributes),
    ]
    return {field.name: field for field in every}
