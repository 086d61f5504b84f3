"""Students and registrations in sets: many come in at once, and are looked for at once.

Whether rows may come in is judged by who calls; what comes here is written as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.sis.acts import loading as acts
from matricula.sis.people import queries as people
from matricula.sis.registration.models import Registration, RegistrationEvent, Student

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from django.db.models import Model

    from matricula.sis.acts.actions import Doing

TABLES: Mapping[str, type[Model]] = {
    "students": Student,
    "registrations": Registration,
    "registration_events": RegistrationEvent,
}


def take_numbers(table: str, count: int) -> int:
    """Take so many numbers for rows of a table; give the first."""
    return acts.take_numbers(TABLES[table], count)


def insert(doing: Doing, table: str, rows: Iterable[pa.RecordBatch]) -> int:
    """Insert rows of one of `TABLES` in the name of an act; columns as the table's own."""
    return acts.insert(doing, TABLES[table], rows)


def students_there(persons: Iterable[int]) -> Iterator[pa.RecordBatch]:
    """Say which persons are students: `person_id`, `id` and `number`.

    Of somebody merged it is the student whose number goes on.
    """
    families = people.family(persons)
    owner = {member: one for one, members in families.items() for member in members}
    place = {one: nth for members in families.values() for nth, one in enumerate(members)}
    found: dict[int, tuple[int, int, str]] = {}
    for part in acts.some(owner):
        for one in Student.objects.filter(person__in=part):
            mine = (place[one.person], one.pk, one.number)
            found[owner[one.person]] = min(mine, found.get(owner[one.person], mine))
    yield pa.RecordBatch.from_pydict(
        {
            "person_id": pa.array(list(found), pa.int64()),
            "id": pa.array([number for _, number, _ in found.values()], pa.int64()),
            "number": pa.array([number for *_, number in found.values()], pa.string()),
        }
    )


def there(students: Iterable[int]) -> Iterator[pa.RecordBatch]:
    """Tell of the registrations of students, by the students' own numbers."""
    columns = {
        "id": "id", "student_id": "student", "attempt": "attempt", "programme": "programme",
        "cohort": "cohort", "curriculum": "curriculum", "mode": "mode",
    }  # fmt: skip
    yield from acts.there(Registration.objects.all(), columns, ("student", students))


def histories(registrations: Iterable[int]) -> Iterator[pa.RecordBatch]:
    """Give the events of registrations, by the registrations' own numbers."""
    columns = {
        "owner": "registration", "id": "id", "action": "action", "effective_on": "effective_on",
        "supersedes": "supersedes",
    }  # fmt: skip
    yield from acts.there(
        RegistrationEvent.objects.all(), columns, ("registration", registrations)
    )
