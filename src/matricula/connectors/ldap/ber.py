"""The Basic Encoding Rules, as far as LDAP uses them (RFC 4511 5.1). Pure.

Lengths are always definite. Reading trusts nobody: what is cut off or longer than it may be
is `Malformed`.
"""

from __future__ import annotations

BOOLEAN, INTEGER, OCTETS, ENUMERATED, SEQUENCE, SET = 0x01, 0x02, 0x04, 0x0A, 0x30, 0x31
_LONG = 0x80


class Malformed(Exception):
    """Bytes that are no message of the protocol."""


def tlv(tag: int, content: bytes) -> bytes:
    """Write one element: its tag, its length, its content."""
    size = len(content)
    if size < _LONG:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(length))) + length + content


def octets(value: bytes | str, tag: int = OCTETS) -> bytes:
    """Write a text (as UTF-8) or bytes."""
    return tlv(tag, value.encode() if isinstance(value, str) else value)


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Write a whole number that is not negative."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def boolean(*, value: bool, tag: int = BOOLEAN) -> bytes:
    """Write a truth value."""
    return tlv(tag, b"\xff" if value else b"\x00")


def sequence(*parts: bytes, tag: int = SEQUENCE) -> bytes:
    """Write elements one after the other as one."""
    return tlv(tag, b"".join(parts))


def size_of(begun: bytes, at: int) -> int | None:
    """Say how many bytes the element at a place takes; None when that is not yet told."""
    if len(begun) < at + 2:
        return None
    length = begun[at + 1]
    if not length & _LONG:
        return length + 2
    count = length & 0x7F
    if not 0 < count <= 4:  # noqa: PLR2004 - more would be longer than anything we take
        raise Malformed
    if len(begun) < at + 2 + count:
        return None
    return int.from_bytes(begun[at + 2 : at + 2 + count], "big") + 2 + count


def element(message: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Read the head of the element at a place.

    Args:
        message: What holds it.
        at: Where it begins.
        end: Where whatever holds it ends.

    Returns:
        Its tag, where its content begins, and where it ends.

    Raises:
        Malformed: It does not end within what holds it.
    """
    try:
        tag, length = message[at], message[at + 1]
    except IndexError as error:
        raise Malformed from error
    at += 2
    if length >= _LONG:
        count = length & 0x7F
        length = int.from_bytes(message[at : at + count], "big")
        at += count
    stop = at + length
    if stop > end:
        raise Malformed
    return tag, at, stop


def elements(message: bytes, at: int, end: int) -> list[tuple[int, int, int]]:
    """Read the heads of all elements between two places."""
    found = []
    while at < end:
        one = element(message, at, end)
        found.append(one)
        at = one[2]
    return found


def number(content: bytes) -> int:
    """Read a whole number."""
    return int.from_bytes(content, "big", signed=True)
