"""Requirement trees: each is read, or refused at its place; progress is said for every one."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matricula.kernel.errors import Refused
from matricula.sis.curriculum.rules import (
    Earned,
    asks,
    leaves,
    missing,
    modules_named,
    parse_requirements,
    progress,
    with_credits,
)

BIOLOGY = {
    "all_of": [
        {"module": "BIO101", "min_mark": 50, "title": "Foundations"},
        {"choose": 2, "from": ["BIO201", "BIO202", "BIO203"]},
        {"credits": 40, "from": ["CHE101", "CHE102", "CHE103"]},
        {"any_of": [{"module": "PRO300"}, {"all_of": [{"module": "PRO1"}, {"module": "PRO2"}]}]},
        {"credits": 60, "at_level": 3},
    ]
}


def _earned(*modules, mark=60, level=1, worth=20):
    return {
        one: Earned(Decimal(worth), None if mark is None else Decimal(mark), level)
        for one in modules
    }


def _progress(document, passed):
    return progress(parse_requirements(document), passed)


def test_every_requirement_of_a_tree_has_a_result_of_its_own():
    passed = {
        **_earned("BIO101", "BIO201", "CHE101"),
        **_earned("BIO301", "BIO302", "PRO300", level=3),
    }

    found = _progress(BIOLOGY, passed)

    assert not found.is_met
    assert [part.is_met for part in found.parts] == [True, False, False, True, True]
    assert [part.have for part in found.parts] == [1, 1, 20, 1, 60]
    assert found.parts[4].counted == ("BIO301", "BIO302", "PRO300")
    assert missing(found) == [
        "pass 2 of BIO201, BIO202, BIO203 (has 1)",
        "earn 40 credits of CHE101, CHE102, CHE103 (has 20)",
    ]


def test_a_tree_is_met_when_all_that_it_asks_was_earned():
    passed = {
        **_earned("BIO101", "BIO201", "BIO203", "CHE101", "CHE103", "PRO1", "PRO2"),
        **_earned("BIO301", "BIO302", "BIO303", level=3),
    }

    found = _progress(BIOLOGY, passed)

    assert found.is_met
    assert missing(found) == []


def test_a_module_passed_with_too_low_a_mark_or_with_none_does_not_count_where_one_is_asked():
    asked = {"module": "BIO101", "min_mark": 50}

    assert not _progress(asked, _earned("BIO101", mark=49)).is_met
    assert not _progress(asked, _earned("BIO101", mark=None)).is_met
    assert _progress(asked, _earned("BIO101", mark=50)).is_met


def test_a_level_counts_from_itself_upwards():
    passed = {**_earned("A", level=2), **_earned("B", level=3), **_earned("C", level=4)}

    found = _progress({"credits": 60, "at_level": 3}, passed)

    assert (found.have, found.counted) == (Decimal(40), ("B", "C"))


def test_of_several_ways_all_are_named_while_none_is_gone_to_its_end():
    asked = {"any_of": [{"module": "A"}, {"all_of": [{"module": "B"}, {"module": "C"}]}]}

    assert missing(_progress(asked, _earned("B"))) == ["pass A or pass C"]


def test_a_version_asks_for_its_credits_beside_what_its_tree_asks():
    tree = with_credits(parse_requirements({"module": "A"}), Decimal("37.5"))

    assert missing(progress(tree, _earned("A"))) == ["earn 37.5 credits (has 20)"]
    assert missing(progress(tree, _earned("B", worth=40))) == ["pass A"]
    assert with_credits(parse_requirements({}), Decimal(1)).parts[1].need == 0


def test_a_tree_says_its_modules_and_what_it_asks_in_words():
    tree = parse_requirements(BIOLOGY)

    assert {"BIO101", "CHE103", "PRO2"} <= modules_named(tree)
    assert asks(tree).startswith("pass BIO101, with 50 or better and pass 2 of BIO201")
    assert asks(tree).endswith("earn 60 credits at level 3 or above")
    assert [one.place for one in leaves(tree)][3:5] == [
        "all_of[3].any_of[0]", "all_of[3].any_of[1].all_of[0]",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "place", "said"),
    [
        ([], "requirements", "is an object"),
        ({"title": "Core"}, "requirements", "does not say what it asks"),
        ({"all_of": []}, "requirements", "all_of is a list that is not empty"),
        ({"all_of": [{"module": "A"}, {"any_of": [{"modul": "B"}]}]},
         "requirements.all_of[1].any_of[0]", "does not say what it asks"),
        ({"module": "A", "credits": 5}, "requirements", "says both module and credits"),
        ({"all_of": [{"module": "A", "min_grade": 5}]}, "requirements.all_of[0]",
         "min_grade does not stand with module"),
        ({"module": ""}, "requirements", "module names no module"),
        ({"module": 5}, "requirements", "module names no module"),
        ({"choose": 4, "from": ["A", "B"]}, "requirements", "choose is 4, and the list has 2"),
        ({"choose": 1.5, "from": ["A", "B"]}, "requirements", "choose is 1.5"),
        ({"choose": 1}, "requirements", "from names no module"),
        ({"choose": 1, "from": ["A", "A"]}, "requirements", "A stands in the list twice"),
        ({"credits": 0}, "requirements", "no credits are asked for"),
        ({"credits": True}, "requirements", "credits is True"),
        ({"credits": "many"}, "requirements", "credits is 'many'"),
        ({"credits": float("nan")}, "requirements", "credits is nan"),
        ({"credits": -5}, "requirements", "credits is -5"),
        ({"credits": 5, "at_level": "3"}, "requirements", "at_level is '3'"),
        ({"module": "A", "min_mark": []}, "requirements", r"min_mark is \[\]"),
        ({"module": "A", "title": 3}, "requirements", "the title is no text"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_at_its_place(document, place, said):
    with pytest.raises(Refused, match=said) as refused:
        parse_requirements(document)

    assert (refused.value.code, refused.value.place) == ("M923", place)


def test_what_is_too_deep_is_refused_and_breaks_nothing():
    document: dict = {"module": "A"}
    for _ in range(100):
        document = {"all_of": [document]}

    with pytest.raises(Refused, match="no more than 20 levels"):
        parse_requirements(document)


_CODES = st.sampled_from(["A", "B", "C", "D"])
_LEAF = st.one_of(
    st.builds(lambda code: {"module": code}, _CODES),
    st.builds(lambda level: {"credits": 30, "at_level": level}, st.integers(1, 3)),
    st.builds(lambda least: {"choose": 2, "from": ["A", "B", "C"], "min_mark": least},
              st.sampled_from([0, 40, 70])),
)  # fmt: skip
_TREE = st.recursive(
    _LEAF,
    lambda inner: st.builds(
        lambda kind, parts: {kind: parts},
        st.sampled_from(["all_of", "any_of"]), st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)  # fmt: skip
_PASSED = st.dictionaries(
    _CODES,
    st.builds(Earned, st.just(Decimal(20)),
              st.sampled_from([None, Decimal(40), Decimal(80)]), st.integers(1, 3)),
)  # fmt: skip


@settings(max_examples=50, deadline=None, derandomize=True)
@given(document=_TREE, passed=_PASSED, code=_CODES)
def test_who_passes_more_never_has_more_to_do(document, passed, code):
    tree = parse_requirements(document)
    best = {**passed, code: Earned(Decimal(20), Decimal(100), 3)}

    before, after = progress(tree, passed), progress(tree, best)

    assert before.have <= after.have
    assert (missing(after) == []) is after.is_met
    assert not before.is_met or after.is_met
