"""A listing by offset is read whole and once, or it is said that it moved; never a part of it."""

from __future__ import annotations

import pytest

from matricula.connectors.kit.listing import Listing, Moved, Page


class Rows:
    """A system with rows, which may change before a page of it is answered."""

    def __init__(self, count, *, states_total=True, most=1000, before=()):
        self.rows = [{"id": f"r{n:03d}"} for n in range(count)]
        self.states_total, self.most, self.before = states_total, most, dict(before)
        self.asked = []

    def ask(self, offset, limit):
        self.before.pop(offset, lambda _: None)(self.rows)
        self.asked.append(offset)
        total = len(self.rows) if self.states_total else None
        return Page(self.rows[offset : offset + min(limit, self.most)], total)

    def listing(self, size=10, concurrency=4):
        return Listing(self.ask, lambda one: one["id"], size, concurrency)


def ids(pages):
    return [one["id"] for page in pages for one in page.records]


@pytest.mark.parametrize("concurrency", [1, 4])
@pytest.mark.parametrize("states_total", [True, False])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 19, 20, 95])
def test_everything_is_read_once_and_in_order(count, states_total, concurrency):
    system = Rows(count, states_total=states_total)

    found = ids(system.listing(concurrency=concurrency).pages())

    assert found == [one["id"] for one in system.rows]


@pytest.mark.parametrize("states_total", [True, False])
def test_a_system_that_gives_fewer_than_asked_for_is_followed_at_its_pace(states_total):
    system = Rows(40, states_total=states_total, most=7)

    assert len(ids(system.listing().pages())) == 40


def test_nothing_is_asked_for_beyond_a_declared_end():
    system = Rows(28)

    ids(system.listing().pages())

    assert sorted(system.asked) == [0, 9, 18]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_who_is_deleted_in_front_of_a_page_hides_nobody(concurrency):
    system = Rows(60, before={27: lambda rows: rows.pop(0)})

    with pytest.raises(Moved, match="does not begin where"):
        ids(system.listing(concurrency=concurrency).pages())


def test_who_comes_in_front_of_a_page_doubles_nobody():
    system = Rows(60, before={9: lambda rows: rows.insert(0, {"id": "new"})})

    with pytest.raises(Moved):
        ids(system.listing(concurrency=1).pages())


def test_a_system_that_ignores_the_offset_is_not_followed_for_ever():
    system = Rows(60)
    system.ask = lambda _, limit: Page(system.rows[:limit], 60)

    with pytest.raises(Moved):
        ids(system.listing().pages())


def test_what_is_declared_and_not_listed_is_the_callers_to_judge():
    listing = Listing(lambda *_: Page([], 3), str, 10)

    assert [page.total for page in listing.pages()] == [3]
