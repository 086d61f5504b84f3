"""Places in sections: a seat, a ticket, or somebody's consent; every refusal is kept."""

from __future__ import annotations

from datetime import timedelta

import pytest

from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.enrolment import actions, queries
from matricula.sis.enrolment.models import Enrolment, EnrolmentEvent
from matricula.sis.holds import actions as deciding
from matricula.sis.holds import queries as holds
from matricula.sis.holds.rules import Claim
from tests.sis.conftest import doing
from tests.sis.enrolment.conftest import (
    CHOOSING,
    LATE,
    act,
    enrol,
    in_line,
    offered,
    on,
    person_of,
    status,
    student,
)


def test_who_asks_in_time_for_a_free_seat_has_it_from_that_day(campus):
    amara = student()

    placed = enrol(amara, "BIO101-1")

    assert (placed.status, placed.is_new, placed.key) == ("enrolled", True, f"{amara}|BIO101-1")
    assert status(amara, "BIO101-1", CHOOSING) == "enrolled"
    assert status(amara, "BIO101-1", CHOOSING - timedelta(days=1)) == ""


def test_who_finds_no_seat_waits_in_the_order_of_coming(campus):
    amara, bela, chidi = student("Amara"), student("Bela"), student("Chidi")
    enrol(amara, "BIO101-1")

    ranks = [enrol(one, "BIO101-1").rank for one in (chidi, bela)]

    assert ranks == [1, 2]
    assert in_line("BIO101-1") == [chidi, bela]


def test_the_same_click_again_changes_nothing(campus):
    amara, bela = student("Amara"), student("Bela")
    enrol(amara, "BIO101-1")
    enrol(bela, "BIO101-1")
    before = EnrolmentEvent.objects.count()

    again = [enrol(one, "BIO101-1") for one in (amara, bela)]

    assert [(one.status, one.is_new, one.rank) for one in again] == [
        ("enrolled", False, None), ("waitlisted", False, 1)
    ]  # fmt: skip
    assert EnrolmentEvent.objects.count() == before


def test_everything_that_is_in_the_way_stands_in_one_refusal(campus):
    amara = student()
    enrol(amara, "BIO101-1")

    with pytest.raises(deciding.RefusedDecision) as refused:
        enrol(amara, "CHE101-1", day=LATE)

    wrong = [one.name for one in refused.value.decided.checks if one.is_in_the_way]
    assert wrong == ["window", "clash"]
    assert "(1 more)" in str(refused.value)
    assert status(amara, "CHE101-1") == ""


def test_what_was_answered_is_kept_with_the_seat_that_was_looked_at(campus):
    amara = student()

    enrol(amara, "BIO101-1")

    (found,) = [one for one in holds.decisions(person_of(amara)) if one.service == "enrolment"]
    names = [one.name for one in found.checks]
    assert found.result == "passed"
    assert found.about == "BIO101-1"
    assert names == [
        "registration", "section", "window", "module", "repeat", "load", "requisites", "clash",
        "seat",
    ]  # fmt: skip


def test_a_hold_that_blocks_enrolment_is_one_of_the_checks(campus):
    amara = student()
    claim = Claim(person_of(amara), "debt", "tuition", "bursary", CHOOSING, amount_minor=90000,
                  currency="GBP")  # fmt: skip
    act(deciding.place, claim, who=on(CHOOSING, "bursar"))

    with pytest.raises(deciding.RefusedDecision, match="the Bursary stands in the way") as refused:
        enrol(amara, "BIO101-1", policy="open")

    assert refused.value.place == "the Bursary"


def test_who_is_not_registered_in_the_term_is_told_to_register_first(campus):
    amara = student(term="")

    with pytest.raises(Refused, match="not registered in the term 2026-1") as refused:
        enrol(amara, "BIO101-1")

    assert refused.value.code == "M962"


def test_a_module_is_not_taken_in_two_sections_of_a_term(campus):
    amara = student()
    enrol(amara, "BIO101-1")

    with pytest.raises(Refused, match="Swap the sections"):
        enrol(amara, "BIO101-2")

    assert status(amara, "BIO101-2") == ""


def test_more_credits_than_the_load_allows_are_refused_and_a_registrar_lets_them_pass(campus):
    amara = student()
    for section in ("BIO101-1", "CHE101-2", "MAT101-1", "PHY101-1"):
        enrol(amara, section)
    act(actions.register_term, amara, "2026-2")

    with pytest.raises(Refused, match="100 credits in 2026-1; full load is at most 80"):
        enrol(amara, "ART101-1")
    with pytest.raises(Refused, match="needs a reason"):
        enrol(amara, "ART101-1", let_pass=["load"])
    placed = enrol(amara, "ART101-1", let_pass=["load", "requisites"], reason="personal")

    assert placed.status == "enrolled"
    assert Enrolment.objects.get(section="ART101-1").excepted == "load requisites"


def test_a_student_lets_nothing_pass_and_enrols_from_no_other_day(campus):
    amara = student()
    herself = on(CHOOSING, "student", "own", person=person_of(amara), reason="personal")

    for told in ({"let_pass": ["load"]}, {"effective_on": CHOOSING - timedelta(days=1)}):
        with pytest.raises(Refused) as refused:
            act(actions.add, amara, "BIO101-1", who=herself, **told)
        assert refused.value.code == "M903"
    placed = act(actions.add, amara, "BIO101-1", who=herself)

    assert placed.status == "enrolled"


def test_what_nobody_lets_pass_has_no_name(campus):
    amara = student()

    with pytest.raises(Refused, match="seat cannot be let pass") as refused:
        enrol(amara, "BIO101-1", let_pass=["seat"], reason="personal")

    assert refused.value.code == "M965"


def test_an_enrolment_from_before_the_census_needs_a_second_person_afterwards(campus):
    amara = student()

    with pytest.raises(Refused) as refused:
        enrol(amara, "BIO101-1", day=LATE, effective_on=CHOOSING)

    assert refused.value.code == "M909"
    assert "the census of 2026-1 (2026-10-01)" in str(refused.value)


def test_what_asks_for_permission_waits_for_it_and_gets_a_seat_when_it_is_given(campus):
    amara = student()

    asked = enrol(amara, "ART101-1")
    head = on(CHOOSING, "head of department", "department", "SCI")
    given = act(actions.approve, amara, "ART101-1", who=head)

    assert (asked.status, given.status) == ("pending approval", "enrolled")
    assert queries.seats(["ART101-1"], at=head.at, on=CHOOSING)["ART101-1"].taken == 1


def test_a_refused_permission_says_why_and_the_student_may_ask_again(campus):
    amara = student()
    enrol(amara, "ART101-1")

    with pytest.raises(Refused, match="needs a reason"):
        act(actions.refuse, amara, "ART101-1")
    refused = act(actions.refuse, amara, "ART101-1", reason="academic")
    again = enrol(amara, "ART101-1")

    assert (refused.status, again.status) == ("dropped", "pending approval")


def test_permission_is_remembered_while_the_student_waits_for_a_seat(campus):
    amara, bela = student("Amara"), student("Bela")
    for one in (amara, bela):
        enrol(one, "ART101-1")
    given = [act(actions.approve, one, "ART101-1").status for one in (amara, bela)]

    act(actions.drop, amara, "ART101-1")
    claimed = act(actions.claim_seat, bela, "ART101-1")

    assert given == ["enrolled", "waitlisted"]
    assert claimed.status == "enrolled"


def test_only_what_is_pending_is_approved(campus):
    amara = student()
    enrol(amara, "BIO101-1")

    with pytest.raises(Refused, match="is enrolled") as refused:
        act(actions.approve, amara, "BIO101-1")

    assert refused.value.code == "M961"


def test_a_seat_that_becomes_free_is_offered_to_the_next_and_kept_for_two_days(campus):
    amara, bela, chidi = student("Amara"), student("Bela"), student("Chidi")
    for one in (amara, bela, chidi):
        enrol(one, "BIO101-1")

    act(actions.drop, amara, "BIO101-1")
    newcomer = enrol(student("Dewi"), "BIO101-1")

    (first, *_) = queries.waitlist("BIO101-1")
    assert (first.student_no, first.offered_until) == (bela, on(CHOOSING).at + timedelta(days=2))
    assert offered("BIO101-1") == [bela]
    assert (newcomer.status, newcomer.rank) == ("waitlisted", 3)


def test_who_claims_the_seat_in_time_has_it_and_twice_is_once(campus):
    amara, bela = student("Amara"), student("Bela")
    enrol(amara, "BIO101-1")
    enrol(bela, "BIO101-1")
    act(actions.drop, amara, "BIO101-1")

    claimed = act(actions.claim_seat, bela, "BIO101-1")
    again = act(actions.claim_seat, bela, "BIO101-1")

    assert (claimed.status, claimed.is_new) == ("enrolled", True)
    assert (again.status, again.is_new) == ("enrolled", False)


def test_who_was_offered_no_seat_claims_none(campus):
    amara, bela = student("Amara"), student("Bela")
    enrol(amara, "BIO101-1")
    enrol(bela, "BIO101-1")

    with pytest.raises(Refused, match="No seat of BIO101-1 is kept") as refused:
        act(actions.claim_seat, bela, "BIO101-1")

    assert refused.value.code == "M964"


def test_an_offer_that_passed_is_let_go_and_the_next_is_offered_the_seat(campus):
    amara, bela, chidi = student("Amara"), student("Bela"), student("Chidi")
    for one in (amara, bela, chidi):
        enrol(one, "BIO101-1")
    act(actions.drop, amara, "BIO101-1")
    later = CHOOSING + timedelta(days=2)

    with pytest.raises(Refused, match="since 2026-09-12 09:00 UTC"):
        act(actions.claim_seat, bela, "BIO101-1", day=later)
    offered_to = act(actions.offer_seats, day=later)

    assert offered_to == [f"{chidi}|BIO101-1"]
    assert status(bela, "BIO101-1", later) == "dropped"
    assert act(actions.offer_seats, day=later) == []


def test_who_waits_is_looked_at_again_and_passed_over_when_something_is_in_the_way(campus):
    amara, bela, chidi = student("Amara"), student("Bela"), student("Chidi")
    for one in (amara, bela, chidi):
        enrol(one, "BIO101-1")
    enrol(bela, "CHE101-1")

    act(actions.drop, amara, "BIO101-1")

    assert offered("BIO101-1") == [chidi]
    assert in_line("BIO101-1") == [bela, chidi]


def test_a_newcomer_is_offered_the_free_seat_when_nobody_before_them_can_take_it(campus):
    amara, bela = student("Amara"), student("Bela")
    enrol(amara, "BIO101-1")
    enrol(bela, "BIO101-1")
    enrol(bela, "CHE101-1")
    act(actions.drop, amara, "BIO101-1")

    placed = enrol(student("Chidi"), "BIO101-1")

    assert placed.status == "waitlisted"
    assert placed.offered_until is not None


def test_after_the_last_day_for_choosing_no_seat_is_offered_any_more(campus):
    amara, bela = student("Amara"), student("Bela")
    enrol(amara, "BIO101-1")
    enrol(bela, "BIO101-1")

    act(actions.drop, amara, "BIO101-1", day=CHOOSING + timedelta(days=10))

    assert offered("BIO101-1") == []


def test_what_was_done_stands_in_the_audit_under_the_enrolments_key(campus):
    amara = student()

    enrol(amara, "BIO101-1")

    assert [one.action for one in audited("enrolment", f"{amara}|BIO101-1")] == ["enrol"]


def test_a_module_taken_again_counts_as_a_further_attempt(campus):
    amara = student()
    enrol(amara, "PHY101-1")
    act(actions.withdraw, amara, "PHY101-1", day=LATE, reason="academic")
    act(actions.register_term, amara, "2026-2", day=LATE)

    enrol(amara, "PHY101-S", day=LATE)

    (first, second) = queries.enrolments_of(amara, on=LATE)
    assert (first.attempt, second.attempt) == (1, 2)


def test_a_place_is_given_in_as_many_statements_whatever_a_student_has(
    campus, django_assert_max_num_queries
):
    amara, bela = student("Amara"), student("Bela")
    for section in ("BIO101-2", "CHE101-2", "MAT101-1"):
        enrol(bela, section)

    for one in (amara, bela):
        with doing(on(CHOOSING)) as step, django_assert_max_num_queries(17):
            actions.add(step, one, "PHY101-1")

    assert queries.seats(["PHY101-1"], at=on(CHOOSING).at, on=CHOOSING)["PHY101-1"].taken == 2
