"""Many rows of the register are read apart from Django, and say the same as few do."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection

from matricula.connectors.kit.errors import TryAgain
from matricula.connectors.kit.protocol import Context
from matricula.connectors.sis import apart, rows
from matricula.connectors.sis.connector import RegisterConnector

STUDENTS = [
    {
        "student_no": f"{n:08d}", "legal_name": f"Ñusta “{n}” Łukasz", "given_name": "Ñusta",
        "family_name": "Łukasz", "display_name": "Ñusta", "email": None if n % 3 else "a@b.org",
        "born_on": None if n % 2 else date(2004, 2, 29), "status": "active",
        "status_since": date(2026, 9, 1), "affiliation": "student", "programme": "BIO",
        "intake": "2026", "is_restricted": bool(n % 2),
    }
    for n in range(25)
]  # fmt: skip


def _read(resource: str, folder) -> tuple[object, list[dict]]:
    connector = RegisterConnector(RegisterConnector.Settings(), Context("sis", folder))
    with connector.read(resource) as reading:
        batches = list(reading.batches)
    found = [row for batch in batches for row in batch.to_pylist()]
    assert all(batch.schema.equals(reading.schema) for batch in batches)
    return reading.schema, sorted(found, key=lambda row: row["_id"])


@pytest.mark.django_db(transaction=True)
def test_what_is_read_apart_is_what_the_transaction_would_read(tmp_path, monkeypatch):
    model = rows.TABLES["students"].model
    model._default_manager.bulk_create([model(**row) for row in STUDENTS])
    few = _read("students", tmp_path)

    monkeypatch.setattr(rows, "_MANY", 10)
    many = _read("students", tmp_path)

    assert many == few
    assert len(many[1]) == 25


@pytest.mark.django_db(transaction=True)
def test_keys_of_two_parts_are_joined_alike_either_way(tmp_path, monkeypatch):
    model = rows.TABLES["enrolments"].model
    model._default_manager.bulk_create(
        model(
            student_no=f"{n:08d}", section_code="A|B", state="enrolled",
            state_since=date(2026, 9, 1), has_access=True,
        )
        for n in range(12)
    )  # fmt: skip
    few = _read("enrolments", tmp_path)

    monkeypatch.setattr(rows, "_MANY", 10)
    many = _read("enrolments", tmp_path)

    assert many == few
    assert many[1][0]["_id"] == "00000000|A\\|B"


@pytest.mark.django_db(transaction=True)
def test_a_reading_that_cannot_be_had_is_for_later_and_never_taken_for_empty(
    tmp_path, monkeypatch
):
    model = rows.TABLES["students"].model
    model._default_manager.bulk_create([model(**row) for row in STUDENTS])
    monkeypatch.setattr(rows, "_MANY", 10)
    elsewhere = {**connection.settings_dict, "NAME": str(tmp_path / "nowhere")}
    real = apart.reading
    monkeypatch.setattr(rows.apart, "reading", lambda _, query: real(elsewhere, query))

    with pytest.raises(TryAgain):
        _read("students", tmp_path)


@pytest.mark.django_db(transaction=True)
def test_a_column_that_is_empty_for_long_and_then_is_not_is_read_to_its_end(tmp_path, monkeypatch):
    model = rows.TABLES["students"].model
    many = [
        {**STUDENTS[1], "student_no": f"{n:08d}", "email": None, "born_on": None}
        for n in range(1_500)
    ]
    last = {**STUDENTS[0], "student_no": "99999999", "email": "late@b.org"}
    model._default_manager.bulk_create(model(**row) for row in (*many, last))
    monkeypatch.setattr(rows, "_MANY", 10)

    _, found = _read("students", tmp_path)

    assert len(found) == 1_501
    assert (found[-1]["email"], found[-1]["born_on"]) == ("late@b.org", date(2004, 2, 29))
