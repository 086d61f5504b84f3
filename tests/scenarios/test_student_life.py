"""S1 to S4, S12 and S16: a student's life, previewed, told in every system, and taken back.

Each scenario reads like its prose. What counts is what the systems hold, never a status alone.
"""

from __future__ import annotations

import copy
import json
from contextlib import ExitStack
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from matricula.audit.queries import history as audited
from matricula.hub import housekeeping
from matricula.hub.models import Effect, Promise
from matricula.sis.received import queries as received
from tests.scenarios.northfield import AMARA, BELA, CHIDI, DEWI, ELIF, Northfield, build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECTIONS = ("BIO101-A", "BIO102-A", "CHE101-A", "CHE102-A")
WITHDRAW = (
    "withdraw", AMARA, "--effective", "2026-10-10", "--last-attended", "2026-10-08",
    "--why", "personal",
)  # fmt: skip


@pytest.fixture(scope="module")
def make_college() -> Iterator[Callable[[Path], Northfield]]:
    with ExitStack() as running:
        yield lambda folder: build(folder, running)


@pytest.fixture
def north(college: Northfield) -> Iterator[Northfield]:
    college.systems.as_settled()
    with college.systems.running():
        yield college


def _told(done: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    """Say of what follows elsewhere: system, record, field, and what the copy will hold."""
    return {
        (one["system"], one["key"], name, str(pair[1]))
        for one in done["elsewhere"]
        for name, pair in one["fields"].items()
    }


def _everything(north: Northfield) -> dict[str, Any]:
    """What every other system holds."""
    systems = north.systems
    site = systems.campus.moodle.site
    patrons = systems.campus.library.library.patrons
    tables = ("users", "categories", "courses", "enrolments", "role_assignments")
    return {
        "lms": {name: copy.deepcopy(getattr(site, name).all()) for name in tables},
        "library": {n: _card(north, one) for n, one in patrons.items()},
        "idp": {n: _plain(systems.account(n)) for n in (AMARA, BELA, CHIDI, DEWI)},
        "directory": systems.entries(),
    }


def _differences(before: dict[str, Any], after: dict[str, Any]) -> str:
    return "\n".join(_compared(before, after))


def _compared(before: Any, after: Any, path: str = "") -> list[str]:
    """Say where two contents differ, so that a failure is read at a glance."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted({*before, *after}, key=str)
        parts = [(k, before.get(k, "nothing"), after.get(k, "nothing")) for k in keys]
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        parts = [(n, *pair) for n, pair in enumerate(zip(before, after, strict=True))]
    else:
        return [] if before == after else [f"{path}: {before} -> {after}"]
    return [said for key, *pair in parts for said in _compared(*pair, f"{path}/{key}")]


def _card(north: Northfield, patron: dict[str, Any]) -> dict[str, Any]:
    """A patron; until which day the card is good is the library's to say, once it is good."""
    is_good = patron["expiry_date"] >= str(north.moment.date())
    return {**patron, "expiry_date": is_good, "updated_on": ""}


def _plain(account: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in account.items() if name != "meta"}


def _open(north: Northfield, number: str) -> set[str]:
    """The sections into which Moodle lets a student."""
    return {code for code, is_open in north.systems.spaces(number).items() if is_open}


def _affiliation(north: Northfield, number: str) -> list[str] | None:
    """What the directory says that somebody is; None where there is no directory."""
    entry = north.systems.entry(number)
    return entry["eduPersonAffiliation"] if entry else None


def test_s1_the_preview_of_a_withdrawal_names_every_system_and_changes_nothing(north):
    north.on("2026-10-14")
    before, effects = _everything(north), Effect.objects.count()

    done = north.does(*WITHDRAW, "--preview")

    assert done["act"] == ""
    assert _told(done) >= {
        ("idp", AMARA, "userType", "former"),
        ("lms", AMARA, "suspended", "True"),
        ("warehouse", AMARA, "status", "withdrawn"),
        *(("lms", f"{AMARA}|{code}", "suspended", "True") for code in SECTIONS),
    }
    suspended = {(o["system"], o["key"]) for o in done["elsewhere"] if o["kind"] == "suspend"}
    assert suspended == {("library", AMARA)}
    north.deliver()
    assert _differences(before, _everything(north)) == ""
    assert Effect.objects.count() == effects
    assert "active" in north.register("show", AMARA).out


def test_s1_what_was_previewed_is_what_happens_in_every_system(north):
    north.on("2026-10-14")
    previewed = _told(north.does(*WITHDRAW, "--preview"))

    act = north.does(*WITHDRAW)["act"]
    owed = {(o["flow"], o["key"]) for o in north.owed() if o["act"] == act}
    north.deliver()

    assert north.systems.spaces(AMARA) == dict.fromkeys(SECTIONS, False)
    assert north.systems.user(AMARA)["suspended"]
    assert north.systems.patron(AMARA)["expiry_date"] < "2026-10-14"
    account = north.systems.account(AMARA)
    assert (account["userType"], account.get("active", True)) == ("former", True)
    assert _affiliation(north, AMARA) in (["affiliate"], None)
    assert {key for _, key in owed} == {AMARA, *(f"{AMARA}|{code}" for code in SECTIONS)}
    assert set(north.states(act).values()) == {"acknowledged"}
    assert {system for system, *_ in previewed} - {"directory"} == {"idp", "lms", "warehouse"}


def test_s1_the_others_in_her_sections_are_left_as_they_are(north):
    north.on("2026-10-14")
    before = _everything(north)
    spaces = {number: _open(north, number) for number in (BELA, CHIDI, DEWI)}

    north.does(*WITHDRAW)
    north.deliver()

    after = _everything(north)
    for number in (BELA, CHIDI, DEWI):
        assert after["idp"][number] == before["idp"][number]
        assert _open(north, number) == spaces[number]
    changed = [n for n, one in after["library"].items() if one != before["library"][n]]
    assert [after["library"][n]["cardnumber"] for n in changed] == [AMARA]
    others = [dn for dn, one in before["directory"].items() if one.get("uid") != [AMARA]]
    assert all(after["directory"][dn] == before["directory"][dn] for dn in others)


def test_s1_again_changes_nothing_and_says_why(north):
    north.on("2026-10-14")
    north.does(*WITHDRAW)
    # That the card expires comes back from the library a pass later.
    for _ in ("out", "back"):
        north.deliver()
    effects = Effect.objects.count()

    again = north.run("register", *WITHDRAW)
    north.deliver()

    assert again.code == 1
    assert "is withdrawn" in again.err
    assert Effect.objects.count() == effects


def test_s1_a_full_reading_afterwards_verifies_what_was_acknowledged(north):
    north.on("2026-10-14")
    act = north.does(*WITHDRAW)["act"]
    north.deliver()

    north.on("2026-10-15")
    north.look()

    assert set(north.states(act).values()) == {"verified"}
    assert north.run("drift", "--json").json == []


def test_s1_taken_back_everything_is_as_it_was_and_both_acts_stay_in_the_history(north):
    north.on("2026-10-14")
    before = _everything(north)
    act = north.does(*WITHDRAW)["act"]
    north.deliver()

    north.on("2026-10-17")
    back = north.does("reverse", act)
    north.deliver()

    assert _differences(before, _everything(north)) == ""
    assert set(north.states(back["act"]).values()) == {"acknowledged"}
    shown = north.register("show", AMARA, "--json").json
    assert [r["state"] for r in shown["registrations"]] == ["active"]
    assert [(line["action"], line["stands"]) for line in shown["history"]] == [
        ("admit", True), ("start", True), ("withdraw", False), ("reverse", False),
    ]  # fmt: skip
    done = [entry.action for entry in audited("student", AMARA)]
    assert {"withdraw", "reverse"} <= set(done)


def test_s1_a_seat_that_somebody_else_has_by_then_is_left_for_a_person(north):
    north.on("2026-09-10")
    north.register("enrol", CHIDI, "BIO101-A")
    act = north.does(
        "withdraw", AMARA, "--effective", "2026-09-10", "--last-attended", "2026-09-09",
        "--why", "personal",
    )["act"]  # fmt: skip
    north.register("claim-seat", CHIDI, "BIO101-A", "--role", "student", who="chidi")

    north.on("2026-09-14")
    back = north.does("reverse", act)
    north.deliver()

    assert any("BIO101-A" in sentence for sentence in back["left"])
    roster = north.register("roster", "BIO101-A", "--json").json
    assert {one["student"] for one in roster if one["status"] == "enrolled"} == {BELA, CHIDI}
    assert _open(north, AMARA) == {"BIO102-A", "CHE101-A", "CHE102-A"}


def test_s1_what_both_libraries_say_of_her_is_one_answer_in_the_register(north):
    north.on("2026-10-14")
    north.systems.lend(AMARA, date(2026, 10, 1), date(2026, 10, 2), owed=4.5)
    at_law = north.systems.campus.law.people[BELA]
    at_law.loans, at_law.overdue, at_law.owed = 1, 1, "2.50"
    north.look()

    said = {n: received.of_student(n)["clearance"] for n in (AMARA, BELA, CHIDI, ELIF)}
    told = {
        n: (one["overdue_loans"], float(one["library_fines"]), one["is_clear"])
        for n, (one,) in said.items()
    }
    assert told == {
        AMARA: (2, 4.5, False), BELA: (1, 2.5, False), CHIDI: (0, 0.0, True), ELIF: (0, 0.0, True),
    }  # fmt: skip


def test_s1_as_it_was_and_as_it_was_known_are_two_questions(north):
    north.on("2026-10-14")
    north.does(*WITHDRAW)

    def state(*words: str) -> str:
        shown = north.register("show", AMARA, *words, "--json").json
        return shown["registrations"][0]["state"]

    assert state("--on", "2026-10-09") == "active"
    assert state("--on", "2026-10-12") == "withdrawn"
    assert state("--on", "2026-10-12", "--known-on", "2026-10-13") == "active"
    before = north.register("show", AMARA, "--known-on", "2026-08-01", "--json").json
    assert before == {"registrations": [], "history": [], "terms": [], "holds": []}


def test_s1_what_is_owed_is_read_by_her_and_by_offices_and_by_no_other_student(north):
    north.on("2026-10-14")
    north.does(*WITHDRAW)

    codes = {
        who: north.run("obligations", AMARA, who=who).code
        for who in ("ruth", "amara", "chidi", "libby")
    }
    everybody = {who: north.run("obligations", who=who).code for who in ("ruth", "amara")}

    assert codes == {"ruth": 0, "amara": 0, "chidi": 1, "libby": 1}
    assert everybody == {"ruth": 0, "amara": 1}


def test_s2_leave_of_absence_keeps_the_account_limited_and_the_return_opens_it_again(north):
    north.on("2026-10-14")
    before = _everything(north)

    north.does("leave", AMARA, "--effective", "2026-10-15", "--until", "2026-11-30",
               "--why", "health")  # fmt: skip
    north.on("2026-10-15")
    north.deliver()

    assert north.systems.account(AMARA)["userType"] == "student-limited"
    assert north.systems.account(AMARA).get("active", True)
    assert north.systems.patron(AMARA)["category_id"] == "STR"
    assert north.systems.user(AMARA)["suspended"]
    assert _affiliation(north, AMARA) in (["member", "student"], None)

    north.on("2026-11-16")
    north.does("return", AMARA, "--effective", "2026-11-16")
    north.deliver()

    # What she left in the middle of the term she does not find again; all else she does.
    after = _everything(north)
    assert _open(north, AMARA) == set()
    closed = (before["lms"].pop("enrolments"), after["lms"].pop("enrolments"))
    assert len(closed[0]) == len(closed[1])
    assert _differences(before, after) == ""


def test_s2_why_she_is_on_leave_is_seen_by_her_and_the_registrar_alone(north):
    north.on("2026-10-14")
    north.does("leave", AMARA, "--effective", "2026-10-15", "--until", "2026-11-30",
               "--why", "health")  # fmt: skip

    seen = {
        who: north.run("register", "show", AMARA, "--json", who=who).json["history"][-1]["reason"]
        for who in ("ruth", "amara", "bo")
    }
    strangers = north.run("register", "show", AMARA, who="chidi")

    assert seen == {"ruth": "health", "amara": "health", "bo": "private"}
    assert strangers.code == 1
    assert "M903" in strangers.err


def test_whoever_breaks_the_glass_says_why_and_the_office_and_the_student_hear_of_it(north):
    north.on("2026-10-14")
    plain = north.run("register", "show", AMARA, who="libby")
    without_ground = north.run("register", "show", AMARA, "--break-glass", who="libby")
    as_student = north.run(
        "register", "show", AMARA, "--break-glass", "--why", "curious", who="chidi"
    )

    read = north.run(
        "register", "show", AMARA, "--break-glass", "--why", "found her bag", who="libby"
    )

    assert [said.code for said in (plain, without_ground, as_student, read)] == [1, 1, 1, 0]
    (incident,) = [i for i in north.run("incidents", "--json").json if i["code"] == "M591"]
    assert "libby" in incident["message"]
    assert incident["steward"] == "registrar" or "Registrar" in incident["steward"]
    looks = north.run("register", "looks", AMARA, "--json", who="amara").json
    assert [(one["account"], one["why"]) for one in looks] == [("libby", "found her bag")]
    assert north.run("register", "looks", AMARA, who="chidi").code == 1


def test_s2_whoever_does_not_come_back_lapses(north):
    north.on("2026-10-14")
    north.does("leave", AMARA, "--effective", "2026-10-15", "--until", "2026-11-30",
               "--why", "personal")  # fmt: skip

    north.on("2026-12-01")
    done = north.does("lapse", AMARA, "--effective", "2026-12-01", "--why", "no return")
    north.deliver()

    assert done["act"]
    assert north.systems.account(AMARA)["userType"] == "former"
    assert north.systems.patron(AMARA)["expiry_date"] < "2026-12-01"


def test_s3_a_change_of_programme_keeps_the_number_and_moves_her_sections_the_same_day(north):
    north.on("2026-09-16")

    done = north.does(
        "change-programme", CHIDI, "CHE", "--cohort", "2026", "--section", "CHE101-A",
        "--section", "CHE102-A", "--effective", "2026-09-16", "--why", "programme",
    )  # fmt: skip
    north.deliver()

    shown = north.register("show", CHIDI, "--json").json["registrations"]
    assert [(r["number"], r["programme"], r["state"]) for r in shown] == [
        (f"{CHIDI}/1", "BIO", "changed"), (f"{CHIDI}/2", "CHE", "active"),
    ]  # fmt: skip
    assert _open(north, CHIDI) == {"CHE101-A", "CHE102-A"}
    assert north.systems.account(CHIDI)["userType"] == "student"
    assert set(north.states(done["act"]).values()) <= {"acknowledged", "nothing left"}


def test_s4_a_former_student_who_applies_under_a_new_name_comes_back_under_the_same_number(north):
    north.on("2026-10-14")
    north.does(*WITHDRAW)
    north.deliver()
    account, user = north.systems.account(AMARA)["id"], north.systems.user(AMARA)["id"]
    number = _owes_tuition(north)

    # Two years later: another surname, another address, another curriculum.
    north.on("2028-05-02")
    _another_curriculum(north)
    _she_applies_and_is_offered_a_place(north)

    matriculate = ("application", "matriculate", "A0000001")
    north.on("2028-08-20")
    unsettled = north.run("register", *matriculate, who="ina")
    held = north.run("register", *matriculate, "--same-as", "1", who="ina")
    north.register("agree", "bo", f"hold:{number}", "--why", "pays by instalments", who="sam")
    north.does(
        "hold", "exempt", "re-admission", "--hold", number, "--until", "2028-10-31",
        "--why", "agreement", "--approver", "sam", who="bo",
    )  # fmt: skip
    done = north.does(*matriculate, "--same-as", "1", who="ina")
    north.does("person", "rename", "1", "--given", "Amara", "--family", "Okafor-Hughes")
    north.on("2028-09-04")
    north.does("start", AMARA, "--effective", "2028-09-04")
    north.deliver()

    assert "M954" in unsettled.err
    assert "person 1 (weak: same birth date, same name)" in unsettled.err
    assert f"Hold {number} of the Bursary stands in the way of re-admission" in held.err
    assert [one for one in done["left"] if "assess what was passed before" in one]
    shown = north.register("show", AMARA, "--json").json["registrations"]
    assert [(r["number"], r["state"]) for r in shown] == [
        (f"{AMARA}/1", "withdrawn"), (f"{AMARA}/2", "active"),
    ]  # fmt: skip
    _has_them_back_under_her_new_name(north, account, user)


def _has_them_back_under_her_new_name(north: Northfield, account: str, user: int) -> None:
    again = north.systems.account(AMARA)
    assert (again["id"], again["userType"]) == (account, "student")
    assert again["name"]["familyName"] == "Okafor-Hughes"
    back = north.systems.user(AMARA)
    assert (back["id"], back["suspended"]) == (user, False)
    assert back["lastname"] == "Okafor-Hughes"
    assert north.systems.patron(AMARA)["expiry_date"] > "2028-09-04"
    entry = north.systems.entry(AMARA)
    assert entry is None or entry["sn"] == ["Okafor-Hughes"]


def _owes_tuition(north: Northfield) -> str:
    """Have the Bursary hold a debt against Amara; gives its number, for the Library has others."""
    debt = ("--kind", "debt", "--cause", "tuition", "--office", "bursary", "--amount", "200.00")
    north.does("hold", "place", AMARA, *debt, who="bo")
    listed = north.register("hold", "list", AMARA, "--json").json
    (number,) = [one["hold"] for one in listed if one["office"] == "bursary"]
    return number


def _she_applies_and_is_offered_a_place(north: Northfield) -> None:
    north.does(
        "apply", "--given", "Amara", "--family", "Okafor-Hughes", "--former-family", "Okafor",
        "--born", "2004-05-01", "--email", "new@northfield.example", "--programme", "BIO",
        "--term", "2028A", who="ina",
    )  # fmt: skip
    north.does("application", "submit", "A0000001", who="ina")
    north.does("application", "review", "A0000001", who="ina")
    north.does("application", "offer", "A0000001", "--until", "2028-06-30", who="ina")
    north.does("application", "accept", "A0000001", who="ina")


def _another_curriculum(north: Northfield) -> None:
    """A term in 2028, and what its cohort must do."""
    north.does(
        "term", "add", "2028A", "--title", "Autumn 2028", "--register-from", "2028-05-01",
        "--starts-on", "2028-09-04", "--add-until", "2028-09-18", "--drop-until", "2028-09-25",
        "--census-on", "2028-09-25", "--withdraw-until", "2028-11-20", "--ends-on", "2028-12-14",
        "--marks-due-on", "2029-01-08", "--board-on", "2029-01-15",
    )  # fmt: skip
    told = {
        "programme": "BIO", "version": "2", "from_cohort": "2028", "to_cohort": "",
        "credits": "180", "requirements": {"all_of": [{"module": "BIO102"}]},
    }  # fmt: skip
    document = north.folder / "curriculum.json"
    document.write_text(json.dumps(told), encoding="utf-8")
    north.does("curriculum", "add", str(document))


def test_s4_without_an_application_nobody_is_registered_twice_and_the_office_takes_her_back(north):
    north.on("2026-10-14")
    north.does(*WITHDRAW)

    north.on("2028-08-20")
    said = north.run(
        "register", "person", "add", "--given", "Amara", "--family", "Okafor-Hughes",
        "--born", "2004-05-01", "--email", "new@northfield.example",
    )  # fmt: skip
    north.does("readmit", AMARA, "BIO", "--cohort", "2028", "--effective", "2028-09-01")

    assert said.code == 1
    assert "1" in said.err
    shown = north.register("show", AMARA, "--json").json["registrations"]
    assert [r["number"] for r in shown] == [f"{AMARA}/1", f"{AMARA}/2"]


def test_s16_two_days_of_outage_then_only_the_latest_truth_arrives_once(north):
    north.on("2026-09-10")
    with north.lms_away():
        first = north.does("drop", AMARA, "CHE101-A", "--why", "personal")["act"]
        north.deliver()
        north.on("2026-09-11")
        again = north.does("enrol", AMARA, "CHE101-A")["act"]
        dropped = north.does("drop", BELA, "BIO102-A", "--why", "personal")["act"]
        north.deliver()
        north.on("2026-09-12")
        unmet = north.owed("--unmet")
        told = north.write_letters()

    assert {(o["system"], o["state"], o["steward"]) for o in unmet} == {
        ("lms", "overdue", "Academic Services")
    }
    assert all("is away" in o["reason"] for o in unmet)
    assert {o["key"] for o in unmet} >= {f"{BELA}|BIO102-A"}
    assert "academics@northfield.example" in {letter.to for letter in told}

    effects = Effect.objects.filter(flow="lms-enrolments").count()
    north.deliver()

    assert _open(north, AMARA) == set(SECTIONS)
    assert _open(north, BELA) == {"BIO101-A"}
    assert Effect.objects.filter(flow="lms-enrolments").count() == effects + 1
    assert north.owed("--unmet") == []
    assert north.states(first)[("lms-enrolments", f"{AMARA}|CHE101-A")] == "nothing left"
    assert north.states(dropped)[("lms-enrolments", f"{BELA}|BIO102-A")] == "acknowledged"
    assert again
    north.look()
    assert north.run("drift", "--json").json == []


def test_s12_a_lecturer_who_leaves_loses_rosters_and_spaces_at_once_and_a_colleague_has_them(
    north,
):
    north.on("2026-09-15")
    _hire(north, "lew", "Lew", "Archer")
    _hire(north, "mia", "Mia", "Stone")
    north.does("teach", "assign", "BIO101-A", "E0001", "lead", "--from", "2026-09-15", who="sol")
    north.deliver()
    assert north.run("register", "roster", "BIO101-A", who="lew").code == 0
    assert north.run("register", "roster", "BIO102-A", who="lew").code == 1
    assert north.systems.spaces("E0001", "editingteacher") == {"BIO101-A": True}
    lew = north.systems.entry("E0001")
    assert lew is None or len(north.systems.duties()["BIO101-A-lead"]) == 1

    north.on("2026-10-14")
    done = north.does(
        "teach", "leave", "E0001", "--last-day", "2026-10-14", "--hand-over-to", "E0002",
        "--why", "employment",
    )  # fmt: skip
    north.on("2026-10-15")
    north.deliver()

    assert done["act"]
    refused = north.run("register", "roster", "BIO101-A", who="lew")
    assert refused.code == 1
    assert north.run("register", "roster", "BIO101-A", who="mia").code == 0
    assert north.systems.spaces("E0001", "editingteacher") == {"BIO101-A": False}
    assert north.systems.spaces("E0002", "editingteacher") == {"BIO101-A": True}
    assert north.systems.user("E0001")["suspended"]
    if lew is not None:
        (holder,) = north.systems.duties()["BIO101-A-lead"]
        assert "E0002" in holder
        assert "pwdAccountLockedTime" in (north.systems.entry("E0001") or {})


def test_s12_a_lecturer_who_studies_here_as_well_keeps_what_students_have(north):
    north.on("2026-09-15")
    north.does("staff", "hire", "2", "--staff-no", "E0009")
    # Who works here has an address for it: Moodle knows no two accounts of one address.
    north.does(
        "person", "contact", "2", "email", "bela.at.work@northfield.example", "--use", "work"
    )
    north.does("staff", "duty", "E0009", "lecturer", "--department", "SCI")
    for words in (
        ("open", "bela", "--person", "2"),
        ("grant", "bela", "student", "--scope", "own", "--why", "a student"),
    ):
        assert north.run("accounts", *words, who="ada").code == 0
    north.does(
        "teach", "assign", "CHE101-A", "E0009", "lecturer", "--from", "2026-09-15", who="sol"
    )
    north.deliver()
    assert north.systems.spaces("E0009", "teacher") == {"CHE101-A": True}
    north.on("2026-10-14")

    north.does("teach", "leave", "E0009", "--last-day", "2026-10-13", "--why", "employment")
    north.on("2026-10-15")
    north.deliver()

    assert north.run("register", "roster", "CHE101-A", who="bela").code == 1
    assert north.run("register", "show", BELA, who="bela").code == 0
    assert north.systems.spaces("E0009", "teacher") == {"CHE101-A": False}
    assert north.systems.user("E0009")["suspended"]
    assert not north.systems.user(BELA)["suspended"]
    assert _open(north, BELA) == {"BIO101-A", "BIO102-A"}


def _hire(north: Northfield, account: str, given: str, family: str) -> None:
    number = {"lew": "E0001", "mia": "E0002"}[account]
    done = north.register(
        "person", "add", "--given", given, "--family", family, "--born", "1980-01-01",
        "--email", f"{account}@northfield.example", "--new", "--why", "appointed",
    )  # fmt: skip
    (person,) = [line.split()[-1] for line in done.out.splitlines() if line.startswith("person")]
    north.does("staff", "hire", person, "--staff-no", number)
    north.does("staff", "duty", number, "lecturer", "--department", "SCI")
    said = north.run("accounts", "open", account, "--person", person, who="ada")
    assert said.code == 0, said.err


def _round(north) -> None:
    with north.acting("ruth", "registrar") as (desk, _):
        housekeeping.keep_house(desk)


def test_an_offer_that_passed_goes_to_the_next_without_anybody_asking(north):
    north.on("2026-09-10")
    north.register("enrol", CHIDI, "BIO101-A")
    north.register("enrol", "00000004", "BIO101-A")
    north.register("drop", AMARA, "BIO101-A")
    before = north.register("waitlist", "BIO101-A", "--json").json

    north.on("2026-09-17")
    _round(north)

    after = north.register("waitlist", "BIO101-A", "--json").json
    assert [one["student"] for one in before if one["offered until"]] == [CHIDI]
    assert [one["student"] for one in after if one["offered until"]] == ["00000004"]
    assert any(e.actor == "matricula" for e in audited("enrolment", f"{CHIDI}|BIO101-A"))


def test_a_day_that_begins_is_seen_and_nothing_is_done_twice(north):
    north.on("2026-09-10")
    north.register("leave", AMARA, "--effective", "2026-09-20", "--until", "2026-12-01",
                   "--why", "personal")  # fmt: skip
    assert Promise.objects.count() == 0

    north.on("2026-09-20")
    _round(north)
    _round(north)

    north.deliver()
    assert north.systems.user(AMARA)["suspended"]
