"""The curriculum and the timetable on the command line."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from matricula.accounts.models import Account, Grant
from matricula.cli import main
from matricula.sis.curriculum import queries, rules
from tests.sis.charter import CHARTER

pytestmark = pytest.mark.any_database
LONG_AGO = date(2020, 9, 1)
# The commands read the clock: the term is always one that has not begun.
NEXT = datetime.now(tz=UTC).date() + timedelta(days=60)


def _day(days):
    return (NEXT + timedelta(days=days)).isoformat()


TERM = (
    "term", "add", "T-1", "--title", "Autumn", "--register-from", _day(-30),
    "--starts-on", _day(0), "--add-until", _day(13), "--drop-until", _day(27),
    "--census-on", _day(28), "--withdraw-until", _day(70), "--ends-on", _day(104),
    "--marks-due-on", _day(120), "--board-on", _day(130), "--band", f"{_day(13)}=100",
    "--band", f"{_day(60)}=50",
)  # fmt: skip


@pytest.fixture
def desk(db, tmp_path, capsys, monkeypatch, settings):
    """A registrar, and the words after `matricula register`."""
    settings.HOME = tmp_path / "home"
    (tmp_path / "charter.yaml").write_text(CHARTER, encoding="utf-8")
    at = datetime(2020, 9, 1, tzinfo=UTC)
    Grant.objects.create(
        account=Account.objects.create(name="ada", opened_at=at), role="registrar",
        scope="all", starts_on=LONG_AGO, granted_by="test", why="test", granted_at=at,
    )  # fmt: skip
    monkeypatch.setenv("MATRICULA_ACTOR", "ada")

    def run(*words):
        capsys.readouterr()
        code = main.run(["--charter", str(tmp_path), "register", *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


@pytest.fixture
def standing(desk):
    """A department, a campus, a room, two modules and a term, all added by command."""
    for words in (
        ("department", "add", "SCI", "--title", "Science"),
        ("campus", "add", "MAIN", "--title", "Main", "--timezone", "Europe/London"),
        ("room", "add", "LAB1", "--campus", "MAIN", "--seats", "30"),
        ("module", "add", "BIO101", "--department", "SCI", "--title", "Cells",
         "--credits", "7.5", "--level", "1", "--from", "2020-09-01"),
        ("module", "add", "CHE101", "--department", "SCI", "--title", "Matter",
         "--credits", "20", "--level", "1", "--from", "2020-09-01",
         "--requisites", "passed(BIO101, 40) or permission"),
        TERM,
    ):  # fmt: skip
        code, said = desk(*words)
        assert code == 0, said
    return desk


def _json(desk, *words):
    code, said = desk(*words, "--json")
    assert code == 0, said
    return json.loads(said)


def _plan(desk, code="BIO101-1", module="BIO101"):
    return _json(
        desk, "section", "plan", code, "--module", module, "--term", "T-1", "--campus", "MAIN",
        "--seats", "30",
    )  # fmt: skip


def test_a_programme_and_what_its_cohorts_must_do_are_added_from_the_command_line(
    standing, tmp_path
):
    file = tmp_path / "biology.json"
    told = {"programme": "BIO", "version": "1", "from_cohort": "2026", "credits": 180,
            "requirements": {"all_of": [{"module": "BIO101"},
                                        {"credits": 20, "at_level": 1}]}}  # fmt: skip
    file.write_text(json.dumps(told), encoding="utf-8")

    done = _json(
        standing, "programme", "add", "BIO", "--title", "Biology", "--department", "SCI",
        "--award", "BSc", "--terms", "6",
    )  # fmt: skip
    _json(standing, "curriculum", "add", str(file))
    shown = _json(standing, "curriculum", "show", "BIO", "1")

    assert done["register"][0]["after"] == {"code": "BIO", "title": "Biology", "department": "SCI"}
    assert [one["asks"] for one in shown] == [
        "earn 180 credits", "pass BIO101", "earn 20 credits at level 1 or above",
    ]  # fmt: skip
    assert standing("programme", "close", "BIO", "--on", _day(0))[0] == 0
    assert queries.programme("BIO").closed_on == NEXT


def test_a_file_that_is_no_json_and_a_tree_that_is_wrong_are_refused_at_their_place(
    standing, tmp_path
):
    file = tmp_path / "biology.json"
    file.write_text("{", encoding="utf-8")
    broken, why = standing("curriculum", "add", str(file))
    file.write_text(
        json.dumps({"programme": "BIO", "version": "1", "from_cohort": "2026", "credits": 180,
                    "requirements": {"all_of": [{"modul": "BIO101"}]}}),
        encoding="utf-8",
    )  # fmt: skip
    standing("programme", "add", "BIO", "--title", "Biology", "--department", "SCI",
             "--award", "BSc", "--terms", "6")  # fmt: skip
    wrong, where = standing("curriculum", "add", str(file))

    assert (broken != 0, "cannot be read as JSON" in " ".join(why.split())) == (True, True)
    assert (wrong, where.startswith("requirements.all_of[0]: M923")) == (1, True)


def test_a_term_is_shown_and_changed_before_it_begins(standing):
    code, said = standing("term", "change", "T-1", "--board-on", _day(140), "--no-bands")
    shown = _json(standing, "term", "show", "T-1")

    assert code == 0, said
    assert (shown["board_on"], shown["starts_on"], shown["bands"]) == (_day(140), _day(0), [])
    assert queries.term("T-1").title == "Autumn"


def test_what_is_no_day_no_band_and_no_number_is_refused(standing):
    for words, match in (
        ((*TERM[:-1], "half"), "write it as 2026-09-15=100"),
        ((*TERM[:-1], "soon=5"), "write it as 2026-10-14"),
        (("module", "version", "BIO101", "--title", "X", "--credits", "many", "--level", "1",
          "--from", _day(0)), "write it as 20 or 7.5"),
    ):  # fmt: skip
        code, said = standing(*words)
        assert code != 0
        assert match in " ".join(said.split())


def test_a_section_goes_from_plan_to_open_and_its_meetings_are_shown(standing):
    planned = _plan(standing)
    made = _json(
        standing, "meeting", "schedule", "BIO101-1", "--day", "monday", "--at", "09:00",
        "--to", "11:00", "--room", "LAB1",
    )  # fmt: skip
    opened = _json(standing, "section", "open", "BIO101-1")
    shown = _json(standing, "section", "show", "BIO101-1")

    assert planned["register"][0]["after"]["state"] == "planned"
    assert opened["register"][0]["after"]["state"] == "open"
    assert (shown["state"], shown["credits"]) == ("open", "7.50")
    (met,) = shown["meetings"]
    assert (met["meeting"], met["day"], met["starts_at"]) == (made["meeting"], "monday", "09:00")
    code, said = standing("section", "show", "BIO101-1")
    assert code == 0
    assert "LAB1" in said


def test_a_preview_opens_nothing(standing):
    _plan(standing)

    told = _json(standing, "section", "open", "BIO101-1", "--preview")

    assert told["preview"] is True
    assert queries.section("BIO101-1").state == rules.PLANNED


def test_a_room_that_is_taken_is_refused_and_a_meeting_moves_and_ends(standing):
    _plan(standing)
    _plan(standing, "CHE101-1", "CHE101")
    when = ("--day", "monday", "--at", "09:00", "--to", "11:00", "--room", "LAB1")
    number = _json(standing, "meeting", "schedule", "BIO101-1", *when)["meeting"]

    code, said = standing("meeting", "schedule", "CHE101-1", *when)
    moved = _json(
        standing, "meeting", "move", str(number), "--from", _day(0), "--day", "tuesday",
        "--at", "08:30",
    )["meeting"]  # fmt: skip
    again = standing("meeting", "schedule", "CHE101-1", *when)[0]
    ended = standing("meeting", "end", str(moved), "--last-day", _day(30))[0]

    assert (code, "LAB1 holds BIO101-1" in said) == (1, True)
    assert (again, ended) == (0, 0)
    (held,) = queries.section("BIO101-1").meetings
    assert (held.weekday, f"{held.starts_at:%H:%M}", held.valid_to) == (
        2, "08:30", NEXT + timedelta(days=30),
    )  # fmt: skip


def test_seats_are_changed_and_a_section_is_closed_cancelled_and_not_finished_too_early(standing):
    _plan(standing)

    codes = [
        standing(*words)[0]
        for words in (
            ("section", "capacity", "BIO101-1", "25"),
            ("section", "open", "BIO101-1"),
            ("section", "close", "BIO101-1"),
            ("section", "finish", "BIO101-1"),
            ("section", "cancel", "BIO101-1"),
            ("section", "cancel", "BIO101-1", "--why", "too few"),
        )
    ]

    assert codes == [0, 0, 0, 1, 1, 0]
    found = queries.section("BIO101-1")
    assert (found.state, found.capacity) == (rules.CANCELLED, 25)


def test_a_section_that_was_opened_by_mistake_is_planned_again(standing):
    _plan(standing)
    opened = _json(standing, "section", "open", "BIO101-1")

    _json(standing, "reverse", opened["act"])

    assert queries.section("BIO101-1").state == rules.PLANNED


def test_a_section_is_shown_as_it_was_known(standing):
    _plan(standing)
    today = datetime.now(tz=UTC).date()

    shown = _json(standing, "section", "show", "BIO101-1", "--known-on", _day(0))
    code, said = standing(
        "section", "show", "BIO101-1", "--known-on", (today - timedelta(days=2)).isoformat()
    )

    assert shown["state"] == "planned"
    assert (code, "There is no section BIO101-1" in said) == (1, True)
