"""Sets of rows get in as they are on both databases: what is empty, nothing, or odd letters."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from matricula.audit import sets
from matricula.sis.people.models import Birth, Name, Person

pytestmark = pytest.mark.django_db
AT = datetime(2026, 10, 14, 9, tzinfo=UTC)
ODD = ["", "NULL", '"', "\\N", "a,b", "O'Brien", "two\nlines", "静香", "\\."]


def _persons(count):
    return [Person.objects.create(act="test", recorded_at=AT).pk for _ in range(count)]


def _names(persons, values, ends):
    return pa.RecordBatch.from_pydict(
        {
            "person_id": persons, "kind": ["legal"] * len(values), "given": values,
            "family": values, "plain_given": values, "plain_family": values,
            "valid_from": [date(2026, 9, 1)] * len(values),
            "valid_to": pa.array(ends, pa.date32()), "act": ["test"] * len(values),
            "recorded_at": [AT.isoformat(" ")] * len(values),
        }
    )  # fmt: skip


def test_every_text_comes_back_as_it_went_in_and_nothing_stays_nothing():
    persons = _persons(len(ODD))
    ends = [None, date(2027, 1, 1)] + [None] * (len(ODD) - 2)

    count = sets.insert_arrow("people_name", [_names(persons, ODD, ends)])

    told = Name.objects.order_by("person").values_list("given", "valid_from", "valid_to")
    assert count == len(ODD)
    assert list(told) == [
        (given, date(2026, 9, 1), end) for given, end in zip(ODD, ends, strict=True)
    ]


def test_rows_of_several_batches_are_all_inserted_and_counted():
    batches = [_names([one], ["x"], [None]) for one in _persons(3)]

    assert sets.insert_arrow("people_name", iter(batches)) == 3
    assert Name.objects.count() == 3


def test_numbers_that_were_taken_are_nobody_elses():
    (before,) = _persons(1)

    first = sets.take_numbers("people_person", 3)
    rows = {
        "id": [first, first + 1, first + 2], "act": ["test"] * 3,
        "recorded_at": [AT.isoformat(" ")] * 3,
    }  # fmt: skip
    sets.insert_arrow("people_person", [pa.RecordBatch.from_pydict(rows)])
    (after,) = _persons(1)

    assert before < first
    assert after > first + 2


def test_rows_of_plain_values_get_in_as_well_and_none_are_no_statement(
    django_assert_num_queries,
):
    (person,) = _persons(1)

    sets.insert(
        "people_birth", ("person_id", "born_on", "act", "recorded_at"),
        [(person, "2005-05-01", "test", AT.isoformat(" "))],
    )  # fmt: skip

    with django_assert_num_queries(0):
        sets.insert("people_birth", ("person_id",), [])
    assert Birth.objects.get().born_on == date(2005, 5, 1)
