"""Who may do what to the curriculum: what is not named is refused."""

from __future__ import annotations

import pytest

from matricula.accounts.rules import GRANTABLE
from matricula.kernel.errors import Refused
from matricula.sis.curriculum import access, actions, models
from tests.sis.conftest import TODAY, acting, doing
from tests.sis.curriculum.conftest import SPRING, TERM, meeting, plan, schedule, version

pytestmark = pytest.mark.any_database


def _act(action, *arguments, **told):
    """Something that is done, tried for whoever acts."""

    def attempt(who):
        with doing(who) as act:
            action(act, *arguments, **told)

    return attempt


def _meeting(action, *arguments):
    def attempt(who):
        number = models.Meeting.objects.get().pk
        with doing(who) as act:
            action(act, number, *arguments)

    return attempt


def _move(action):
    return _act(actions.move_section, "BIO101-1", action, taken=0)


_CURRICULUM = actions.NewCurriculum("BIO", "9", "2030", 180, {})
_PROGRAMME = actions.NewProgramme("GEO", "Geology", "SCI", "BSc", 6)
# Every name, and how to try it.
TRIED = {
    "read the curriculum": access.may_read,
    "add a department": _act(actions.add_department, "ART", "Arts"),
    "add a campus": _act(actions.add_campus, "NEW", "New", "UTC"),
    "add a room": _act(actions.add_room, "R1", "MAIN", 5),
    "add a term": _act(actions.add_term, SPRING),
    "change a term": _act(actions.change_term, TERM),
    "add a programme": _act(actions.add_programme, _PROGRAMME),
    "close a programme": _act(actions.close_programme, "BIO", TODAY),
    "add a curriculum version": _act(actions.add_curriculum, _CURRICULUM),
    "add a module": _act(actions.add_module, "GEO1", "SCI", version()),
    "add a module version": _act(actions.add_module_version, "BIO101", version(starts_on=TODAY)),
    "plan a section": _act(
        actions.plan_section, actions.NewSection("BIO101-2", "BIO101", "2026-1", "MAIN", 3)
    ),
    "open a section": _move("open"),
    "close a section": _move("close"),
    "finish a section": _move("finish"),
    "cancel a section": _move("cancel"),
    "change the seats of a section": _act(actions.change_capacity, "BIO101-1", 20, taken=0),
    "schedule a meeting": _act(actions.schedule_meeting, "BIO101-1", meeting(2)),
    "end a meeting": _meeting(actions.end_meeting, TODAY),
    "move a meeting": _meeting(actions.move_meeting, meeting(2, first=TODAY)),
    "reverse a section's event": _act(actions.reverse_section_events, "act-1"),
}


@pytest.fixture
def standing(timetable):
    """A section that meets, and an event of it that names its act."""
    plan()
    schedule("BIO101-1", meeting())
    models.SectionEvent.objects.update(act="act-1")


def test_every_name_is_tried():
    assert set(TRIED) == set(access.ALLOWED)


# A wrong role, a wrong scope, and no grant.
STRANGERS = (
    acting("student", "own", person=1),
    acting("lecturer", "section", "BIO101-1"),
    acting("exams officer"),
    acting("bursar"),
    acting("auditor"),
    acting("operator"),
    acting("system"),
    acting("head of department", "all"),
    acting("head of department", "department", "ART"),
    acting("registrar", "department", "ART"),
    acting("registrar", "programme", "ART"),
    acting("scheduler", "department", "ART"),
    acting("scheduler", "office", "SCI"),
    acting("registrar", grants=()),
)


def test_each_act_refuses_a_wrong_role_a_wrong_scope_and_who_holds_no_grant(standing):
    for what in sorted(set(TRIED) - {"read the curriculum"}):
        for who in STRANGERS:
            with pytest.raises(Refused) as refused:
                TRIED[what](who)
            assert refused.value.code == "M903", (what, who)


@pytest.mark.parametrize(
    ("role", "scope", "value"),
    [
        (role, scope, "" if scope in {"own", "all"} else "SCI")
        for role, scopes in GRANTABLE.items()
        for scope in scopes
    ],
)
def test_whoever_holds_any_role_may_read(role, scope, value):
    assert access.may_read(acting(role, scope, value, person=7)) is None


@pytest.mark.parametrize(
    "who",
    [
        acting("student", grants=()),
        acting("student", "own", person=None),
        acting("nobody"),
        acting("lecturer", "all"),
    ],
)
def test_whoever_holds_none_may_not_read(who):
    with pytest.raises(Refused) as refused:
        access.may_read(who)

    assert refused.value.code == "M903"


@pytest.mark.parametrize(
    ("who", "what"),
    [
        (acting("head of department", "department", "SCI"), "add a module"),
        (acting("head of department", "department", "SCI"), "open a section"),
        (acting("registrar", "programme", "BIO"), "close a programme"),
        (acting("scheduler", "department", "SCI"), "move a meeting"),
        (acting("scheduler"), "add a term"),
    ],
    ids=lambda one: one if isinstance(one, str) else one.role,
)
def test_whoever_is_granted_it_does_it(standing, who, what):
    TRIED[what](who)

    assert models.Department.objects.count() == 1
