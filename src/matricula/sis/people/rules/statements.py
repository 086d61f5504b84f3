"""What may be said of a person: which kinds there are, and what is in the way of a statement."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unicodedata import category

from matricula.accounts.rules import ROLES
from matricula.kernel.checks import Check, blocked
from matricula.kernel.words import meant

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from matricula.sis.people.rules.likeness import Number

NAMES = LEGAL, DISPLAY = "legal", "display"
KINDS_OF_CONTACT = EMAIL, PHONE, ADDRESS = "email", "phone", "address"
USES = STUDY, WORK, HOME, EMERGENCY = "study", "work", "home", "emergency"
DIRECTIVES = RESTRICTION, CONSENT, RELEASE = (
    "directory_restriction", "consent", "third_party_release",
)  # fmt: skip
# What a member of staff can be is what they can act as.
DUTIES = tuple(role for role in ROLES if role not in ("student", "system"))
# The system that we are ourselves, in the numbers that we give.
OURS = "sis"
REGISTRY = "the Registrar's Office"
# Longer than any name or address, and short enough for an index.
_LONGEST = 500
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_FEWEST_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Naming:
    """A name that a person is to have. `kind`: legal or display; an empty display name ends it."""

    kind: str
    given: str
    family: str


@dataclass(frozen=True, slots=True)
class Contact:
    """How a person is to be reached. `kind`, `use`: see above; an empty value ends it."""

    kind: str
    use: str
    value: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for. `kind`: one of `DIRECTIVES`; `items`: of what, or to whom."""

    kind: str
    items: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """What a member of staff is to be. `kind`: one of `DUTIES`; days, the last one included."""

    kind: str
    department: str
    starts_on: date
    ends_on: date | None = None


def naming_checks(asked: Naming) -> list[Check]:
    """Say what is in the way of a name."""
    is_empty = not (asked.given.strip() or asked.family.strip())
    return [
        *_of_kind("name", asked.kind, NAMES),
        *_text("name", asked.given, asked.family),
        *_unless(
            not is_empty or asked.kind != LEGAL, "name", "A legal name has at least one word.",
            "Give the given name or the family name, as on the document.",
        ),
    ]  # fmt: skip


def contact_checks(asked: Contact) -> list[Check]:
    """Say what is in the way of a contact point."""
    value = asked.value.strip()
    is_email = asked.kind != EMAIL or not value or bool(_EMAIL.fullmatch(value))
    digits = sum(letter.isdecimal() for letter in value)
    is_phone = asked.kind != PHONE or not value or digits >= _FEWEST_DIGITS
    return [
        *_of_kind("contact point", asked.kind, KINDS_OF_CONTACT),
        *_of_kind("use", asked.use, USES),
        *_text("contact", value, lines=asked.kind == ADDRESS),
        *_unless(is_email, "contact", "This is no e-mail address.", "Write it as name@host."),
        *_unless(is_phone, "contact", "This is no phone number.", "Write it with its digits."),
    ]


def wish_checks(asked: Wish, *, is_lifted: bool = False) -> list[Check]:
    """Say what is in the way of a directive."""
    named = bool(asked.items.strip()) or asked.kind == RESTRICTION or is_lifted
    return [
        *_of_kind("directive", asked.kind, DIRECTIVES),
        *_text("directive", asked.items),
        *_unless(
            named, "directive", f"A {asked.kind} says of what, or to whom.",
            "Name it: a consent to nothing in particular is none.",
        ),
    ]  # fmt: skip


def number_checks(asked: Number, *, is_held: bool) -> list[Check]:
    """Say what is in the way of a number by which somebody is described.

    Args:
        asked: Which.
        is_held: Whether somebody holds it.
    """
    parts = (asked.system, asked.kind, asked.value)
    whole = all(part and part == part.strip() for part in parts)
    return [
        *_text("number", *parts),
        *_unless(
            whole, "number", "A number is of a system and of a kind, without spaces around it.",
            "Write all three.",
        ),
        *_unless(
            is_held or asked.system != OURS, "number",
            f"Nobody holds the {asked.kind} number {asked.value}, and we give no other.",
            "Correct it, or leave it out.",
        ),
    ]  # fmt: skip


def post_checks(asked: Post) -> list[Check]:
    """Say what is in the way of a duty."""
    in_order = asked.ends_on is None or asked.starts_on <= asked.ends_on
    return [
        *_of_kind("duty", asked.kind, DUTIES),
        *_text("duty", asked.department),
        *_unless(
            bool(asked.department.strip()), "duty", "A duty is within a department.",
            "Give the department's code.",
        ),
        *_unless(
            in_order, "duty", f"The last day, {asked.ends_on}, is before {asked.starts_on}.",
            "Correct one of the two days.",
        ),
    ]  # fmt: skip


def day_checks(on: date, until: date | None, *, today: date, is_own: bool) -> list[Check]:
    """Say what is in the way of the days for which something is to hold.

    Args:
        on: The first day.
        until: The last day.
        today: The institution's day.
        is_own: Whether somebody says it of themselves.
    """
    return [
        *_unless(
            until is None or on <= until, "days", f"The last day, {until}, is before {on}.",
            "Correct one of the two days.",
        ),
        *_unless(
            not is_own or on >= today, "days", f"{on} is past: it was otherwise then.",
            "Choose today or a later day, or ask the office to correct what was recorded.",
        ),
    ]  # fmt: skip


def birth_checks(born_on: date | None, *, today: date) -> list[Check]:
    """Say what is in the way of a day of birth."""
    return _unless(
        born_on is None or born_on <= today, "birth date", "The day of birth is yet to come.",
        "Correct it.",
    )  # fmt: skip


def _of_kind(what: str, word: str, known: Iterable[str]) -> list[Check]:
    words = list(known)
    return _unless(word in words, what, f"There is no {what} {word}.", meant(word, words))


def _text(name: str, *values: str, lines: bool = False) -> list[Check]:
    fits = all(len(value) <= _LONGEST for value in values)
    letters = {letter for value in values for letter in value} - ({"\n"} if lines else set())
    # Not `isprintable`: names are written with joiners that show nothing themselves.
    clean = not any(category(letter) in ("Cc", "Cs") for letter in letters)
    return [
        *_unless(fits, name, f"It is longer than {_LONGEST} letters.", "Shorten it."),
        *_unless(clean, name, "It holds letters that cannot be printed.", "Type it anew."),
    ]


def _unless(fine: bool, name: str, what: str, cure: str) -> list[Check]:  # noqa: FBT001 - what it asks
    return [] if fine else [blocked(name, what, office=REGISTRY, clears=cure)]
