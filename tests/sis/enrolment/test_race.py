"""Two hundred click at once on the last seat. On PostgreSQL: SQLite lets one write at a time."""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import Empty, SimpleQueue

import pytest
from django.db import connection, transaction

from matricula.audit.verify import verify
from matricula.kernel.errors import Refused
from matricula.sis.enrolment import actions, queries, rules
from matricula.sis.enrolment.models import Enrolment, EnrolmentEvent, TermRegistration
from matricula.sis.lifecycle import actions as lifecycle
from matricula.sis.registration.actions import Change
from tests.sis.conftest import doing
from tests.sis.enrolment.conftest import CHOOSING, act, enrol, on, student

STUDENTS, THREADS = 200, 20


@pytest.fixture
def crowd(transactional_db, campus):
    """Two hundred students who are registered in the term; gives their numbers."""
    if connection.vendor != "postgresql":
        pytest.skip("one at a time writes to SQLite; there is no race")
    numbers = [f"{place:08d}" for place in range(1, STUDENTS + 1)]
    TermRegistration.objects.bulk_create(
        TermRegistration(
            registration=int(number), student_no=number, attempt=1, person=int(number),
            programme="BIO", cohort="2026", term="2026-1", state=rules.REGISTERED, act="test",
            recorded_at=on(CHOOSING).at,
        )
        for number in numbers
    )  # fmt: skip
    return numbers


def at_once(clicks):
    """Do everything from several threads that begin together; gives what each click gave."""
    waiting, found, failed = SimpleQueue(), [], []
    for click in clicks:
        waiting.put(click)
    together = threading.Barrier(THREADS)

    def work():
        together.wait()
        try:
            while True:
                found.append(act(actions.add, *waiting.get_nowait()))
        except Empty:
            pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert failed == []
    return found


def test_of_two_hundred_who_click_on_the_last_seat_one_has_it_and_the_others_wait_in_order(crowd):
    # Every tenth clicks twice.
    clicks = [(number, "BIO101-1") for number in [*crowd, *crowd[::10]]]

    found = at_once(clicks)

    (seated,) = Enrolment.objects.filter(status=rules.ENROLLED)
    line = queries.waitlist("BIO101-1")
    came = EnrolmentEvent.objects.filter(action="wait").order_by("id")
    assert [one.rank for one in line] == list(range(1, STUDENTS))
    assert [one.student_no for one in line] == list(
        came.values_list("enrolment__student_no", flat=True)
    )
    assert EnrolmentEvent.objects.count() == STUDENTS
    assert sum(one.is_new for one in found) == STUDENTS
    assert enrol(seated.student_no, "BIO101-1").is_new is False
    assert verify().entries >= STUDENTS


def test_one_student_who_clicks_on_many_sections_at_once_stays_within_the_load(crowd):
    sections = ("MAT101-1", "PHY101-1", "BIO101-2", "CHE101-2")
    first = crowd[0]
    TermRegistration.objects.filter(student_no=first).update(load=rules.PART)

    refused = []

    def click(section):
        try:
            act(actions.add, first, section)
        except Exception as error:  # noqa: BLE001 - the load says no
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=(one,)) for one in sections]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert Enrolment.objects.filter(status=rules.ENROLLED).count() == 2
    assert len(refused) == 2
    assert all("part load is at most 45" in str(one) for one in refused)


def test_who_withdraws_is_not_registered_for_the_next_term_at_the_same_moment(
    transactional_db, campus
):
    if connection.vendor != "postgresql":
        pytest.skip("one at a time writes to SQLite; there is no race")
    number, withdrawn = student(), threading.Event()

    def register():
        withdrawn.wait()
        with suppress(Refused):
            act(actions.register_term, number, "2026-2")
        connection.close()

    late = threading.Thread(target=register)
    late.start()
    with transaction.atomic(), doing(on(CHOOSING, reason="personal")) as step:
        change = Change("withdraw", CHOOSING, last_attended_on=CHOOSING)
        lifecycle.happen(step, number, change)
        withdrawn.set()
        # They ask now, and get no answer before this act has ended.
        late.join(0.3)
        assert late.is_alive()
    late.join()

    left = TermRegistration.objects.filter(student_no=number).values_list("term", "state")
    assert dict(left).get("2026-2") != rules.REGISTERED
