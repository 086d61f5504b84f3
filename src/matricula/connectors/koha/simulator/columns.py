"""What a patron is made of: the properties of the interface and the columns behind them.

Source: Koha's interface description (definition `patron`) and its table `borrowers`, 23.05.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_TINY = 255


@dataclass(frozen=True, slots=True)
class Column:
    """One property.

    Attributes:
        kind: `string`, `integer`, `boolean`, `date`, `date-time`, `number`, `array`, `object`.
        nullable: Whether null is let in.
        characters: The column cuts after so many.
        bytes_: Or after so many bytes.
        read_only: Refused in what is sent.
        stored: Whether it is a column that a query may name.
    """

    kind: str = "string"
    nullable: bool = True
    characters: int | None = None
    bytes_: int | None = None
    read_only: bool = False
    stored: bool = True


_TEXTS = (
    "surname", "firstname", "middle_name", "title", "other_name", "initials", "pronouns",
    "address", "address2", "city", "state", "country", "email", "phone", "fax",
    "secondary_email", "secondary_phone", "altaddress_address", "altaddress_address2",
    "altaddress_city", "altaddress_state", "altaddress_country", "altaddress_email",
    "altaddress_phone", "staff_notes", "opac_notes", "altcontact_firstname",
    "altcontact_surname", "altcontact_address", "altcontact_address2", "altcontact_city",
    "altcontact_state", "altcontact_postal_code", "altcontact_country", "altcontact_phone",
    "overdrive_auth_token",
)  # fmt: skip
_TINY_TEXTS = (
    "street_number", "street_type", "postal_code", "mobile", "altaddress_street_number",
    "altaddress_street_type", "altaddress_postal_code",
)  # fmt: skip

COLUMNS: Mapping[str, Column] = {
    "patron_id": Column("integer", nullable=False),
    "cardnumber": Column(characters=32),
    **{name: Column() for name in _TEXTS},
    **{name: Column(bytes_=_TINY) for name in _TINY_TEXTS},
    "date_of_birth": Column("date"),
    "library_id": Column(nullable=False, characters=10),
    "category_id": Column(nullable=False, characters=10),
    "date_enrolled": Column("date"),
    "expiry_date": Column("date"),
    "date_renewed": Column("date"),
    "incorrect_address": Column("boolean"),
    "patron_card_lost": Column("boolean"),
    "restricted": Column("boolean", nullable=False, read_only=True, stored=False),
    "relationship_type": Column(characters=100),
    "gender": Column(characters=1),
    "userid": Column(characters=75),
    "altaddress_notes": Column(characters=255),
    "statistics_1": Column(characters=80),
    "statistics_2": Column(characters=80),
    "sms_number": Column(characters=50),
    "sms_provider_id": Column("integer"),
    "privacy": Column("integer", nullable=False),
    "privacy_guarantor_fines": Column("boolean", nullable=False),
    "privacy_guarantor_checkouts": Column("integer", nullable=False),
    "check_previous_checkout": Column(nullable=False, characters=7),
    "updated_on": Column("date-time", nullable=False),
    "last_seen": Column("date-time"),
    "lang": Column(nullable=False, characters=25),
    "login_attempts": Column("integer"),
    "anonymized": Column("boolean", nullable=False, read_only=True),
    "autorenew_checkouts": Column("boolean", nullable=False),
    "extended_attributes": Column("array", nullable=False, stored=False),
    "checkouts_count": Column("integer", stored=False),
    "overdues_count": Column("integer", stored=False),
    "account_balance": Column("number", stored=False),
    "library": Column("object", stored=False),
}
DEFAULTS: Mapping[str, Any] = {
    "privacy": 1,
    "privacy_guarantor_fines": False,
    "privacy_guarantor_checkouts": 0,
    "check_previous_checkout": "inherit",
    "lang": "default",
    "login_attempts": 0,
    "anonymized": False,
    "autorenew_checkouts": True,
}
REQUIRED = ("surname", "library_id", "category_id")
_PYTHON: Mapping[str, type | tuple[type, ...]] = {
    "string": str, "date": str, "date-time": str, "integer": int, "boolean": bool,
    "number": (int, float), "array": list, "object": dict,
}  # fmt: skip


def faults_of(body: object) -> list[dict[str, str]]:
    """Check what was sent for a patron, in the words of the interface; no fault, no words."""
    if not isinstance(body, dict):
        return [{"message": "Expected object - got null.", "path": "/body"}]
    found = [_fault("Missing property.", name) for name in REQUIRED if name not in body]
    unknown = sorted(set(body) - set(COLUMNS))
    if unknown:
        found.append(
            {"message": f"Properties not allowed: {', '.join(unknown)}.", "path": "/body"}
        )
    for name, value in body.items():
        column = COLUMNS.get(name)
        if column is not None:
            found += _faults_of_value(name, column, value)
    return found


def _faults_of_value(name: str, column: Column, value: object) -> list[dict[str, str]]:
    if column.read_only:
        return [_fault("Read-only.", name)]
    if value is None:
        return [] if column.nullable else [_fault(f"Expected {column.kind} - got null.", name)]
    # A number is taken for the text that it is written as.
    fits = isinstance(value, _PYTHON[column.kind]) or (
        column.kind == "string" and isinstance(value, int | float)
    )
    if not fits or (isinstance(value, bool) and column.kind != "boolean"):
        return [_fault(f"Expected {column.kind} - got {type(value).__name__}.", name)]
    if column.kind == "date" and not _is_date(str(value)):
        return [_fault("Does not match date format.", name)]
    if column.kind == "date-time" and not _is_instant(str(value)):
        return [_fault("Does not match date-time format.", name)]
    return []


def _fault(message: str, name: str) -> dict[str, str]:
    return {"message": message, "path": f"/body/{name}"}


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def stored(name: str, value: Any) -> Any:  # noqa: ANN401 - a JSON value has no narrower type
    """Write a value into its column: cut without a word."""
    column = COLUMNS[name]
    if not isinstance(value, str):
        return value
    if column.bytes_ is not None:
        return value.encode()[: column.bytes_].decode(errors="ignore")
    return value[: column.characters]
