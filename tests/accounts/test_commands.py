"""Second persons on the command line: they agree under their own account, and see what is open."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from matricula.accounts.models import Account, Grant
from matricula.cli import main
from matricula.sis.people.models import Person
from matricula.sis.people.queries import resolve
from tests.sis.charter import CHARTER

# The commands read the clock: what they find began long before, whatever it shows.
LONG_AGO = datetime(2020, 9, 1, tzinfo=UTC)


@pytest.fixture
def type_as(db, tmp_path, capsys, monkeypatch, settings):
    """Two registrars, and Chidi who studies; gives what types a command in one's name."""
    settings.HOME = tmp_path / "home"
    (tmp_path / "charter.yaml").write_text(CHARTER, encoding="utf-8")
    for name, role, scope in (
        ("ada", "registrar", "all"), ("bela", "registrar", "all"), ("chidi", "student", "own"),
    ):  # fmt: skip
        Grant.objects.create(
            account=Account.objects.create(name=name, opened_at=LONG_AGO), role=role, scope=scope,
            starts_on=LONG_AGO.date(), granted_by="test", why="test", granted_at=LONG_AGO,
        )  # fmt: skip

    def typed(who, *words):
        monkeypatch.setenv("MATRICULA_ACTOR", who)
        capsys.readouterr()
        code = main.run(["--charter", str(tmp_path), "register", *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    return typed


@pytest.fixture
def twice(db):
    """Two persons who are one."""
    return [Person.objects.create(act="test", recorded_at=LONG_AGO).pk for _ in range(2)]


def _open(type_as, who="ada"):
    code, said = type_as(who, "agreements", "--json")
    assert code == 0, said
    return [(one["by"], one["for"], one["about"]) for one in json.loads(said)]


def test_a_preview_leaves_the_agreement_open_and_the_act_uses_it_up(type_as, twice):
    amara, again = map(str, twice)
    about = f"person:{amara}|{again}"
    words = ("person", "merge", amara, again, "--evidence", "one passport", "--approver", "bela")

    agreed, said = type_as("bela", "agree", "ada", about, "--why", "the same passport")
    previewed = [type_as("ada", *words, "--preview")[0] for _ in range(2)]
    still_open = _open(type_as)
    done, _ = type_as("ada", *words)

    assert (agreed, "names bela with --approver" in said) == (0, True)
    assert (previewed, still_open, done) == ([0, 0], [("bela", "ada", about)], 0)
    assert _open(type_as) == []
    assert resolve(twice)[twice[1]] == twice[0]


def test_the_command_that_a_refusal_names_is_the_cure(type_as, twice):
    amara, again = map(str, twice)
    words = ("person", "merge", amara, again, "--evidence", "one passport", "--approver", "bela")

    refused, said = type_as("ada", *words)

    assert (refused, "M909" in said) == (1, True)
    assert f"`matricula register agree ada 'person:{amara}|{again}' --why REASON`" in said


def test_what_was_agreed_to_can_be_taken_back_and_lasts_until_a_day(type_as, twice):
    until = (datetime.now(UTC) + timedelta(days=20)).date()
    _, said = type_as(
        "bela", "agree", "ada", f"person:{twice[0]}", "--why", "seen", "--until", str(until)
    )
    number = said.partition("as number ")[2].partition(":")[0]

    _, listed = type_as("ada", "agreements")
    theirs, _ = type_as("ada", "withdraw-agreement", number)
    own, _ = type_as("bela", "withdraw-agreement", number)

    assert str(until) in listed
    assert (theirs, own, _open(type_as)) == (1, 0, [])


@pytest.mark.parametrize(
    ("who", "words", "said"),
    [
        ("chidi", ("ada", "student:00000001"), "M903"),
        ("bela", ("ada", "00000001"), "Write KIND:KEY"),
        ("bela", ("nobody", "student:00000001"), "M901"),
        # About nothing nobody agrees; nor does it stay.
        ("bela", ("ada", "student:99999999"), "M911: There is no student 99999999."),
        ("bela", ("ada", "person:99999999"), "M931"),
        ("bela", ("ada", "person:amara"), "M900: There is no person amara."),
        ("bela", ("ada", "application:99999999"), "M951"),
        ("bela", ("ada", "hold:99999999"), "M943"),
        ("bela", ("ada", "hold policy:uk debt kitchen"), "M900: There is no hold policy"),
        ("bela", ("ada", "term:2099X"), "M921"),
        ("bela", ("ada", "student:00000001", "--role", "bursar"), "M902"),
        ("bela", ("ada", "student:00000001", "--until", str(date(2020, 1, 1))), "M900"),
    ],
)
def test_who_may_not_agree_or_says_it_wrongly_is_told(type_as, who, words, said):
    code, told = type_as(who, "agree", *words, "--why", "seen")

    assert (code, said in told) == (1, True)
    assert _open(type_as) == []
