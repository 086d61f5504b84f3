"""One section is left: dropped, withdrawn from, or swapped."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.enrolment import actions, queries
from tests.sis.conftest import agreed
from tests.sis.enrolment.conftest import (
    CHOOSING,
    DROPPING,
    LATE,
    act,
    enrol,
    offered,
    on,
    person_of,
    status,
    student,
)


def herself(number, day, **told):
    """The student, who acts for herself on a day."""
    return on(day, "student", "own", person=person_of(number), **told)


def test_what_is_dropped_in_time_is_as_if_it_had_not_been_and_can_be_taken_again(campus):
    amara = student()
    enrol(amara, "BIO101-1")

    dropped = act(actions.drop, amara, "BIO101-1", who=herself(amara, CHOOSING))
    twice = act(actions.drop, amara, "BIO101-1", who=herself(amara, CHOOSING))
    again = enrol(amara, "BIO101-1")

    assert (dropped.status, twice.is_new, again.status) == ("dropped", False, "enrolled")


def test_after_the_census_a_section_is_withdrawn_from_for_a_reason(campus):
    amara = student()
    enrol(amara, "BIO101-1")

    with pytest.raises(Refused, match="Withdraw from the section instead") as late:
        act(actions.drop, amara, "BIO101-1", day=LATE)
    with pytest.raises(Refused, match="needs a reason") as unsaid:
        act(actions.withdraw, amara, "BIO101-1", day=LATE)
    act(
        actions.withdraw, amara, "BIO101-1", day=LATE, reason="personal",
        last_attended_on=date(2026, 10, 8),
    )  # fmt: skip

    assert (late.value.code, unsaid.value.code) == ("M963", "M961")
    assert status(amara, "BIO101-1") == "withdrawn"
    assert status(amara, "BIO101-1", LATE - timedelta(days=1)) == "enrolled"
    assert queries.last_attended(["BIO101-1"]) == {(amara, "BIO101-1"): date(2026, 10, 8)}


def test_between_the_last_day_for_dropping_and_the_census_only_the_office_drops(campus):
    amara = student()
    enrol(amara, "BIO101-1")
    day = date(2026, 9, 30)

    with pytest.raises(Refused, match="dropped until 2026-09-28"):
        act(actions.drop, amara, "BIO101-1", who=herself(amara, day))
    dropped = act(actions.drop, amara, "BIO101-1", day=day)

    assert dropped.status == "dropped"


def test_to_drop_from_before_the_census_needs_a_second_person_afterwards(campus):
    amara = student()
    enrol(amara, "BIO101-1")

    with pytest.raises(Refused) as alone:
        act(actions.drop, amara, "BIO101-1", day=LATE, effective_on=DROPPING)
    act(
        actions.drop,
        amara,
        "BIO101-1",
        day=LATE,
        effective_on=DROPPING,
        approver=agreed("bela", f"student:{amara}"),
    )

    assert alone.value.code == "M909"
    assert status(amara, "BIO101-1", DROPPING) == "dropped"
    assert status(amara, "BIO101-1", DROPPING, known_at=on(DROPPING).at) == "enrolled"


def test_who_waits_leaves_the_queue_whenever_they_like(campus):
    amara, bela = student("Amara"), student("Bela")
    enrol(amara, "BIO101-1")
    enrol(bela, "BIO101-1")

    left = act(actions.drop, bela, "BIO101-1", who=herself(bela, LATE))

    assert left.status == "dropped"


def test_who_never_asked_for_a_place_leaves_none(campus):
    amara = student()

    with pytest.raises(Refused, match="never asked for a place in BIO101-1") as refused:
        act(actions.drop, amara, "BIO101-1")

    assert refused.value.code == "M962"


def test_a_section_is_swapped_for_another_that_has_a_seat_in_one_act(campus):
    amara, bela = student("Amara"), student("Bela")
    enrol(amara, "BIO101-1")
    enrol(bela, "BIO101-1")

    swapped = act(actions.swap, amara, "BIO101-1", "BIO101-2", who=herself(amara, CHOOSING))
    again = act(actions.swap, amara, "BIO101-1", "BIO101-2", who=herself(amara, CHOOSING))

    assert (swapped.status, again.is_new) == ("enrolled", False)
    assert status(amara, "BIO101-1") == "dropped"
    assert offered("BIO101-1") == [bela]


def test_a_full_section_is_swapped_for_by_nobody_and_nothing_is_lost(campus):
    amara, bela = student("Amara"), student("Bela")
    enrol(amara, "BIO101-1")
    enrol(bela, "BIO101-2")

    with pytest.raises(Refused, match="BIO101-1 has no seat"):
        act(actions.swap, bela, "BIO101-2", "BIO101-1")

    assert status(bela, "BIO101-2") == "enrolled"
    assert status(bela, "BIO101-1") == ""


def test_what_is_given_up_does_not_clash_with_what_is_taken_instead(campus):
    amara = student()
    enrol(amara, "BIO101-1")

    swapped = act(actions.swap, amara, "BIO101-1", "CHE101-1")

    assert swapped.status == "enrolled"
