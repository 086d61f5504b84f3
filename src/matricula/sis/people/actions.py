"""Register persons and write down what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.sis.people.models import ContactPoint, Identifier, Name, Person

if TYPE_CHECKING:
    from datetime import date

    from matricula.sis.acts.actions import Doing


@dataclass(frozen=True, slots=True)
class Described:
    """A person as somebody describes them.

    Attributes:
        given: Given names, as on the document.
        family: Family name.
        born_on: Day of birth.
        email: Where they are reached; empty if nowhere.
    """

    given: str
    family: str
    born_on: date | None
    email: str = ""


def register(doing: Doing, described: Described, *, on: date) -> Person:
    """Add a person of whom it is settled that they are not there yet.

    Args:
        doing: The act. Whether it may be done is asked by whoever settled the identity.
        described: Who.
        on: From which day the name and the address hold.
    """
    made = Person.objects.create(
        born_on=described.born_on, act=doing.act, recorded_at=doing.acting.at
    )
    stamp = {"person": made, "valid_from": on, "act": doing.act, "recorded_at": doing.acting.at}
    Name.objects.create(kind="legal", given=described.given, family=described.family, **stamp)
    if described.email:
        ContactPoint.objects.create(kind="email", use="study", value=described.email, **stamp)
    doing.record("person", str(made.pk), "register person", after={"names": 1})
    return made


def give_number(
    doing: Doing, person: int, *, system: str, kind: str, value: str, on: date
) -> None:
    """Write down a number that a system gave a person; nobody else ever gets it."""
    Identifier.objects.create(
        person_id=person, system=system, kind=kind, value=value, valid_from=on, act=doing.act,
        recorded_at=doing.acting.at,
    )  # fmt: skip
