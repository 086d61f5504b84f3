"""A bundle is taken as it is: what fits comes in, what does not is named, nothing changes."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import transaction

from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.enrolment import queries as enrolment
from matricula.sis.loading import access
from matricula.sis.people import actions as people
from matricula.sis.people import queries as persons
from matricula.sis.people.models import Name, Person
from matricula.sis.record import actions as record
from matricula.sis.record.models import EnrolmentRecord, SectionRecord, StudentRecord
from matricula.sis.registration import actions as registrations
from matricula.sis.registration import queries as registration
from matricula.sis.teaching import queries as teaching
from tests.sis.conftest import TODAY, acting, agreed, doing
from tests.sis.loading.bundles import (
    AMARA,
    TAUGHT,
    TERM,
    amara_as,
    loaded,
    said,
    taken,
    whole,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", autouse=True)
def _what_is_taught(django_db_setup, django_db_blocker):
    """What is taught is there already, for all tests of this file; most are about people."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield loaded(TAUGHT)
        transaction.set_rollback(True)


EWAN = {
    "persons": [
        {"person": "t1", "given": "Ewan", "family": "Bell", "work_email": "bell@example.org",
         "since": "2020-01-01"}
    ],
    "numbers": [
        {"person": "t1", "system": "hr", "kind": "staff", "value": "77", "since": "2020-01-01"}
    ],
    "staff": [{"person": "t1"}],
    "duties": [
        {"person": "t1", "kind": "lecturer", "department": "SCI", "starts_on": "2020-01-01"}
    ],
    "teaching": [
        {"person": "t1", "section": "BIO101-26", "duty": "lead", "starts_on": "2026-09-01",
         "ends_on": "2027-01-05"}
    ],
}  # fmt: skip


def _without(*names):
    return {name: rows for name, rows in AMARA.items() if name not in names}


def _events(*steps):
    return {
        "registration_events": [
            {"registration": "r1", "action": action, "effective_on": on} for action, on in steps
        ]
    }


def test_a_bundle_comes_in_with_everything_that_happened():
    found = loaded(whole(AMARA, EWAN))

    assert said(found) == []
    (amara,) = registration.of_students(["00000001"], on=TODAY)
    assert (amara.standing.state, amara.programme, amara.curriculum) == ("active", "BIO", "1")
    (enrolled,) = enrolment.enrolments_of("00000001", on=TODAY)
    assert (enrolled.section, enrolled.status, str(enrolled.credits)) == (
        "BIO101-26", "enrolled", "15.00",
    )  # fmt: skip
    (lead,) = teaching.of_sections(["BIO101-26"], on=TODAY)
    assert (lead.number, lead.held.duty) == ("S000001/1", "lead")
    assert curriculum.sections(["BIO101-26"])["BIO101-26"].meetings[0].room == "M1"
    assert curriculum.term("2026-1").bands == ((date(2026, 9, 28), 50),)


def test_the_record_says_what_came_in_and_refreshing_it_changes_nothing():
    loaded(whole(AMARA, EWAN))

    assert StudentRecord.objects.get().status == "active"
    assert SectionRecord.objects.get().state == "open"
    assert EnrolmentRecord.objects.get().has_access is True
    touched = {
        "student": ["00000001"], "section": ["BIO101-26"], "programme": ["BIO"],
        "module": ["BIO101"], "term": ["2026-1"], "staff": ["S000001"], "teaching": ["S000001"],
        "enrolment": ["00000001|BIO101-26"],
    }  # fmt: skip
    assert record.refresh(touched, on=TODAY) == []


def test_to_load_the_same_again_changes_nothing():
    bundle = whole(AMARA, EWAN)
    loaded(bundle)

    again = loaded(bundle)

    assert said(again) == []
    assert taken(again) == {}
    assert [one for one in again.counts if one.there != one.rows] == []


def test_what_is_new_in_a_later_bundle_is_added_to_what_is_there():
    loaded(whole(AMARA))
    more = whole(
        AMARA,
        modules=[{"code": "BIO102", "department": "SCI"}],
        module_versions=[{"module": "BIO102", "starts_on": "2020-09-01", "title": "Genes",
                          "credits": "15", "level": "4"}],
        sections=[{"section": "BIO102-26", "module": "BIO102", "term": "2026-1",
                   "campus": "MAIN", "capacity": "30"}],
        section_events=[{"section": "BIO102-26", "action": "plan", "effective_on": "2026-05-01"}],
        enrolments=[{"registration": "r1", "section": "BIO102-26"}],
        enrolment_events=[{"registration": "r1", "section": "BIO102-26", "action": "enrol",
                           "effective_on": "2026-09-02"}],
    )  # fmt: skip

    found = loaded(more)

    assert said(found) == []
    assert taken(found)["enrolments"] == 1
    held = enrolment.enrolments_of("00000001", on=TODAY)
    assert [one.section for one in held] == ["BIO101-26", "BIO102-26"]


def test_results_come_into_a_running_register_only_if_a_second_person_agrees():
    loaded(whole(AMARA))
    others = amara_as("2")
    results = whole(others, enrolment_events=[
        {"registration": "r2", "section": "BIO101-26", "action": "grade",
         "effective_on": "2026-10-01", "grade": "71"},
    ])  # fmt: skip

    with pytest.raises(Refused, match="To load results \\(1\\) needs") as refused:
        loaded(results, source="old list")
    assert "'load:old list'" in refused.value.cure
    assert loaded(results, source="old list", preview=True).left_out == 0
    assert not registration.persons_of(["00000002"])
    loaded(results, source="old list", approver=agreed("bea", "load:old list"))

    (held,) = enrolment.enrolments_of("00000002", on=TODAY)
    assert held.grade == "71"


def test_what_is_there_and_different_is_named_and_stays():
    loaded(whole(AMARA))
    other = whole(AMARA)
    other["persons"] = [{**other["persons"][0], "family": "Okoro"}]

    found = loaded(other)

    assert said(found) == [("persons.csv:2", "M996", "family")]
    assert taken(found) == {}
    assert Name.objects.get().family == "Okafor"


def test_a_history_that_goes_another_way_is_named_and_stays():
    loaded(whole(AMARA))
    other = whole(AMARA)
    other["registration_events"].append(
        {"registration": "r1", "action": "withdraw", "effective_on": "2026-10-01",
         "reason": "personal"}
    )  # fmt: skip

    found = loaded(other)

    assert said(found) == [("registrations.csv:2", "M996", "registration")]
    assert "2 events there, 3 here" in next(found.findings()).message
    (amara,) = registration.of_students(["00000001"], on=TODAY)
    assert amara.standing.state == "active"


def test_what_was_taken_back_in_the_register_is_not_counted_as_a_difference():
    loaded(whole(AMARA))
    held = registration.row("00000001", on=TODAY)
    with doing(reason="personal") as act:
        event = registrations.record(
            act, held, registrations.Change("withdraw", TODAY, last_attended_on=TODAY)
        )
    with doing() as act:
        registrations.reverse(act, event.act)

    assert said(loaded(whole(AMARA))) == []


_WRONG = [
    ("persons", "born_on", "1.5.2005", "M992"),
    ("persons", "since", "", "M992"),
    ("persons", "email", "amara", "M992"),
    ("persons", "born_on", "2030-01-01", "M992"),
    ("persons", "given", "A\tmara", "M992"),
    ("persons", "family", "O" * 501, "M992"),
    ("registrations", "mode", "sometimes", "M992"),
    ("registrations", "programme", "ART", "M993"),
    ("registrations", "cohort", "1990", "M993"),
    ("registrations", "curriculum", "9", "M993"),
    ("registrations", "predecessor", "r99", "M993"),
    ("registration_events", "action", "begin", "M992"),
    ("registration_events", "reason", "boredom", "M992"),
    ("enrolments", "section", "BIO999", "M993"),
    ("enrolments", "credits", "many", "M992"),
    ("term_registrations", "term", "2026-9", "M993"),
]


def test_every_row_with_a_wrong_cell_is_named_with_its_place_and_is_not_taken():
    bundle = {}
    for place, (table, field, value, _) in enumerate(_WRONG):
        amara = amara_as(str(place))
        amara[table][0][field] = value
        bundle = whole(bundle, amara)

    found = loaded(bundle)

    told = set(said(found))
    lacking = [
        wrong
        for place, wrong in enumerate(_WRONG)
        if (f"{wrong[0]}.csv:{2 + place * len(AMARA[wrong[0]])}", wrong[3], wrong[1]) not in told
    ]
    assert lacking == []
    assert [c for c in found.counts if c.taken + c.there + c.left_out != c.rows] == []


def test_everything_that_hangs_on_a_row_that_is_not_taken_is_named_as_well():
    bundle = whole(AMARA)
    bundle["registrations"] = [{**AMARA["registrations"][0], "programme": "ART"}]

    found = loaded(bundle)

    assert {place.partition(".")[0] for place, *_ in said(found)} == {
        "registrations", "registration_events", "term_registrations",
        "term_registration_events", "enrolments", "enrolment_events",
    }  # fmt: skip
    assert found.left_out == 8
    assert taken(found)["students"] == 1


_ILLEGAL = [
    [("start", "2026-09-01")],
    [("admit", "2026-09-01"), ("withdraw", "2026-09-02")],
    [("admit", "2026-09-01"), ("start", "2026-08-01")],
    [("admit", "2026-08-01"), ("start", "2026-09-01"), ("start", "2026-09-02")],
]


def test_a_history_that_is_no_legal_walk_is_not_taken_at_all():
    bundle = {}
    for place, steps in enumerate(_ILLEGAL):
        amara = amara_as(str(place))
        amara["registration_events"] = [
            {"registration": f"r{place}", "action": action, "effective_on": on}
            for action, on in steps
        ]
        bundle = whole(bundle, amara)

    found = loaded(bundle)

    codes = [code for place, code, _ in said(found) if place.startswith("registration_events")]
    # The first step that is wrong is told; what stands beside it is not taken with it.
    assert codes.count("M995") == len(_ILLEGAL)
    assert [place for place, code, _ in said(found) if place.startswith("registrations.")] == [
        f"registrations.csv:{line}" for line in range(2, 2 + len(_ILLEGAL))
    ]
    assert "registrations" not in taken(found)
    assert "registration_events" not in taken(found)


def test_a_history_of_which_one_event_cannot_be_read_is_not_taken_at_all():
    bundle = whole(
        _without("registration_events"),
        _events(("admit", "2026-08-01"), ("start", "soon")),
    )  # fmt: skip

    found = loaded(bundle)

    assert ("registration_events.csv:3", "M992", "effective_on") in said(found)
    assert ("registrations.csv:2", "M995", "registration") in said(found)
    assert "registrations" not in taken(found)


def test_a_registration_of_which_nothing_is_told_is_not_taken():
    found = loaded(whole(_without("registration_events")))

    assert ("registrations.csv:2", "M995", "registration") in said(found)


def test_an_ended_enrolment_without_a_grade_is_none_and_a_withdrawal_without_a_reason_is_counted():
    bundle = whole(AMARA)
    bundle["enrolment_events"] += [
        {"registration": "r1", "section": "BIO101-26", "action": "grade",
         "effective_on": "2026-10-01"}
    ]  # fmt: skip
    gradeless = said(loaded(bundle))
    bundle["enrolment_events"][1] |= {"action": "withdraw"}

    found = loaded(bundle)

    assert ("enrolment_events.csv:3", "M992", "grade") in gradeless
    assert said(found) == [("enrolment_events", "M996", "")]
    (one,) = enrolment.enrolments_of("00000001", on=TODAY)
    assert one.status == "withdrawn"


def test_whoever_waits_for_a_seat_needs_a_ticket_in_the_queue():
    bundle = whole(AMARA)
    bundle["enrolment_events"] = [{**AMARA["enrolment_events"][0], "action": "wait"}]
    without = said(loaded(bundle, preview=True))
    bundle["enrolments"] = [{**AMARA["enrolments"][0], "waitlist_rank": "4"}]

    found = loaded(bundle)

    assert ("enrolments.csv:2", "M992", "waitlist_rank") in without
    assert said(found) == []
    (waiting,) = enrolment.waitlist("BIO101-26")
    assert (waiting.student_no, waiting.rank) == ("00000001", 4)


def test_two_registrations_that_would_run_side_by_side_are_not_both_taken():
    bundle = whole(
        AMARA,
        registrations=[{"registration": "r2", "person": "a", "programme": "BIO",
                        "cohort": "2025", "mode": "full"}],
        registration_events=[
            {"registration": "r2", "action": "admit", "effective_on": "2026-09-20"}
        ],
    )  # fmt: skip

    found = loaded(bundle)

    assert ("registrations.csv:3", "M995", "") in said(found)
    assert taken(found)["registrations"] == 1


def test_whoever_comes_back_is_registered_again_as_the_one_who_left():
    bundle = whole(
        AMARA,
        registrations=[{"registration": "r0", "person": "a", "programme": "BIO",
                        "cohort": "2024", "mode": "full"}],
        registration_events=[
            {"registration": "r0", "action": "admit", "effective_on": "2024-08-01"},
            {"registration": "r0", "action": "start", "effective_on": "2024-09-01"},
            {"registration": "r0", "action": "withdraw", "effective_on": "2025-02-01",
             "reason": "financial", "last_attended_on": "2025-01-31"},
        ],
    )  # fmt: skip
    bundle["registrations"][0] = {**bundle["registrations"][0], "predecessor": "r0"}

    found = loaded(bundle)

    assert said(found) == []
    first, second = registration.of_students(["00000001"], on=TODAY)
    assert (first.number, first.standing.state) == ("00000001/1", "withdrawn")
    assert (second.number, second.predecessor) == ("00000001/2", "00000001/1")


def test_for_the_how_many_th_time_a_module_is_taken_follows_from_what_came_before():
    bundle = whole(
        AMARA,
        terms=[{**TERM, **{name: f"2025{day[4:]}" for name, day in TERM.items()
                           if name not in ("code", "title", "marks_due_on", "board_on")},
                "code": "2025-1", "marks_due_on": "2026-01-05", "board_on": "2026-01-12"}],
        sections=[{"section": "BIO101-25", "module": "BIO101", "term": "2025-1",
                   "campus": "MAIN", "capacity": "30"}],
        section_events=[{"section": "BIO101-25", "action": "plan", "effective_on": "2025-05-01"}],
        term_registrations=[{"registration": "r1", "term": "2025-1", "load": "full"}],
        term_registration_events=[
            {"registration": "r1", "term": "2025-1", "action": "find eligible",
             "effective_on": "2025-08-20"}
        ],
        enrolments=[{"registration": "r1", "section": "BIO101-25"}],
        enrolment_events=[
            {"registration": "r1", "section": "BIO101-25", "action": "enrol",
             "effective_on": "2025-09-01"},
            {"registration": "r1", "section": "BIO101-25", "action": "grade",
             "effective_on": "2026-01-12", "grade": "31"},
        ],
    )  # fmt: skip

    found = loaded(bundle)

    assert said(found) == []
    taught = enrolment.enrolments_of("00000001", on=TODAY)
    assert {one.section: one.attempt for one in taught} == {"BIO101-25": 1, "BIO101-26": 2}


def test_a_person_is_matched_by_a_number_alone_and_keeps_what_is_known_of_them():
    with doing() as act:
        known = people.register_matched(
            act,
            people.Described(
                "Amara", "Okoro", None, numbers=(people.Number("old", "student", "A-1"),)
            ),
            on=TODAY,
        )

    found = loaded(whole(AMARA))

    assert ("persons.csv:2", "M996", "family") in said(found)
    assert registration.persons_of(["00000001"]) == {"00000001": known.pk}
    assert Person.objects.count() == 1


def test_somebody_who_looks_like_a_person_is_not_taken_until_somebody_decides():
    with doing() as act:
        people.register_matched(
            act, people.Described("Amara", "Okafor", date(2005, 5, 1)), on=TODAY
        )
    bundle = whole(AMARA)

    waiting = loaded(bundle)
    decided = loaded(bundle, new=("a",))

    assert ("persons.csv:2", "M997", "person") in said(waiting)
    assert "same name and birth date" in next(
        one.message for one in waiting.findings() if one.code == "M997"
    )
    assert "persons" not in taken(waiting)
    assert taken(decided)["students"] == 1
    assert Person.objects.count() == 2


def test_two_in_a_bundle_who_look_alike_are_both_taken_and_named():
    twin = {**AMARA["persons"][0], "person": "b", "given": "amara", "family": "OKAFOR",
            "email": ""}  # fmt: skip

    found = loaded(whole(AMARA, persons=[twin]))

    assert said(found) == [("persons.csv:3", "M997", "born_on")]
    assert taken(found)["persons"] == 2


def test_a_person_whose_numbers_are_those_of_two_is_not_taken():
    with doing() as act:
        for value in ("A-1", "B-1"):
            people.register_matched(
                act,
                people.Described("X", value, None, numbers=(people.Number("old", "id", value),)),
                on=TODAY,
            )
    both = [
        {"person": "a", "system": "old", "kind": "id", "value": value, "since": "2026-09-01"}
        for value in ("A-1", "B-1")
    ]

    found = loaded(whole(AMARA, numbers=both))  # fmt: skip

    assert ("persons.csv:2", "M994", "person") in said(found)
    assert "persons" not in taken(found)


def test_a_student_number_that_was_given_elsewhere_is_kept_and_never_given_again():
    bundle = whole(AMARA)
    bundle["students"] = [{**AMARA["students"][0], "number": "00000041"}]
    loaded(bundle)

    with doing() as act:
        bela = people.register_matched(act, people.Described("Bela", "Bartók", None), on=TODAY)
        made = registrations.matriculate(
            act, bela.pk, registrations.Attempt("BIO", "2026", "full", TODAY)
        )

    assert registration.persons_of(["00000041"])
    assert made.student.number == "00000042"
    assert persons.holder("sis", "student", "00000041") is not None


def test_the_registers_own_numbers_do_not_come_among_the_numbers():
    own = {"person": "a", "system": "sis", "kind": "student", "value": "9", "since": "2026-09-01"}

    found = loaded(whole(AMARA, numbers=[own]))

    assert said(found) == [("numbers.csv:3", "M992", "system")]


def test_whoever_marks_does_not_moderate_and_a_crowded_section_is_named():
    bundle = whole(AMARA, EWAN, teaching=[
        {"person": "t1", "section": "BIO101-26", "duty": "moderator", "starts_on": "2026-09-01"}
    ])  # fmt: skip
    bundle["sections"] = [{**TAUGHT["sections"][0], "section": "BIO101-B", "capacity": "0"}]
    bundle["section_events"] = [{**TAUGHT["section_events"][0], "section": "BIO101-B"}]
    bundle["enrolments"] = [{"registration": "r1", "section": "BIO101-B"}]
    bundle["enrolment_events"] = [{**AMARA["enrolment_events"][0], "section": "BIO101-B"}]

    found = loaded(bundle)

    assert said(found) == [
        ("section BIO101-B", "M996", ""), ("teaching.csv:3", "M995", "duty"),
    ]  # fmt: skip


def test_the_audit_says_how_many_rows_of_each_set_came_in():
    loaded(whole(AMARA))
    (act,) = set(Person.objects.values_list("act", flat=True))

    entries = {one.action: one for one in audited("load", act)}

    assert len(entries) == 9
    assert entries["load persons"].after == {"rows": 1, "source": "old"}


@pytest.mark.parametrize("what", access.ALLOWED)
@pytest.mark.parametrize(
    ("role", "scope", "value"),
    [("bursar", "all", ""), ("registrar", "programme", "BIO"), ("operator", "all", "")],
)
def test_nobody_but_a_registrar_of_everything_loads(what, role, scope, value):
    with pytest.raises(Refused) as refused:
        access.may(acting(role, scope, value), what)

    assert refused.value.code == "M903"


def test_whose_grant_has_ended_loads_nothing():
    with pytest.raises(Refused) as refused:
        loaded(TAUGHT, grants=())

    assert refused.value.code == "M903"
