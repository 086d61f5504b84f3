"""Whoever was a student before is asked the same things, whichever door they come back by."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.acts.queries import act as act_of
from matricula.sis.admissions import actions as admissions
from matricula.sis.admissions.queries import Applicant
from matricula.sis.holds import actions as holds
from matricula.sis.holds.rules import Claim
from matricula.sis.lifecycle import actions
from matricula.sis.lifecycle.actions import Towards
from matricula.sis.registration import actions as registration
from matricula.sis.registration import queries
from matricula.sis.registration.actions import Attempt, Change
from tests.sis.conftest import agreed, doing
from tests.sis.enrolment.conftest import LATE, campus, on, student

__all__ = ["campus"]

# Left before anything was closed; back in spring, or behind the census that is over.
GONE, SPRING, BEHIND = date(2026, 9, 12), date(2027, 1, 25), date(2026, 9, 20)


def _former(*, how="withdraw"):
    """A student who left; the number."""
    number = student(term="")
    with doing(on(GONE, reason="disciplinary" if how == "dismiss" else "personal")) as act:
        found = queries.row(number, on=GONE)
        if how == "dismiss":
            registration.record(act, found, Change("suspend", GONE))
        last = GONE if how == "withdraw" else None
        registration.record(act, found, Change(how, GONE, last_attended_on=last))
    return number


def _person(number):
    return queries.student(number).person


def _directly(act, number, day):
    return registration.matriculate(act, _person(number), Attempt("BIO", "2026", "full", day))


def _readmitted(act, number, day):
    return actions.readmit(act, number, Towards("BIO", "2026"), effective_on=day)


def _applied(act, number, day):
    born_on = date(2004, 5, 1)
    who = Applicant("Amara", "Test", born_on, "amara@example.org", former_number=number)
    made = admissions.apply(act, who, admissions.Wish("BIO", "2026-2"), on=LATE).number
    for step in ("submit", "review"):
        admissions.record(act, made, step, on=LATE)
    admissions.offer(act, made, admissions.Offering(SPRING), on=LATE)
    admissions.record(act, made, "accept", on=LATE)
    same = admissions.Identity(same_as=_person(number))
    back = admissions.matriculate(act, made, same, admissions.Entry(day, "2026"))
    return queries.row(back, on=SPRING)


DOORS = pytest.mark.parametrize(
    ("door", "role"),
    [
        (_directly, "registrar"), (_directly, "admissions"), (_readmitted, "registrar"),
        (_applied, "admissions"),
    ],
    ids=["matriculate", "matriculate as Admissions", "readmit", "application"],
)  # fmt: skip


def _come_back(door, role, number, *, day=SPRING, approver=""):
    with doing(on(LATE, role, approver=approver)) as act:
        made = door(act, number, day)
    return made, act


def _second(number, role):
    return agreed("bela", f"student:{number}", role=role)


@DOORS
def test_whoever_left_comes_back_and_continues_what_they_left(campus, door, role):
    number = _former()

    made, act = _come_back(door, role, number)

    assert queries.number_of(made) == f"{number}/2"
    assert queries.number_of(made.predecessor) == f"{number}/1"
    assert act_of(act.act).approver == ""


@DOORS
def test_who_was_dismissed_comes_back_by_no_door_without_a_second_person(campus, door, role):
    number = _former(how="dismiss")

    with pytest.raises(Refused, match=f"M909: To take back {number} after a dismissal"):
        _come_back(door, role, number)
    made, act = _come_back(door, role, number, approver=_second(number, role))

    assert queries.number_of(made.predecessor) == f"{number}/1"
    assert act_of(act.act).approver == "bela"


@DOORS
def test_a_hold_that_blocks_bars_every_door_however_far_back_the_return_is_dated(
    campus, door, role
):
    number = _former()
    conduct = Claim(_person(number), "conduct", "disciplinary", "registry", LATE)
    with doing(on(LATE)) as act:
        holds.place(act, conduct)

    for day in (BEHIND, SPRING):
        with pytest.raises(Refused, match="M941") as refused:
            _come_back(door, role, number, day=day, approver=_second(number, role))
        assert refused.value.decided.service == "re-admission"

    assert len(queries.of_students([number], on=SPRING)) == 1


@DOORS
def test_nobody_comes_back_behind_a_census_without_a_second_person(campus, door, role):
    number = _former()

    with pytest.raises(Refused, match=rf"M909: To matriculate {number} from .*the census of"):
        _come_back(door, role, number, day=BEHIND)
    _, act = _come_back(door, role, number, day=BEHIND, approver=_second(number, role))

    assert act_of(act.act).approver == "bela"


@DOORS
def test_one_agreement_about_the_student_covers_a_dismissal_and_closed_days(campus, door, role):
    number = _former(how="dismiss")

    _, act = _come_back(door, role, number, day=BEHIND, approver=_second(number, role))

    assert [one.action for one in act.entries].count("use agreement") == 1


@DOORS
def test_who_is_here_does_not_come_back_beside_themselves(campus, door, role):
    number = student(term="")

    with pytest.raises(Refused, match=r"M912|M910"):
        _come_back(door, role, number)

    assert len(queries.of_students([number], on=SPRING)) == 1


def test_what_two_agreed_on_after_a_dismissal_is_not_asked_again_for_a_second_programme(campus):
    number = _former(how="dismiss")
    _come_back(_directly, "registrar", number, day=LATE, approver=_second(number, "registrar"))
    dual = replace(Attempt("CHE", "2026", "full", LATE), is_dual=True)

    with doing(on(LATE)) as act:
        made = registration.matriculate(act, _person(number), dual)

    assert made.predecessor is None


def test_a_dismissal_is_not_got_round_by_what_was_left_after_it(campus):
    number = student(term="")
    dual = replace(Attempt("CHE", "2026", "full", GONE), is_dual=True)
    with doing(on(GONE, reason="disciplinary")) as act:
        second = registration.matriculate(act, _person(number), dual)
        first = queries.row(f"{number}/1", on=GONE)
        registration.record(act, first, Change("suspend", GONE))
        registration.record(act, first, Change("dismiss", GONE))
        registration.record(act, second, Change("never start", LATE))

    with pytest.raises(Refused, match="after a dismissal"):
        _come_back(_directly, "registrar", number)


def test_of_several_that_were_left_the_last_one_is_continued(campus):
    number = student(term="")
    with doing(on(GONE, reason="personal")) as act:
        dual = replace(Attempt("CHE", "2026", "full", GONE), is_dual=True)
        second = registration.matriculate(act, _person(number), dual)
        registration.record(act, second, Change("never start", date(2026, 9, 13)))
        first = queries.row(f"{number}/1", on=GONE)
        leave = Change("withdraw", date(2026, 9, 14), last_attended_on=GONE)
        registration.record(act, first, leave)

    made, _ = _come_back(_directly, "registrar", number)

    assert queries.number_of(made.predecessor) == f"{number}/1"


def test_a_change_of_programme_asks_nothing_of_who_never_left(campus):
    number = student(term="")
    conduct = Claim(_person(number), "conduct", "disciplinary", "registry", GONE)
    with doing(on(GONE)) as act:
        holds.place(act, conduct)

    with doing(on(GONE, reason="programme")) as act:
        made = actions.change_programme(act, number, Towards("CHE", "2026"), effective_on=GONE)

    assert queries.number_of(made.predecessor) == f"{number}/1"


def test_nobody_goes_on_from_what_another_act_ended(campus):
    number = _former()
    before = queries.row(number, on=LATE)

    with pytest.raises(Refused, match="/1 is not ended by the same act"), doing(on(LATE)) as act:
        registration.go_on(act, before, Attempt("CHE", "2026", "full", LATE))
