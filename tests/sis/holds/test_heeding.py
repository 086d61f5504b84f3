"""What flows into the register's table of clearance becomes holds, once, and goes by itself."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction

from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.acts.models import Act
from matricula.sis.holds import actions, queries
from matricula.sis.holds.models import Hold, HoldFigure
from matricula.sis.holds.rules import Claim
from matricula.sis.lifecycle import actions as lifecycle
from matricula.sis.people.models import Identifier, Merge, Person
from matricula.sis.received import actions as received
from matricula.sis.received import queries as receiving
from matricula.sis.received.models import Unheeded
from tests.sis.conftest import AT, TODAY, acting, agreed, doing

LIBRARIAN = acting("librarian")
SYSTEM = replace(acting("system"), account="matricula", grants=(actions.GRANT,))
AMARA, BELA = "00000001", "00000002"


def _is_student(number):
    person = Person.objects.create(act="test", recorded_at=AT)
    Identifier.objects.create(
        person=person, system="sis", kind="student", value=number, valid_from=TODAY, act="test",
        recorded_at=AT,
    )  # fmt: skip
    return person.pk


@pytest.fixture
def amara(register):
    """A student; gives the person."""
    return _is_student(AMARA)


def _tell(number=AMARA, **told):
    row = {"overdue_loans": None, "library_fines": None, "balance_due": None, "is_clear": None}
    amounts = {n: Decimal(v) for n, v in told.items() if isinstance(v, str)}
    received.keep("clearance", ["student_no"], [row | told | amounts | {"student_no": number}], [])


def _heed(days=0):
    who = replace(SYSTEM, at=AT + timedelta(days=days), today=TODAY + timedelta(days=days))
    while actions.heed(who, currency="GBP"):
        pass


def _told(days=0, number=AMARA, **told):
    _tell(number, **told)
    _heed(days)


def _held(person, on=TODAY, **told):
    return [
        (one.kind, one.standing.state, one.amount_minor, one.loans)
        for one in queries.holds_of([person], on=on, **told)[person]
    ]


def test_what_is_overdue_and_what_is_owed_are_two_holds_of_the_library_with_their_sizes(amara):
    _told(overdue_loans=2, library_fines="4.50", is_clear=False)

    assert _held(amara) == [("loan", "active", None, 2), ("debt", "active", 450, None)]
    assert {(one.office, one.cause, one.currency) for one in Hold.objects.all()} == {
        ("library", "ancillary", ""), ("library", "ancillary", "GBP"),
    }  # fmt: skip


def test_who_is_clear_or_of_whom_nothing_is_said_has_no_hold_and_no_act_is_written(amara):
    _told(overdue_loans=0, library_fines="0", is_clear=True)
    _told()

    assert _held(amara) == []
    assert not Act.objects.exists()
    assert not receiving.is_unheeded()


def test_the_same_told_again_changes_nothing(amara):
    _told(overdue_loans=1)
    _told(overdue_loans=1, days=1)

    assert _held(amara, on=TODAY + timedelta(days=1)) == [("loan", "active", None, 1)]
    assert (HoldFigure.objects.count(), Act.objects.count()) == (1, 1)


def test_what_was_not_said_leaves_the_hold_and_what_was_taken_away_lets_it_go(amara):
    _told(overdue_loans=1)
    _told(days=1)
    unsaid = _held(amara, on=TODAY + timedelta(days=1))

    received.keep("clearance", ["student_no"], [], [(AMARA,)])
    _heed(days=2)

    (held,) = queries.holds_of([amara], on=TODAY + timedelta(days=2))[amara]
    assert unsaid == [("loan", "active", None, 1)]
    assert (held.standing.state, held.standing.reason) == ("released", "told no more")


def test_one_hold_lasts_as_long_as_it_is_told_of_and_the_next_is_another(amara):
    _told(overdue_loans=1)
    _told(overdue_loans=3, days=1)
    _told(overdue_loans=0, days=2)
    _told(overdue_loans=1, days=3)

    days = [_held(amara, on=TODAY + timedelta(days=n)) for n in range(4)]
    assert days == [
        [("loan", "active", None, 1)], [("loan", "active", None, 3)],
        [("loan", "released", None, 3)],
        [("loan", "released", None, 3), ("loan", "active", None, 1)],
    ]  # fmt: skip
    known = _held(amara, on=TODAY + timedelta(days=3), known_at=AT + timedelta(days=1))
    assert known == [("loan", "active", None, 3)]


def test_what_the_librarian_released_stays_released_until_the_library_tells_of_more(amara):
    _told(overdue_loans=1)
    with doing(replace(LIBRARIAN, reason="waived")) as act:
        actions.release(act, "00000001", on=TODAY)

    _told(overdue_loans=1, library_fines="0")
    same = _held(amara)
    _told(overdue_loans=2)

    assert same == [("loan", "released", None, 1)]
    assert [state for _, state, *_ in _held(amara)] == ["released", "active"]


def test_nobody_but_the_system_says_that_the_system_said_so(amara):
    _told(overdue_loans=1)

    with pytest.raises(Refused) as no, doing(replace(LIBRARIAN, reason="settled there")) as act:
        actions.release(act, "00000001", on=TODAY)

    assert no.value.code == "M942"
    assert "settled there" not in no.value.cure
    assert [state for _, state, *_ in _held(amara)] == ["active"]


def test_after_it_was_settled_elsewhere_too_what_is_told_is_held_again(amara):
    _told(overdue_loans=1)
    with doing(replace(LIBRARIAN, reason="returned")) as act:
        actions.release(act, "00000001", on=TODAY)
    _told(overdue_loans=0)

    _told(overdue_loans=1)

    assert [state for _, state, *_ in _held(amara)] == ["released", "active"]


def test_what_the_librarian_wrote_down_for_a_later_day_stands(amara):
    _told(overdue_loans=1)
    with doing(replace(LIBRARIAN, reason="returned")) as act:
        actions.release(act, "00000001", on=TODAY + timedelta(days=3))

    _told(overdue_loans=0, days=1)

    assert _held(amara, on=TODAY + timedelta(days=1))[0][1] == "active"
    assert _held(amara, on=TODAY + timedelta(days=3))[0][1] == "released"


def test_a_dispute_and_an_exemption_outlast_a_fine_that_grows(amara):
    _told(library_fines="60.00")
    with doing(replace(acting("student", "own", person=amara), reason="amount")) as act:
        actions.dispute(act, "00000001", on=TODAY)
    who = replace(LIBRARIAN, reason="agreement", approver=agreed("bo", "hold:00000001"))
    window = actions.Window("completion", TODAY, TODAY + timedelta(days=30))
    with doing(who) as act:
        actions.exempt(act, "00000001", window)

    _told(library_fines="60.10")

    assert _held(amara) == [("debt", "disputed", 6010, None)]
    (check,) = queries.checks_for([amara], "completion", on=TODAY, policy="open")[amara]
    assert check.outcome == "passed"
    _told(library_fines="0")
    assert _held(amara) == [("debt", "released", 6010, None)]


def test_the_librarian_places_no_second_hold_for_what_the_library_tells(amara):
    _told(overdue_loans=1)

    with pytest.raises(Refused, match="Hold 00000001 says the same"), doing(LIBRARIAN) as act:
        actions.place(act, Claim(amara, "loan", "ancillary", "library", TODAY))


def test_whoever_was_merged_is_held_under_the_number_that_goes_on(amara):
    other = _is_student(BELA)
    Merge.objects.create(merged_id=other, survivor_id=amara, act="test", recorded_at=AT)

    _told(number=BELA, overdue_loans=1)

    assert _held(amara) == _held(other) == [("loan", "active", None, 1)]
    _told(number=BELA, overdue_loans=0)
    assert _held(amara) == [("loan", "released", None, 1)]


def test_a_number_that_is_no_students_is_passed_over(amara):
    _told(number="99999999", overdue_loans=4)

    assert not Hold.objects.exists()
    assert not receiving.is_unheeded()


def test_many_are_looked_at_in_one_act_and_everything_stands_in_the_audit(amara):
    _is_student(BELA)
    _tell(AMARA, overdue_loans=1)
    _tell(BELA, library_fines="3")
    _heed()

    (act,) = Act.objects.all()
    assert (act.account, act.role, act.action) == ("matricula", "system", "hold what is told")
    (entry,) = audited("hold", "00000002")
    assert (entry.actor, entry.action) == ("matricula", "place")
    assert entry.after["amount_minor"] == 300


def test_a_delivery_that_comes_to_nothing_leaves_nothing_to_look_at(amara):
    with transaction.atomic():
        _tell(overdue_loans=1)
        transaction.set_rollback(True)

    assert not receiving.is_unheeded()


def test_nobody_but_the_librarys_own_system_heeds(amara):
    _tell(overdue_loans=1)

    with pytest.raises(Refused) as refused:
        actions.heed(replace(acting("bursar"), account="bo"), currency="GBP")

    assert refused.value.code == "M903"
    assert Unheeded.objects.count() == 1


def test_old_word_is_known_to_be_old_only_while_it_holds_somebody(amara):
    _told(overdue_loans=1)
    received.hear("clearance", AT)

    def said(days):
        day = TODAY + timedelta(days=days)
        (found,) = queries.checks_for([amara], "completion", on=day, policy="open")[amara]
        return found.what

    assert "last heard" not in said(2)
    assert "was last heard on 2026-10-14" in said(3)
    received.hear("clearance", AT + timedelta(days=3))
    assert "last heard" not in said(3)


def test_an_act_that_held_wrongly_is_taken_back_and_not_placed_again_by_the_same_words(amara):
    _told(overdue_loans=1)
    (act,) = Act.objects.values_list("id", flat=True)
    with doing(replace(LIBRARIAN, reason="error")) as back:
        lifecycle.reverse(back, act)

    _told(overdue_loans=1, library_fines="0")

    assert _held(amara) == []
    _told(overdue_loans=2)
    assert _held(amara) == [("loan", "active", None, 2)]


def test_two_who_look_at_once_place_one_hold(transactional_db):
    if connection.vendor != "postgresql":
        pytest.skip("one at a time writes to SQLite; there is no race")
    people_of = {f"{n:08d}": _is_student(f"{n:08d}") for n in range(1, 41)}
    together, failed = threading.Barrier(4), []

    def work(turn):
        try:
            together.wait()
            for number in people_of:
                _tell(number, overdue_loans=1 + turn % 2)
                actions.heed(SYSTEM, currency="GBP")
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(turn,)) for turn in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    _heed()

    assert failed == []
    assert Hold.objects.count() == len(people_of)
    now = receiving.clearance_of(people_of)
    for number, person in people_of.items():
        assert _held(person) == [("loan", "active", None, now[number].overdue_loans)]
