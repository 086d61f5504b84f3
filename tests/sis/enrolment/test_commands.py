"""Enrolment on the command line: what each command answers, and how a refusal reads."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from matricula.accounts.models import Account, Grant
from matricula.cli import main
from matricula.sis.curriculum.models import TermVersion
from matricula.sis.enrolment import actions
from matricula.sis.holds import queries as holds
from matricula.sis.registration.models import RegistrationEvent
from tests.sis.charter import CHARTER
from tests.sis.enrolment.conftest import CHOOSING, act, enrol, person_of, student

pytestmark = pytest.mark.any_database
# The commands read the clock: the term lasts from long ago until far in the future.
LONG_AGO, FAR = date(2020, 9, 1), date(2099, 12, 1)


class Desk:
    """Two students, and accounts that act; `run` types a command in one of them."""

    def __init__(self, folder, capture, environment, numbers):
        self.folder, self.capture, self.environment = folder, capture, environment
        self.amara, self.bela = numbers
        self.printed = ""

    def run(self, who, *words):
        """Type `matricula register` and the words; give the exit code and what was said."""
        self.environment.setenv("MATRICULA_ACTOR", who)
        self.capture.readouterr()
        code = main.run(["--charter", str(self.folder), "register", *words])
        told = self.capture.readouterr()
        self.printed = told.out
        return code, told.out + told.err

    def json(self, who, *words):
        """Type a command with `--json` and give its value."""
        code, said = self.run(who, *words, "--json")
        assert code == 0, said
        return json.loads(self.printed)


@pytest.fixture
def desk(campus, tmp_path, capsys, monkeypatch, settings):
    """Amara and Bela study here; Ada is a registrar, Dewi teaches, Amara has an account."""
    (tmp_path / "charter.yaml").write_text(CHARTER, encoding="utf-8")
    numbers = student("Amara", term=""), student("Bela", term="")
    RegistrationEvent.objects.update(effective_on=LONG_AGO)
    TermVersion.objects.update(
        register_from=LONG_AGO, starts_on=LONG_AGO, add_until=FAR, drop_until=FAR, census_on=FAR,
        withdraw_until=FAR, ends_on=FAR,
    )  # fmt: skip
    held = {
        "ada": ("registrar", "all", "", None), "dewi": ("lecturer", "section", "BIO101-1", None),
        "amara": ("student", "own", "", person_of(numbers[0])),
    }  # fmt: skip
    at = datetime(2020, 9, 1, tzinfo=UTC)
    for name, (role, scope, value, person) in held.items():
        account = Account.objects.create(name=name, person=person, opened_at=at)
        Grant.objects.create(
            account=account, role=role, scope=scope, value=value, starts_on=LONG_AGO,
            granted_by="root", why="test", granted_at=at,
        )  # fmt: skip
    settings.HOME = tmp_path / "home"
    return Desk(tmp_path, capsys, monkeypatch, numbers)


def test_a_student_registers_takes_a_seat_and_waits_where_there_is_none(desk):
    registered = desk.json("amara", "term-register", desk.amara, "2026-1")
    desk.json("ada", "term-register", desk.bela, "2026-1")
    seated = desk.json("ada", "enrol", desk.bela, "BIO101-1")
    waits = desk.json("amara", "enrol", desk.amara, "BIO101-1")

    assert registered["state"] == "registered"
    assert (seated["status"], waits["status"], waits["rank"]) == ("enrolled", "waitlisted", 1)
    assert [row["after"]["state"] for row in waits["register"]] == ["waiting"]


def test_a_preview_of_an_enrolment_keeps_nothing(desk):
    desk.run("ada", "term-register", desk.amara, "2026-1")

    code, said = desk.run("ada", "enrol", desk.amara, "BIO101-1", "--preview")

    assert (code, "Preview" in said) == (0, True)
    assert desk.json("ada", "roster", "BIO101-1") == []


def test_a_refusal_names_what_is_in_the_way_the_office_the_cure_and_the_appeal_and_is_kept(desk):
    desk.run("ada", "term-register", desk.amara, "2026-1")

    code, said = desk.run("amara", "enrol", desk.amara, "BIO102-1")

    told = " ".join(said.split())
    assert code != 0
    assert "M941" in told
    assert "must pass BIO101" in told
    assert "A registrar grants one: --let-pass requisites --why REASON." in told
    assert "the Registrar's Office" in told
    assert "Object in writing" in told
    kept = [one for one in holds.decisions(person_of(desk.amara)) if one.service == "enrolment"]
    assert [one.is_refused for one in kept] == [True]


def test_a_lecturer_reads_the_roster_and_the_queue_and_a_student_neither(desk):
    for number in (desk.amara, desk.bela):
        desk.run("ada", "term-register", number, "2026-1")
        desk.run("ada", "enrol", number, "BIO101-1")

    assert desk.json("dewi", "roster", "BIO101-1") == [
        {"student": desk.amara, "status": "enrolled", "attempt": 1, "restricted": False}
    ]
    assert [row["student"] for row in desk.json("dewi", "waitlist", "BIO101-1")] == [desk.bela]
    assert desk.json("amara", "enrolments", desk.amara)[0]["section"] == "BIO101-1"
    assert "M903" in desk.run("amara", "roster", "BIO101-1")[1]
    assert "M903" in desk.run("dewi", "roster", "BIO101-2")[1]


def test_the_terms_of_a_student_and_the_sections_of_a_term_are_listed(desk):
    desk.run("ada", "term-register", desk.amara, "2026-1")
    desk.run("ada", "enrol", desk.amara, "BIO101-1")

    shown = desk.json("ada", "show", desk.amara)["terms"]
    listed = {one["code"]: one for one in desk.json("ada", "section", "list", "2026-1")}

    assert [(one["term"], one["load"], one["state"]) for one in shown] == [
        ("2026-1", "full", "registered")
    ]
    assert (listed["BIO101-1"]["seats"], listed["BIO101-1"]["taken"]) == (1, 1)
    assert [one["code"] for one in desk.json("ada", "term", "list")] == ["2026-1", "2026-2"]
    assert [one["code"] for one in desk.json("ada", "programme", "list")] == ["BIO", "CHE"]
    assert "BIO101" in [one["code"] for one in desk.json("ada", "module", "list")]


def test_who_frees_a_seat_hears_whom_it_is_kept_for_and_a_student_does_not(desk):
    for number in (desk.amara, desk.bela):
        desk.run("ada", "term-register", number, "2026-1")
        desk.run("ada", "enrol", number, "BIO101-1")

    seen = desk.json("ada", "drop", desk.amara, "BIO101-1", "--preview")["left"]
    own = desk.json("amara", "drop", desk.amara, "BIO101-1")["left"]

    assert [f"kept for {desk.bela} until" in one for one in seen] == [True]
    assert not [one for one in own if desk.bela in one]


def test_whoever_is_on_leave_is_listed_with_the_day_until_which(desk):
    today = datetime.now(UTC).date().isoformat()
    until = ("--effective", today, "--until", "2099-01-09", "--why", "personal")
    desk.json("ada", "leave", desk.amara, *until)

    assert desk.json("ada", "on-leave") == [
        {"registration": f"{desk.amara}/1", "programme": "BIO", "since": today,
         "until": "2099-01-09"}
    ]  # fmt: skip
    assert desk.json("dewi", "on-leave") == []


def test_a_seat_is_dropped_offered_and_claimed(desk):
    for number in (desk.amara, desk.bela):
        desk.run("ada", "term-register", number, "2026-1")
        desk.run("ada", "enrol", number, "BIO101-1")

    dropped = desk.json("amara", "drop", desk.amara, "BIO101-1")
    offered = desk.json("ada", "offer-seats")
    claimed = desk.json("ada", "claim-seat", desk.bela, "BIO101-1")

    assert (dropped["status"], offered["offered to"]) == ("dropped", "nobody")
    assert claimed["status"] == "enrolled"


def test_sections_are_swapped_and_a_term_is_cancelled_for_a_reason(desk):
    desk.run("ada", "term-register", desk.amara, "2026-1")
    desk.run("ada", "enrol", desk.amara, "BIO101-1")

    swapped = desk.json("amara", "swap", desk.amara, "BIO101-1", "BIO101-2")
    today = date.today().isoformat()  # noqa: DTZ011 - the institution's clock is near enough
    words = ("term-cancel", desk.amara, "2026-1", "--on", today)
    unsaid = desk.run("ada", *words)[1]
    desk.json("ada", *words, "--why", "non-payment")

    assert swapped["enrolment"] == f"{desk.amara}|BIO101-2"
    assert "M961" in unsaid
    assert desk.json("ada", "roster", "BIO101-2") == []


def test_permission_is_given_and_refused_on_the_command_line(desk):
    for number in (desk.amara, desk.bela):
        desk.run("ada", "term-register", number, "2026-1")
        desk.run("ada", "enrol", number, "ART101-1")

    given = desk.json("ada", "approve-enrolment", desk.amara, "ART101-1")
    refused = desk.json(
        "ada", "approve-enrolment", desk.bela, "ART101-1", "--refuse", "--why", "academic"
    )

    assert (given["status"], refused["status"]) == ("enrolled", "dropped")


def test_an_intake_is_registered_and_enrolled_and_who_is_not_is_told_why(desk):
    code, registered = desk.run("ada", "term-register-intake", "BIO", "2026", "2026-1")
    words = ("enrol-block", "BIO", "2026", "2026-1", "MAT101-1", "BIO102-1")

    block = desk.json("ada", *words, "--except", desk.bela, "--preview")
    _, said = desk.run("ada", *words, "--except", f"{desk.bela}:MAT101-1")

    told = " ".join(said.split())
    assert (code, registered.count("registered")) == (0, 2)
    assert block["preview"] is True
    assert "enrolled: 1" in told
    assert "must pass BIO101" in told
    assert "Excepted from MAT101-1" in told


def test_after_the_census_one_leaves_a_section_for_a_reason(desk):
    TermVersion.objects.update(
        add_until=LONG_AGO, drop_until=LONG_AGO, census_on=LONG_AGO, register_from=LONG_AGO
    )
    RegistrationEvent.objects.update(effective_on=LONG_AGO)
    act(actions.register_term, desk.amara, "2026-1", day=LONG_AGO)
    enrol(desk.amara, "BIO101-1", day=LONG_AGO)

    left = desk.json("amara", "leave-section", desk.amara, "BIO101-1", "--why", "personal")

    assert left["status"] == "withdrawn"
    assert desk.json("ada", "roster", "BIO101-1", "--on", CHOOSING.isoformat()) != []


def test_the_same_command_given_twice_says_the_second_time_that_it_was_so_already(desk):
    for words in (("term-register", desk.amara, "2026-1"), ("enrol", desk.amara, "BIO101-1")):
        code, first = desk.run("ada", *words)
        again, second = desk.run("ada", *words)

        assert (code, again) == (0, 0), first + second
        assert first.startswith("Done: act-")
        assert second.startswith("It was so already: nothing was changed.")
        assert "Done" not in second
        assert desk.json("ada", *words)["already"] is True
        preview = desk.run("ada", *words, "--preview")[1]
        assert preview.startswith("Preview: nothing was kept.\nIt was so already")
