"""Single values between the flat world and a directory's bytes: checked out, read in. Pure.

Both directions end in one canonical form, so that what is wanted and what the directory
holds compare with `==`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matricula.connectors.kit.protocol import NativeType, Value

# RFC 4517 3.3.13.
_TIME = re.compile(
    r"(\d{4})(\d{2})(\d{2})(\d{2})(?:(\d{2})(\d{2})?)?(?:[.,](\d+))?(Z|[+-]\d{2}(?:\d{2})?)"
)
_BIGGEST = 2**63


class Misfit(Exception):
    """A value that its attribute has no place for. Says why, and never the value."""


def to_bytes(kind: NativeType, value: Value, *, is_list: bool) -> list[bytes]:
    """Write a value as those of an attribute; a blank as none.

    Raises:
        Misfit: It is not of the attribute's kind.
    """
    if value is None or value == "":
        return []
    if is_list:
        return sorted({_one(kind, one) for one in _listed(value)})
    return [_one(kind, value)]


def from_bytes(kind: NativeType, raw: Sequence[bytes], *, is_list: bool) -> Value:
    """Read an attribute's values as a field; several, where one is usual, as a JSON list.

    Raises:
        Misfit: The directory shows something that is not of the attribute's kind.
    """
    if not raw:
        return None
    if is_list or len(raw) > 1:
        texts = sorted(str(_read(kind, one)) for one in raw)
        return json.dumps(texts, ensure_ascii=False)
    return _read(kind, raw[0])


def text_of(raw: bytes) -> str:
    """Read a value that is text.

    Raises:
        Misfit: It is not.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        message = "is not text in UTF-8"
        raise Misfit(message) from error


def folded(raw: bytes, *, exact: bool) -> bytes:
    """Bring a value into the form in which a directory compares it (RFC 4518, nearly)."""
    if exact:
        return raw
    text = unicodedata.normalize("NFKC", raw.decode(errors="replace")).casefold()
    return " ".join(text.split()).encode()


def _listed(value: Value) -> list[Value]:
    if not isinstance(value, str):
        return [value]
    try:
        found = json.loads(value)
    except ValueError as error:
        message = "is not a JSON list of texts"
        raise Misfit(message) from error
    if not isinstance(found, list) or not all(isinstance(one, str) and one for one in found):
        message = "is not a JSON list of texts"
        raise Misfit(message)
    return list(found)


def _one(kind: NativeType, value: Value) -> bytes:
    if kind == "boolean":
        return _boolean(value)
    if isinstance(value, bool):
        message = "is a truth value where the directory keeps something else"
        raise Misfit(message)
    if kind == "integer":
        return _integer(value)
    if kind == "instant":
        return _time(str(value))
    try:
        return str(value).encode()
    except UnicodeEncodeError as error:
        message = "holds half a character (a lone surrogate)"
        raise Misfit(message) from error


def _boolean(value: Value) -> bytes:
    text = str(value).upper()
    if text not in ("TRUE", "FALSE"):
        message = "is neither true nor false"
        raise Misfit(message)
    return text.encode()


def _integer(value: Value) -> bytes:
    try:
        return str(int(value or 0)).encode()
    except ValueError as error:
        message = "is not a whole number"
        raise Misfit(message) from error


def _time(text: str) -> bytes:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = "is not a date and time in ISO 8601"
        raise Misfit(message) from error
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
    return (moment.strftime("%Y%m%d%H%M%S").rjust(14, "0") + fraction + "Z").encode()


def _read(kind: NativeType, raw: bytes) -> Value:
    text = text_of(raw)
    if kind == "boolean":
        return _boolean(text) == b"TRUE"
    if kind == "integer":
        number = int(_integer(text))
        if not -_BIGGEST <= number < _BIGGEST:
            message = "is a number of more than 64 bits"
            raise Misfit(message)
        return number
    return _instant(text) if kind == "instant" else text


def _instant(text: str) -> str:
    found = _TIME.fullmatch(text)
    if found is None:
        message = "is not a time as its syntax has it"
        raise Misfit(message)
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    sign = "+00:00" if zone == "Z" else f"{zone[:3]}:{zone[3:] or '00'}"
    clock = f"{hour}:{minute or '00'}:{second or '00'}.{(fraction or '0')[:6].ljust(6, '0')}"
    try:
        moment = datetime.fromisoformat(f"{year}-{month}-{day}T{clock}{sign}").astimezone(UTC)
    except (ValueError, OverflowError) as error:
        message = "is not a time that there is"
        raise Misfit(message) from error
    return moment.isoformat().replace("+00:00", "Z")
