"""Everything of enrolment that other rooms may read, one module for each subject."""

from __future__ import annotations

from matricula.sis.enrolment.queries.enrolled import (
    Enrolled,
    OnRoster,
    as_event,
    as_taken,
    enrolments_of,
    events,
    last_attended,
    of_act,
    of_students,
    passed,
    passed_by,
    records,
    roster,
    taken_by,
    touched_on,
)
from matricula.sis.enrolment.queries.in_terms import (
    InTerm,
    number_of,
    registered_in,
    term_events,
    term_events_of_act,
    term_registrations_of,
)
from matricula.sis.enrolment.queries.seating import (
    InLine,
    due,
    seats,
    waitlist,
)

__all__ = [
    "Enrolled", "InLine", "InTerm", "OnRoster", "as_event", "as_taken", "due", "enrolments_of",
    "events", "last_attended", "number_of", "of_act", "of_students", "passed", "passed_by",
    "records", "registered_in", "roster", "seats", "taken_by", "term_events", "term_events_of_act",
    "term_registrations_of", "touched_on", "waitlist",
]  # fmt: skip
