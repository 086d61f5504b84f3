"""Who may do what with terms and enrolments: each act asks, and everybody else is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.enrolment import access, actions
from tests.sis.enrolment.conftest import (
    CHOOSING,
    LATE,
    act,
    enrol,
    on,
    person_of,
    registration_of,
    student,
)

pytestmark = pytest.mark.any_database


def _everything(amara):
    """Every action that reaches one student or one section, with what it is given."""
    return {
        "register for a term": (actions.register_term, (amara, "2026-2"), {}),
        "register an intake": (actions.register_intake, ("BIO", "2026", "2026-1"), {}),
        "cancel a term registration": (
            actions.cancel_term, (amara, "2026-1"), {"effective_on": CHOOSING}),
        "come back into a term": (
            actions.come_back, (registration_of(amara),), {"effective_on": LATE}),
        "take a census": (actions.take_census, ("2026-1",), {}),
        "complete a term": (actions.complete_term, ("2026-1",), {}),
        "enrol": (actions.add, (amara, "BIO101-1"), {}),
        "enrol an intake": (actions.enrol_block, ("BIO", "2026", "2026-1", ["BIO101-1"]), {}),
        "approve an enrolment": (actions.approve, (amara, "ART101-1"), {}),
        "refuse an enrolment": (actions.refuse, (amara, "ART101-1"), {}),
        "claim a seat": (actions.claim_seat, (amara, "MAT101-1"), {}),
        "swap sections": (actions.swap, (amara, "MAT101-1", "PHY101-1"), {}),
        "drop a section": (actions.drop, (amara, "MAT101-1"), {}),
        "withdraw from a section": (actions.withdraw, (amara, "MAT101-1"), {}),
        "offer seats": (actions.offer_seats, (["MAT101-1"],), {}),
        "offer seats everywhere": (actions.offer_seats, (), {}),
        "end every enrolment": (
            actions.leave_all, (registration_of(amara),),
            {"action": "drop", "effective_on": CHOOSING}),
        "record grades": (actions.grade, ("MAT101-1", {amara: "A"}), {}),
        "leave incomplete": (
            actions.leave_incomplete, ("MAT101-1", [amara]),
            {"until_on": LATE, "lapses_to": "F"}),
    }  # fmt: skip


def test_nothing_is_done_by_who_holds_no_grant_for_it(campus):
    amara = student()
    enrol(amara, "MAT101-1")
    enrol(amara, "ART101-1")
    strangers = [
        on(CHOOSING, "bursar"), on(CHOOSING, "registrar", "programme", "CHE"),
        on(CHOOSING, "lecturer", "section", "BIO101-2"), replace(on(CHOOSING), grants=()),
        on(CHOOSING, "student", "own", person=person_of(amara) + 1),
    ]  # fmt: skip

    for name, (do, given, told) in _everything(amara).items():
        extra = {"reason": "personal"} if name == "end every enrolment" else {}
        for who in strangers:
            with pytest.raises(Refused) as refused:
                _try(do, given, {**told, **extra}, who)
            assert refused.value.code == "M903", (name, who.role)


def _try(do, given, told, who):
    from tests.sis.conftest import doing

    with doing(who) as step:
        do(step, *given, **told)


def test_an_act_is_taken_back_for_no_student_of_another_programme(campus):
    from tests.sis.conftest import doing

    amara = student()
    with doing(on(CHOOSING)) as step:
        actions.add(step, amara, "MAT101-1")

    with pytest.raises(Refused) as refused:
        act(actions.restore, step.act, who=on(CHOOSING, "registrar", "programme", "CHE"))

    assert refused.value.code == "M903"


def test_a_lecturer_reads_the_roster_and_the_queue_of_own_sections_and_of_no_other(campus):
    amara = student()
    enrol(amara, "MAT101-1")
    dewi = on(CHOOSING, "lecturer", "section", "MAT101-1")

    assert [one.student_no for one in access.roster(dewi, "MAT101-1", on=CHOOSING)] == [amara]
    assert access.waitlist(dewi, "MAT101-1") == []
    for read in (
        lambda: access.roster(dewi, "PHY101-1", on=CHOOSING),
        lambda: access.waitlist(dewi, "PHY101-1"),
        lambda: access.enrolments(dewi, amara, on=CHOOSING),
    ):
        with pytest.raises(Refused) as refused:
            read()
        assert refused.value.code == "M903"


def test_a_student_reads_and_changes_what_is_their_own(campus):
    amara, bela = student("Amara"), student("Bela")
    herself = on(CHOOSING, "student", "own", person=person_of(amara))

    act(actions.add, amara, "MAT101-1", who=herself)

    assert [one.section for one in access.enrolments(herself, amara, on=CHOOSING)] == ["MAT101-1"]
    with pytest.raises(Refused) as refused:
        act(actions.add, bela, "MAT101-1", who=herself)
    assert refused.value.code == "M903"


def test_a_registrar_of_the_department_reaches_the_students_of_its_programmes(campus):
    amara = student()

    placed = act(
        actions.add, amara, "MAT101-1", who=on(CHOOSING, "registrar", "department", "SCI")
    )

    assert placed.status == "enrolled"
    with pytest.raises(Refused) as refused:
        act(actions.add, amara, "PHY101-1", who=on(CHOOSING, "registrar", "department", "ART"))
    assert refused.value.code == "M903"


def test_who_is_in_the_term_twice_is_named_with_the_attempt():
    with pytest.raises(Refused, match="under several registrations: 1/1, 1/2") as refused:
        access._only("1", "2026-1", [_under(1), _under(2)])

    assert refused.value.code == "M962"


def _under(attempt):
    from matricula.sis.enrolment.models import TermRegistration

    return TermRegistration(student_no="1", attempt=attempt, term="2026-1", state="registered")
