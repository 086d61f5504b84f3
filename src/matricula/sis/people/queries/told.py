"""What is known of persons on a day, as known now or at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from matricula.sis.people import rules
from matricula.sis.people.models import (
    Birth,
    ContactPoint,
    Directive,
    Duty,
    Identifier,
    Merge,
    Name,
    Person,
)
from matricula.sis.people.queries.held import begins_or_ends, holding, thought
from matricula.sis.people.queries.identity import family

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

Value = TypeVar("Value")
_VALID = ("valid_from", "valid_to")


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a person on a day.

    Attributes:
        person: Who it is: the survivor, where they were merged.
        legal_given: Given names on record.
        legal_family: Family name on record.
        given: Given names by which they are called.
        family: Family name by which they are called.
        born_on: Day of birth.
        email: Where they are reached for their studies; empty if nowhere.
        is_restricted: Whether outsiders may be told nothing.
        phone: Where they are called for their studies; empty if nowhere.
        work_email: Where they are reached as staff; empty if nowhere.
    """

    person: int
    legal_given: str
    legal_family: str
    given: str
    family: str
    born_on: date | None
    email: str
    is_restricted: bool
    phone: str = ""
    work_email: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that holds of a person.

    Attributes:
        what: What, in words: `legal name`, `study email`, `sis student number`.
        value: It.
        first: Since which day.
        last: Until which day, that day included; None while nobody says otherwise.
        recorded_at: Since when we know.
        of: Under which of the person's numbers it was recorded.
    """

    what: str
    value: str
    first: date | None
    last: date | None
    recorded_at: datetime
    of: int


def known(
    persons: Iterable[int], *, on: date, known_at: datetime | None = None
) -> dict[int, Known]:
    """Say what is known of persons on a day, as known now or at an instant.

    A display name that is not there is the legal one. Of somebody merged the survivor's own
    counts, and what the survivor lacks is that of those merged into them; whoever of them
    asked that outsiders be told nothing asked it for all.
    """
    families = family(persons, known_at=known_at)
    everybody = {one for members in families.values() for one in members}
    there = set(Person.objects.filter(pk__in=everybody).values_list("pk", flat=True))
    names = {
        (one.person_id, one.kind): (one.given, one.family)
        for one in holding(Name.objects.filter(person__in=everybody), on, known_at)
    }
    contacts = {
        (one.person_id, one.kind, one.use): one.value
        for one in holding(ContactPoint.objects.filter(person__in=everybody), on, known_at)
    }
    births = thought(Birth.objects.filter(person__in=everybody), known_at)
    born = dict(births.values_list("person", "born_on"))
    restricted = _restricted(everybody, on, known_at)
    return {
        one: _known(members, names, contacts, born, is_restricted=bool(restricted & {*members}))
        for one, members in families.items()
        if one in there
    }


def _restricted(persons: Iterable[int], on: date, known_at: datetime | None) -> set[int]:
    asked = Directive.objects.filter(person__in=list(persons), kind=rules.RESTRICTION)
    return set(holding(asked, on, known_at).values_list("person", flat=True))


def _known(
    members: Sequence[int],
    names: Mapping[tuple[int, str], tuple[str, str]],
    contacts: Mapping[tuple[int, str, str], str],
    born: Mapping[int, date],
    *,
    is_restricted: bool,
) -> Known:
    nobody = ("", "")
    legal = _first((names.get((one, rules.LEGAL)) for one in members), nobody)
    called = (names.get((m, kind)) for m in members for kind in (rules.DISPLAY, rules.LEGAL))

    def reached(kind: str, use: str) -> str:
        return _first((contacts.get((one, kind, use)) for one in members), "")

    return Known(
        members[0], *legal, *_first(called, nobody), _first((born.get(m) for m in members), None),
        reached(rules.EMAIL, rules.STUDY), is_restricted, reached(rules.PHONE, rules.STUDY),
        reached(rules.EMAIL, rules.WORK),
    )  # fmt: skip


def _first(values: Iterable[Value | None], otherwise: Value) -> Value:
    return next((value for value in values if value is not None), otherwise)


def wishes(
    persons: Iterable[int], kind: str, *, on: date, known_at: datetime | None = None
) -> dict[int, tuple[str, ...]]:
    """Give for each person what they asked for on a day: the items of a kind of directive."""
    families = family(persons, known_at=known_at)
    everybody = {one for members in families.values() for one in members}
    asked = Directive.objects.filter(person__in=everybody, kind=kind)
    rows = list(holding(asked, on, known_at).values_list("person", "items"))
    return {
        one: tuple(dict.fromkeys(items for person, items in rows if person in members))
        for one, members in families.items()
    }


def facts(number: int, *, on: date, known_at: datetime | None = None) -> list[Fact]:
    """List everything that held of a person on a day, with since when and since when known."""
    members = family([number], known_at=known_at)[number]
    return [
        *_names(members, on, known_at),
        *_births(members, known_at),
        *_contacts(members, on, known_at),
        *_numbers(members, on, known_at),
        *_wishes(members, on, known_at),
        *_duties(members, on, known_at),
        *_merges(members, known_at),
    ]


def _names(members: Sequence[int], on: date, known_at: datetime | None) -> Iterator[Fact]:
    rows = holding(Name.objects.filter(person__in=members), on, known_at)
    for one in rows.order_by("-kind", "id"):
        value = f"{one.given} {one.family}".strip()
        yield Fact(
            f"{one.kind} name", value, one.valid_from, one.valid_to, one.recorded_at, one.person_id
        )


def _births(members: Sequence[int], known_at: datetime | None) -> Iterator[Fact]:
    for one in thought(Birth.objects.filter(person__in=members), known_at).order_by("id"):
        value = one.born_on.isoformat()
        yield Fact("birth date", value, None, None, one.recorded_at, one.person_id)


def _contacts(members: Sequence[int], on: date, known_at: datetime | None) -> Iterator[Fact]:
    rows = holding(ContactPoint.objects.filter(person__in=members), on, known_at)
    for one in rows.order_by("kind", "use", "id"):
        yield Fact(
            f"{one.use} {one.kind}", one.value, one.valid_from, one.valid_to, one.recorded_at,
            one.person_id,
        )  # fmt: skip


def _numbers(members: Sequence[int], on: date, known_at: datetime | None) -> Iterator[Fact]:
    rows = Identifier.objects.filter(person__in=members, valid_from__lte=on).order_by("id")
    if known_at is not None:
        rows = rows.filter(recorded_at__lte=known_at)
    for one in rows:
        what = f"{one.system} {one.kind} number"
        yield Fact(
            what, one.value, one.valid_from, one.valid_to, one.recorded_at, one.person_id
        )  # fmt: skip


def _wishes(members: Sequence[int], on: date, known_at: datetime | None) -> Iterator[Fact]:
    for one in holding(Directive.objects.filter(person__in=members), on, known_at):
        what = one.kind.replace("_", " ")
        yield Fact(
            what, one.items, one.valid_from, one.valid_to, one.recorded_at, one.person_id
        )  # fmt: skip


def _duties(members: Sequence[int], on: date, known_at: datetime | None) -> Iterator[Fact]:
    rows = Duty.objects.filter(staff__person__in=members).select_related("staff")
    for one in holding(rows, on, known_at, days=("starts_on", "ends_on")):
        yield Fact(
            f"duty of {one.staff.number}", f"{one.kind}, {one.department}", one.starts_on,
            one.ends_on, one.recorded_at, one.staff.person_id,
        )  # fmt: skip


def _merges(members: Sequence[int], known_at: datetime | None) -> Iterator[Fact]:
    rows = thought(Merge.objects.filter(merged__in=members), known_at, until="undone_at")
    for one in rows.order_by("id"):
        value = f"into person {one.survivor_id}"
        yield Fact("merged", value, None, None, one.recorded_at, one.merged_id)


def touched_on(first: date, last: date) -> set[int]:
    """List the persons of whom something begins or ends to hold on some days, both included.

    With everybody whom they were merged with, for it holds of them as well.
    """
    found: set[int] = set()
    for rows in (Name.objects.all(), ContactPoint.objects.all(), Directive.objects.all()):
        changing = begins_or_ends(rows, first, last, days=_VALID)
        found.update(changing.values_list("person", flat=True))
    return {one for members in family(found).values() for one in members}
