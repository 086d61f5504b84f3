"""Episodes of the state machine, and that a seed plays the same one again.

`python tests/machine/run.py` plays thousands. Half of the episodes of the suite are played on
each database, so that the two of them together are a hundred, and two hundred where
`MATRICULA_TEST_WHOLE` is set.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection

from tests.machine.campus import ledger
from tests.machine.university import play

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tests.machine.campus import Campus

pytestmark = pytest.mark.django_db(transaction=True)
EPISODES = 100 if os.environ.get("MATRICULA_TEST_WHOLE") else 50
_AT_ONCE = 10


@pytest.mark.parametrize("first", range(0, EPISODES, _AT_ONCE))
def test_whatever_goes_wrong_every_copy_ends_as_it_is_granted(begin, first: int):
    mine = 0 if connection.vendor == "sqlite" else EPISODES
    ended: list[datetime] = []

    @contextmanager
    def noted() -> Iterator[Campus]:
        with begin() as campus:
            yield campus
            ended.append(campus.at)

    for number in range(mine + first, mine + first + _AT_ONCE):
        play(number, noted)

    # The invariants are held in `truth`, during every episode and at its end.
    assert len(ended) == _AT_ONCE


def test_a_seed_plays_the_same_episode_again_to_the_last_byte_and_instant(begin):
    histories: list[Any] = []

    @contextmanager
    def watched() -> Iterator[Campus]:
        with begin() as campus:
            yield campus
            told = {n: (p.tables, p.heard, p.met) for n, p in campus.places.items()}
            histories.append((campus.at, ledger(), told))

    for _ in range(2):
        play(7, watched)

    first, second = histories
    assert first == second
    assert len(first[1]["hub_effect"]) > 0
