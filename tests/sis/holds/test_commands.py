"""Holds on the command line: every role does its part, and every refusal says four things."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from matricula.accounts.models import Account, Grant
from matricula.cli import main, sitting
from matricula.hub.acting import carry_out, sit_down
from matricula.sis.holds import actions, queries
from matricula.sis.people import actions as people
from matricula.sis.registration import actions as registration
from tests.sis.charter import CHARTER
from tests.sis.conftest import doing

pytestmark = pytest.mark.any_database
SEPTEMBER = date(2026, 9, 1)
# The commands read the clock: what they find began long before, whatever it shows.
LONG_AGO = date(2020, 9, 1)
DEBT = (
    "place", "00000001", "--kind", "debt", "--cause", "tuition", "--office", "bursary",
    "--on", "2020-09-01", "--until", "2099-08-31", "--term", "2026-1", "--amount", "500.00",
)  # fmt: skip


class Desk:
    """A student, and an account for every role; `run` types a command in one of them."""

    def __init__(self, folder, capture, environment, person):
        self.folder, self.capture, self.environment = folder, capture, environment
        self.person = person

    def run(self, who, *words):
        """Type `matricula register hold` and the words; give the exit code and what was said."""
        return self.type(who, "hold", *words)

    def type(self, who, *words):
        """Type `matricula register` and the words."""
        self.environment.setenv("MATRICULA_ACTOR", who)
        self.capture.readouterr()
        code = main.run(["--charter", str(self.folder), "register", *words])
        told = self.capture.readouterr()
        return code, told.out + told.err

    def json(self, who, *words):
        """Type a command with `--json` and give its value."""
        code, said = self.run(who, *words, "--json")
        assert code == 0, said
        return json.loads(said)


def _may_act(name, role, scope="all", *, person=None):
    at = datetime(2020, 9, 1, tzinfo=UTC)
    account = Account.objects.create(name=name, opened_at=at, person=person)
    Grant.objects.create(
        account=account, role=role, scope=scope, value="library" if scope == "office" else "",
        starts_on=LONG_AGO, granted_by="test", why="test", granted_at=at,
    )  # fmt: skip


@pytest.fixture
def desk(register, tmp_path, capsys, monkeypatch):
    """Chidi studies here, and one account acts in each of the roles."""
    (tmp_path / "charter.yaml").write_text(CHARTER, encoding="utf-8")
    with doing() as act:
        chidi = people.register(
            act, people.Described("Chidi", "Eze", date(2004, 5, 1)), on=SEPTEMBER
        )
        registration.matriculate(
            act, chidi.pk, registration.Attempt("BIO", "2026", "full", SEPTEMBER)
        )
    for role, scope in (
        ("bursar", "all"), ("librarian", "all"), ("registrar", "all"), ("student", "own"),
        ("system", "office"),
    ):  # fmt: skip
        _may_act(role, role, scope, person=chidi.pk if role == "student" else None)
    _may_act("deputy", "registrar")
    return Desk(tmp_path, capsys, monkeypatch, chidi.pk)


def test_a_bursar_places_a_debt_and_the_student_reads_what_clears_it_and_how_to_object(desk):
    code, said = desk.run("bursar", *DEBT)
    assert (code, "It is hold 00000001." in said) == (0, True)

    (told,) = desk.json("student", "check", "00000001", "term registration")

    assert told["outcome"] == "blocked"
    assert "Tuition is owed" in told["what"]
    assert told["office"] == "the Bursary"
    assert "agree on how to pay" in told["clears"]
    assert "dispute hold 00000001" in told["appeal"]


def test_the_same_hold_twice_is_placed_once_and_another_amount_is_another(desk):
    desk.run("bursar", *DEBT)

    code, said = desk.run("bursar", *DEBT)
    other, _ = desk.run("bursar", *DEBT, "--amount", "20.00")

    assert code == 1
    assert "M947: Hold 00000001 says the same and stands." in " ".join(said.split())
    assert other == 0


def test_a_student_disputes_and_the_office_sees_who_waits_for_it(desk):
    desk.run("bursar", *DEBT)

    code, said = desk.run("student", "dispute", "00000001", "--why", "amount")

    assert code == 0, said
    assert "For a person: the Bursary answers the dispute of hold 00000001." in said
    (waiting,) = desk.json("bursar", "office", "bursary")
    assert (waiting["student"], waiting["state"], waiting["reason"]) == (
        "00000001", "disputed", "amount",
    )  # fmt: skip
    assert desk.run("bursar", "settle", "00000001", "--why", "upheld")[0] == 0
    assert desk.json("student", "list", "00000001")[0]["state"] == "active"


def test_a_hold_is_released_by_its_office_alone_and_the_release_can_be_taken_back(desk):
    desk.run("bursar", *DEBT)

    refused, said = desk.run("librarian", "release", "00000001", "--why", "paid")
    released = desk.json("bursar", "release", "00000001", "--why", "paid")

    assert (refused, "M903" in said, bool(released["act"])) == (1, True, True)
    assert desk.json("registrar", "list", "00000001")[0]["state"] == "released"


def test_a_preview_places_nothing(desk):
    code, said = desk.run("bursar", *DEBT, "--preview")

    assert (code, "nothing was kept" in said) == (0, True)
    assert desk.json("bursar", "list", "00000001") == []


def test_an_exemption_stands_in_the_list_until_it_is_ended(desk):
    desk.run("bursar", *DEBT)
    words = ("exempt", "term registration", "--hold", "00000001", "--until", "2099-01-31",
             "--why", "agreement")  # fmt: skip

    alone, said = desk.run("bursar", *words)
    desk.type("registrar", "agree", "bursar", "hold:00000001", "--why", "they pay in rates")
    agreed, more = desk.run("bursar", *words, "--approver", "registrar")

    assert (alone, "M909" in said, agreed) == (1, True, 0), more
    assert "`matricula register agree bursar hold:00000001 --why REASON`" in said
    (listed,) = desk.json("student", "list", "00000001")
    (given,) = listed["exempt"]
    assert given["service"] == "term registration"
    assert desk.run("bursar", "end-exemption", str(given["exemption"]))[0] == 0
    assert desk.json("student", "list", "00000001")[0]["exempt"] == []


def test_the_registrar_exempts_from_every_hold_and_says_which_of_both_is_meant(desk):
    desk.run("bursar", *DEBT)
    words = ("exempt", "transcript", "--until", "2099-01-31", "--why", "appeal",
             "--approver", "deputy")  # fmt: skip
    desk.type("deputy", "agree", "registrar", f"person:{desk.person}", "--why", "an appeal")

    neither, said = desk.run("registrar", *words)
    code, _ = desk.run("registrar", *words, "--student", "00000001")

    assert (neither, "either --hold or --student" in said, code) == (1, True, 0)
    assert desk.json("student", "check", "00000001", "transcript")[0]["outcome"] == "passed"


def test_an_institution_rules_over_the_preset_and_the_policy_says_whose_word_it_is(desk):
    words = ("rule", "loan", "library", "none", "--approver", "deputy")
    desk.type("deputy", "agree", "registrar", "hold policy:uk loan library", "--why", "seen")

    before = desk.json("student", "policy")
    code, said = desk.run("registrar", *words)
    far, why = desk.run("registrar", "rule", "loan", "conferral", "block", "--approver", "deputy")

    after = desk.json("student", "policy")
    assert (code, before["policy"], after["policy"]) == (0, "uk 2.0", "uk 2.1"), said
    assert [
        row["whose"]
        for row in after["rulings"]
        if (row["kind"], row["service"]) == ("loan", "library")
    ] == ["the institution"]
    assert (far, "M946" in why, "Consumer law" in why) == (1, True, True)


def test_what_an_office_alone_tells_is_veiled_in_the_list_of_the_student(desk):
    desk.run("registrar", "place", "00000001", "--kind", "conduct", "--office", "registry")

    code, said = desk.run("student", "list", "00000001")

    assert code == 0
    assert "the office tells" in said
    assert "conduct" not in said


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("place", "00000009", *DEBT[2:]), "M911"),
        ((*DEBT[:-1], "lots"), "is not an amount"),
        (("release", "00000077", "--why", "paid"), "M943"),
        (("list", "00000001", "--on", "soon"), "is no day"),
        (("office", "kitchen"), "M944"),
    ],
)
def test_a_wrong_word_is_said_to_be_wrong(desk, words, code):
    exit_code, said = desk.run("bursar", *words)

    assert exit_code == 1
    assert code in said


def _ask(desk, monkeypatch, *, preview):
    """Ask for a term registration as the registrar, through the one door."""
    monkeypatch.setenv("MATRICULA_ACTOR", "registrar")
    at = sitting.sit_down(desk.folder)
    who = sit_down(at)

    def register_for_a_term(act):
        act.name("register for a term", "student", "00000001")
        act.record("student", "00000001", "register for a term")
        found = queries.checks_for(
            [desk.person], "term registration", on=who.today, policy=who.policy, term="2027-1"
        )
        return actions.ask(
            act, desk.person, "term registration", found[desk.person], about="2027-1"
        )

    return carry_out(at, who, register_for_a_term, preview=preview)


def test_a_refusal_takes_the_act_back_and_stays_as_a_decision_with_every_check(desk, monkeypatch):
    desk.run("bursar", *DEBT)

    with pytest.raises(actions.RefusedDecision) as refused:
        _ask(desk, monkeypatch, preview=False)

    assert refused.value.code == "M941"
    (kept,) = desk.json("student", "decisions", "00000001")
    assert (kept["result"], kept["act"], kept["about"]) == ("refused", "", "2027-1")
    assert (kept["policy"], kept["account"]) == ("uk 2.0", "registrar")
    assert kept["checks"][0]["office"] == "the Bursary"
    assert "refused, by uk 2.0" in desk.run("student", "decisions", "00000001")[1]


def test_a_preview_that_would_be_refused_leaves_no_decision(desk, monkeypatch):
    desk.run("bursar", *DEBT)

    with pytest.raises(actions.RefusedDecision):
        _ask(desk, monkeypatch, preview=True)

    assert desk.json("student", "decisions", "00000001") == []


def test_what_passed_stays_as_a_decision_of_the_act_it_was_part_of(desk, monkeypatch):
    done = _ask(desk, monkeypatch, preview=False)

    (kept,) = desk.json("student", "decisions", "00000001")
    assert (kept["result"], kept["act"], kept["checks"]) == ("passed", done.act, [])
