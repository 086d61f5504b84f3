"""Who may be meant: persons like one who is described, and persons found by a word."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from matricula.sis.people import rules
from matricula.sis.people.models import Birth, ContactPoint, Identifier, Name, Person
from matricula.sis.people.queries.identity import family, numbers, resolve
from matricula.sis.people.queries.told import known

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from matricula.sis.people.rules import Candidate, Described, Profile

# More people than so many at one address or phone: it is an agent's or a school's, and alone
# says nothing of any of them.
_CROWD = 20
# A longer number is no person's: the database has no room for it.
_LONGEST = 18


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody who was found, in the few columns of a list.

    Attributes:
        person: Who.
        given: Given names by which they are called.
        family: Family name by which they are called.
        student_no: Empty if they are no student.
        staff_no: Empty if they are no staff.
        is_restricted: Whether outsiders may be told nothing; marked in every list.
    """

    person: int
    given: str
    family: str
    student_no: str
    staff_no: str
    is_restricted: bool


def alike(described: Described, limit: int = 10) -> list[Candidate]:
    """List persons who may be the one described, what speaks for each, the strongest first.

    Looked for by number, e-mail, phone, day of birth and name, each by its index, among all
    that ever held: a former name or address finds somebody, too. Whoever was merged is the
    survivor.
    """
    profiles = _profiles(_met(described))
    found = (rules.compare(described, one) for one in profiles)
    return rules.strongest_first(one for one in found if one is not None)[:limit]


def _met(described: Described) -> set[int]:
    """Gather the persons who share something with somebody described."""
    found: set[int] = set()
    found.update(_by_number(described.numbers))
    found.update(_by_contact(rules.EMAIL, described.email))
    found.update(_by_contact(rules.PHONE, described.phone))
    if described.born_on is not None:
        rows = Birth.objects.filter(born_on=described.born_on, withdrawn_at=None)
        found.update(rows.values_list("person", flat=True))
    given, last = rules.plain(described.given), rules.plain(described.family)
    if given or last:
        names = Name.objects.filter(withdrawn_at=None).filter(
            Q(plain_given=given, plain_family=last) | Q(plain_given=last, plain_family=given)
        )
        found.update(names.values_list("person", flat=True))
    return found


def _by_number(wanted: Sequence[rules.Number]) -> set[int]:
    same = Q()
    for one in wanted:
        same |= Q(system=one.system, kind=one.kind, value=one.value)
    if not wanted:
        return set()
    return set(Identifier.objects.filter(same).values_list("person", flat=True))


def _by_contact(kind: str, value: str) -> set[int]:
    plain = rules.plain_contact(kind, value)
    if not plain:
        return set()
    rows = ContactPoint.objects.filter(kind=kind, plain=plain, withdrawn_at=None)
    found = set(rows.values_list("person", flat=True).distinct()[: _CROWD + 1])
    return found if len(found) <= _CROWD else set()


def _profiles(persons: Iterable[int]) -> list[Profile]:
    """Read what persons are compared by, those who were merged as one."""
    families = {members[0]: members for members in family(persons).values()}
    everybody = {one for members in families.values() for one in members}
    born: dict[int, set[date]] = defaultdict(set)
    names: dict[int, set[tuple[str, str]]] = defaultdict(set)
    contacts: dict[tuple[int, str], set[str]] = defaultdict(set)
    held: dict[int, set[rules.Number]] = defaultdict(set)
    standing = {"person__in": everybody, "withdrawn_at": None}
    for one, day in Birth.objects.filter(**standing).values_list("person", "born_on"):
        born[one].add(day)
    written = Name.objects.filter(**standing).values_list("person", "plain_given", "plain_family")
    for one, given, last in written:
        names[one].add((given, last))
    for one, kind, value in ContactPoint.objects.filter(**standing).values_list(
        "person", "kind", "plain"
    ):
        contacts[one, kind].add(value)
    for row in Identifier.objects.filter(person__in=everybody):
        held[row.person_id].add(rules.Number(row.system, row.kind, row.value))
    return [
        rules.Profile(
            survivor,
            frozenset().union(*(born[one] for one in members)),
            frozenset().union(*(names[one] for one in members)),
            frozenset().union(*(contacts[one, rules.EMAIL] for one in members)),
            frozenset().union(*(contacts[one, rules.PHONE] for one in members)),
            frozenset().union(*(held[one] for one in members)),
        )
        for survivor, members in families.items()
    ]


def find(text: str, *, on: date, limit: int = 20) -> list[Found]:
    """Find persons by a number, an e-mail address or the beginnings of their names.

    The number may be the register's own of a person, or any that a system gave them. Former
    names and addresses count. Whoever was merged is the survivor.
    """
    hits = resolve(_hits(text, limit)).values()
    return as_found(list(dict.fromkeys(hits))[:limit], on=on)


def as_found(wanted: Sequence[int], *, on: date) -> list[Found]:
    """Tell of persons in the few columns of a list, in their order."""
    told = known(wanted, on=on)
    students = numbers(wanted)
    staff = numbers(wanted, kind="staff")
    return [
        Found(
            one, told[one].given, told[one].family, next(iter(students[one]), ""),
            next(iter(staff[one]), ""), told[one].is_restricted,
        )
        for one in wanted
    ]  # fmt: skip


def _hits(text: str, limit: int) -> list[int]:
    asked = text.strip()
    if "@" in asked:
        plain = rules.plain_contact(rules.EMAIL, asked)
        rows = ContactPoint.objects.filter(kind=rules.EMAIL, plain=plain, withdrawn_at=None)
        return list(rows.order_by("person").values_list("person", flat=True).distinct()[:limit])
    numbered = Identifier.objects.filter(value=asked).order_by("person")
    found = list(numbered.values_list("person", flat=True).distinct()[:limit])
    if asked.isdecimal() and len(asked) <= _LONGEST:
        found += Person.objects.filter(pk=int(asked)).values_list("pk", flat=True)
    return found or _by_name(rules.plain(asked).split(), limit)


def _by_name(words: Sequence[str], limit: int) -> list[int]:
    """Find persons of whom each word begins a word of one name."""
    if not words:
        return []
    rows = Name.objects.filter(withdrawn_at=None)
    for word in words:
        rows = rows.filter(
            Q(plain_family__startswith=word) | Q(plain_given__startswith=word)
            | Q(plain_family__contains=f" {word}") | Q(plain_given__contains=f" {word}")
        )  # fmt: skip
    ordered = rows.order_by("plain_family", "plain_given", "person")
    # A person has few names: so many rows hold as many persons as are asked for.
    people = ordered.values_list("person", flat=True)[: limit * 4]
    return list(dict.fromkeys(people))[:limit]
