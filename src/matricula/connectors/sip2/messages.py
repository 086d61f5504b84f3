"""SIP2 messages as text: what is sent, what is answered, sequence number and checksum. Pure.

Source: 3M Standard Interchange Protocol 2.00; positions and blanks as measured on Koha.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

CR = "\r"
LOGIN, LOGGED_IN = "93", "94"
INFORMATION, INFORMED = "63", "64"
STATUS, STATED = "99", "98"
SAY_AGAIN, SAID_WRONG = "97", "96"
# Of the table BX: whether the system answers questions about patrons.
_KNOWS_PATRONS = 7
_FIXED = {INFORMED: 61, STATED: 36, LOGGED_IN: 3}
_COUNT = re.compile(r"[0-9]{4}")
_TAIL = re.compile(r"(?:AY(?P<sequence>[0-9]))?AZ(?P<checksum>[0-9A-Fa-f]{4})$")
_CENTS = Decimal("0.0001")


class Malformed(Exception):
    """An answer that is not what SIP2 provides for; says why, without its text."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a library says of one person.

    Attributes:
        card: Whom it speaks of, as it writes them.
        is_known: Whether there is such a person (BL).
        may_borrow: Whether charging is not denied.
        loans: Charged items; None where it does not say.
        overdue: Of them, overdue.
        holds: Waiting and outstanding holds together.
        owed: Open charges, in major units; None where it does not say.
        currency: A code; empty where it does not say.
    """

    card: str
    is_known: bool
    may_borrow: bool
    loans: int | None
    overdue: int | None
    holds: int | None
    owed: Decimal | None
    currency: str


def checksum(text: bytes) -> str:
    """Sum the bytes up to and with `AZ`, negated in sixteen bits, four hexadecimal digits."""
    return f"{-sum(text) & 0xFFFF:04X}"


def sealed(message: str, sequence: int, encoding: str) -> bytes:
    """Put a sequence number and a checksum behind a message."""
    body = f"{message}AY{sequence}AZ".encode(encoding)
    return body + checksum(body).encode("ascii")


def opened(line: bytes, encoding: str) -> tuple[str, int | None, bool]:
    """Take the seal off an answer.

    Returns:
        The message, its sequence number, and whether a checksum was there.

    Raises:
        Malformed: The checksum does not fit, or the letters are of another encoding.
    """
    try:
        text = line.decode(encoding)
    except UnicodeDecodeError:
        raise Malformed("it is not in the encoding that the charter states") from None
    found = _TAIL.search(text)
    if found is None:
        return text, None, False
    if checksum(line[:-4]) != found["checksum"].upper():
        raise Malformed("its checksum does not fit")
    return text[: found.start()], int(found["sequence"] or 0), True


def login(user: str, password: str, location: str) -> str:
    """Write a login, its name and password not encrypted by SIP2 itself."""
    place = _field("CP", location) if location else ""
    return f"{LOGIN}00{_field('CN', user)}{_field('CO', password)}{place}"


def question(card: str, at: datetime, *, institution: str, terminal_password: str) -> str:
    """Ask about a person. No list of titles is asked for, and no password is sent for them.

    An empty password would be answered with a complaint about it.
    """
    terminal = _field("AC", terminal_password) if terminal_password else ""
    summary = " " * 10
    fixed = f"{INFORMATION}000{at:%Y%m%d    %H%M%S}{summary}"
    return f"{fixed}{_field('AO', institution)}{_field('AA', card)}{terminal}"


def status_question() -> str:
    """Ask the system how it is."""
    return f"{STATUS}00802.00"


def can_be_said(text: str, encoding: str) -> bool:
    """Say whether a card number or a secret can stand in a message at all."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return bool(text) and "|" not in text and text.isprintable()


def told(message: str) -> Told:
    """Read what is said of a person.

    Raises:
        Malformed: It is no such answer, or cut off.
    """
    fields = _fields(message, INFORMED)
    flags = message[2:16]
    waiting, outstanding = _count(message, 37), _count(message, 57)
    return Told(
        card=fields.get("AA", ""),
        is_known=fields.get("BL") == "Y",
        may_borrow=flags[0] != "Y" and flags[4] != "Y",
        loans=_count(message, 45),
        overdue=_count(message, 41),
        holds=None if waiting is None or outstanding is None else waiting + outstanding,
        owed=_amount(fields.get("BV", "")),
        currency=fields.get("BH", ""),
    )


def is_let_in(message: str) -> bool:
    """Read the answer to a login.

    Raises:
        Malformed: It is no such answer.
    """
    _fields(message, LOGGED_IN)
    return message[2] == "1"


def complaint(message: str) -> str:
    """Say what is wrong by the system's own account of itself; empty when nothing is.

    Raises:
        Malformed: It is no such answer.
    """
    fields = _fields(message, STATED)
    if message[2] != "Y":
        return "it says that it is off-line"
    supported = fields.get("BX", "")
    if len(supported) > _KNOWS_PATRONS and supported[_KNOWS_PATRONS] != "Y":
        return "it says that it answers no questions about patrons (message 63)"
    return ""


def _field(name: str, value: str) -> str:
    return f"{name}{value}|"


def _fields(message: str, kind: str) -> Mapping[str, str]:
    """Split the fields behind the fixed part; of one that is repeated, the first counts."""
    if not message.startswith(kind):
        raise Malformed(f"it is no message {kind}")
    if len(message) < _FIXED[kind]:
        raise Malformed("it is cut off")
    found: dict[str, str] = {}
    for part in message[_FIXED[kind] :].split("|"):
        found.setdefault(part[:2], part[2:].replace("&#124;", "|"))
    return found


def _count(message: str, start: int) -> int | None:
    """Read four digits; blanks say that the system does not count this, or beyond 9999."""
    text = message[start : start + 4]
    return int(text) if _COUNT.fullmatch(text) else None


def _amount(text: str) -> Decimal | None:
    try:
        found = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return found.quantize(_CENTS) if found.is_finite() and abs(found) < 10**9 else None
