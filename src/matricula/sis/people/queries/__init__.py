"""Persons as other rooms may read them, one module for each subject."""

from __future__ import annotations

from matricula.sis.people.queries.alike import Found, alike, as_found, find
from matricula.sis.people.queries.identity import (
    family,
    holder,
    holders,
    numbers,
    person,
    resolve,
)
from matricula.sis.people.queries.staff import (
    OnDuty,
    duties,
    staff_member,
    staff_of,
    staff_records,
    staff_touched_on,
    standing_duties,
)
from matricula.sis.people.queries.told import Fact, Known, facts, known, touched_on, wishes

__all__ = [
    "Fact", "Found", "Known", "OnDuty", "alike", "as_found", "duties", "facts", "family", "find",
    "holder", "holders", "known", "numbers", "person", "resolve", "staff_member", "staff_of",
    "staff_records", "staff_touched_on", "standing_duties", "touched_on", "wishes",
]  # fmt: skip
