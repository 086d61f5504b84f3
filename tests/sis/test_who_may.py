"""Who may do what, from one table: everything that any part of the register allows, and to whom.

Each entry is tried with every role that is not named, with every scope that is not the
object's, with a grant that has expired, that is yet to come, and that was taken back.
"""

from __future__ import annotations

import ast
import importlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from matricula.accounts import actions, queries, rules
from matricula.accounts.rules import Acting, Facts, Granted
from matricula.kernel.errors import Refused
from tests.architecture.source import SOURCE

pytestmark = pytest.mark.any_database
TODAY = date(2026, 10, 14)
AT = datetime(2026, 10, 14, 9, tzinfo=UTC)
# An object that belongs to something of every kind; grants elsewhere name another value.
HERE = Facts(
    persons=frozenset({7}), sections=frozenset({"here"}), modules=frozenset({"here"}),
    departments=frozenset({"here"}), programmes=frozenset({"here"}),
    offices=frozenset({"here"}),
)  # fmt: skip


def _parts() -> list[str]:
    return sorted(path.parent.name for path in SOURCE.glob("sis/*/access.py"))


def _table() -> list[tuple[str, str, dict]]:
    return [
        (part, what, allowed)
        for part in _parts()
        for what, allowed in importlib.import_module(
            f"matricula.sis.{part}.access"
        ).ALLOWED.items()
    ]


TABLE = _table()
CASES = [pytest.param(allowed, id=f"{part}: {what}") for part, what, allowed in TABLE]


def _acting(role: str, scope: str, value: str, person: int) -> Acting:
    return Acting("ada", role, AT, TODAY, (Granted(role, scope, value),), person)


@pytest.mark.parametrize("allowed", CASES)
def test_whoever_holds_another_role_is_refused_whatever_the_scope(allowed):
    others = set(rules.ROLES) - {role for role, scopes in allowed.items() if scopes}

    let_in = [
        (role, scope)
        for role in others
        for scope in rules.SCOPES
        if rules.may(_acting(role, scope, "here", 7), allowed, HERE)
    ]

    assert let_in == []


@pytest.mark.parametrize("allowed", CASES)
def test_whoever_holds_the_role_within_another_scope_is_refused(allowed):
    let_in = [
        (role, scope)
        for role in allowed
        for scope in rules.SCOPES
        if scope != rules.ALL
        if rules.may(_acting(role, scope, "elsewhere", 8), allowed, HERE)
    ]

    assert let_in == []


@pytest.mark.parametrize("allowed", CASES)
def test_a_scope_counts_for_a_role_only_where_the_table_says_so(allowed):
    let_in = {
        (role, scope)
        for role in rules.ROLES
        for scope in rules.SCOPES
        if rules.may(_acting(role, scope, "here", 7), allowed, HERE)
    }

    assert let_in == {(role, scope) for role, scopes in allowed.items() for scope in scopes}


def test_every_role_and_scope_that_is_named_can_be_granted_at_all():
    unknown = [
        (part, what, role, scope)
        for part, what, allowed in TABLE
        for role, scopes in allowed.items()
        for scope in scopes
        if scope not in rules.GRANTABLE.get(role, ())
    ]

    assert unknown == []


@pytest.mark.parametrize("days", [(-30, -1), (1, 30)], ids=["expired", "yet to come"])
def test_a_grant_counts_on_its_own_days_alone(db, days):
    first, last = (TODAY + timedelta(days=n) for n in days)
    operator = _operator()
    actions.open_account(operator, "ruth")
    actions.grant(operator, "ruth", actions.Wanted("registrar", "all", "", first, last))

    with pytest.raises(Refused) as refused:
        queries.acting("ruth", role="", at=AT, today=TODAY)

    assert refused.value.code == "M902"
    assert queries.acting("ruth", role="", at=AT, today=first).role == "registrar"


def test_a_grant_that_was_taken_back_counts_no_more(db):
    operator = _operator()
    actions.open_account(operator, "ruth")
    made = actions.grant(operator, "ruth", actions.Wanted("registrar", "all", "", TODAY))

    actions.revoke(operator, made.pk)

    with pytest.raises(Refused) as refused:
        queries.acting("ruth", role="registrar", at=AT, today=TODAY)
    assert refused.value.code == "M902"


def test_whoever_acts_in_one_role_has_the_grants_of_no_other(db):
    operator = _operator()
    actions.open_account(operator, "ruth")
    for role in ("registrar", "auditor"):
        actions.grant(operator, "ruth", actions.Wanted(role, "all", "", TODAY))

    acting = queries.acting("ruth", role="auditor", at=AT, today=TODAY)

    assert [grant.role for grant in acting.grants] == ["auditor"]
    assert not rules.may(replace(acting, role="registrar"), {"registrar": ("all",)})


def test_a_role_is_granted_within_no_scope_but_its_own(db):
    operator = _operator()
    actions.open_account(operator, "sue")

    with pytest.raises(Refused) as refused:
        actions.grant(operator, "sue", actions.Wanted("student", "all", "", TODAY))

    assert refused.value.code == "M905"


def test_nobody_but_an_operator_opens_accounts_or_grants_roles(db):
    _operator()
    registrar = Acting("ruth", "registrar", AT, TODAY, (Granted("registrar", "all"),))

    for act in (
        lambda: actions.open_account(registrar, "mine"),
        lambda: actions.grant(registrar, "ada", actions.Wanted("registrar", "all", "", TODAY)),
        lambda: actions.revoke(registrar, 1),
    ):
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.code == "M903"


def test_the_first_account_is_the_only_one_that_makes_itself(db):
    _operator()

    with pytest.raises(Refused) as refused:
        actions.found("eve", at=AT, today=TODAY)

    assert refused.value.code == "M904"


def _operator() -> Acting:
    actions.found("ada", at=AT, today=TODAY)
    return queries.acting("ada", role="operator", at=AT, today=TODAY)


@pytest.mark.parametrize("part", sorted(p.parent.name for p in SOURCE.glob("sis/*/access.py")))
def test_every_part_asks_for_permission_under_a_name_of_its_table(part):
    """What is asked with a literal name stands in the table; a misspelt one would be an error."""
    named = {what for of, what, _ in TABLE if of == part}
    asked = set()
    for path in Path(SOURCE / "sis" / part).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Subscript) and _is_table(node.value):
                asked |= {one.value for one in ast.walk(node.slice) if _is_text(one)}

    assert asked <= named


def _is_table(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id == "ALLOWED") or (
        isinstance(node, ast.Attribute) and node.attr == "ALLOWED"
        and isinstance(node.value, ast.Name) and node.value.id == "access"
    )  # fmt: skip


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
