"""Two persons who are one: two people decide, nothing moves, and it can be taken back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.people import access, actions, queries
from matricula.sis.people.actions import Contact, Naming, Number, Wish
from matricula.sis.record.actions import refresh
from matricula.sis.record.models import StudentRecord
from matricula.sis.registration import actions as registration
from matricula.sis.registration import queries as registered
from tests.sis.conftest import AT, TODAY, acting, agreed, doing
from tests.sis.people.conftest import SEPTEMBER, on_day, person, student

LATER = AT + timedelta(hours=1)
SEEN = "the same passport"


def _merge(survivor, merged, *, number="", **told):
    second = agreed("bela", f"person:{survivor}|{merged}")
    with doing(acting(approver=second, **told)) as act:
        actions.merge(act, survivor, merged, evidence=SEEN, number=number)
    return act


def _unmerge(merged, *, at=LATER):
    with doing(acting(approver=agreed("bela", f"person:{merged}"), at=at)) as act:
        actions.unmerge(act, merged)
    return act


def _told(who):
    return queries.known([who], on=TODAY)[who]


def test_whoever_was_merged_is_the_survivor(db):
    amara, again = person(), person(email="second@example.org")

    _merge(amara, again)

    assert queries.resolve([amara, again, 999]) == {amara: amara, again: amara, 999: 999}
    assert queries.family([again]) == {again: (amara, again)}
    assert _told(again).email == "amara@example.org"


def test_what_the_survivor_lacks_is_that_of_whoever_was_merged(db):
    amara, again = person(email="", phone=""), person(email="second@example.org")

    _merge(amara, again)

    assert (_told(amara).email, _told(amara).phone) == ("second@example.org", "07700 900123")


def test_a_restriction_asked_for_under_either_number_holds_and_is_lifted_under_both(db):
    amara, again = person(), person(email="second@example.org")
    with doing() as act:
        actions.set_directive(act, again, Wish("directory_restriction"), on=SEPTEMBER)
    _merge(amara, again)
    held = _told(amara).is_restricted

    with doing() as act:
        actions.lift_directive(act, amara, Wish("directory_restriction"), on=TODAY)

    assert held
    assert not _told(amara).is_restricted


def test_merges_follow_one_another_and_each_is_taken_back_by_itself(db):
    first, second, third = (person(email=f"p{n}@example.org") for n in range(3))
    _merge(second, third)
    _merge(first, second)
    together = queries.resolve([first, second, third])

    _unmerge(second)

    assert set(together.values()) == {first}
    assert queries.resolve([first, second, third]) == {first: first, second: second, third: second}


def test_an_unmerge_leaves_both_persons_as_they_were_and_says_what_to_look_through(db):
    amara, again = person(), person(email="second@example.org", given="Ama")
    before = queries.known([amara, again], on=TODAY)
    _merge(amara, again)

    untouched = _unmerge(again)
    restored = queries.known([amara, again], on=TODAY)
    _merge(amara, again)
    with doing() as act:
        actions.change_contact(act, again, Contact("email", "work", "w@example.org"), on=TODAY)
    written = _unmerge(again)

    assert restored == before
    assert untouched.left == []
    assert written.left == [
        f"See which of 1 statements, kept with person {amara}, are of person {again}."
    ]


def test_who_was_thought_to_be_one_at_an_instant_can_still_be_told(db):
    amara, again = person(), person(email="second@example.org")
    _merge(amara, again)
    _unmerge(again)

    told = [
        queries.resolve([again], known_at=at)[again]
        for at in (datetime(2026, 10, 1, tzinfo=UTC), AT, LATER)
    ]

    assert told == [again, amara, again]


def test_a_merge_needs_a_second_person_who_agreed_to_merge_these_two_into_this_one(db):
    amara, again = person(), person(email="second@example.org")
    agreed("bela", f"person:{again}|{amara}")
    agreed("bela", f"person:{amara}")

    for approver in ("", "ada", "bela"):
        with pytest.raises(Refused, match="M909"), doing(acting(approver=approver)) as act:
            actions.merge(act, amara, again, evidence=SEEN)

    assert queries.resolve([again]) == {again: again}


def test_a_machine_never_merges(db):
    amara, again = person(), person(email="second@example.org")

    with pytest.raises(Refused) as refused:
        _merge(amara, again, role="system")

    assert refused.value.code == "M903"


def test_two_students_are_not_merged_until_it_is_said_which_number_goes_on(db):
    amara = student()
    again = student(number="00000002", email="second@example.org")

    with pytest.raises(Refused, match="Both are students: 00000001 and 00000002"):
        _merge(amara, again)
    with pytest.raises(Refused, match="would be merged away"):
        _merge(amara, again, number="00000002")
    act = _merge(amara, again, number="00000001")

    assert queries.numbers([again])[again] == ("00000001", "00000002")
    assert act.left[0].startswith(
        "00000001 and 00000002 are one student now, and 00000001 goes on"
    )
    assert act.touched["student"] == {"00000001", "00000002"}


def test_a_number_stays_taken_after_a_merge_and_after_it_was_taken_back(db):
    amara, again = person(), student(number="00000002", email="second@example.org")
    _merge(amara, again)
    together = queries.holder("sis", "student", "00000002")
    _unmerge(again)

    with pytest.raises(Refused, match="for ever"), doing() as act:
        actions.give_number(act, amara, system="sis", kind="student", value="00000002", on=TODAY)

    assert together == amara
    assert queries.holder("sis", "student", "00000002") == again


def test_two_birth_dates_are_left_to_a_person(db):
    amara = person()
    again = person(email="second@example.org", born_on=date(2004, 5, 2))

    act = _merge(amara, again)

    (left,) = act.left
    assert left.startswith(f"Persons {amara} and {again} had different birth dates")


def test_somebody_merged_reaches_what_is_theirs_under_either_number(db):
    amara, again = person(), person(email="second@example.org")
    _merge(amara, again)

    told = access.portrait(acting("student", "own", person=again), amara, on=TODAY)

    assert told.known.person == amara
    assert {one.of for one in told.facts} == {amara, again}


def test_the_record_tells_the_survivors_name_until_the_merge_is_taken_back(register):
    amara, again = person(), person(email="second@example.org", given="Ama")
    with doing(on_day(SEPTEMBER)) as act:
        made = registration.matriculate(
            act, again, registration.Attempt("BIO", "2026", "full", SEPTEMBER)
        )
    number = made.student.number

    names = []
    for change in (lambda: _merge(amara, again), lambda: _unmerge(again)):
        refresh(change().touched, on=TODAY)
        names.append(StudentRecord.objects.get(student_no=number).given_name)

    assert names == ["Amara", "Ama"]


def test_a_survivor_is_the_student_whom_the_merged_person_had_become(register):
    amara, again = person(), person(email="second@example.org")
    with doing() as act:
        made = registration.matriculate(
            act, again, registration.Attempt("BIO", "2026", "full", SEPTEMBER)
        )

    _merge(amara, again)

    assert registered.student_of(amara) == made.student


def test_the_person_described_is_the_survivor_whatever_number_is_alike(db):
    amara, again = person(), person(email="second@example.org")
    _merge(amara, again)
    with doing() as act:
        act.name("give number", "person", str(again))
        actions.give_number(act, again, system="old", kind="card", value="C1", on=TODAY)

    described = actions.Described("X", "", None, numbers=(Number("old", "card", "C1"),))

    assert [one.person for one in queries.alike(described)] == [amara]


def test_a_name_given_after_a_merge_is_the_survivors_and_leaves_the_other_ones_alone(db):
    amara, again = person(), person(email="second@example.org")
    _merge(amara, again)
    with doing(acting(at=LATER)) as act:
        actions.rename(act, again, Naming("legal", "Amara", "Eze"), on=TODAY)

    _unmerge(again, at=LATER + timedelta(hours=1))

    assert (_told(amara).legal_family, _told(again).legal_family) == ("Eze", "Okafor")
