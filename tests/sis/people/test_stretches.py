"""Stretches of days: one value holds on a day, and what is put in takes its own days only."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from matricula.sis.people.rules import Stretch, holds, meet, spliced

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(40)]


def _day(number):
    return FIRST + timedelta(days=number)


def _value_on(said, on):
    """The value that holds on a day, of pairs of a stretch and a value."""
    found = [value for stretch, value in said if holds(stretch, on)]
    assert len(found) <= 1
    return found[0] if found else None


def _put_in(said, new, value):
    numbered = [Stretch(stretch.first, stretch.last, n) for n, (stretch, _) in enumerate(said)]
    splice = spliced(numbered, new)
    kept = [pair for n, pair in enumerate(said) if n not in splice.withdrawn]
    kept += [(Stretch(one.first, one.last), said[one.number][1]) for one in splice.kept]
    return [*kept, (splice.new, value)], splice.new


_wanted = st.lists(
    st.tuples(st.integers(0, 35), st.one_of(st.none(), st.integers(0, 10))), max_size=8
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(_wanted)
def test_a_stretch_takes_its_days_and_leaves_every_other_day_what_it_was(wanted):
    said = []

    for value, (first, length) in enumerate(wanted):
        before = {on: _value_on(said, on) for on in DAYS}
        last = None if length is None else _day(first + length)
        said, new = _put_in(said, Stretch(_day(first), last), value)

        for on in DAYS:
            assert _value_on(said, on) == (value if holds(new, on) else before[on])


def test_a_name_without_an_end_lasts_until_the_one_that_is_already_recorded():
    splice = spliced([Stretch(_day(20), None, 7)], Stretch(_day(5)))

    assert splice.new == Stretch(_day(5), _day(19))
    assert splice.withdrawn == ()


def test_a_year_within_a_longer_stretch_parts_it_in_two():
    splice = spliced([Stretch(_day(0), None, 7)], Stretch(_day(5), _day(9)))

    assert splice.withdrawn == (7,)
    assert splice.kept == (Stretch(_day(0), _day(4), 7), Stretch(_day(10), None, 7))


def test_stretches_meet_on_their_last_day_and_not_on_the_day_after():
    one = Stretch(_day(0), _day(4))

    assert meet(one, Stretch(_day(4)))
    assert not meet(one, Stretch(_day(5)))
