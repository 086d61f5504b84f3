"""Who may tell whom: which audience is within which grant."""

from __future__ import annotations

import pytest

from matricula.accounts import rules as scopes
from matricula.kernel.errors import Refused
from matricula.sis.notices import access, actions, rules
from tests.sis.conftest import AT, acting, doing
from tests.sis.teaching.conftest import taught

pytestmark = pytest.mark.any_database
__all__ = ["taught"]
LECTURER, REGISTRAR = ("lecturer", "section", "BIO101-A"), ("registrar", "programme", "BIO")


@pytest.mark.parametrize(
    ("who", "conditions", "may"),
    [
        (LECTURER, ("section:BIO101-A",), True),
        (LECTURER, ("section:BIO101-A", "student:00000001"), True),
        (("lecturer", "module", "BIO101"), ("section:BIO101-A", "section:BIO101-B"), True),
        (LECTURER, ("section:BIO101-A", "section:BIO101-B"), False),
        (LECTURER, ("section:BIO101-A", "status:on leave"), False),
        (LECTURER, ("programme:BIO",), False),
        (LECTURER, ("student:00000001",), False),
        (REGISTRAR, ("programme:BIO", "status:on leave"), True),
        (REGISTRAR, ("programme:BIO", "programme:CHE"), False),
        (REGISTRAR, ("status:active",), False),
        (("registrar", "department", "SCI"), ("programme:BIO", "programme:CHE"), True),
        (("registrar", "all", ""), ("term:2026-1",), True),
        (("student", "own", ""), ("section:BIO101-A",), False),
    ],
)
def test_an_audience_is_within_reach_by_each_programme_or_section_that_it_names(
    taught, who, conditions, may
):
    allowed = access.ALLOWED["send a notice"]

    (facts,) = access.facts([rules.read(conditions)])

    assert all(scopes.may(acting(*who), allowed, one) for one in facts) is may


def test_a_lecturer_lists_the_notices_to_their_own_section_and_reads_no_other(taught, amara):
    text = actions.Text("Closed", "On Friday.")
    with doing() as act:
        made = actions.send(act, rules.read(["programme:BIO"]), text)
    lecturer = acting("lecturer", "section", "BIO101-A")

    assert access.notices(acting()) == [made]
    assert access.notices(lecturer) == []
    for who in (lecturer, acting("bursar")):
        with pytest.raises(Refused) as refused:
            access.notice(who, made.number)
        assert refused.value.code == "M903"
    with pytest.raises(Refused):
        access.notices(acting("bursar"))


def test_only_the_post_is_handed_over_by_who_may(amara):
    text = actions.Text("Closed", "On Friday.")
    with doing() as act:
        made = actions.send(act, rules.read(["programme:BIO"]), text)

    access.may_deliver(acting("operator"))
    for attempt in (
        lambda: access.may_deliver(acting("lecturer", "section", "BIO101-A")),
        lambda: _again(made.number),
    ):
        with pytest.raises(Refused) as refused:
            attempt()
        assert refused.value.code == "M903"


def _again(number):
    with doing(acting("student", "own", at=AT)) as act:
        actions.send_again(act, number)
