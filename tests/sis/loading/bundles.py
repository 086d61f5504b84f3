"""Small bundles for the tests of loading: rows written out, in the words of `rules.TABLES`."""

from __future__ import annotations

import pyarrow as pa
from django.db import transaction

from matricula.sis.loading.actions import Bundle, load
from tests.sis.conftest import doing

TERM = {
    "code": "2026-1", "title": "Autumn 2026", "starts_on": "2026-09-01", "ends_on": "2026-12-14",
    "register_from": "2026-06-01", "add_until": "2026-09-14", "drop_until": "2026-09-21",
    "census_on": "2026-09-28", "withdraw_until": "2026-11-15", "marks_due_on": "2027-01-05",
    "board_on": "2027-01-12",
}  # fmt: skip
TAUGHT = {
    "departments": [{"code": "SCI", "title": "Science"}],
    "campuses": [{"code": "MAIN", "title": "Main campus", "timezone": "Europe/London"}],
    "rooms": [{"code": "M1", "campus": "MAIN", "seats": "40"}],
    "programmes": [
        {"code": "BIO", "title": "Biology", "department": "SCI", "award": "BSc", "terms": "6"}
    ],
    "curricula": [
        {"programme": "BIO", "version": "1", "from_cohort": "2020", "credits": "180"}
    ],
    "modules": [{"code": "BIO101", "department": "SCI"}],
    "module_versions": [
        {"module": "BIO101", "starts_on": "2020-09-01", "title": "Cells", "credits": "15",
         "level": "4"}
    ],
    "terms": [TERM],
    "refund_bands": [{"term": "2026-1", "until_on": "2026-09-28", "percent": "50"}],
    "sections": [
        {"section": "BIO101-26", "module": "BIO101", "term": "2026-1", "campus": "MAIN",
         "capacity": "30"}
    ],
    "section_events": [
        {"section": "BIO101-26", "action": "plan", "effective_on": "2026-05-01"},
        {"section": "BIO101-26", "action": "open", "effective_on": "2026-06-01"},
    ],
    "meetings": [
        {"section": "BIO101-26", "room": "M1", "weekday": "1", "starts_at": "09:00",
         "ends_at": "10:30", "valid_from": "2026-09-01", "valid_to": "2026-12-14"}
    ],
}  # fmt: skip
AMARA = {
    "persons": [
        {"person": "a", "given": "Amara", "family": "Okafor", "born_on": "2005-05-01",
         "email": "amara@example.org", "since": "2026-09-01"}
    ],
    "numbers": [
        {"person": "a", "system": "old", "kind": "student", "value": "A-1",
         "since": "2026-09-01"}
    ],
    "students": [{"person": "a", "matriculated_on": "2026-09-01"}],
    "registrations": [
        {"registration": "r1", "person": "a", "programme": "BIO", "cohort": "2026",
         "mode": "full"}
    ],
    "registration_events": [
        {"registration": "r1", "action": "admit", "effective_on": "2026-08-01"},
        {"registration": "r1", "action": "start", "effective_on": "2026-09-01"},
    ],
    "term_registrations": [{"registration": "r1", "term": "2026-1", "load": "full"}],
    "term_registration_events": [
        {"registration": "r1", "term": "2026-1", "action": "find eligible",
         "effective_on": "2026-08-20"},
        {"registration": "r1", "term": "2026-1", "action": "register",
         "effective_on": "2026-09-01"},
    ],
    "enrolments": [{"registration": "r1", "section": "BIO101-26"}],
    "enrolment_events": [
        {"registration": "r1", "section": "BIO101-26", "action": "enrol",
         "effective_on": "2026-09-01"}
    ],
}  # fmt: skip


def amara_as(suffix):
    """Amara again as somebody else: other keys, another number, name and address."""
    keys = {"a": f"a{suffix}", "r1": f"r{suffix}", "A-1": f"A-{suffix}", "Amara": f"Amara{suffix}",
            "amara@example.org": f"amara{suffix}@example.org"}  # fmt: skip
    return {
        name: [{column: keys.get(cell, cell) for column, cell in row.items()} for row in rows]
        for name, rows in AMARA.items()
    }


def whole(*parts, **more):
    """Put parts of a bundle together; tables of `more` are added to or, with None, left out."""
    found = {}
    for part in (*parts, more):
        for name, rows in part.items():
            if rows is None:
                found.pop(name, None)
            else:
                found.setdefault(name, []).extend(rows)
    return found


def pieces(tables):
    """Give the tables as they come: texts, each row with its place."""
    for name, rows in tables.items():
        columns = sorted({column for row in rows for column in row})
        yield name, pa.table(
            {
                **{column: pa.array([row.get(column) for row in rows], pa.string())
                   for column in columns},
                "place": [f"{name}.csv:{line}" for line in range(2, len(rows) + 2)],
            }
        )  # fmt: skip


def loaded(tables, *, source="old", new=(), preview=False, **who):
    """Load a bundle as the registrar; nothing is kept of a preview."""
    with transaction.atomic():
        with doing(**who) as act:
            act.is_preview = preview
            found = load(act, Bundle(source, pieces(tables), new=new))
        transaction.set_rollback(preview)
    return found


def said(found):
    """What was found: place, code and field."""
    rows = found.found.to_pylist()
    codes = [finding.code for finding in found.findings()]
    return [(row["place"], code, row["field"]) for row, code in zip(rows, codes, strict=True)]


def taken(found):
    """How many rows were taken of each table of which any was."""
    return {one.table: one.taken for one in found.counts if one.taken}
