"""An intake is enrolled as a block: each student is looked at, and who is left out is told why."""

from __future__ import annotations

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.enrolment import actions, queries
from matricula.sis.enrolment.models import EnrolmentEvent
from tests.sis.conftest import doing
from tests.sis.enrolment.conftest import (
    CHOOSING,
    act,
    enrol,
    in_line,
    on,
    restore,
    status,
    student,
)

BLOCK = ("BIO", "2026", "2026-1")


def test_a_block_seats_everybody_where_there_are_seats_and_queues_the_rest_by_number(campus):
    amara, bela, chidi = (student(one) for one in ("Amara", "Bela", "Chidi"))

    found = act(actions.enrol_block, *BLOCK, ["BIO101-1", "MAT101-1"])

    assert found.waiting == ((bela, "BIO101-1"), (chidi, "BIO101-1"))
    assert found.enrolled == (
        (amara, "BIO101-1"),
        *((o, "MAT101-1") for o in (amara, bela, chidi)),
    )
    assert found.not_enrolled == ()
    assert in_line("BIO101-1") == [bela, chidi]


def test_the_same_block_again_changes_nothing(campus):
    student("Amara")
    student("Bela")
    act(actions.enrol_block, *BLOCK, ["BIO101-1", "MAT101-1"])
    events = EnrolmentEvent.objects.count()

    again = act(actions.enrol_block, *BLOCK, ["BIO101-1", "MAT101-1"])

    assert (again.enrolled, again.waiting, len(again.already)) == ((), (), 4)
    assert EnrolmentEvent.objects.count() == events


def test_who_is_not_enrolled_is_told_with_the_reason(campus):
    amara, bela, chidi = student("Amara"), student("Bela"), student("Chidi", term="")
    enrol(bela, "CHE101-1")
    other = student("Dewi", programme="CHE")

    found = act(
        actions.enrol_block, *BLOCK, ["BIO101-1", "BIO102-1"],
        except_for={amara: ["BIO101-1"]},
    )  # fmt: skip

    told = {(one.student_no, one.section): one.checks[0].name for one in found.not_enrolled}
    assert told == {
        (amara, "BIO101-1"): "exception", (amara, "BIO102-1"): "requisites",
        (bela, "BIO101-1"): "clash", (bela, "BIO102-1"): "requisites",
        (chidi, "BIO101-1"): "registration", (chidi, "BIO102-1"): "registration",
    }  # fmt: skip
    assert found.enrolled == ()
    assert queries.enrolments_of(other, on=CHOOSING) == []


def test_a_student_may_be_excepted_from_the_whole_block(campus):
    amara, bela = student("Amara"), student("Bela")

    found = act(
        actions.enrol_block, *BLOCK, ["MAT101-1", "PHY101-1"], except_for={amara: []}
    )  # fmt: skip

    assert {number for number, _ in found.enrolled} == {bela}
    assert queries.enrolments_of(amara, on=CHOOSING) == []


def test_what_a_block_gives_counts_for_its_later_sections(campus):
    amara = student()

    found = act(actions.enrol_block, *BLOCK, ["BIO101-1", "CHE101-1", "CHE101-2"])

    (missing,) = found.not_enrolled
    assert (missing.student_no, missing.section, missing.checks[0].name) == (
        amara, "CHE101-1", "clash"
    )  # fmt: skip
    assert found.enrolled == ((amara, "BIO101-1"), (amara, "CHE101-2"))


def test_who_dropped_a_section_before_is_enrolled_in_it_again(campus):
    amara = student()
    enrol(amara, "MAT101-1")
    act(actions.drop, amara, "MAT101-1")

    found = act(actions.enrol_block, *BLOCK, ["MAT101-1"])

    assert found.enrolled == ((amara, "MAT101-1"),)
    assert status(amara, "MAT101-1", CHOOSING) == "enrolled"


def test_a_block_takes_back_as_one(campus):
    amara = student()
    with doing(on(CHOOSING)) as block:
        actions.enrol_block(block, *BLOCK, ["BIO101-1", "MAT101-1"])

    restore(block, day=CHOOSING)

    assert queries.enrolments_of(amara, on=CHOOSING) == []


def test_a_section_of_another_term_is_in_no_block(campus):
    with pytest.raises(Refused, match="PHY101-S is a section of 2026-2") as refused:
        act(actions.enrol_block, *BLOCK, ["PHY101-S"])

    assert refused.value.code == "M966"


def test_a_block_asks_no_more_questions_for_more_students(campus, django_assert_max_num_queries):
    for place in range(8):
        student(f"S{place}")

    with django_assert_max_num_queries(45):
        found = act(actions.enrol_block, *BLOCK, ["MAT101-1", "PHY101-1"])

    assert len(found.enrolled) == 16
