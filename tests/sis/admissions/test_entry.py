"""Matriculation: a fulfilled offer, an identity that a person settled, one number for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.acts.queries import about
from matricula.sis.admissions import actions, queries
from matricula.sis.holds import actions as holds
from matricula.sis.holds.rules import Claim
from matricula.sis.lifecycle import actions as life
from matricula.sis.people import actions as people
from matricula.sis.people import queries as persons
from matricula.sis.registration import actions as registration
from matricula.sis.registration import queries as registrations
from tests.sis.admissions.conftest import (
    AMARA,
    WISH,
    accepted,
    admissions,
    applied,
    matriculated,
    offered,
    state,
    step,
    told,
)
from tests.sis.conftest import TODAY, agreed, doing

TERM = date(2027, 9, 6)
# Who Amara was when she studied here before: another surname, another address.
BEFORE = people.Described("Amara", "Eze", date(2004, 5, 1), "amara.eze@example.org")
SEPTEMBER = date(2024, 9, 2)


def _with_second(number):
    """Bo agreed beforehand to an act about an application."""
    return {"approver": agreed("bo", f"application:{number}")}


def _with_student(number):
    """Bo agreed beforehand to an act about a student."""
    return {"approver": agreed("bo", f"student:{number}")}


def _former(*, ends="withdraw", **told_of_end):
    """A student who left: the registration, and who they were then."""
    then = {"at": datetime(2025, 2, 1, 9, tzinfo=UTC), "today": date(2025, 2, 1)}
    with doing(reason=told_of_end.pop("reason", "personal"), **then) as act:
        person = people.register(act, BEFORE, on=SEPTEMBER)
        made = registration.matriculate(
            act, person.pk, registration.Attempt("BIO", "2024", "full", SEPTEMBER)
        )
        registration.record(act, made, registration.Change("start", SEPTEMBER))
        if ends == "dismiss":
            registration.record(act, made, registration.Change("suspend", date(2025, 1, 10)))
        change = registration.Change(
            ends, date(2025, 2, 1),
            last_attended_on=date(2025, 1, 31) if ends == "withdraw" else None,
        )  # fmt: skip
        registration.record(act, made, change)
    return made


def _standing(number, on=TERM):
    return {one.number: one.standing.state for one in registrations.of_students([number], on=on)}


def _candidates(number):
    return {one.person: one.strength for one in queries.candidates(told(number).applicant)}


def test_an_applicant_becomes_a_student_from_the_first_day_of_the_term(office):
    number = accepted()

    made = matriculated(number, is_new=True)

    assert registrations.number_of(made) == "00000001/1"
    assert (made.programme, made.cohort, made.mode) == ("BIO", "2027", "full")
    assert _standing("00000001") == {"00000001/1": "admitted"}
    assert _standing("00000001", on=TERM - timedelta(days=1)) == {"00000001/1": ""}
    assert state(number) == "matriculated"
    assert told(number).persons == {made.student.person}
    assert [one.action for one in about("student", "00000001")] == ["matriculate"]


def test_a_student_may_begin_on_another_day_in_another_cohort_until_another(office):
    entry = actions.Entry(date(2027, 9, 20), "2026", date(2030, 6, 30))

    made = matriculated(accepted(), entry=entry, is_new=True)

    assert (made.cohort, made.expected_end_on) == ("2026", date(2030, 6, 30))
    assert _standing("00000001", on=date(2027, 9, 19)) == {"00000001/1": ""}


def test_nobody_is_matriculated_before_the_place_is_accepted_fulfilled_and_paid_for(office):
    only_offered = offered()
    open_ = accepted(conditions=("Maths at B",), deposit=50000)

    with pytest.raises(Refused, match=r"the application is offered.*asks for: accepted"):
        matriculated(only_offered, is_new=True)
    with pytest.raises(Refused, match=r"Condition 1 is open: Maths at B \(1 more\)"):
        matriculated(open_, is_new=True)

    assert registrations.of_students(["00000001"], on=TERM) == []
    assert state(open_) == "accepted"


def test_an_unpaid_deposit_blocks_by_one_policy_and_is_told_of_by_the_other(office):
    number = accepted(deposit=50000)

    with pytest.raises(Refused, match=r"Of the deposit 500\.00 GBP is not paid"):
        matriculated(number, is_new=True)
    with admissions(policy="open") as act:
        actions.matriculate(act, number, actions.Identity(is_new=True))

    assert f"{number}: Of the deposit 500.00 GBP is not paid." in act.left
    assert state(number) == "matriculated"


def test_nobody_becomes_a_student_before_somebody_said_who_it_is(office):
    number = accepted()

    with pytest.raises(Refused, match=r"M954.*Nobody like .* is there yet.*--new"):
        matriculated(number)
    with pytest.raises(Refused, match="M954"):
        matriculated(number, same_as=1, is_new=True)

    assert state(number) == "accepted"


def test_a_former_student_is_found_in_spite_of_a_new_surname_and_address(office):
    was = _former()
    by_birth_and_name = applied()
    by_address = applied(replace(AMARA, given="A.", email="Amara.Eze@example.org"))
    by_number = applied(
        replace(AMARA, given="Adaeze", born_on=date(1999, 1, 1), former_number="00000001")
    )
    by_former_name = applied(replace(AMARA, given="Ada", former_family="Eze"))
    nobody = applied(replace(AMARA, given="Chidi", born_on=date(1999, 1, 1)))

    person = was.student.person
    assert _candidates(by_birth_and_name) == {person: "weak"}
    assert _candidates(by_address) == {person: "strong"}
    assert _candidates(by_number) == {person: "strong"}
    assert set(_candidates(by_former_name)) <= {person}
    assert _candidates(nobody) == {}


def test_whoever_comes_back_keeps_the_number_and_continues_what_they_left(office):
    was = _former()
    number = accepted()

    with pytest.raises(Refused, match=r"M954.*may be: person \d+ \(weak: same birth date"):
        matriculated(number)
    made = matriculated(number, same_as=was.student.person)

    assert registrations.number_of(made) == "00000001/2"
    assert made.predecessor_id == was.pk
    assert _standing("00000001") == {"00000001/1": "withdrawn", "00000001/2": "admitted"}
    assert persons.numbers([was.student.person])[was.student.person] == ("00000001",)


def test_what_a_former_student_wrote_does_not_change_the_record_and_is_told(office):
    was = _former()
    number = accepted()

    with admissions() as act:
        actions.matriculate(act, number, actions.Identity(was.student.person))

    person = was.student.person
    assert (
        f"{number} gives another name and address than person {person} has on record: see "
        "whether the record is to be changed."
    ) in act.left
    assert persons.known([person], on=TODAY)[person].legal_family == "Eze"


def test_whoever_comes_back_to_another_curriculum_is_assessed_for_what_was_passed(office):
    from matricula.sis.curriculum.models import CurriculumVersion, Programme

    was = _former()
    biology = Programme.objects.get(code="BIO")
    CurriculumVersion.objects.filter(programme=biology).update(to_cohort="2026")
    CurriculumVersion.objects.create(
        programme=biology, version="2", from_cohort="2027", credits=180, requirements={},
        act="test",
    )  # fmt: skip

    with admissions() as act:
        made = actions.matriculate(act, accepted(), actions.Identity(was.student.person))

    assert registrations.row(made, on=TERM).curriculum == "2"
    assert any("comes back to curriculum 2 of BIO" in one for one in act.left)


def test_who_was_dismissed_comes_back_only_if_a_second_person_agrees(office):
    was = _former(ends="dismiss", reason="disciplinary")
    number = accepted()

    with pytest.raises(Refused, match=r"M909.*after a dismissal"):
        matriculated(number, same_as=was.student.person)
    made = matriculated(number, same_as=was.student.person, who=_with_student("00000001"))

    assert made.predecessor_id == was.pk


def test_a_student_who_is_here_does_not_get_a_second_registration_beside_the_first(office):
    first = matriculated(accepted(), is_new=True)
    number = accepted(who=AMARA)

    with pytest.raises(Refused, match=r"M912.*registered under 00000001/1 as well"):
        matriculated(number, same_as=first.student.person)
    made = matriculated(number, same_as=first.student.person, entry=actions.Entry(is_dual=True))

    assert registrations.number_of(made) == "00000001/2"
    assert made.predecessor is None


def test_to_decide_against_the_evidence_needs_a_second_person(office):
    was = _former()
    same_address = accepted(who=replace(AMARA, email="amara.eze@example.org"))
    not_alike = accepted(who=replace(AMARA, given="Chidi", born_on=date(1999, 1, 1)))

    with pytest.raises(Refused, match=r"M909.*somebody new, against person \d+ \(strong"):
        matriculated(same_address, is_new=True)
    with pytest.raises(Refused, match=r"M909.*somebody it is not like"):
        matriculated(not_alike, same_as=was.student.person)
    made = matriculated(same_address, is_new=True, who=_with_second(same_address))

    assert made.student.number == "00000002"


def test_who_is_only_a_little_like_somebody_may_be_said_to_be_new(office):
    _former()

    made = matriculated(accepted(), is_new=True)

    assert made.student.number == "00000002"
    assert made.predecessor is None


def test_whoever_was_merged_since_keeps_the_number_of_the_survivor(office):
    was = _former()
    with doing() as act:
        other = people.register(act, replace(BEFORE, family="Ezeh"), on=SEPTEMBER)
        act.name("register person", "person", str(other.pk))
    second = agreed("bo", f"person:{other.pk}|{was.student.person}")
    with doing(approver=second) as act:
        people.merge(act, other.pk, was.student.person, evidence="one passport")

    made = matriculated(accepted(), same_as=was.student.person)

    assert made.student.number == "00000001"


def test_a_matriculation_dated_back_over_the_census_needs_a_second_person(office):
    entry = actions.Entry(date(2026, 9, 7))
    number = offered(applied(wish=replace(WISH, term="2026/1"), to="review"))
    step(number, "accept")

    with pytest.raises(Refused, match=r"M909.*the census of 2026/1 \(2026-10-01\)"):
        matriculated(number, entry=entry, is_new=True)
    made = matriculated(number, entry=entry, is_new=True, who=_with_second(number))

    assert made.student.first_matriculated_on == date(2026, 9, 7)


def test_after_matriculation_admissions_writes_nothing(office):
    number = accepted(conditions=("Maths at B",), deposit=100)
    with admissions() as act:
        actions.decide_condition(act, number, actions.Ruling(1, True, "waived"), on=TODAY)
    waived = act.act
    with admissions(policy="open") as act:
        actions.matriculate(act, number, actions.Identity(is_new=True))
    done = act.act

    for write in (
        lambda act: actions.record(act, number, "withdraw", on=TODAY),
        lambda act: actions.amend(act, number, AMARA, on=TODAY),
        lambda act: actions.defer(act, number, "2028/1", on=TODAY),
        lambda act: actions.take_deposit(act, number, actions.Payment("P", 1, "GBP"), on=TODAY),
        lambda act: actions.decide_condition(act, number, actions.Ruling(1, False, "x"), on=TODAY),
        lambda act: life.reverse(act, waived),
    ):
        with pytest.raises(Refused, match=r"M956.*is a student since"), admissions() as act:
            write(act)
    with pytest.raises(Refused, match="M903"), admissions() as act:
        life.reverse(act, done)

    assert state(number) == "matriculated"


def test_a_registrar_takes_a_matriculation_back_and_lets_it_count_again(office):
    number = accepted()
    made = matriculated(number, is_new=True)

    with doing() as act:
        life.reverse(act, made.act)
    back = act.act
    after_one = (state(number), _standing("00000001"))
    with pytest.raises(Refused, match="M903"), admissions() as act:
        life.reverse(act, back)
    with doing() as act:
        life.reverse(act, back)

    assert after_one == ("accepted", {"00000001/1": ""})
    assert (state(number), _standing("00000001")) == ("matriculated", {"00000001/1": "admitted"})


def test_a_matriculation_that_was_taken_back_can_be_done_anew_under_the_same_number(office):
    number = accepted()
    made = matriculated(number, is_new=True)
    with doing() as act:
        life.reverse(act, made.act)

    again = matriculated(number, same_as=made.student.person)

    assert registrations.number_of(again) == "00000001/2"
    assert told(number).persons == {made.student.person}


def test_a_matriculation_is_not_taken_back_under_a_student_who_has_begun(office):
    number = accepted()
    made = matriculated(number, is_new=True)
    with doing() as act:
        registration.record(act, made, registration.Change("start", TERM))

    with pytest.raises(Refused, match=r"M912.*recorded to start"), doing() as act:
        life.reverse(act, made.act)

    assert state(number) == "matriculated"


def test_the_applications_by_which_persons_became_students_are_found(office):
    number = accepted()
    made = matriculated(number, is_new=True)
    person = made.student.person

    assert [one.number for one in queries.of_persons([person], on=TODAY)] == [number]
    with doing() as act:
        life.reverse(act, made.act)
    assert queries.of_persons([person], on=TODAY) == []


def test_an_old_debt_forbids_re_admission_until_the_bursar_lets_it_count_no_more(office):
    was = _former()
    bursar = {"role": "bursar", "reason": "agreement"}
    claim = Claim(
        was.student.person, "debt", "tuition", "bursary", date(2025, 3, 1), amount_minor=20000,
        currency="GBP",
    )  # fmt: skip
    with doing(**bursar) as act:
        hold = holds.place(act, claim).number
    number = accepted()

    with pytest.raises(Refused, match="M941"):
        matriculated(number, same_as=was.student.person)
    with doing(**bursar, approver=agreed("bo", f"hold:{hold}")) as act:
        holds.exempt(act, hold, holds.Window("re-admission", TODAY, TODAY + timedelta(days=30)))
    made = matriculated(number, same_as=was.student.person)

    assert made.predecessor_id == was.pk
