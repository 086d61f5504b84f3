"""Moodle's records as flat rows of canonical values and back, and what no value may be. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.errors import SkipRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zoneinfo import ZoneInfo

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.moodle.fields import Column, Table

Row = dict[str, "Value"]
_USERNAME = re.compile(r"[-.@_a-z0-9]+")
_ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
# Moodle drops these from every text before it compares what it got with what it cleaned.
_DROPPED = re.compile("[\0\ufffe\uffff]")
# A deleted account keeps its number; its address has become a digest.
_DIGEST = re.compile(r"[0-9a-f]{32}")
# What strip_tags of PHP takes for the beginning of a tag.
_TAG = re.compile(r"<(?=[^\s])|<$")


def checked(column: Column, value: Value) -> None:
    """Make sure that a value may be sent for a column.

    Raises:
        SkipRow: Moodle would refuse or change it (M604); names the field.
    """
    why = _fault(column, value)
    if why:
        raise SkipRow(f"{column.name} {why}.", code="M604", cure="Correct the value at its owner.")


def _fault(column: Column, value: Value) -> str:
    text = "" if value is None else str(value)
    if column.is_required and not text.strip():
        return "is blank, and Moodle needs it"
    if not text:
        return ""
    if column.most is not None and len(text) > column.most:
        return f"has {len(text)} characters, and Moodle holds {column.most}"
    return _form_fault(column, text)


def _form_fault(column: Column, text: str) -> str:
    if column.is_number and text != "0" and not _NUMBER.fullmatch(text):
        return "is no number of a record in Moodle"
    if column.type == "date" and _as_date(text) is None:
        return "is no date"
    if column.type == "boolean" and _as_boolean(text) is None:
        return "is neither true nor false"
    if _DROPPED.search(text):
        return "holds a sign that Moodle leaves out"
    return _name_fault(column, text)


def _name_fault(column: Column, text: str) -> str:
    if column.name == "username" and text != text.lower():
        return "has upper-case letters, and Moodle takes none"
    if column.name == "username" and text != text.strip():
        return "begins or ends with a space"
    if column.name == "email" and not _ADDRESS.fullmatch(text):
        return "is no e-mail address"
    if column.name == "country" and not re.fullmatch(r"[A-Z]{2}", text):
        return "is no country code of two capital letters"
    if column.has_no_tags and _TAG.search(text):
        return "holds what Moodle takes for HTML"
    return ""


def is_number(text: object) -> bool:
    """Whether a text can be the number of a record."""
    return bool(_NUMBER.fullmatch(str(text)))


def askable_username(text: str) -> bool:
    """Whether Moodle can be asked for a user name; one in capitals makes it refuse all."""
    return bool(_USERNAME.fullmatch(text))


def native(column: Column, value: Value, zone: ZoneInfo) -> str | int:
    """Write a value the way Moodle takes it.

    Args:
        column: Its field; the value has passed `checked`.
        value: As the kit hands it over.
        zone: Where a day begins.
    """
    if column.type == "boolean":
        return int(_as_boolean(value) or False)
    if column.type == "date":
        day = _as_date(value)
        return 0 if day is None else int(datetime.combine(day, time(), zone).timestamp())
    if column.is_number:
        return int(str(value or 0))
    return "" if value is None else str(value)


def canonical(column: Column, raw: object, zone: ZoneInfo) -> Value:
    """Read a value that Moodle gave; a blank is nothing."""
    if raw is None or raw == "":
        return None
    if column.type == "boolean":
        return bool(int(str(int(raw)) if isinstance(raw, bool) else str(raw)))
    if column.type in ("date", "instant"):
        return _moment(column, int(str(raw)), zone)
    if column.type == "decimal":
        return decimal_text(raw)
    if column.is_number:
        return str(raw) if str(raw) != "0" else None
    return str(raw)


def _moment(column: Column, seconds: int, zone: ZoneInfo) -> str | None:
    if not seconds:
        return None
    if column.type == "date":
        return datetime.fromtimestamp(seconds, zone).date().isoformat()
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def decimal_text(raw: object) -> str:
    """Write a number without the traces of a float, `67.50000` as `67.5`."""
    text = f"{float(str(raw)):.5f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def row_of(table: Table, record: Mapping[str, Any], zone: ZoneInfo) -> Row:
    """Read a record as a flat row with `_id` and, where records can be suspended, `_suspended`."""
    custom = {str(f.get("shortname")): f.get("value") for f in record.get("customfields") or ()}
    row: Row = {"_id": str(record["id"])}
    for name, column in table.columns.items():
        profile = name.removeprefix("profile.")
        raw = custom.get(profile) if profile != name else record.get(name)
        row[name] = canonical(column, raw, zone)
    if table.suspends:
        row["_suspended"] = asleep(table, row)
    return row


def asleep(table: Table, row: Mapping[str, Value]) -> bool:
    """Whether a row says that its record is suspended."""
    return row.get(table.said_by) is (table.said_by != "visible")


def agrees(column: Column, wanted: Value, held: Value) -> bool:
    """Whether a record holds a wanted value, across the forms that a value may have."""
    if column.type == "boolean":
        return bool(_as_boolean(wanted)) == bool(held)
    if column.type == "date":
        return _as_date(wanted) == _as_date(held)
    mine, theirs = ("" if one is None else str(one) for one in (wanted, held))
    if column.is_number:
        return mine.lstrip("0") == theirs.lstrip("0")
    return mine == theirs


def differing(table: Table, wanted: Mapping[str, Value], row: Mapping[str, Value]) -> list[str]:
    """List the wanted fields that a row does not hold."""
    return [
        name
        for name, value in wanted.items()
        if not agrees(table.columns[name], value, row.get(name))
    ]


def holds(table: Table, match: Mapping[str, Value], row: Mapping[str, Value]) -> bool:
    """Whether a row is what a look-up asks for, `_id` included."""
    fields = {name: value for name, value in match.items() if name != "_id"}
    same = "_id" not in match or str(match["_id"]) == row["_id"]
    return same and not differing(table, fields, row)


def is_deleted(record: Mapping[str, Any]) -> bool:
    """Whether an account is the remains of a deleted one; asked by number, Moodle shows it."""
    return bool(_DIGEST.fullmatch(str(record.get("email") or "")))


def suspicious(table: Table, fields: Mapping[str, Value]) -> list[str]:
    """Name the fields that are likely to blame when Moodle says only that something is wrong."""
    named = [name for name, value in fields.items() if "<" in str(value or "")]
    if not _USERNAME.fullmatch(str(fields.get("username") or "-")):
        named.append("username")
    return named or [name for name in fields if table.columns[name].is_unsure]


def native_record(
    table: Table, fields: Mapping[str, Value], zone: ZoneInfo, names: Iterable[str] | None = None
) -> dict[str, Any]:
    """Write fields as the record that a function takes; custom profile fields in their list."""
    record: dict[str, Any] = {}
    custom: list[dict[str, Any]] = []
    for name in names if names is not None else fields:
        value = native(table.columns[name], fields[name], zone)
        profile = name.removeprefix("profile.")
        if profile == name:
            record[name] = value
        else:
            custom.append({"type": profile, "value": value})
    if custom:
        record["customfields"] = custom
    return record


def _as_date(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value or "")[:10])
    except ValueError:
        return None


def _as_boolean(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}.get(
        str(value or "0").lower()
    )
