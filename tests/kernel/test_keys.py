from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matricula.kernel.keys import join_key, new_id, split_key

PARTS = st.lists(
    st.one_of(st.text(max_size=8), st.text(r"|\a", max_size=8)), min_size=1, max_size=4
)


def test_a_key_of_one_part_stays_as_it_is() -> None:
    assert join_key(["a|b\\"]) == "a|b\\"
    assert split_key("a|b\\", 1) == ("a|b\\",)


def test_parts_that_hold_the_mark_are_told_apart() -> None:
    assert join_key(["a|b", "c"]) == r"a\|b|c"
    assert join_key(["a", "b|c"]) == r"a|b\|c"


@given(PARTS)
def test_a_key_is_split_into_what_it_was_joined_from(parts: list[str]) -> None:
    assert split_key(join_key(parts), len(parts)) == tuple(parts)


@given(PARTS, PARTS)
def test_two_keys_never_look_alike(one: list[str], other: list[str]) -> None:
    if len(one) == len(other) and one != other:
        assert join_key(one) != join_key(other)


@pytest.mark.parametrize("key", ["a", "a|b|c", "a|b\\", ""])
def test_a_key_of_another_size_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="2 parts"):
        split_key(key, 2)


def test_identifiers_sort_by_when_they_were_made() -> None:
    at = datetime(2026, 9, 1, 6, tzinfo=UTC)

    early, late = new_id("run", at=at), new_id("run", at=at + timedelta(milliseconds=1))

    assert early < late
    assert early.startswith("run-")
    assert new_id("run", at=at) != early
