"""Names, contact points and directives: as they were, and as they were known."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.people import actions, queries
from matricula.sis.people.actions import Contact, Naming, Wish
from tests.sis.conftest import AT, TODAY, acting, doing
from tests.sis.people.conftest import AMARA, SEPTEMBER, on_day, person, student

OCTOBER = date(2026, 10, 1)
WEDDING = Naming("legal", "Amara", "Eze")
RESTRICTION = Wish("directory_restriction")


def _known(who, on=TODAY, known_at=None):
    return queries.known([who], on=on, known_at=known_at)[who]


def _rename(who, asked, on, when=TODAY, **told):
    with doing(on_day(when, **told)) as act:
        actions.rename(act, who, asked, on=on)
    return act


def _contact(who, *words, on=TODAY, **told):
    with doing(acting(**told)) as act:
        actions.change_contact(act, who, Contact(*words), on=on)


def test_a_new_legal_name_ends_the_old_one_the_day_before(db):
    amara = person()

    _rename(amara, WEDDING, OCTOBER)

    assert _known(amara, on=date(2026, 9, 30)).legal_family == "Okafor"
    assert _known(amara, on=OCTOBER).legal_family == "Eze"


def test_what_was_known_before_a_name_was_recorded_can_still_be_told(db):
    amara = person()

    _rename(amara, WEDDING, OCTOBER)

    before = datetime(2026, 10, 13, 12, 0, tzinfo=UTC)
    assert _known(amara, known_at=before).legal_family == "Okafor"
    assert _known(amara, known_at=AT).legal_family == "Eze"
    assert _known(amara, on=SEPTEMBER, known_at=AT).legal_family == "Okafor"


def test_a_name_with_an_earlier_day_lasts_until_the_next_that_is_recorded(db):
    amara = person()
    _rename(amara, WEDDING, OCTOBER)

    _rename(amara, Naming("legal", "Amara", "Obi"), date(2026, 9, 15))

    days = (SEPTEMBER, date(2026, 9, 15), date(2026, 9, 30), OCTOBER)
    assert [_known(amara, on=day).legal_family for day in days] == ["Okafor", "Obi", "Obi", "Eze"]


def test_a_display_name_is_what_a_person_is_called_and_without_one_it_is_the_legal_name(db):
    amara = person()
    _rename(amara, Naming("display", "Ama", "Okafor"), OCTOBER)
    called = _known(amara)

    _rename(amara, Naming("display", "", ""), TODAY)

    assert (called.given, called.legal_given) == ("Ama", "Amara")
    assert _known(amara).given == "Amara"


def test_the_same_name_once_more_changes_nothing_and_is_no_audit_entry(db):
    amara = person()
    _rename(amara, WEDDING, OCTOBER)

    again = _rename(amara, WEDDING, OCTOBER)

    assert again.touched == {}
    done = [entry.action for entry in audited("person", str(amara))]
    assert done.count("change legal name") == 1


def test_a_legal_name_without_words_is_refused(db):
    amara = person()

    with pytest.raises(Refused, match="at least one word") as refused:
        _rename(amara, Naming("legal", " ", ""), OCTOBER)

    assert refused.value.code == "M934"


def test_a_change_of_name_is_told_to_other_systems_under_the_student_number(db):
    amara = student()

    act = _rename(amara, WEDDING, OCTOBER)

    assert act.touched["student"] == {"00000001"}


def test_a_student_changes_their_own_display_name_and_contact_from_today_on(db):
    amara = person()
    her = {"role": "student", "scope": "own", "person": amara}

    _rename(amara, Naming("display", "Ama", ""), TODAY, **her)
    _contact(amara, "email", "study", "ama@example.org", **her)

    assert (_known(amara).given, _known(amara).email) == ("Ama", "ama@example.org")
    with pytest.raises(Refused, match="past"):
        _contact(amara, "email", "study", "eve@example.org", on=OCTOBER, **her)
    with pytest.raises(Refused) as refused:
        _rename(amara, WEDDING, TODAY, **her)
    assert refused.value.code == "M903"


def test_a_student_does_not_change_how_another_one_is_reached(db):
    amara = person()

    with pytest.raises(Refused) as refused:
        _contact(
            amara, "email", "study", "eve@example.org", role="student", scope="own",
            person=amara + 1,
        )  # fmt: skip

    assert refused.value.code == "M903"
    assert _known(amara).email == AMARA.email


@pytest.mark.parametrize(
    "words",
    [
        ("email", "study", "no address"), ("phone", "study", "call me"), ("fax", "study", "1"),
        ("email", "holiday", "a@example.org"), ("address", "home", "x" * 501),
        ("address", "home", "12 High Street\x00"),
    ],
)  # fmt: skip
def test_what_is_no_way_to_reach_somebody_is_refused(db, words):
    amara = person()

    with pytest.raises(Refused) as refused:
        _contact(amara, *words)

    assert refused.value.code == "M934"


def test_an_address_has_several_lines_and_an_empty_one_ends_it(db):
    amara = person()
    _contact(amara, "address", "home", "12 High Street\nTown", on=OCTOBER)
    kept = [one.value for one in queries.facts(amara, on=TODAY) if one.what == "home address"]

    _contact(amara, "address", "home", "")

    assert kept == ["12 High Street\nTown"]
    assert [one for one in queries.facts(amara, on=TODAY) if one.what == "home address"] == []


def test_a_restriction_holds_for_as_long_as_the_person_says_and_can_be_lifted(db):
    amara = person()
    with doing() as act:
        actions.set_directive(act, amara, RESTRICTION, on=OCTOBER, until=date(2027, 9, 30))
    during = _known(amara).is_restricted

    with doing() as act:
        actions.lift_directive(act, amara, RESTRICTION, on=TODAY)

    assert during
    assert _known(amara, on=date(2026, 10, 13)).is_restricted
    assert not _known(amara).is_restricted


def test_to_whom_something_may_be_told_can_be_asked_for_any_day(db):
    amara, other = person(), person(email="other@example.org")
    with doing() as act:
        actions.set_directive(
            act, amara, Wish("third_party_release", "her mother"), on=OCTOBER, until=TODAY
        )

    found = queries.wishes([amara, other], "third_party_release", on=TODAY)

    assert found == {amara: ("her mother",), other: ()}
    later = queries.wishes([amara], "third_party_release", on=date(2026, 10, 15))
    assert later == {amara: ()}


def test_a_consent_to_nothing_in_particular_is_none(db):
    amara = person()

    with pytest.raises(Refused, match="of what, or to whom"), doing() as act:
        actions.set_directive(act, amara, Wish("consent"), on=TODAY)

    assert queries.wishes([amara], "consent", on=TODAY) == {amara: ()}


def test_a_birth_date_is_corrected_and_what_was_thought_stays(db):
    amara = person()

    with doing() as act:
        actions.correct_birth_date(act, amara, date(2004, 1, 5))

    before = datetime(2026, 10, 13, tzinfo=UTC)
    assert _known(amara).born_on == date(2004, 1, 5)
    assert _known(amara, known_at=before).born_on == AMARA.born_on


def test_personal_values_stand_only_where_they_can_be_erased(db):
    amara = person()
    _rename(amara, WEDDING, OCTOBER)
    _contact(amara, "email", "study", "eze@example.org")

    entries = audited("person", str(amara))

    lasting = " ".join(f"{one.action} {one.why} {one.actor}" for one in entries)
    assert "Eze" not in lasting
    assert "eze@" not in lasting


def test_many_persons_are_told_in_as_many_questions_as_one(db, django_assert_num_queries):
    many = [person(email=f"p{n}@example.org") for n in range(12)]

    with django_assert_num_queries(7):
        queries.known(many[:1], on=TODAY)
    with django_assert_num_queries(7):
        told = queries.known(many, on=TODAY)

    assert len(told) == 12


def test_the_record_hears_of_a_name_on_the_day_on_which_it_begins(db):
    amara = student()
    _rename(amara, WEDDING, date(2026, 12, 1))

    assert queries.touched_on(date(2026, 11, 30), date(2026, 12, 1)) == {amara}
    assert queries.touched_on(date(2026, 12, 2), date(2026, 12, 3)) == set()
