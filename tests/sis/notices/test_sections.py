"""Notices to those who are taught: a lecturer's to the own section, and to everybody of a term."""

from __future__ import annotations

from datetime import date

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.enrolment import actions as enrolment
from matricula.sis.notices import actions, queries, rules
from tests.sis.conftest import AT, TODAY, acting, doing
from tests.sis.teaching.conftest import enroll, taught

__all__ = ["taught"]
TEXT = actions.Text("Room changed", "We meet in R2.")
LECTURER = ("lecturer", "section", "BIO101-A")


@pytest.fixture
def two(taught):
    """Amara is in the first group of Cells, Bela in the second."""
    return (
        enroll("Amara", email="amara@example.org"),
        enroll("Bela", "BIO101-B", email="bela@example.org"),
    )


def _meant(*conditions, on=TODAY):
    return set(queries.meant(rules.read(conditions), on=on))


def test_who_is_on_the_roster_of_the_day_is_meant_by_a_section(two):
    amara, bela = two
    with doing(reason="personal") as act:
        enrolment.withdraw(act, bela, "BIO101-B", effective_on=TODAY, last_attended_on=TODAY)

    assert _meant("section:BIO101-A", "section:BIO101-B") == {amara}
    assert _meant("section:BIO101-B", on=date(2026, 10, 13)) == {bela}


def test_who_is_registered_in_a_term_is_meant_by_it(two):
    amara, bela = two

    assert _meant("term:2026-1") == {amara, bela}
    assert _meant("term:2026-1", "section:BIO101-A") == {amara}
    assert _meant("term:2026-1", "programme:CHE") == set()


def test_a_lecturer_tells_the_own_section_and_no_other(two, post):
    with doing(acting(*LECTURER)) as act:
        actions.send(act, rules.read(["section:BIO101-A"]), TEXT)
    with pytest.raises(Refused) as refused, doing(acting(*LECTURER)) as act:
        actions.send(act, rules.read(["section:BIO101-B"]), TEXT)

    actions.deliver(AT)

    assert refused.value.code == "M903"
    assert [one.to for one in post.got] == ["amara@example.org"]
