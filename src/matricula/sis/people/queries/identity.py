"""Who is who: persons by their numbers, and persons who were merged."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.sis.people.models import Identifier, Merge, Person
from matricula.sis.people.queries.held import thought

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime


def person(number: int) -> Person:
    """Find a person by number.

    Raises:
        Refused: There is none (M931).
    """
    found = Person.objects.filter(pk=number).first()
    if found is None:
        raise Refused(
            "M931", f"There is no person {number}.",
            cure="Look them up: `matricula register person find`.",
        )  # fmt: skip
    return found


def resolve(persons: Iterable[int], *, known_at: datetime | None = None) -> dict[int, int]:
    """Say for each person who it is, as known now or at an instant.

    Whoever was merged is the survivor, over as many merges as there were; everybody else is
    themselves. Numbers that nobody has stand for themselves, too.
    """
    found = {one: one for one in persons}
    asked = set(found)
    while asked:
        rows = thought(Merge.objects.filter(merged__in=asked), known_at, until="undone_at")
        into = dict(rows.values_list("merged", "survivor"))
        found = {one: into.get(at, at) for one, at in found.items()}
        asked = set(into.values())
    return found


def family(
    persons: Iterable[int], *, known_at: datetime | None = None
) -> dict[int, tuple[int, ...]]:
    """Give for each person all numbers under which they are known, the survivor's first."""
    survivors = resolve(persons, known_at=known_at)
    held: dict[int, list[int]] = {one: [one] for one in survivors.values()}
    root = {one: one for one in held}
    asked = set(held)
    while asked:
        rows = thought(Merge.objects.filter(survivor__in=asked), known_at, until="undone_at")
        merged = dict(rows.order_by("id").values_list("merged", "survivor"))
        for one, into in merged.items():
            root[one] = root[into]
            held[root[one]].append(one)
        asked = set(merged)
    return {one: tuple(held[survivor]) for one, survivor in survivors.items()}


def holder(system: str, kind: str, value: str) -> int | None:
    """Say who holds a number of a system; whoever was merged is the survivor."""
    found = Identifier.objects.filter(system=system, kind=kind, value=value).first()
    return resolve([found.person_id])[found.person_id] if found else None


def holders(system: str, kind: str, values: Iterable[str]) -> dict[str, int]:
    """Say who holds numbers of a system, those that somebody holds; `holder` for each of them."""
    rows = Identifier.objects.filter(system=system, kind=kind, value__in=list(values))
    held = dict(rows.values_list("value", "person"))
    survivors = resolve(held.values())
    return {value: survivors[person] for value, person in held.items()}


def numbers(
    persons: Iterable[int], *, system: str = "sis", kind: str = "student"
) -> dict[int, tuple[str, ...]]:
    """Give the numbers of persons of one kind, the one that goes on first.

    Somebody merged has those of everybody they are; the survivor's own come first.
    """
    families = family(persons)
    everybody = {one for members in families.values() for one in members}
    held: dict[int, list[str]] = defaultdict(list)
    rows = Identifier.objects.filter(person__in=everybody, system=system, kind=kind)
    for owner, value in rows.order_by("id").values_list("person", "value"):
        held[owner].append(value)
    return {
        one: tuple(value for member in members for value in held[member])
        for one, members in families.items()
    }
