"""Persons and staff on the command line: what is said, what is asked, what was known when."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from matricula.accounts.models import Account, Grant
from matricula.cli import main
from matricula.sis.people import queries
from tests.sis.charter import CHARTER

pytestmark = pytest.mark.any_database
# The commands read the clock: what they find began long before, whatever it shows.
LONG_AGO = date(2020, 9, 1)
AMARA = ("add", "--given", "Amara", "--family", "Okafor", "--born", "2004-05-01",
         "--email", "amara@example.org", "--on", "2020-09-01")  # fmt: skip


@pytest.fixture
def desk(db, tmp_path, capsys, monkeypatch, settings):
    """A registrar, Bela who agrees, and the words after `matricula register`."""
    settings.HOME = tmp_path / "home"
    (tmp_path / "charter.yaml").write_text(CHARTER, encoding="utf-8")
    at = datetime(2020, 9, 1, tzinfo=UTC)
    for name in ("ada", "bela"):
        Grant.objects.create(
            account=Account.objects.create(name=name, opened_at=at), role="registrar",
            scope="all", starts_on=LONG_AGO, granted_by="test", why="test", granted_at=at,
        )  # fmt: skip
    monkeypatch.setenv("MATRICULA_ACTOR", "ada")

    def run(*words):
        capsys.readouterr()
        code = main.run(["--charter", str(tmp_path), "register", *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def _json(desk, *words):
    code, said = desk(*words, "--json")
    assert code == 0, said
    return json.loads(said)


def _amara(desk):
    return str(_json(desk, "person", *AMARA)["person"])


def _value(desk, who, what, *options):
    facts = _json(desk, "person", "show", who, *options)["facts"]
    return [one["value"] for one in facts if one["what"] == what]


def test_a_person_is_added_and_the_second_time_it_is_asked_who_it_is(desk):
    amara = _amara(desk)

    code, said = desk("person", *AMARA)
    known = _json(desk, "person", *AMARA, "--same-as", amara)
    new = _json(desk, "person", *AMARA, "--new")

    assert code == 1
    assert f"M932: Somebody may be there already: person {amara} (strong" in said
    assert str(known["person"]) == amara
    assert str(new["person"]) != amara


def test_a_preview_gives_no_number_and_keeps_nobody(desk):
    code, said = desk("person", *AMARA, "--preview")

    assert (code, "Preview: nothing was kept." in said, "person:" in said) == (0, True, False)
    assert desk("person", "find", "amara")[1].count("Amara") == 0


def test_a_name_is_shown_as_it_was_on_a_day_and_as_it_was_known(desk):
    amara = _amara(desk)
    desk("person", "rename", amara, "--given", "Amara", "--family", "Eze", "--on", "2022-01-01")

    assert _value(desk, amara, "legal name") == ["Amara Eze"]
    assert _value(desk, amara, "legal name", "--on", "2021-12-31") == ["Amara Okafor"]
    assert _value(desk, amara, "legal name", "--known-at", "2021-01-01") == []
    assert "legal name" in desk("person", "show", amara)[1]


def test_how_a_person_is_reached_and_what_they_ask_for_is_written_down(desk):
    amara = _amara(desk)

    for words in (
        ("contact", amara, "phone", "07700 900123", "--use", "home"),
        ("correct", amara, "--born", "2004-01-05"),
        ("rename", amara, "--given", "Ama", "--display"),
        ("restrict", amara),
        ("directive", amara, "third_party_release", "her mother"),
    ):
        assert desk("person", *words)[0] == 0

    assert _value(desk, amara, "home phone") == ["07700 900123"]
    assert _value(desk, amara, "birth date") == ["2004-01-05"]
    assert _value(desk, amara, "display name") == ["Ama"]
    assert _value(desk, amara, "third party release") == ["her mother"]
    (found,) = _json(desk, "person", "find", "ama")
    assert (found["given"], found["is_restricted"]) == ("Ama", True)
    assert desk("person", "restrict", amara, "--lift")[0] == 0
    assert _json(desk, "person", "find", "ama")[0]["is_restricted"] is False


def test_two_persons_are_merged_and_parted_by_two_people(desk, monkeypatch):
    def agree(about):
        with monkeypatch.context() as bela:
            bela.setenv("MATRICULA_ACTOR", "bela")
            assert desk("agree", "ada", about, "--why", "seen")[0] == 0

    amara = _amara(desk)
    again = str(_json(desk, "person", *AMARA, "--new")["person"])
    words = ("person", "merge", amara, again, "--evidence", "the same passport")

    alone, said = desk(*words)
    agree(f"person:{amara}|{again}")
    merged, _ = desk(*words, "--approver", "bela")
    together = queries.resolve([int(again)])
    agree(f"person:{again}")
    parted, _ = desk("person", "unmerge", again, "--approver", "bela")

    assert (alone, "M909" in said, merged, parted) == (1, True, 0, 0)
    assert f"`matricula register agree ada 'person:{amara}|{again}' --why REASON`" in said
    assert together == {int(again): int(amara)}
    assert queries.resolve([int(again)]) == {int(again): int(again)}


def test_a_member_of_staff_is_hired_has_a_duty_and_ends_it(desk):
    amara = _amara(desk)

    number = _json(desk, "staff", "hire", amara)["staff_no"]
    code, said = desk(
        "staff", "duty", number, "lecturer", "--department", "SCI", "--from", "2020-09-01"
    )
    ended = _json(desk, "staff", "end", number, "lecturer", "--last-day", "2021-08-31")

    assert (code, "SCI" in said) == (0, True)
    assert [one["after"]["status"] for one in ended["register"]] == ["ended"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("person", "show", "999"), "M931"),
        (("person", "add", "--number", "sis:1"), "is no number"),
        (("person", "add"), "M934"),
        (("staff", "end", "S9", "lecturer", "--last-day", "2021-08-31"), "M931"),
    ],
)
def test_a_wrong_word_is_said_to_be_wrong(desk, words, said):
    code, told = desk(*words)

    assert code != 0
    assert said in told
