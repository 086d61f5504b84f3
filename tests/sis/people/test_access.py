"""Who may do what to persons: what is not named is refused."""

from __future__ import annotations

from datetime import date

import pytest

from matricula.accounts import queries as accounts
from matricula.kernel.errors import Refused
from matricula.sis.people import access, actions
from matricula.sis.people.actions import Contact, Described, Naming, Post, Wish
from tests.sis.conftest import TODAY, acting
from tests.sis.people.conftest import BORN, person

pytestmark = pytest.mark.any_database
NOBODY = Described("New", "Comer", date(2001, 2, 3))


def _act(action, *arguments, **told):
    """Something that is done, tried for whoever acts."""

    def attempt(who, number):
        from tests.sis.conftest import doing

        with doing(who) as act:
            given = [number if one is ... else one for one in arguments]
            action(act, *given, **told)

    return attempt


# Every name, and how to try it.
TRIED = {
    "register a person": _act(actions.register_matched, NOBODY),
    "change a legal name": _act(actions.rename, ..., Naming("legal", "A", "B"), on=TODAY),
    "change a display name": _act(actions.rename, ..., Naming("display", "A", "B"), on=TODAY),
    "change a contact point": _act(
        actions.change_contact, ..., Contact("phone", "home", "07700 900999"), on=TODAY
    ),
    "correct a birth date": _act(actions.correct_birth_date, ..., BORN),
    "set a directive": _act(actions.set_directive, ..., Wish("directory_restriction"), on=TODAY),
    "merge persons": _act(actions.merge, ..., ..., evidence="seen"),
    "undo a merge": _act(actions.unmerge, ...),
    "hire": _act(actions.hire, ...),
    "assign a duty": _act(actions.assign_duty, "S1", Post("lecturer", "SCI", TODAY)),
    "end a duty": _act(actions.end_duty, "S1", "lecturer", TODAY, department="SCI"),
    "read a person": lambda who, number: access.portrait(who, number, on=TODAY),
    "read a person's name and number": access.name_and_number,
    "find a person": lambda who, number: access.find(who, str(number)),
}


def test_every_name_is_tried():
    assert set(TRIED) == set(access.ALLOWED)


def test_each_act_refuses_a_wrong_role_a_wrong_scope_and_who_holds_no_grant(db):
    amara = person()
    strangers = [
        acting("lecturer", "section", "BIO1"),
        acting("system"),
        acting("operator"),
        acting("auditor"),
        acting("student", "own", person=0),
        acting("student", "own"),
        acting("registrar", "office", "library"),
        acting("registrar", grants=()),
        acting("student", "own", person=amara, grants=()),
    ]

    for what, attempt in TRIED.items():
        for who in strangers:
            with pytest.raises(Refused) as refused:
                attempt(who, amara)
            assert refused.value.code == "M903", (what, who)


@pytest.mark.parametrize(
    "who",
    [acting("librarian", "office", "library"), acting("bursar"), acting("admissions")],
    ids=lambda who: who.role,
)
def test_an_office_reads_a_name_and_a_number_and_no_more(db, who):
    amara = person()

    found = access.name_and_number(who, amara)

    assert (found.given, found.family) == ("Amara", "Okafor")
    with pytest.raises(Refused) as refused:
        access.portrait(who, amara, on=TODAY)
    assert refused.value.code == "M903"


def test_whoever_may_not_reach_a_person_does_not_learn_whether_there_is_one(db):
    codes = []
    for who in (acting("lecturer", "section", "BIO1"), acting()):
        with pytest.raises(Refused) as refused:
            access.person(who, 999, to="read a person")
        codes.append(refused.value.code)

    assert codes == ["M903", "M931"]


def test_a_look_at_all_that_is_known_of_a_person_is_noted(db):
    amara = person()

    access.portrait(acting(), amara, on=TODAY)
    access.portrait(acting("student", "own", person=amara), amara, on=TODAY)

    looks = accounts.looks("person", str(amara))
    assert [(one.account, one.role) for one in looks] == [("ada", "registrar")]


def test_nothing_is_looked_for_where_nothing_was_said(db):
    with pytest.raises(Refused) as refused:
        access.find(acting(), " ., ")

    assert refused.value.code == "M934"
