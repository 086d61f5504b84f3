"""Nobody is registered twice unless somebody decided so, and numbers are for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.people import actions, queries
from matricula.sis.people.actions import Contact, Described, Naming, Number
from tests.sis.conftest import TODAY, acting, doing
from tests.sis.people.conftest import AMARA, BORN, SEPTEMBER, person, student


def _register(described, **told):
    with doing(told.pop("who", None) or acting()) as act:
        return actions.register_matched(act, described, **told).pk


def test_somebody_whom_nobody_resembles_is_registered(db):
    person()

    bela = _register(Described("Béla", "Bartók", date(2003, 3, 25), "bela@example.org"))

    assert queries.known([bela], on=TODAY)[bela].legal_family == "Bartók"


def test_somebody_who_may_be_there_is_not_registered_until_it_is_said_who_they_are(db):
    amara = person()

    with pytest.raises(Refused, match=rf"person {amara} \(strong: same e-mail") as refused:
        _register(replace(AMARA, family="Eze"))

    assert refused.value.code == "M932"
    assert "Okafor" not in str(refused.value)
    assert queries.find("amara", on=TODAY)[1:] == []


def test_whoever_is_recognised_is_not_registered_again_and_keeps_their_address(db):
    amara = person()

    found = _register(replace(AMARA, family="Eze", email="eve@example.org"), same_as=amara)

    assert found == amara
    assert queries.known([amara], on=TODAY)[amara].email == AMARA.email


def test_a_person_said_to_be_new_is_registered_and_the_decision_is_in_the_audit(db):
    amara = person()

    twin = _register(replace(AMARA, given="Adaeze"), is_new=True)

    (decided,) = [one for one in audited("person", str(twin)) if one.action == "match"]
    assert twin != amara
    assert decided.after["decision"] == "none of those alike"
    assert decided.after["candidates"] == [
        {"person": amara, "strength": "strong",
         "evidence": ["same e-mail", "same phone", "same birth date"]}
    ]  # fmt: skip


def test_who_is_meant_is_said_in_one_way_only(db):
    amara = person()

    with pytest.raises(Refused, match="one of the two"):
        _register(AMARA, same_as=amara, is_new=True)

    assert len(queries.find("amara", on=TODAY)) == 1


def test_a_former_student_is_found_despite_a_new_surname_and_a_new_address(db):
    amara = student()

    found = queries.alike(Described("Amara", "Eze-Brown", BORN, "new@example.org"))

    assert [(one.person, one.strength) for one in found] == [(amara, "weak")]


def test_a_former_name_and_a_former_address_find_somebody(db):
    amara = person()
    with doing() as act:
        actions.rename(act, amara, Naming("legal", "Amara", "Eze"), on=TODAY)
        actions.change_contact(act, amara, Contact("email", "study", "eze@example.org"), on=TODAY)

    by_name = queries.alike(Described("Amara", "Okafor", None))
    by_address = queries.alike(Described("", "Smith", None, "amara@example.org"))

    assert [one.person for one in by_name] == [amara]
    assert [one.person for one in by_address] == [amara]


def test_the_strongest_comes_first_and_no_more_than_were_asked_for(db):
    namesake = person(email="", phone="", born_on=None)
    amara = person()

    found = queries.alike(AMARA)

    assert [(one.person, one.strength) for one in found] == [(amara, "strong"), (namesake, "weak")]
    assert queries.alike(AMARA, limit=1) == found[:1]


def test_an_address_of_a_crowd_says_nothing_of_any_of_them(db):
    for n in range(21):
        person(Described("Agent", f"Client {n}", date(1990, 1, 1 + n), "agent@example.org"))

    found = queries.alike(Described("Bela", "Bartók", date(2003, 3, 25), "agent@example.org"))

    assert found == []


def test_how_many_persons_there_are_does_not_change_how_often_is_asked(
    db, django_assert_num_queries
):
    for n in range(8):
        person(Described("Amara", f"Okafor{n}", BORN, "", "07700 900123"))

    with django_assert_num_queries(11):
        found = queries.alike(replace(AMARA, numbers=(Number("sis", "student", "00000001"),)))

    assert len(found) == 8


def test_a_number_is_never_given_to_somebody_else(db):
    amara = student()

    with pytest.raises(Refused, match=f"is person {amara}'s, for ever") as refused:
        _register(
            Described("Béla", "Bartók", None, numbers=(Number("sis", "student", "00000001"),)),
            is_new=True,
        )

    assert refused.value.code == "M933"
    assert queries.holder("sis", "student", "00000001") == amara
    assert queries.find("bartok", on=TODAY) == []


@pytest.mark.parametrize(
    ("number", "what"),
    [
        (Number("sis", "student", "00000009"), "we give no other"),
        (Number("old", "card", " 7"), "without spaces"),
        (Number("old", "", "7"), "of a kind"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_and_none_of_ours_is_taken(db, number, what):
    with pytest.raises(Refused, match=what) as refused:
        _register(replace(AMARA, numbers=(number,)))

    assert refused.value.code == "M934"
    assert queries.holder(number.system, number.kind, number.value) is None


def test_a_number_given_twice_to_the_same_person_is_theirs_as_before(db):
    amara = student()

    again = _register(
        replace(AMARA, numbers=(Number("sis", "student", "00000001"),)), same_as=amara
    )

    assert queries.numbers([again]) == {amara: ("00000001",)}


def test_whoever_takes_part_in_admissions_registers_newcomers_and_renames_nobody(db):
    clerk = acting("admissions", "programme", "BIO")

    amara = _register(AMARA, who=clerk)

    with pytest.raises(Refused) as refused, doing(clerk) as act:
        actions.rename(act, amara, Naming("legal", "Amara", "Eze"), on=TODAY)
    assert refused.value.code == "M903"


def test_somebody_born_tomorrow_is_not_registered(db):
    with pytest.raises(Refused, match="yet to come"):
        _register(replace(AMARA, born_on=date(2026, 10, 15)))

    assert queries.find("amara", on=TODAY) == []


def test_a_person_is_found_by_our_own_number_of_them(db):
    amara = person()

    (found,) = queries.find(str(amara), on=TODAY)

    assert found.person == amara


@pytest.mark.parametrize(
    "text", ["amara", "OKAF", "okafor ama", "amara@example.org", "00000001", "Amara Okafor"]
)
def test_a_person_is_found_by_name_number_or_address(db, text):
    amara = student(on=SEPTEMBER)

    (found,) = queries.find(text, on=TODAY)

    assert (found.person, found.student_no, found.is_restricted) == (amara, "00000001", False)


def test_a_word_within_a_name_is_found_by_its_beginning_alone(db):
    person(Described("Ana Maria", "de la Cruz", None))

    assert len(queries.find("mar cru", on=TODAY)) == 1
    assert queries.find("ria", on=TODAY) == []
