"""Who may do what with teaching: the table, and that everything else is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matricula.accounts import rules as scopes
from matricula.accounts.actions import permit
from matricula.kernel.errors import Refused
from matricula.sis.teaching import access, actions
from tests.sis.conftest import TODAY, acting, doing
from tests.sis.teaching.test_duties import assign

MINE = 7
# A section of Cells in science, and a student of biology.
FACTS = scopes.Facts(
    persons=frozenset({MINE}), sections=frozenset({"BIO101-A"}), modules=frozenset({"BIO101"}),
    departments=frozenset({"SCI"}), programmes=frozenset({"BIO"}),
)  # fmt: skip
VALUES = {"section": "BIO101-A", "module": "BIO101", "department": "SCI", "programme": "BIO"}


def _who(role, scope):
    return acting(role, scope, VALUES.get(scope, ""), person=MINE)


def _strangers(role, within):
    """Who holds a role for something else, within another scope, or no longer."""
    elsewhere = [acting(role, scope, "elsewhere", person=MINE + 1) for scope in VALUES]
    unnamed = [_who(role, scope) for scope in scopes.SCOPES if scope not in within]
    gone = replace(acting(role, "all", person=MINE), grants=())
    return [*elsewhere, acting(role, "own", person=MINE + 1), *unnamed, gone]


@pytest.mark.parametrize("what", access.ALLOWED)
def test_whoever_the_table_names_may_and_a_wrong_role_scope_or_expired_grant_is_refused(what):
    allowed = access.ALLOWED[what]

    for role, within in allowed.items():
        assert all(scopes.may(_who(role, scope), allowed, FACTS) for scope in within)
    for role in scopes.ROLES:
        for who in _strangers(role, allowed.get(role, ())):
            with pytest.raises(Refused) as refused:
                permit(who, what, allowed, FACTS)
            assert refused.value.code == "M903"


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
