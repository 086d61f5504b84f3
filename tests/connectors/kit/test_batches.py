"""A system that says no to one write is not asked for the next; a refused record stops nobody."""

from __future__ import annotations

import itertools
import threading

import pytest

from matricula.connectors.kit.batches import Job, flowing, run
from matricula.connectors.kit.errors import GiveUp, ReadBack, SkipRow, Stop, TryAgain
from matricula.connectors.kit.protocol import Outcome

BUSY = TryAgain("busy", code="M611", cure="Wait.", after_seconds=40.0)
AWAY = TryAgain("away", code="M610", cure="Wait.")
CONTENDED = TryAgain("it changed meanwhile", code="M633", cure="Wait.")
SHUT = Stop("not let in", code="M613", cure="Look at the token.")
UNABLE = GiveUp("no such verb", code="M607", cure="Change the flow.")
REFUSED = SkipRow("too long", code="M604", cure="Correct it.")
LOST = ReadBack("lost", code="M612", cure="Read it back.")


def unknown_because_of(reason):
    error = ReadBack("accepted, and then not to be looked at", code="M612", cure="Read it back.")
    error.__cause__ = reason
    return error


def raising(error):
    def do():
        raise error

    return do


def after(first):
    """Do a job and two more; return the three errors and which jobs were begun."""
    begun = []

    def job(key, do):
        def noted():
            begun.append(key)
            return do()

        return Job((key,), noted)

    rest = [job(key, lambda key=key: [Outcome(key, "made")]) for key in ("b", "c")]
    results = run([job("a", first), *rest], concurrency=1)
    return [outcome.error for outcomes in results for outcome in outcomes], begun


@pytest.mark.parametrize("no", [BUSY, AWAY])
@pytest.mark.parametrize("told", ["raised", "as an outcome"])
def test_a_system_that_is_busy_or_away_is_sent_nothing_more(no, told):
    first = raising(no) if told == "raised" else lambda: [Outcome("a", error=no)]

    errors, begun = after(first)

    assert errors == [no, no, no]
    assert begun == ["a"]


@pytest.mark.parametrize("no", [BUSY, AWAY, SHUT, UNABLE])
def test_a_system_that_says_no_after_it_accepted_a_write_is_sent_nothing_more(no):
    (first, *rest), begun = after(raising(unknown_because_of(no)))

    assert isinstance(first, ReadBack)
    assert [(type(one), one.message) for one in rest] == [(TryAgain, no.message)] * 2
    assert begun == ["a"]


@pytest.mark.parametrize("error", [REFUSED, LOST, CONTENDED])
def test_what_befell_one_record_stops_no_other(error):
    errors, begun = after(raising(error))

    assert errors == [error, None, None]
    assert begun == ["a", "b", "c"]


@pytest.mark.parametrize("no", [SHUT, UNABLE])
def test_a_system_that_refuses_us_from_the_start_refuses_the_whole_batch(no):
    with pytest.raises(type(no)):
        after(raising(no))


def test_answers_flow_in_the_order_of_questions_that_need_not_end():
    asked = []

    def ask(n):
        asked.append(n)
        return n * n

    answers = flowing(ask, itertools.count(), concurrency=3)
    first = [next(answers) for _ in range(5)]
    answers.close()

    assert first == [0, 1, 4, 9, 16]
    assert max(asked) <= 5 + 2 * 3


def test_no_more_questions_are_under_way_than_are_allowed():
    together = threading.Barrier(2)
    under_way, most = set(), []

    def ask(n):
        under_way.add(n)
        most.append(len(under_way))
        together.wait(5)
        under_way.discard(n)
        return n

    assert list(flowing(ask, range(8), concurrency=2)) == list(range(8))
    assert max(most) == 2


def test_a_question_that_fails_fails_in_its_turn():
    def ask(n):
        if n == 1:
            raise AWAY
        return n

    answers = flowing(ask, range(9), concurrency=2)

    assert next(answers) == 0
    with pytest.raises(TryAgain):
        next(answers)
