"""Admissions on the command line: an applicant's way, in words an office understands."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from matricula.accounts.models import Account, Grant
from matricula.cli import main, sitting
from tests.sis.charter import CHARTER
from tests.sis.conftest import AT, TODAY

pytestmark = pytest.mark.any_database
AMARA = (
    "--given", "Amara", "--family", "Okafor", "--born", "2004-05-01", "--email",
    "amara@example.org", "--programme", "BIO", "--term", "2027/1",
)  # fmt: skip


class Desk:
    """An account for each of two roles; `run` types a command of the register in one of them."""

    def __init__(self, folder, capture, environment):
        self.folder, self.capture, self.environment = folder, capture, environment

    def typed(self, who, words):
        """Type `matricula register` and the words; give code, answer and errors."""
        self.environment.setenv("MATRICULA_ACTOR", who)
        self.capture.readouterr()
        code = main.run(["--charter", str(self.folder), "register", *words])
        told = self.capture.readouterr()
        return code, told.out, told.err

    def run(self, who, *words):
        """Type a command; give the exit code and everything that was said."""
        code, said, wrong = self.typed(who, words)
        return code, said + wrong

    def json(self, who, *words):
        """Type a command with `--json` and give its value."""
        code, said, wrong = self.typed(who, (*words, "--json"))
        assert code == 0, wrong
        return json.loads(said)

    def steps(self, number, *steps):
        """Bring an application a few steps on."""
        for step in steps:
            self.json("admissions", "application", *step.split(), number)


@pytest.fixture
def desk(office, tmp_path, capsys, monkeypatch):
    """One account acts for Admissions, one as registrar, on the day of the tests."""
    (tmp_path / "charter.yaml").write_text(CHARTER, encoding="utf-8")
    monkeypatch.setattr(sitting, "now", lambda: AT)
    for role in ("admissions", "registrar"):
        account = Account.objects.create(name=role, opened_at=AT)
        Grant.objects.create(
            account=account, role=role, scope="all", value="",
            starts_on=TODAY - timedelta(days=30), granted_by="test", why="test", granted_at=AT,
        )  # fmt: skip
    return Desk(tmp_path, capsys, monkeypatch)


def _applied(desk, *more):
    return desk.json("admissions", "apply", *AMARA, *more)["application"]


def _shown(desk, number, *words):
    return desk.json("admissions", "application", "show", number, *words)


def test_an_applicant_goes_the_whole_way_to_a_student_number(desk):
    number = _applied(desk)
    desk.steps(number, "submit", "review")
    desk.json(
        "admissions", "application", "offer", number, "--until", "2027-06-01", "--condition",
        "Maths at B", "--deposit", "500.00",
    )  # fmt: skip
    desk.steps(number, "accept")
    early, why = desk.run("admissions", "application", "matriculate", number, "--new")
    desk.json("admissions", "application", "condition", number, "1", "--evidence", "C-17")
    desk.json("admissions", "application", "deposit", number, "500.00", "--reference", "P-1")

    made = desk.json("admissions", "application", "matriculate", number, "--new")

    assert (early, "Condition 1 is open: Maths at B (1 more)" in why) == (1, True)
    assert made["registration"] == "00000001/1"
    shown = _shown(desk, number)
    assert (shown["state"], shown["offer"], shown["due"]) == ("matriculated", "firm", "")
    assert [one["action"] for one in shown["history"]] == [
        "draft", "submit", "review", "offer", "accept", "meet", "deposit", "matriculate",
    ]  # fmt: skip


def test_a_preview_of_a_matriculation_gives_nobody_a_number(desk):
    number = _applied(desk)
    desk.steps(number, "submit", "review", "offer --until 2027-06-01", "accept")

    code, said = desk.run("admissions", "application", "matriculate", number, "--new", "--preview")

    assert (code, "nothing was kept" in said) == (0, True)
    assert _shown(desk, number)["state"] == "accepted"


def test_a_registrar_takes_back_a_matriculation_and_admissions_cannot(desk):
    number = _applied(desk)
    desk.steps(number, "submit", "review", "offer --until 2027-06-01", "accept")
    act = desk.json("admissions", "application", "matriculate", number, "--new")["act"]

    refused, why = desk.run("admissions", "reverse", act)
    taken, _ = desk.run("registrar", "reverse", act)

    assert (refused, "M903" in why, taken) == (1, True, 0)
    assert _shown(desk, number)["state"] == "accepted"


def test_a_former_student_is_listed_as_alike_and_the_table_has_no_name_in_it(desk):
    first = _applied(desk)
    desk.steps(first, "submit", "review", "offer --until 2027-06-01", "accept")
    desk.json("admissions", "application", "matriculate", first, "--new")
    second = _applied(desk, "--family", "Eze", "--former-family", "Okafor")

    (alike,) = desk.json("admissions", "application", "alike", second)
    code, said = desk.run("admissions", "application", "list")

    assert (alike["strength"], "same birth date" in alike["evidence"]) == ("strong", True)
    assert (code, first in said, second in said) == (0, True, True)
    assert "Okafor" not in said


def test_an_enquiry_is_amended_and_becomes_an_application(desk):
    number = desk.json(
        "admissions", "apply", "--given", "Bela", "--family", "Nagy", "--programme", "BIO",
        "--term", "2027/1", "--enquiry",
    )["application"]  # fmt: skip

    desk.json("admissions", "application", "amend", number, "--born", "2000-01-01")
    desk.json("admissions", "application", "amend", number, "--email", "bela@example.org")
    desk.steps(number, "draft", "submit")

    shown = _shown(desk, number)
    assert shown["state"] == "submitted"
    assert (shown["applicant"]["family"], shown["applicant"]["born_on"]) == ("Nagy", "2000-01-01")


def test_offers_that_lapse_soon_are_listed_and_one_is_deferred(desk):
    soon, later = _applied(desk), _applied(desk)
    desk.steps(soon, "submit", "review", "offer --until 2026-10-20")
    desk.steps(later, "submit", "review", "offer --until 2027-06-01", "accept")

    (listed,) = desk.json("admissions", "application", "list", "--expiring", "14")
    made = desk.json("admissions", "application", "defer", later, "2028/1")["application"]

    assert (listed["application"], listed["until"]) == (soon, "2026-10-20")
    (found,) = desk.json("registrar", "application", "list", "--term", "2028/1")
    assert (found["application"], found["state"], found["deferred_from"]) == (
        made, "accepted", later,
    )  # fmt: skip


def test_an_application_is_shown_as_it_was_on_a_day_and_with_its_history(desk):
    number = _applied(desk)
    desk.steps(number, "submit", "review", "offer --until 2026-10-20 --condition Maths")
    desk.json("admissions", "application", "withdraw", number, "--why", "personal")

    lapsed = _shown(desk, number, "--on", "2026-10-13")
    code, said = desk.run("admissions", "application", "show", number)

    assert lapsed["state"] == "not yet"
    assert code == 0, said
    for word in ("withdrawn", "personal", "Maths", "Okafor", "open", "by"):
        assert word in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("list", "--state", "ofered"), "Did you mean offered?"),
        (("offer", "A0000001", "--until", "2027-06-01", "--deposit", "many"), "not an amount"),
        (("show", "A9999999"), "M951"),
        (("decline", "A0000001"), "M952"),
    ],
)
def test_what_cannot_be_understood_or_done_is_answered_in_words(desk, words, why):
    _applied(desk)

    code, said = desk.run("admissions", "application", *words)

    assert code != 0
    assert why in said
