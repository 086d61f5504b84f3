"""Whether somebody who is described may be a person who is there: evidence, never a verdict.

What is found is put before a person, who decides. Nothing here is a probability: a candidate
is strong where one fact alone tells people apart, and weak where it is worth a look.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

STRONG, WEAK = "strong", "weak"
# From which share on two names are similar: Okafor and Okafer are, and so are Maria and Mario.
_SIMILAR = 0.8
# Letters that are letters of their own, and no letter with an accent.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "\u0131": "i", "þ": "th"}
)
# Apostrophes, straight, curly and as letters, and the point of an initial.
_JOINING = frozenset("'\u2019\u02bc`\u00b4.")
# So many last digits tell phones apart, with or without the country's and a leading zero.
_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Number:
    """A number that a system gave: `sis`, `student`, `00000001`."""

    system: str
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Described:
    """A person as somebody describes them.

    Attributes:
        given: Given names, as on the document.
        family: Family name.
        born_on: Day of birth.
        email: Where they are reached; empty if nowhere.
        phone: Likewise.
        numbers: What other systems know them by.
    """

    given: str
    family: str
    born_on: date | None
    email: str = ""
    phone: str = ""
    numbers: tuple[Number, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """What a person is compared by: everything that ever held and was not withdrawn.

    Attributes:
        person: Who.
        born_on: The days of birth on record; several where persons were merged.
        names: Given and family name of every kind, plain.
        emails: Plain.
        phones: Plain.
        numbers: What systems know them by.
    """

    person: int
    born_on: frozenset[date] = frozenset()
    names: frozenset[tuple[str, str]] = frozenset()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    numbers: frozenset[Number] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be the person described.

    Attributes:
        person: Who.
        strength: `STRONG` or `WEAK`.
        evidence: What speaks for it, in words; no personal value.
    """

    person: int
    strength: str
    evidence: tuple[str, ...]

    def __str__(self) -> str:
        """Say it to a person."""
        return f"person {self.person} ({self.strength}: {', '.join(self.evidence)})"


def plain(text: str) -> str:
    """Bring words into the form in which they are looked for: small, without accents.

    An apostrophe joins what it stands between, anything else that is no letter or digit parts
    it: `O'Brien-Łoś` is `obrien los`.
    """
    parted = unicodedata.normalize("NFKD", text.casefold()).translate(_LETTERS)
    kept = []
    for letter in parted:
        if letter in _JOINING or "\u0300" <= letter <= "\u036f":
            continue
        kept.append(" " if unicodedata.category(letter)[0] in "PZSC" else letter)
    return " ".join("".join(kept).split())


def plain_contact(kind: str, value: str) -> str:
    """Bring a contact point into the form in which it is looked for."""
    if kind == "email":
        return value.strip().casefold()
    if kind == "phone":
        return "".join(letter for letter in value if letter.isdecimal())[-_DIGITS:]
    return plain(value)


def compare(described: Described, profile: Profile) -> Candidate | None:
    """Say what speaks for it that somebody described is a person; None where too little does."""
    number = bool(profile.numbers & set(described.numbers))
    email = _is_among(plain_contact("email", described.email), profile.emails)
    phone = _is_among(plain_contact("phone", described.phone), profile.phones)
    birth = _birth(described.born_on, profile.born_on)
    name = _name((plain(described.given), plain(described.family)), profile.names)
    told = (
        (number, "same number"), (email, "same e-mail"), (phone, "same phone"),
        (birth in _BIRTHS, _BIRTHS.get(birth, "")), (name in _NAMES, _NAMES.get(name, "")),
    )  # fmt: skip
    evidence = tuple(words for found, words in told if found)
    if number or (email and birth == "same"):
        return Candidate(profile.person, STRONG, evidence)
    is_weak = (
        email
        or (birth == "same" and name in _NAMES)
        or (phone and (birth == "same" or name in _NAMES))
        or (birth in ("mistyped", "unknown") and name in ("same", "swapped"))
    )
    return Candidate(profile.person, WEAK, evidence) if is_weak else None


def strongest_first(found: Iterable[Candidate]) -> list[Candidate]:
    """Put candidates in order: strong before weak, then by how much speaks for each."""
    return sorted(found, key=lambda c: (c.strength != STRONG, -len(c.evidence), c.person))


_BIRTHS = {"same": "same birth date", "mistyped": "birth date mistyped"}
# How far names agree, best first.
_NAMES = {
    "same": "same name",
    "swapped": "given and family name swapped",
    "similar": "similar name",
    "given": "same given name, another family name",
}


def _is_among(value: str, held: frozenset[str]) -> bool:
    return bool(value) and value in held


def _birth(asked: date | None, held: frozenset[date]) -> str:
    if asked is None or not held:
        return "unknown"
    if asked in held:
        return "same"
    return "mistyped" if any(_is_mistyped(asked, one) for one in held) else "differs"


def _is_mistyped(one: date, other: date) -> bool:
    """Whether one digit differs, or day and month changed places."""
    digits = zip(one.isoformat(), other.isoformat(), strict=True)
    swapped = (one.year, one.month, one.day) == (other.year, other.day, other.month)
    return swapped or sum(a != b for a, b in digits) == 1


def _name(asked: tuple[str, str], held: Iterable[tuple[str, str]]) -> str:
    found = {_how_far(asked, one) for one in held}
    return next((level for level in _NAMES if level in found), "differs")


def _how_far(asked: tuple[str, str], held: tuple[str, str]) -> str:
    if not any(asked) or not any(held):
        return "differs"
    if asked == held:
        return "same"
    if asked == held[::-1] or sorted(_words(asked)) == sorted(_words(held)):
        return "swapped"
    if not (all(asked) and all(held)):
        # One name is all that is written: it stands for the whole.
        return "similar" if _agree(" ".join(_words(asked)), " ".join(_words(held))) else "differs"
    if _agree(asked[0], held[0]):
        return "similar" if _agree(asked[1], held[1]) else "given"
    return "swapped" if _agree(asked[0], held[1]) and _agree(asked[1], held[0]) else "differs"


def _words(name: tuple[str, str]) -> Iterator[str]:
    for part in name:
        yield from part.split()


def _agree(one: str, other: str) -> bool:
    """Whether two names are one in two spellings, or one of them leaves something out."""
    if not one or not other:
        return False
    first, second = sorted((one, other))
    fewer, more = sorted((set(first.split()), set(second.split())), key=len)
    if fewer <= more or (len(first) == 1 and second.startswith(first)):
        return True
    return SequenceMatcher(None, first, second, autojunk=False).ratio() >= _SIMILAR
