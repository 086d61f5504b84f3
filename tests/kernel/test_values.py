from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matricula.kernel.codes import Code
from matricula.kernel.digests import canonical, digest, document
from matricula.kernel.durations import read_duration
from matricula.kernel.errors import CharterRefused, MatriculaError, Refused
from matricula.kernel.findings import Finding
from matricula.kernel.money import decimals_of, to_major, to_minor


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("7d", timedelta(days=7)),
    ],
)
def test_durations_are_read(text: str, expected: timedelta) -> None:
    assert read_duration(text) == expected


@pytest.mark.parametrize("text", ["", "0s", "5", "2 h", "-1h", "1.5h", "2h30m", "2w", "2h\n"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        read_duration(text)


@given(st.integers(), st.sampled_from(["GBP", "JPY", "KWD"]))
def test_money_is_exact_however_large(minor: int, currency: str) -> None:
    assert to_minor(to_major(minor, currency), currency) == minor


def test_money_is_written_with_the_decimals_of_its_currency() -> None:
    assert (to_major(5, "GBP"), to_major(-5, "GBP"), to_major(0, "GBP")) == (
        "0.05",
        "-0.05",
        "0.00",
    )
    assert (to_major(12, "JPY"), to_major(12, "KWD")) == ("12", "0.012")
    assert decimals_of("XXX") == 2


@pytest.mark.parametrize("text", ["", "x", "1e5", "NaN", "1_000", " 1", "1.", ".5", "١"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        to_minor(text, "GBP")


def test_an_amount_finer_than_its_currency_is_refused() -> None:
    assert to_minor("1.50000", "GBP") == 150
    with pytest.raises(ValueError, match="more decimals than GBP"):
        to_minor("1.505", "GBP")


def test_a_digest_does_not_depend_on_the_order_of_members() -> None:
    one, other = {"b": 1, "a": ["ü", None]}, {"a": ["ü", None], "b": 1}

    assert canonical(one) == canonical(other) == '{"a":["ü",null],"b":1}'
    assert digest(one) == hashlib.sha256('{"a":["ü",null],"b":1}'.encode()).hexdigest()
    assert digest(one) != digest({**one, "b": 2})


def test_an_error_names_its_place_its_code_and_the_cure() -> None:
    error = MatriculaError("M999", "It is so.", place="a.yaml:3", cure="Do this.")

    assert str(error) == "a.yaml:3: M999: It is so. Do this."
    assert str(Refused("M998", "It is so.", cure="Do this.")) == "M998: It is so. Do this."


def test_a_refused_charter_carries_all_of_its_findings() -> None:
    findings = [
        Finding("a.yaml:1", "M101", "One.", "Cure."),
        Finding("b.yaml:2", "M102", "Two.", "C."),
    ]

    refused = CharterRefused(findings)

    assert refused.findings == tuple(findings)
    assert str(refused) == str(findings[0]) == "a.yaml:1: M101: One. Cure."


def test_findings_sort_by_place() -> None:
    late, early = Finding("b.yaml:2", "M101", "m", "c"), Finding("a.yaml:9", "M102", "m", "c")

    assert sorted([late, early]) == [early, late]


def test_a_code_is_a_value() -> None:
    assert Code("t", "w", "c") == Code(title="t", why="w", cure="c")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("\x1f", "\\u001F"), ("\\u001f", "\\\\u001f"), ("\\\x1f", "\\\\\\u001F"), ("ü\n", "ü\\n")],
)
def test_a_document_is_spelled_as_the_engine_spells_it(value: str, expected: str) -> None:
    assert document({"a": value}) == '{"a":"' + expected + '"}'
