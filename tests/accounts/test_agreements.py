"""The second person: who agreed, to what, until when, and that it is good for one act."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import pytest
from django.db import connection

from matricula.accounts import actions, queries
from matricula.accounts.models import Account, Agreement, Grant
from matricula.accounts.rules import About, Facts
from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.acts.queries import act as act_of
from matricula.sis.people import actions as people
from matricula.sis.people.models import Person
from tests.sis.conftest import AT, TODAY, acting, agreed, doing

KEY = "00000001"
HERE = About("student", KEY, Facts(persons=frozenset({7}), departments=frozenset({"SCI"})))
ADA = acting(approver="bo")
A_WEEK_ON = TODAY + timedelta(days=7)


def _act(who=ADA, about=HERE, *, times=1):
    """Do something that needs a second person; gives the act."""
    with doing(who) as act:
        act.name("test", about.entity, about.key)
        for _ in range(times):
            people.second_person(act, "To test", about)
    return act.act


def _refused(do, *, code="M909"):
    with pytest.raises(Refused) as refused:
        do()
    assert refused.value.code == code
    return str(refused.value)


def _account(name, role="registrar", scope="all", value="", *, person=None):
    """An account that holds a role; who acts under it today, for a reason."""
    Grant.objects.create(
        account=Account.objects.create(name=name, person=person, opened_at=AT), role=role,
        scope=scope, value=value, starts_on=TODAY, granted_by="test", why="test", granted_at=AT,
    )  # fmt: skip
    return replace(queries.acting(name, role=role, at=AT, today=TODAY), reason="seen")


def _on(day, who=ADA):
    return replace(who, today=day, at=AT + (day - TODAY))


def _open():
    return [one.pk for one in queries.open_agreements("bo", on=TODAY)]


def test_whoever_is_named_without_having_agreed_is_no_second_person(db):
    _account("bo")

    said = _refused(_act)

    assert "To test needs a second person: bo did not agree to it beforehand." in said
    assert "`matricula register agree ada student:00000001 --why REASON`" in said


def test_what_was_agreed_to_is_used_up_and_the_act_names_who_agreed(db):
    agreed("bo", f"student:{KEY}")

    act = _act()

    assert act_of(act).approver == "bo"
    assert Agreement.objects.get().used_by == act
    assert [(one.actor, one.action, one.run) for one in audited("student", KEY)] == [
        ("ada", "use agreement", act), ("bo", "agree", ""),
    ]  # fmt: skip


def test_an_agreement_is_good_for_one_act_and_a_new_one_for_another(db):
    agreed("bo", f"student:{KEY}")
    first = _act()

    said = _refused(_act)
    agreed("bo", f"student:{KEY}")
    second = _act()

    assert f"was used by {first}" in said
    assert [one.used_by for one in Agreement.objects.order_by("id")] == [first, second]


def test_an_act_that_asks_twice_about_one_record_has_what_it_used(db):
    agreed("bo", f"student:{KEY}")

    act = _act(times=2)

    assert Agreement.objects.get().used_by == act
    assert len(audited("student", KEY)) == 2


def test_an_act_that_fails_leaves_the_agreement_open(db):
    agreed("bo", f"student:{KEY}")

    # Nothing says what was done.
    with pytest.raises(Refused, match="M907"), doing(ADA) as act:
        people.second_person(act, "To test", HERE)

    assert len(_open()) == 1


def test_an_agreement_counts_to_its_last_day(db):
    agreed("bo", f"student:{KEY}")
    Grant.objects.update(ends_on=None)

    late = _refused(partial(_act, _on(A_WEEK_ON + timedelta(days=1))))
    _act(_on(A_WEEK_ON))

    assert f"ended with {A_WEEK_ON}" in late


def test_what_was_taken_back_does_not_count(db):
    agreed("bo", f"student:{KEY}")
    bo = queries.acting("bo", role="", at=AT, today=TODAY)
    (number,) = _open()

    actions.withdraw_agreement(bo, number)

    assert "was taken back" in _refused(_act)
    assert _open() == []
    assert [one.action for one in audited("student", KEY)] == ["withdraw agreement", "agree"]


def test_only_who_gave_it_takes_it_back_and_only_before_it_is_used(db):
    agreed("bo", f"student:{KEY}")
    (number,) = _open()
    bo = queries.acting("bo", role="", at=AT, today=TODAY)

    _refused(lambda: actions.withdraw_agreement(ADA, number), code="M900")
    _act()
    _refused(lambda: actions.withdraw_agreement(bo, number), code="M900")

    assert Agreement.objects.get().withdrawn_at is None


@pytest.mark.parametrize(
    "about", ["student:00000002", "hold:00000001", "person:00000001", "student:00000001/1"]
)
def test_an_agreement_about_another_record_does_not_count(db, about):
    agreed("bo", about)

    _refused(_act)

    assert len(_open()) == 1


def test_an_agreement_with_another_who_acts_does_not_count(db):
    agreed("bo", f"student:{KEY}", whose="chris")

    _refused(_act)

    assert len(_open()) == 1


@pytest.mark.parametrize("approver", ["", "ada"])
def test_nobody_is_their_own_second_person(db, approver):
    agreed("bo", f"student:{KEY}")

    assert "nobody but ada" in _refused(partial(_act, replace(ADA, approver=approver)))


def test_an_account_that_is_closed_or_was_never_opened_is_no_second_person(db):
    agreed("bo", f"student:{KEY}")
    Account.objects.filter(name="bo").update(closed_at=AT)

    for name in ("bo", "nobody"):
        said = _refused(partial(_act, replace(ADA, approver=name)), code="M901")
        assert f"There is no account {name}." in said


@pytest.mark.parametrize("role", ["student", "system", "auditor", "operator"])
def test_students_machines_and_who_only_reads_or_grants_never_agree(db, role):
    _account("ada")
    bo = replace(acting(role), account="bo", reason="seen")

    said = _refused(lambda: actions.agree(bo, "ada", HERE), code="M903")

    assert f"as {role}" in said
    assert not Agreement.objects.exists()


def test_a_student_who_acts_has_no_other_student_as_second_person(db):
    agreed("bo", f"student:{KEY}")
    Agreement.objects.update(role="student")
    Grant.objects.update(role="student", scope="own")

    _refused(partial(_act, replace(ADA, role="student")))

    assert len(_open()) == 1


def test_a_registrar_may_agree_to_what_a_student_does(db):
    agreed("bo", f"student:{KEY}")

    act = _act(replace(ADA, role="student"))

    assert act_of(act).approver == "bo"


def test_two_accounts_of_one_person_are_one(db):
    ada, also = _account("ada", person=70), _account("bo", person=70)

    assert "not two people" in _refused(lambda: actions.agree(also, "ada", HERE), code="M900")
    Agreement.objects.create(
        account=Account.objects.get(name="bo"), role="registrar", whose="ada", entity="student",
        key=KEY, why="seen", agreed_at=AT, ends_on=TODAY,
    )  # fmt: skip
    said = _refused(partial(_act, replace(ada, approver="bo")))

    assert "bo is the same person as ada" in said


def test_two_who_were_registered_twice_and_merged_since_are_one(db):
    first, second = (Person.objects.create(act="test", recorded_at=AT).pk for _ in range(2))
    ada, bo = _account("ada", person=first), _account("bo", person=second)
    actions.agree(bo, "ada", HERE)
    with doing(approver=agreed("chris", f"person:{first}|{second}")) as act:
        people.merge(act, first, second, evidence="one passport")

    assert "the same person" in _refused(partial(_act, replace(ada, approver="bo")))


def test_whom_the_record_is_about_agrees_to_nothing_that_is_done_to_it(db):
    _account("ada")
    actions.agree(_account("bo", person=7), "ada", HERE)

    assert "bo is whom it is about" in _refused(_act)


def test_whoever_agreed_holds_the_role_still_when_it_is_used(db):
    agreed("bo", f"student:{KEY}")
    Grant.objects.update(ends_on=TODAY)

    said = _refused(partial(_act, _on(TODAY + timedelta(days=1))))

    assert "bo agreed as registrar" in said


@pytest.mark.parametrize(
    ("agrees_as", "acts_as"),
    [("registrar", "registrar"), ("bursar", "bursar"), ("registrar", "bursar")],
)
def test_who_might_have_done_it_or_is_the_registrar_agrees(db, agrees_as, acts_as):
    agreed("bo", f"student:{KEY}", role=agrees_as)

    act = _act(replace(ADA, role=acts_as))

    assert act_of(act).approver == "bo"


@pytest.mark.parametrize(
    ("agrees_as", "acts_as", "who"),
    [
        ("bursar", "registrar", "registrar"),
        ("lecturer", "admissions", "admissions or registrar"),
        ("system", "system", "registrar"),
    ],
)  # fmt: skip
def test_who_could_not_have_done_it_does_not_agree_either(db, agrees_as, acts_as, who):
    agreed("bo", f"student:{KEY}")
    Agreement.objects.update(role=agrees_as)
    Grant.objects.update(role=agrees_as)

    said = _refused(partial(_act, replace(ADA, role=acts_as)))

    assert f"bo agreed as {agrees_as}" in said
    assert f"Somebody else who is {who} agrees" in said


@pytest.mark.parametrize(("department", "counts"), [("SCI", True), ("ART", False)])
def test_the_second_persons_grant_takes_the_record_in(db, department, counts):
    _account("ada")
    actions.agree(_account("bo", scope="department", value=department), "ada", HERE)

    if counts:
        _act()
    else:
        assert "within a scope" in _refused(_act)

    assert len(_open()) == (not counts)


def test_who_was_named_but_was_not_needed_is_not_written_down_as_second_person(db):
    with doing(ADA) as act:
        act.name("test", "student", KEY)

    assert act_of(act.act).approver == ""


@pytest.mark.parametrize(
    ("about", "told", "said"),
    [
        (About("studnet", KEY), {}, "Did you mean student?"),
        (About("student", " "), {}, "which record"),
        (HERE, {"ends_on": TODAY - timedelta(days=1)}, "until 2026-10-13"),
        (HERE, {"ends_on": date(2026, 11, 15)}, "from 2026-10-14 to 2026-11-14"),
    ],
)
def test_an_agreement_that_makes_no_sense_is_refused(db, about, told, said):
    _account("ada")
    bo = _account("bo")

    assert said in _refused(lambda: actions.agree(bo, "ada", about, **told), code="M900")


def test_to_agree_needs_a_reason_another_account_and_is_done_once(db):
    _account("ada")
    bo = _account("bo")
    actions.agree(bo, "ada", HERE)

    _refused(lambda: actions.agree(replace(bo, reason=" "), "ada", HERE), code="M900")
    _refused(lambda: actions.agree(bo, "bo", HERE), code="M900")
    _refused(lambda: actions.agree(bo, "nobody", HERE), code="M901")
    again = _refused(lambda: actions.agree(bo, "ada", HERE), code="M900")

    assert f"agreement {Agreement.objects.get().pk}, until {A_WEEK_ON}" in again


def test_open_agreements_are_listed_for_both_and_for_nobody_else(db):
    agreed("bo", f"student:{KEY}")
    agreed("ada", "person:3", whose="chris")
    agreed("bo", "hold:00000005", whose="chris")

    def listed(name, on=TODAY):
        return [f"{one.entity}:{one.key}" for one in queries.open_agreements(name, on=on)]

    assert listed("ada") == ["student:00000001", "person:3"]
    assert listed("bo") == ["student:00000001", "hold:00000005"]
    assert listed("dewi") == []
    assert listed("ada", on=A_WEEK_ON + timedelta(days=1)) == []


def test_two_acts_at_once_do_not_share_an_agreement(transactional_db):
    agreed("bo", f"student:{KEY}")
    has_it, asks = threading.Event(), threading.Event()
    done, refused = [], []

    def first():
        with doing(ADA) as act:
            act.name("test", "student", KEY)
            people.second_person(act, "To test", HERE)
            has_it.set()
            # The other one asks while this transaction is open, and waits for its end.
            asks.wait(1)
            time.sleep(0.2)
        done.append(act.act)
        connection.close()

    def second():
        has_it.wait()
        asks.set()
        try:
            done.append(_act())
        except Refused as error:
            refused.append(error.code)
        connection.close()

    threads = [threading.Thread(target=one) for one in (first, second)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert refused == ["M909"]
    assert [Agreement.objects.get().used_by] == done
