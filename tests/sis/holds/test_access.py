"""Who may do what with holds: the table, and that everything else is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matricula.accounts import rules as scopes
from matricula.accounts.actions import permit
from matricula.kernel.errors import Refused
from matricula.sis.holds import access, rules
from tests.sis.conftest import acting

MINE = 7
# Of whom and of which office the object is, for every permission that is asked.
THINGS = {
    desk: scopes.Facts(persons=frozenset({MINE}), offices=frozenset({desk}))
    for desk in rules.OFFICES
}


def _facts(what):
    return THINGS.get(what.rpartition(" of the ")[2], THINGS["bursary"])


def _who(role, scope, facts):
    value = next(iter(facts.offices)) if scope == "office" else ""
    return acting(role, scope, value, person=MINE)


@pytest.mark.parametrize("what", access.ALLOWED)
def test_whoever_the_table_names_may_within_each_scope_that_it_names(what):
    for role, within in access.ALLOWED[what].items():
        for scope in within:
            who = _who(role, scope, _facts(what))
            assert scopes.may(who, access.ALLOWED[what], _facts(what)), (role, scope)


def _strangers(role, allowed, facts):
    """Who holds a role but may not: of another office, person or department, or no longer."""
    found = [
        acting(role, "office", "library/elsewhere", person=MINE),
        acting(role, "own", person=MINE + 1),
        acting(role, "department", "SCI"),
        acting(role, "programme", "BIO"),
        replace(acting(role, "all", person=MINE), grants=()),
    ]
    if role not in allowed:
        found += [_who(role, scope, facts) for scope in ("all", "office", "own")]
    return found


@pytest.mark.parametrize("what", access.ALLOWED)
def test_a_wrong_role_a_wrong_scope_and_an_expired_grant_are_refused(what):
    allowed, facts = access.ALLOWED[what], _facts(what)

    for who in (one for role in scopes.ROLES for one in _strangers(role, allowed, facts)):
        with pytest.raises(Refused) as refused:
            permit(who, what, allowed, facts)
        assert refused.value.code == "M903"


@pytest.mark.parametrize(
    ("role", "desks"),
    [
        ("bursar", {"bursary"}),
        ("librarian", {"library"}),
        ("registrar", {"registry"}),
        ("exams officer", {"exams"}),
        ("student", set()),
        ("operator", set()),
        ("auditor", set()),
    ],
)
def test_a_role_releases_the_holds_of_its_own_office_and_of_no_other(role, desks):
    mine = {
        desk for desk in rules.OFFICES if role in access.ALLOWED[f"release a hold of the {desk}"]
    }

    assert mine == desks


def test_an_office_holds_for_what_is_its_business_and_health_is_not_the_bursars():
    causes = {desk: set(office.causes) for desk, office in rules.OFFICES.items()}

    assert causes["bursary"] == {"tuition", "ancillary"}
    assert causes["library"] == {"ancillary"}
    assert causes["exams"] == {"academic"}
    assert {"document", "academic", "identity"} <= causes["registry"]
