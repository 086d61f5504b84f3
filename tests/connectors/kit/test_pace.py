"""Calls are spaced evenly, whoever makes them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from matricula.connectors.kit.pace import Pace


class Watch:
    def __init__(self):
        self.now, self.waits = 100.0, []

    def pace(self, per_second):
        return Pace(per_second, monotonic=lambda: self.now, sleep=self.waits.append)


def test_a_first_call_leaves_at_once():
    watch = Watch()

    watch.pace(2).wait()

    assert watch.waits == []


def test_calls_that_come_together_leave_one_gap_apart():
    watch = Watch()
    pace = watch.pace(2)

    for _ in range(4):
        pace.wait()

    assert watch.waits == [0.5, 1.0, 1.5]


def test_a_pause_is_not_saved_up_for_a_rush():
    watch = Watch()
    pace = watch.pace(2)
    pace.wait()
    watch.now += 60

    pace.wait()
    pace.wait()

    assert watch.waits == [0.5]


def test_threads_share_one_rate():
    watch = Watch()
    pace = watch.pace(10)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: pace.wait(), range(8)))

    assert sorted(round(wait, 6) for wait in watch.waits) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
