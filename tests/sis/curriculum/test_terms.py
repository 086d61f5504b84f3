"""The dates of a term: their order, the bands, and what of them is past. No database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matricula.sis.curriculum.rules import (
    BOUNDARIES,
    band_on,
    closed_before,
    in_force,
    in_its_way,
    out_of_order,
    rewritten,
)
from tests.sis.conftest import TODAY
from tests.sis.curriculum.conftest import SPRING, TERM


@pytest.mark.parametrize(
    ("on", "percent"),
    [
        (date(2026, 7, 1), 100),
        (date(2026, 9, 14), 100),
        (date(2026, 9, 15), 50),
        (date(2026, 10, 10), 50),
        (date(2026, 11, 20), 25),
        (date(2026, 11, 21), 0),
    ],
)
def test_what_is_given_back_is_the_share_of_the_first_band_that_has_not_ended(on, percent):
    assert band_on(TERM, on) == percent


def test_a_term_without_bands_gives_nothing_back():
    assert band_on(SPRING, SPRING.starts_on) == 0


def test_what_is_closed_when_a_day_begins_is_named_with_its_last_day():
    assert closed_before(TERM, date(2026, 10, 1)) == [
        ("the 100 percent band of 2026-1", date(2026, 9, 14))
    ]
    assert [day for _, day in closed_before(TERM, date(2026, 11, 1))] == [
        date(2026, 9, 14), date(2026, 10, 1), date(2026, 10, 31),
    ]  # fmt: skip


def test_dates_in_their_order_are_right():
    assert out_of_order(TERM) == []
    assert out_of_order(SPRING) == []


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"add_until": date(2026, 7, 1)}, "add_until 2026-07-01 is before register_from 2026-08"),
        ({"drop_until": date(2026, 9, 13)}, "drop_until 2026-09-13 is before add_until 2026"),
        ({"census_on": date(2026, 11, 21)}, "withdraw_until 2026-11-20 is before census_on 2026"),
        ({"board_on": date(2027, 1, 1)}, "board_on 2027-01-01 is before marks_due_on 2027-01-08"),
        ({"ends_on": date(2026, 8, 1)}, "ends_on 2026-08-01 is before starts_on 2026-09-01"),
        ({"bands": ((date(2026, 9, 1), 50), (date(2026, 10, 1), 50))}, "no less than the 50"),
        ({"bands": ((date(2026, 9, 1), 50), (date(2026, 9, 1), 20))}, "Two bands end on 2026-09"),
        ({"bands": ((date(2026, 9, 1), 101),)}, "gives back 101 percent"),
        ({"bands": ((date(2027, 9, 1), 10),)}, "not within register_from and ends_on"),
    ],
)  # fmt: skip
def test_the_pair_that_does_not_go_together_is_named(told, said):
    found = out_of_order(replace(TERM, **told))

    assert any(said in one for one in found), found


def test_a_date_still_to_come_may_be_moved_to_another_day_to_come():
    later = replace(TERM, withdraw_until=date(2026, 11, 27), board_on=date(2027, 2, 1))

    assert rewritten(TERM, later, today=TODAY) == []


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"census_on": date(2026, 10, 20)}, "census_on 2026-10-01"),
        ({"withdraw_until": date(2026, 10, 13)}, "withdraw_until 2026-11-20"),
        ({"bands": ((date(2026, 9, 14), 100), (date(2026, 10, 31), 40))},
         "the 50 percent given back on 2026-09-15"),
        ({"bands": ((date(2026, 9, 21), 100), *TERM.bands[1:])},
         "the 50 percent given back on 2026-09-15"),
        ({"bands": ()}, "the 100 percent given back on 2026-08-01"),
    ],
)  # fmt: skip
def test_what_is_past_is_named(told, said):
    assert rewritten(TERM, replace(TERM, **told), today=TODAY) == [said]


def test_a_band_may_end_later_while_it_runs():
    longer = replace(TERM, bands=(TERM.bands[0], (date(2026, 11, 7), 50), TERM.bands[2]))

    assert rewritten(TERM, longer, today=TODAY) == []


_DAYS = st.integers(-40, 150).map(lambda days: TERM.starts_on + timedelta(days=days))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(name=st.sampled_from(BOUNDARIES), day=_DAYS, until=_DAYS, today=_DAYS)
def test_what_is_not_named_as_past_left_every_past_day_as_it_was(name, day, until, today):
    after = replace(TERM, **{name: day}, bands=((until, 50),))

    past = rewritten(TERM, after, today=today)

    if not past:
        days = [today - timedelta(days=back) for back in range(200)]
        counted = [one for one in days if one >= min(TERM.register_from, after.register_from)]
        assert all(band_on(TERM, one) == band_on(after, one) for one in counted)
        assert day == getattr(TERM, name) or min(day, getattr(TERM, name)) >= today


def test_of_stretches_the_last_that_began_holds_until_its_end_or_the_next():
    versions = [("2020", None), ("2024", "2025"), ("2027", None)]

    assert in_force(versions, "2019") is None
    assert in_force(versions, "2023") == ("2020", None)
    assert in_force(versions, "2024") == ("2024", "2025")
    assert in_force(versions, "2026") is None
    assert in_force(versions, "2030") == ("2027", None)


@pytest.mark.parametrize(
    ("new", "way"),
    [
        (("2022", None), None),
        (("2026", None), None),
        (("2026", "2026"), None),
        (("2020", None), ("2020", None)),
        (("2025", None), ("2024", "2025")),
        (("2023", "2024"), ("2024", "2025")),
        (("2026", "2028"), ("2027", None)),
        (("2019", "2019"), None),
    ],
)
def test_a_stretch_fits_where_no_other_claims_its_days(new, way):
    assert in_its_way(new, [("2020", None), ("2024", "2025"), ("2027", None)]) == way
