"""Requisites: an expression is read, or refused at a character; what is unmet is said in words."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matricula.kernel.errors import Refused
from matricula.sis.curriculum.rules import (
    Known,
    in_words,
    modules_of,
    parse_requisites,
    unmet,
)

BRIEF = "passed(BIO101) and (enrolled(CHE101) or permission) and not passed(BIO100)"
AMARA = Known({"BIO101": Decimal(61), "HIS1": None}, frozenset({"CHE101"}))


def _unmet(text, known=AMARA):
    return unmet(parse_requisites(text), known)


def test_nothing_written_asks_for_nothing():
    assert parse_requisites("  ") is None
    assert _unmet("") == []
    assert modules_of(None) == frozenset()


@pytest.mark.parametrize(
    "text",
    [
        BRIEF,
        "passed(BIO101)",
        "passed(BIO101, 61)",
        "PASSED(BIO101) AND ENROLLED(CHE101)",
        "not permission",
        "not (passed(BIO102) or permission)",
        "not not passed(BIO101)",
        'passed(HIS1) and not passed("HIS 2")',
        "passed(NONE) or passed(BIO101) and enrolled(CHE101)",
    ],
)
def test_who_has_what_is_asked_meets_it(text):
    assert _unmet(text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("passed(CHE101)", ["pass CHE101"]),
        ("passed(BIO101, 61.5)", ["pass BIO101 with 61.5 or better"]),
        ("passed(HIS1, 1)", ["pass HIS1 with 1 or better"]),
        ("not passed(BIO101)", ["not have passed BIO101"]),
        ("not enrolled(CHE101)", ["not be enrolled in CHE101"]),
        ("passed(A) and passed(B)", ["pass A", "pass B"]),
        ("passed(A) or permission", ["pass A or have permission"]),
        ("passed(A) or passed(B) and permission", ["pass A or (pass B and have permission)"]),
        ("not (passed(BIO101) or passed(B))", ["not have passed BIO101"]),
        ("not (passed(BIO101) and enrolled(CHE101))",
         ["not have passed BIO101 or not be enrolled in CHE101"]),
    ],
)  # fmt: skip
def test_what_is_not_met_is_said_in_words(text, said):
    assert _unmet(text) == said


def test_permission_opens_what_it_is_written_for_and_nothing_else():
    known = Known(has_permission=True)

    assert _unmet(BRIEF, known) == ["pass BIO101"]


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("passed(BIO101", 14, r"\) was expected, but it ends"),
        ("passed()", 8, "the code of a module was expected"),
        ("passed(A, B)", 11, "a mark such as 50"),
        ("passed(A, )", 11, "a mark was expected"),
        ("enrolled(A, 50)", 11, r"\) was expected, not ,"),
        ("passed(A) passed(B)", 11, "`and`, `or` or the end was expected, not passed"),
        ("passed(A) and", 14, "passed.* was expected, but it ends"),
        ("BIO101", 1, "passed.* was expected, not BIO101"),
        ("passed(A) & passed(B)", 11, "& has no meaning here"),
        ("()", 2, "passed.* was expected"),
        ("not", 4, "passed.* was expected, but it ends"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_character(text, at, said):
    with pytest.raises(Refused, match=rf"At character {at}: .*{said}") as refused:
        parse_requisites(text)

    assert refused.value.code == "M924"


@pytest.mark.parametrize("text", ["(" * 5000, "not " * 5000, "(" * 100 + "permission" + ")" * 100])
def test_what_is_too_deep_is_refused_and_breaks_nothing(text):
    with pytest.raises(Refused, match="no more than 40 levels"):
        parse_requisites(text)


def test_an_expression_names_its_modules():
    assert modules_of(parse_requisites(BRIEF)) == {"BIO101", "CHE101", "BIO100"}


_LEAF = st.one_of(
    st.sampled_from(["permission", "passed(A)", "passed(B, 50)", "enrolled(A)", "enrolled(C)"])
)
_EXPRESSION = st.recursive(
    _LEAF,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]} and {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} or {two[1]})"),
        inner.map(lambda one: f"not {one}"),
    ),
    max_leaves=8,
)
_KNOWN = st.builds(
    Known,
    st.dictionaries(st.sampled_from("ABC"), st.sampled_from([None, Decimal(40), Decimal(60)])),
    st.frozensets(st.sampled_from("ABC")),
    st.booleans(),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(text=_EXPRESSION, known=_KNOWN)
def test_an_expression_means_what_the_same_words_mean_in_logic(text, known):
    tree = parse_requisites(text)

    said = text.replace("passed(B, 50)", "passed('B', 50)")
    for module in "ABC":
        said = said.replace(f"({module})", f"('{module}')")
    expected = eval(  # noqa: S307 - the words above and no others
        said,
        {
            "permission": known.has_permission,
            "enrolled": lambda module: module in known.enrolled,
            "passed": lambda module, least=None: (
                module in known.passed
                and (least is None or (known.passed[module] or Decimal(0)) >= least)
            ),
        },
    )
    assert (unmet(tree, known) == []) is bool(expected)
    assert in_words(tree)
