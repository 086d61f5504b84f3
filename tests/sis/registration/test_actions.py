"""Registrations in the database: what is recorded stands, what does not fit is refused whole."""

from __future__ import annotations

from datetime import date

import pytest

from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.people import actions as people
from matricula.sis.registration import access, actions, queries
from tests.sis.conftest import TODAY, acting, doing

SEPTEMBER = date(2026, 9, 1)


def _amara(register, *, programme="BIO"):
    """Matriculate Amara and have her start."""
    with doing() as act:
        person = people.register(
            act, people.Described("Amara", "Okafor", date(2004, 5, 1)), on=SEPTEMBER
        )
        made = actions.matriculate(
            act, person.pk, actions.Attempt(programme, "2026", "full", SEPTEMBER)
        )
        actions.record(act, made, actions.Change("start", SEPTEMBER))
    return made


def _record(registration, action, on, **told):
    reason = told.pop("reason", "")
    with doing(reason=reason) as act:
        return actions.record(act, registration, actions.Change(action, on, **told))


def _state(on=TODAY, number="00000001"):
    (found,) = queries.of_students([number], on=on)
    return found.standing.state


def test_a_first_student_gets_the_first_number_and_is_active_from_the_day_of_the_start(register):
    _amara(register)

    assert _state() == "active"
    assert _state(on=date(2026, 8, 31)) == ""


def test_a_withdrawal_counts_from_its_day_and_keeps_the_last_day_of_attendance(register):
    amara = _amara(register)

    event = _record(
        amara, "withdraw", date(2026, 10, 10), reason="personal",
        last_attended_on=date(2026, 10, 8),
    )  # fmt: skip

    assert event.last_attended_on == date(2026, 10, 8)
    assert _state(on=date(2026, 10, 9)) == "active"
    assert _state(on=date(2026, 10, 10)) == "withdrawn"


def test_a_withdrawal_without_its_last_day_of_attendance_is_refused_and_nothing_is_kept(register):
    amara = _amara(register)

    with pytest.raises(Refused, match="last day of attendance"):
        _record(amara, "withdraw", date(2026, 10, 10), reason="personal")

    assert _state() == "active"


def test_what_was_reversed_stands_no_more_and_the_reversal_of_that_lets_it_stand_again(register):
    amara = _amara(register)
    event = _record(
        amara, "withdraw", date(2026, 10, 10), reason="personal",
        last_attended_on=date(2026, 10, 8),
    )  # fmt: skip

    with doing() as act:
        (back,) = actions.reverse(act, event.act)
    after_one = _state()
    with doing() as act:
        actions.reverse(act, back.act)

    assert after_one == "active"
    assert _state() == "withdrawn"


def test_an_earlier_event_that_would_make_a_later_one_illegal_is_refused(register):
    amara = _amara(register)
    _record(amara, "leave", date(2026, 10, 12), reason="health", ends_on=date(2027, 1, 10))

    with pytest.raises(Refused, match="it is recorded to leave"):
        _record(
            amara, "withdraw", date(2026, 10, 10), reason="personal",
            last_attended_on=date(2026, 10, 8),
        )  # fmt: skip

    assert _state() == "on leave"


def test_two_registrations_do_not_run_side_by_side(register):
    amara = _amara(register)

    with pytest.raises(Refused, match="registered under 00000001/1 as well"), doing() as act:
        actions.matriculate(
            act, amara.student.person, actions.Attempt("CHE", "2026", "full", TODAY)
        )

    assert len(queries.of_students(["00000001"], on=TODAY)) == 1


def test_whoever_comes_back_keeps_the_number_and_gets_another_registration(register):
    amara = _amara(register)
    _record(
        amara, "withdraw", date(2026, 10, 10), reason="personal",
        last_attended_on=date(2026, 10, 8),
    )  # fmt: skip

    with doing() as act:
        again = actions.matriculate(
            act, amara.student.person,
            actions.Attempt("BIO", "2027", "full", date(2027, 9, 1)),
        )  # fmt: skip

    assert queries.number_of(again) == "00000001/2"
    assert again.predecessor == amara


def test_what_was_done_stands_in_the_audit_under_the_students_number(register):
    _amara(register)

    done = [entry.action for entry in audited("student", "00000001")]

    assert sorted(done) == ["admit", "start"]


@pytest.mark.parametrize(
    ("role", "scope", "value"),
    [("registrar", "programme", "CHE"), ("bursar", "all", ""), ("student", "own", "")],
)
def test_whoever_has_no_grant_for_it_does_not_reach_the_registration(register, role, scope, value):
    _amara(register)

    with pytest.raises(Refused) as refused:
        access.registration(acting(role, scope, value), "00000001", to="record an event")

    assert refused.value.code == "M903"
