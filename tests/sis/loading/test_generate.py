"""The made-up university: believable, legal by the rules, and the same for the same seed."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta

import pytest
from django.db import transaction

from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.curriculum import rules as sections
from matricula.sis.enrolment import queries as enrolment
from matricula.sis.enrolment import rules as enrolments
from matricula.sis.enrolment.models import Enrolment, EnrolmentEvent, TermRegistration
from matricula.sis.loading.actions import generate
from matricula.sis.loading.generate import university as made_up
from matricula.sis.loading.generate.plan import Size
from matricula.sis.people.models import Name
from matricula.sis.record import actions as record
from matricula.sis.registration import queries as registration
from matricula.sis.registration import rules as registrations
from matricula.sis.registration.models import Registration, Student
from matricula.sis.teaching import rules as teaching
from matricula.sis.teaching.models import Assignment
from tests.sis.conftest import TODAY, acting, doing

pytestmark = pytest.mark.django_db
SIZE = Size(students=300, terms=5, seed=7, today=TODAY)


@pytest.fixture(scope="module")
def university(django_db_setup, django_db_blocker):
    """A university of 300 students and five terms, made once for the tests of this file."""
    with django_db_blocker.unblock(), transaction.atomic():
        with doing() as act:
            found = generate(act, SIZE)
        yield found
        transaction.set_rollback(True)


def _rows(size):
    """All rows of a university, table by table."""
    found = defaultdict(list)
    for name, rows in made_up.pieces(size):
        found[name] += rows.to_pylist()
    return found


def test_every_row_that_was_made_up_is_taken(university):
    assert list(university.findings()) == []
    assert [one for one in university.counts if one.taken != one.rows] == []


def test_every_registration_is_a_legal_walk(university):
    histories = registration.events(Registration.objects.values_list("pk", flat=True))

    wrong = [number for number, events in histories.items() if registrations.walk(events)[1]]

    assert len(histories) >= 300
    assert wrong == []


def test_every_event_says_what_an_ordinary_act_asks_for(university):
    histories = registration.events(Registration.objects.values_list("pk", flat=True))

    lacking = {
        check.what
        for events in histories.values()
        for place, event in enumerate(events)
        for check in registrations.checks(events[:place], event)
    }

    assert lacking == set()


def test_every_term_registration_and_enrolment_is_a_legal_walk_with_all_it_needs(university):
    every = [
        (enrolments.TERMS, enrolment.term_events(
            TermRegistration.objects.values_list("pk", flat=True))),
        (enrolments.ENROLMENTS, enrolment.events(Enrolment.objects.values_list("pk", flat=True))),
    ]  # fmt: skip

    lacking = {
        check.what
        for machine, histories in every
        for events in histories.values()
        for place, event in enumerate(events)
        for check in enrolments.event_checks(machine, events[:place], event)
    }

    assert lacking == set()


def test_no_two_registrations_of_a_student_run_side_by_side(university):
    histories = registration.events(Registration.objects.values_list("pk", flat=True))
    of = defaultdict(list)
    for number, student in Registration.objects.values_list("pk", "student"):
        of[student].append(registrations.live_stretches(histories[number]))

    several = [stretches for stretches in of.values() if len(stretches) > 1]

    assert [one for one in several if registrations.overlap(one[0], one[1])] == []


def test_nothing_that_was_made_up_is_still_to_come(university):
    last = EnrolmentEvent.objects.order_by("-effective_on").first()

    assert last.effective_on <= TODAY


def test_what_rows_say_is_what_their_events_lead_to(university):
    histories = enrolment.events(Enrolment.objects.values_list("pk", flat=True))
    rows = Enrolment.objects.in_bulk()

    led = {
        number: enrolments.state_on(enrolments.ENROLMENTS, events)
        for number, events in histories.items()
    }

    assert {number: (one.status, one.grade) for number, one in rows.items()} == {
        number: (one.state, one.grade) for number, one in led.items()
    }


def test_the_record_says_already_what_refreshing_it_would_say(university):
    keys = {
        "student": Student.objects.values_list("number", flat=True),
        "section": curriculum_sections(),
        "term": [one.code for one in curriculum.terms()],
        "staff": Assignment.objects.values_list("staff_no", flat=True),
        "teaching": Assignment.objects.values_list("staff_no", flat=True),
        "enrolment": [
            f"{number}|{section}"
            for number, section in Enrolment.objects.values_list("student_no", "section")
        ],
    }

    changed = record.refresh({kind: set(some) for kind, some in keys.items()}, on=TODAY)

    assert changed == []


def curriculum_sections():
    return [code for one in curriculum.terms() for code in curriculum.sections_of(one.code)]


def test_the_last_term_is_running_and_some_wait_for_a_seat_in_it(university):
    (running,) = curriculum.terms_on(TODAY)
    codes = curriculum.sections_of(running.code)

    seats = enrolment.seats(codes, at=acting().at, on=TODAY)
    taught = curriculum.sections(codes)

    crowded = [code for code, one in seats.items() if one.waiting]
    assert crowded
    assert [code for code in crowded if seats[code].free(taught[code].capacity)] == []
    assert [c for c, one in seats.items() if one.taken > taught[c].capacity] == []


def test_students_leave_come_back_withdraw_and_complete(university):
    told = registration.of_students(
        list(Student.objects.values_list("number", flat=True)), on=TODAY
    )

    states = Counter(one.standing.state for one in told)

    assert {"active", "on leave", "withdrawn", "awarded", "never started"} <= set(states)


def test_nobody_is_asked_to_be_in_two_places(university):
    busy = defaultdict(list)
    for number, section in Enrolment.objects.filter(status="enrolled").values_list(
        "student_no", "section"
    ):
        busy[number].append(section)
    taught = curriculum.sections({section for some in busy.values() for section in some})

    clashes = [sections.clashes([taught[one] for one in some]) for some in busy.values()]

    assert [one for one in clashes if one] == []


def test_nobody_teaches_in_two_places_and_everybody_may_hold_their_duty(university):
    held = defaultdict(list)
    for one in Assignment.objects.all():
        held[one.staff_no].append(
            teaching.Held(one.section, one.staff_no, one.duty, one.starts_on, one.ends_on)
        )
    taught = curriculum.sections({one.section for some in held.values() for one in some})

    found = [
        check.what
        for some in held.values()
        for one in some
        if one.duty == teaching.LEAD
        for check in teaching.checks(
            one,
            teaching.Around(
                [other for other in some if other is not one and other.section == one.section],
                [(one.starts_on - timedelta(days=1), None)],
                teaching.at_the_same_time(
                    one, [o for o in some if o is not one and o.duty == teaching.LEAD], taught
                ),
            ),
        )
    ]

    assert found == []


def test_names_come_from_many_scripts_and_are_found_in_plain_letters(university):
    names = set(Name.objects.values_list("family", "plain_family"))

    assert ("Sørensen", "sorensen") in names
    assert any(not family.isascii() and family == plain for family, plain in names)


def test_the_audit_has_one_entry_for_each_set_with_how_many_rows_it_has(university):
    taken = {one.table: one.taken for one in university.counts}
    (act,) = set(Student.objects.values_list("act", flat=True))

    entries = audited("load", act)

    told = {entry.action.removeprefix("load "): entry for entry in entries}
    assert set(told) == set(taken)


def test_the_same_seed_makes_the_same_rows_and_another_seed_others():
    small = Size(students=40, terms=3, seed=1, today=TODAY)

    again = _rows(small)

    assert again == _rows(small)
    assert again["persons"] != _rows(Size(40, 3, 2, TODAY))["persons"]


def test_people_are_not_made_up_where_there_are_people(university):
    with pytest.raises(Refused, match="There are people") as refused, doing() as act:
        generate(act, SIZE)

    assert refused.value.code == "M998"


def test_only_a_registrar_of_everything_makes_people_up():
    who = acting("registrar", "programme", "BIO")

    with pytest.raises(Refused) as refused, doing(who) as act:
        generate(act, SIZE)

    assert refused.value.code == "M903"
