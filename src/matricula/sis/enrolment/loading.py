"""Term registrations and enrolments in sets: many come in at once, and are looked for at once.

Whether rows may come in is judged by who calls; what comes here is written as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.sis.acts import loading as acts
from matricula.sis.enrolment import rules
from matricula.sis.enrolment.models import (
    Enrolment,
    EnrolmentEvent,
    TermRegistration,
    TermRegistrationEvent,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from django.db.models import Model

    from matricula.sis.acts.actions import Doing

TABLES: Mapping[str, type[Model]] = {
    "term_registrations": TermRegistration,
    "term_registration_events": TermRegistrationEvent,
    "enrolments": Enrolment,
    "enrolment_events": EnrolmentEvent,
}


def take_numbers(table: str, count: int) -> int:
    """Take so many numbers for rows of a table; give the first."""
    return acts.take_numbers(TABLES[table], count)


def insert(doing: Doing, table: str, rows: Iterable[pa.RecordBatch]) -> int:
    """Insert rows of one of `TABLES` in the name of an act; columns as the table's own."""
    return acts.insert(doing, TABLES[table], rows)


def terms_there(registrations: Iterable[int]) -> Iterator[pa.RecordBatch]:
    """Tell of the term registrations of registrations, by the registrations' own numbers."""
    columns = {
        "id": "id", "registration_id": "registration", "term": "term", "load": "load",
        "fee_category": "fee_category",
    }  # fmt: skip
    yield from acts.there(TermRegistration.objects.all(), columns, ("registration", registrations))


def there(students: Iterable[str]) -> Iterator[pa.RecordBatch]:
    """Tell of the enrolments of students, by the students' numbers."""
    columns = {
        "id": "id", "term_registration_id": "term_registration", "student_no": "student_no",
        "section": "section", "module": "module", "credits": "credits", "basis": "basis",
        "status": "status",
    }  # fmt: skip
    yield from acts.there(Enrolment.objects.all(), columns, ("student_no", students))


def term_histories(term_registrations: Iterable[int]) -> Iterator[pa.RecordBatch]:
    """Give the events of term registrations, by their own numbers."""
    columns = {
        "owner": "term_registration", "id": "id", "action": "action",
        "effective_on": "effective_on", "supersedes": "supersedes",
    }  # fmt: skip
    rows = TermRegistrationEvent.objects.all()
    yield from acts.there(rows, columns, ("term_registration", term_registrations))


def histories(enrolments: Iterable[int]) -> Iterator[pa.RecordBatch]:
    """Give the events of enrolments, by the enrolments' own numbers."""
    columns = {
        "owner": "enrolment", "id": "id", "action": "action", "effective_on": "effective_on",
        "supersedes": "supersedes",
    }  # fmt: skip
    yield from acts.there(EnrolmentEvent.objects.all(), columns, ("enrolment", enrolments))


def records(rows: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Tell of enrolments as the record keeps them, exactly as `queries.records` does.

    Args:
        rows: `student_no`, `section_code`, `status` on the day and `since` when; of one student
            in one section one row.
    """
    for batch in rows:
        told = batch["status"].dictionary_encode()
        statuses = [str(one) for one in told.dictionary.to_pylist()]
        states = pa.array([rules.TOLD_AS[one] for one in statuses], pa.string())
        access = pa.array([rules.STATUSES[one].has_lms_access for one in statuses], pa.bool_())
        yield pa.RecordBatch.from_pydict(
            {
                "student_no": batch["student_no"], "section_code": batch["section_code"],
                "state": states.take(told.indices), "state_since": batch["since"],
                "has_access": access.take(told.indices),
                "final_mark": pa.nulls(batch.num_rows, pa.string()),
            }
        )  # fmt: skip
