"""Audiences and letters as values: what is written is read again, what cannot be sent says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from matricula.kernel.checks import in_the_way
from matricula.sis.notices import rules

NOON = datetime(2026, 10, 14, 12, tzinfo=UTC)
STATUSES = ("active", "on leave")


def _told(*conditions):
    return [one.what for one in rules.audience_checks(rules.read(conditions), statuses=STATUSES)]


conditions = some.lists(
    some.builds(
        "{}:{}".format, some.sampled_from(rules.KINDS), some.sampled_from(["A", "B-1", "on leave"])
    ),
    min_size=1, max_size=6,
)  # fmt: skip


@given(conditions)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_an_audience_that_is_written_down_is_read_as_the_same(written):
    audience = rules.read(written)

    assert rules.read(rules.parts(str(audience))) == audience


def test_an_audience_of_known_kinds_and_statuses_is_fine():
    assert _told("programme:BIO", "programme:CHE", "status:on leave", "section:BIO101-A") == []


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("everybody", "Nobody is chosen by everybody"),
        ("section:", "not which section"),
        ("section:A;B", "not which section"),
        ("status:happy", "no status happy"),
    ],
)
def test_an_audience_that_makes_no_sense_says_why(written, says):
    (what,) = _told(written)

    assert says in what


def test_an_audience_without_conditions_is_not_everybody():
    assert _told() == ["It says not who is meant."]


@pytest.mark.parametrize(
    ("subject", "body", "says"),
    [
        ("", "Text", "needs a subject"),
        ("Room\nBcc: all@example.org", "Text", "more than a line"),
        ("Long " * 50, "Text", "longer than"),
        ("Room change", "  ", "needs a text"),
    ],
)
def test_a_text_that_cannot_be_sent_says_why(subject, body, says):
    (check,) = in_the_way(rules.text_checks(subject, body))

    assert says in check.what
    assert check.office
    assert check.clears


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("amara@example.org", True),
        ("", False),
        ("amara", False),
        ("@example.org", False),
        ("amara@example.org\nBcc: x@example.org", False),
        ("a@example.org, b@example.org", False),
    ],
)
def test_mail_goes_to_what_is_one_address(address, is_one):
    assert rules.is_address(address) is is_one


def test_a_server_that_says_not_now_is_asked_again_for_three_days_and_one_that_says_no_is_not():
    soon, late = NOON + timedelta(hours=1), NOON + timedelta(days=4)

    assert rules.after_answer(451, first_at=NOON, at=soon) == "waiting"
    assert rules.after_answer(451, first_at=NOON, at=late) == "refused"
    assert rules.after_answer(550, first_at=NOON, at=soon) == "refused"


def test_what_has_been_sending_for_ten_minutes_was_cut_short():
    assert not rules.is_cut_short("sending", NOON, at=NOON + timedelta(minutes=10))
    assert rules.is_cut_short("sending", NOON, at=NOON + timedelta(minutes=11))
    assert not rules.is_cut_short("sent", NOON, at=NOON + timedelta(minutes=11))
