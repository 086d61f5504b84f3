"""Distinguished names: read, compared, written (RFC 4514). Pure.

A name is a tuple of its parts from the entry up to the root; two are the same entry's when
they are equal, however they are spelt.
"""

from __future__ import annotations

import re
import unicodedata

Part = frozenset[tuple[str, str]]
Name = tuple[Part, ...]

_SPECIAL = re.compile(r'([,+"\\<>;=])')
_ESCAPED = re.compile(rb"\\([0-9a-fA-F]{2}|.)", re.DOTALL)
_PIECE = re.compile(r'\s*([A-Za-z][\w.-]*|[\d.]+)\s*=((?:[^\\,+;"]|\\.)*)([,+;]?)', re.DOTALL)


class Unnamed(Exception):
    """A text that is no distinguished name."""


def parse(dn: str) -> Name:
    """Read a name.

    Raises:
        Unnamed: It is none.
    """
    found: list[Part] = []
    gathered: set[tuple[str, str]] = set()
    at = 0
    more = bool(dn)
    while more:
        piece = _PIECE.match(dn, at)
        if piece is None:
            raise Unnamed
        gathered.add((piece[1].lower(), _compared(piece[2])))
        at = piece.end()
        more = bool(piece[3])
        if piece[3] != "+":
            found.append(frozenset(gathered))
            gathered = set()
    if at != len(dn):
        raise Unnamed
    return tuple(found)


def lies_below(name: Name, branch: Name) -> bool:
    """Say whether a name is a branch or lies somewhere below it."""
    return len(name) >= len(branch) and name[len(name) - len(branch) :] == branch


def same_part(one: str, other: str) -> bool:
    """Say whether two texts of a name's own part are the same."""
    try:
        return parse(one) == parse(other)
    except Unnamed:
        return False


def first_part(dn: str) -> str:
    """Give the text of a name's own part, as the directory spells it."""
    at = 0
    while (piece := _PIECE.match(dn, at)) is not None:
        if piece[3] != "+":
            end = piece.end() - len(piece[3])
            return dn[:end]
        at = piece.end()
    return dn


def parent(dn: str) -> str:
    """Give the name of the entry above."""
    return dn[len(first_part(dn)) + 1 :]


def part(attribute: str, value: str) -> str:
    """Write the own part of a name, so that no value can be taken for syntax."""
    text = _SPECIAL.sub(r"\\\1", value).replace("\x00", r"\00")
    if text.startswith(("#", " ")):
        text = "\\" + text
    if text.endswith(" ") and len(value) > 1:
        text = text[:-1] + "\\ "
    return f"{attribute}={text}"


def below(branch: str, attribute: str, value: str) -> str:
    """Write the name of an entry in a branch."""
    return f"{part(attribute, value)},{branch}"


def _compared(escaped: str) -> str:
    raw = escaped.strip(" ") if not escaped.endswith("\\ ") else escaped.lstrip(" ")
    plain = _ESCAPED.sub(_unescaped, raw.encode("utf-8", "surrogatepass"))
    # Naming attributes are compared without case and without repeated spaces.
    text = unicodedata.normalize("NFKC", plain.decode(errors="replace"))
    return " ".join(text.casefold().split(" "))


def _unescaped(found: re.Match[bytes]) -> bytes:
    what = found[1]
    return bytes.fromhex(what.decode()) if len(what) == 2 else what  # noqa: PLR2004 - two hexadecimal digits are a byte
