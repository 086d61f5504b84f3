"""Who may do what with teaching: a lecturer reads what is theirs, and gives nobody a duty."""

from __future__ import annotations

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.teaching import access, actions
from tests.sis.conftest import TODAY, acting, doing
from tests.sis.teaching.test_duties import assign

pytestmark = pytest.mark.any_database


def test_a_lecturer_reads_the_duties_and_the_attendance_of_their_own_section_alone(dewi):
    assign(dewi)
    mine, other = acting("lecturer", "section", "BIO101-A"), acting("lecturer", "module", "BIO102")

    assert len(access.duties(mine, "BIO101-A", on=TODAY)) == 1
    assert access.attendance_in(mine, "BIO101-A") == []
    for read in (access.attendance_in, lambda who, code: access.duties(who, code, on=TODAY)):
        with pytest.raises(Refused) as refused:
            read(other, "BIO101-A")
        assert refused.value.code == "M903"


def test_a_lecturer_reads_their_own_timetable_and_no_colleagues(dewi, efua):
    person = assign(dewi)[0].person
    assign(efua, "lead")
    own = acting("lecturer", "section", "BIO101-A", person=person)

    assert len(access.timetable_of_lecturer(own, dewi, [TODAY])) == 1
    with pytest.raises(Refused) as refused:
        access.timetable_of_lecturer(own, efua, [TODAY])
    assert refused.value.code == "M903"


def test_a_lecturer_gives_nobody_a_duty_and_ends_none(dewi):
    made, _ = assign(dewi)
    lecturer = acting("lecturer", "section", "BIO101-A")
    wanted = actions.Wanted("BIO101-A", dewi, "lead", TODAY)

    for act in (
        lambda it: actions.assign(it, wanted),
        lambda it: actions.end(it, made.number, last_day=TODAY),
        lambda it: actions.hand_over(it, made.number, to=dewi, on=TODAY),
        lambda it: actions.give_access(it, dewi),
        lambda it: actions.lecturer_leaves(it, dewi, TODAY),
    ):
        with pytest.raises(Refused) as refused, doing(lecturer) as it:
            act(it)
        assert refused.value.code == "M903"
