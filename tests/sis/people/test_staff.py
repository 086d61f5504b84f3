"""Staff: a number once and for ever, duties with dates, grants that end with the duty."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from matricula.accounts.models import Account, Grant
from matricula.accounts.queries import grants
from matricula.kernel.errors import Refused
from matricula.sis.people import actions, queries
from matricula.sis.people.actions import Contact, Post
from matricula.sis.record.actions import refresh
from matricula.sis.record.models import StaffRecord
from matricula.sis.record.queries import touched_on
from tests.sis.conftest import AT, TODAY, acting, doing
from tests.sis.people.conftest import SEPTEMBER, person

FRIDAY = date(2026, 10, 16)


@pytest.fixture
def dewi(db):
    """Dewi, who lectures in science since September, with an account for it."""
    who = person(given="Dewi", family="Wirawan", email="dewi@example.org")
    with doing() as act:
        number = actions.hire(act, who).number
        actions.assign_duty(act, number, Post("lecturer", "SCI", SEPTEMBER))
    account = Account.objects.create(name="dewi", person=who, opened_at=AT)
    for role, scope in (("lecturer", "section"), ("student", "own")):
        Grant.objects.create(
            account=account, role=role, scope=scope, value="", starts_on=SEPTEMBER,
            granted_by="ada", why="test", granted_at=AT,
        )  # fmt: skip
    return number


def _end(number, last_day=FRIDAY, **told):
    with doing() as act:
        ended = actions.end_duty(act, number, "lecturer", last_day, **told)
    return act, ended


def _held(on):
    return sorted(grant.role for grant in grants("dewi", on=on))


def _tell(number, on=TODAY):
    refresh({"staff": {number}}, on=on)
    return StaffRecord.objects.filter(staff_no=number).first()


def test_staff_get_numbers_of_their_own_that_are_no_student_numbers(dewi):
    assert dewi == "S000001"
    assert queries.staff_of([queries.staff_member(dewi).person_id]).popitem()[1] == ("S000001",)


def test_a_number_that_was_taken_before_the_series_came_so_far_is_passed_over(dewi):
    elif_ = person(given="Elif", family="Yılmaz", email="elif@example.org")
    fola = person(given="Fola", family="Ade", email="fola@example.org")

    with doing() as act:
        actions.hire(act, elif_, number="S000002")
    with doing() as act:
        last = actions.hire(act, fola)

    assert last.number == "S000003"


def test_whoever_works_here_is_not_hired_again(dewi):
    who = queries.staff_member(dewi).person_id

    with pytest.raises(Refused, match="is S000001 already") as refused, doing() as act:
        actions.hire(act, who)

    assert refused.value.code == "M936"


def test_a_staff_number_of_somebody_else_is_refused(dewi):
    other = person(given="Elif", family="Yılmaz", email="elif@example.org")

    with pytest.raises(Refused) as refused, doing() as act:
        actions.hire(act, other, number=dewi)

    assert refused.value.code == "M933"


def test_a_duty_that_ends_takes_the_grants_for_it_along_and_no_others(dewi):
    _end(dewi)

    assert _held(FRIDAY) == ["lecturer", "student"]
    assert _held(FRIDAY + timedelta(days=1)) == ["student"]


def test_a_duty_was_what_it_was_before_its_end_was_recorded(dewi):
    _end(dewi)

    after = FRIDAY + timedelta(days=1)
    assert queries.duties([dewi], on=FRIDAY)[dewi][0].ends_on == FRIDAY
    assert queries.duties([dewi], on=after) == {dewi: ()}
    before = AT - timedelta(days=1)
    assert queries.duties([dewi], on=after, known_at=before) == {dewi: ()}


def test_grants_stay_while_the_same_duty_goes_on_in_another_department(dewi):
    with doing() as act:
        actions.assign_duty(act, dewi, Post("lecturer", "ART", SEPTEMBER))

    act, _ = _end(dewi, department="SCI")

    assert "is lecturer in ART after" in act.left[0]
    assert _held(FRIDAY + timedelta(days=1)) == ["lecturer", "student"]


def test_a_duty_ends_in_every_department_when_none_is_named(dewi):
    with doing() as act:
        actions.assign_duty(act, dewi, Post("lecturer", "ART", SEPTEMBER))

    _, ended = _end(dewi)

    assert [one.department for one in ended] == ["SCI", "ART"]
    assert _held(FRIDAY + timedelta(days=1)) == ["student"]


def test_a_duty_that_had_not_begun_is_taken_back(dewi):
    with doing() as act:
        actions.assign_duty(act, dewi, Post("registrar", "SCI", date(2027, 1, 1)))

    with doing() as act:
        actions.end_duty(act, dewi, "registrar", FRIDAY)

    assert act.left == ["S000001 was to be registrar from 2027-01-01; that is off now."]
    assert [one.kind for one in queries.duties([dewi], on=date(2027, 1, 1))[dewi]] == ["lecturer"]


def test_a_duty_that_is_over_cannot_end_again(dewi):
    _end(dewi)

    with pytest.raises(Refused, match="no duty as lecturer") as refused:
        _end(dewi)

    assert refused.value.code == "M931"


def test_the_same_duty_does_not_hold_twice_on_a_day(dewi):
    with pytest.raises(Refused, match="is lecturer in SCI from 2026-09-01 already"):  # noqa: SIM117 - the act is what raises
        with doing() as act:
            actions.assign_duty(act, dewi, Post("lecturer", "SCI", TODAY))

    assert len(queries.duties([dewi], on=TODAY)[dewi]) == 1


@pytest.mark.parametrize(
    ("post", "what"),
    [
        (Post("juggler", "SCI", TODAY), "no duty juggler"),
        (Post("student", "SCI", TODAY), "no duty student"),
        (Post("lecturer", " ", TODAY), "within a department"),
        (Post("lecturer", "ART", TODAY, SEPTEMBER), "is before"),
    ],
)
def test_what_is_no_duty_is_refused(dewi, post, what):
    with pytest.raises(Refused, match=what) as refused, doing() as act:
        actions.assign_duty(act, dewi, post)

    assert refused.value.code == "M934"


def test_a_head_staffs_their_own_department_alone(dewi):
    head = acting("head of department", "department", "ART")

    with doing(head) as act:
        actions.assign_duty(act, dewi, Post("lecturer", "ART", TODAY))
    with pytest.raises(Refused) as refused, doing(head) as act:
        actions.end_duty(act, dewi, "lecturer", FRIDAY)

    assert refused.value.code == "M903"


def test_the_record_tells_of_staff_once_they_have_begun_and_after_they_have_ended(dewi):
    with doing() as act:
        who = queries.staff_member(dewi).person_id
        actions.change_contact(act, who, Contact("email", "work", "d.w@example.org"), on=TODAY)
    _end(dewi)

    before, during = _tell(dewi, date(2026, 8, 31)), _tell(dewi)
    after = _tell(dewi, FRIDAY + timedelta(days=1))

    assert before is None
    assert (during.status, during.department) == ("active", "SCI")
    assert (during.display_name, during.email) == ("Dewi Wirawan", "d.w@example.org")
    assert (after.status, after.department) == ("ended", None)


def test_the_department_is_that_of_the_duty_that_began_last(dewi):
    with doing() as act:
        actions.assign_duty(act, dewi, Post("moderator", "ART", TODAY))

    assert _tell(dewi).department == "ART"


def test_the_record_hears_of_a_duty_on_the_day_after_it_ended(dewi):
    _end(dewi)

    assert touched_on(FRIDAY, FRIDAY + timedelta(days=1))["staff"] == {dewi}
    assert touched_on(date(2026, 10, 20), date(2026, 10, 21))["staff"] == set()
