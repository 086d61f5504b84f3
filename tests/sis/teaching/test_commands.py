"""Teaching on the command line: duties, timetables, attendance, and a lecturer who leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from matricula.accounts.models import Account, Grant
from matricula.cli import main
from matricula.sis.curriculum import actions as curriculum
from matricula.sis.curriculum.rules import MeetingTime
from matricula.sis.enrolment import actions as enrolment
from matricula.sis.people import actions as people
from matricula.sis.registration import actions as registration
from tests.sis.charter import CHARTER
from tests.sis.conftest import acting, doing
from tests.sis.teaching.conftest import TERM

pytestmark = pytest.mark.any_database
# The commands read the clock: what they find was long ago, whatever it shows.
FIRST, LAST = date(2020, 9, 1), date(2020, 12, 14)
AT = datetime(2020, 9, 1, 9, tzinfo=UTC)
DAYS = {name: getattr(TERM, name).replace(year=getattr(TERM, name).year - 6)
        for name in ("starts_on", "ends_on", "register_from", "add_until", "drop_until",
                     "census_on", "withdraw_until", "marks_due_on", "board_on")}  # fmt: skip
# Wednesday.
MET = ("--on", "2020-09-02", "--at", "09:00")


def _teaching(act):
    """A term, a section that meets on Wednesdays, Amara who is in it, and two lecturers."""
    version = curriculum.NewVersion("Cells", Decimal(10), 1, date(2020, 1, 1))
    curriculum.add_campus(act, "MAIN", "Main", "Europe/London")
    curriculum.add_term(act, replace(TERM, code="2020-1", **DAYS))
    curriculum.add_module(act, "BIO101", "SCI", version)
    curriculum.plan_section(act, curriculum.NewSection("BIO101-A", "BIO101", "2020-1", "MAIN", 9))
    curriculum.move_section(act, "BIO101-A", "open", taken=0)
    curriculum.schedule_meeting(act, "BIO101-A", MeetingTime(3, time(9), time(11), FIRST, LAST))
    amara = people.register(act, people.Described("Amara", "Test", None), on=FIRST)
    attempt = registration.Attempt("BIO", "2020", "full", FIRST)
    made = registration.matriculate(act, amara.pk, attempt)
    registration.record(act, made, registration.Change("start", FIRST))
    enrolment.register_term(act, made.student.number, "2020-1")
    enrolment.add(act, made.student.number, "BIO101-A")
    return amara.pk, [_hire(act, name) for name in ("Dewi", "Efua")]


def _hire(act, name):
    person = people.register(act, people.Described(name, "Test", None), on=FIRST).pk
    number = people.hire(act, person).number
    people.assign_duty(act, number, people.Post("lecturer", "SCI", FIRST))
    return person


@pytest.fixture
def desk(register, tmp_path, capsys, monkeypatch):
    """A scheduler, a registrar, a student, and the words after `matricula register`."""
    (tmp_path / "charter.yaml").write_text(CHARTER, encoding="utf-8")
    with doing(acting(at=AT, today=FIRST)) as act:
        amara, (dewi, efua) = _teaching(act)
    for name, role, person in (
        ("sched", "scheduler", None), ("ada", "registrar", None), ("amara", "student", amara),
        ("dewi", "", dewi), ("efua", "", efua),
    ):  # fmt: skip
        account = Account.objects.create(name=name, person=person, opened_at=AT)
        if role:
            Grant.objects.create(
                account=account, role=role, scope="own" if person else "all", starts_on=FIRST,
                granted_by="test", why="test", granted_at=AT,
            )  # fmt: skip

    def run(who, *words):
        monkeypatch.setenv("MATRICULA_ACTOR", who)
        capsys.readouterr()
        code = main.run(["--charter", str(tmp_path), "register", *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


def _json(desk, *words):
    code, said = desk(*words, "--json")
    assert code == 0, said
    return json.loads(said)


def _assign(desk, duty="lecturer", staff="S000001", *more):
    return desk(
        "sched", "teach", "assign", "BIO101-A", staff, duty, "--from", "2020-09-01",
        "--until", "2099-01-31", *more,
    )  # fmt: skip


def test_a_student_who_is_named_twice_is_taken_by_neither_word(desk):
    assert _assign(desk)[0] == 0
    words = ("00000001=present", "00000001=unexcused")

    code, said = desk("dewi", "attendance", "take", "BIO101-A", *words, *MET)

    assert code == 1
    assert "A student is named twice" in said


def test_whoever_is_assigned_takes_attendance_and_amends_it_and_the_student_reads_it(desk):
    assert _assign(desk)[0] == 0

    taken, _ = desk("dewi", "attendance", "take", "BIO101-A", *MET, "--rest", "present")
    refused, said = desk("dewi", "attendance", "amend", "BIO101-A", "00000001", "excused", *MET)
    amended, _ = desk(
        "dewi", "attendance", "amend", "BIO101-A", "00000001", "excused", *MET,
        "--why", "evidence",
    )  # fmt: skip

    assert (taken, amended) == (0, 0)
    assert refused != 0
    assert "M975" in said
    (mine,) = _json(desk, "amara", "attendance", "show", "00000001", "--of-student")
    assert (mine["present"], mine["excused"]) == (0, 1)
    (mark,) = _json(desk, "dewi", "attendance", "show", "BIO101-A", "--on", "2020-09-02")
    assert (mark["category"], mark["amended"]) == ("excused", "evidence")


def test_a_preview_assigns_nobody(desk):
    code, said = _assign(desk, "lead", "S000001", "--preview")

    assert code == 0
    assert "Preview" in said
    assert _json(desk, "sched", "teach", "show", "BIO101-A") == []


def test_a_duty_is_handed_over_and_ended_by_its_number(desk):
    _assign(desk, "lead")

    handed, _ = desk("sched", "teach", "hand-over", "S000001/1", "S000002", "--from", "2020-10-01")
    ended, said = desk("sched", "teach", "end", "S000002/1", "--last-day", "2020-11-30")

    found = _json(desk, "sched", "teach", "show", "BIO101-A", "--on", "2020-10-01")
    assert (handed, ended) == (0, 0)
    assert "has no lead" in said
    assert [(one["assignment"], one["took over"]) for one in found] == [("S000002/1", "S000001/1")]


def test_whoever_leaves_loses_the_roster_and_keeps_the_marks_for_a_time(desk):
    _assign(desk, "lead")

    left, _ = desk(
        "ada", "teach", "leave", "S000001", "--last-day", "2020-10-31",
        "--hand-over-to", "S000002", "--submit-until", "2099-01-31",
    )  # fmt: skip

    assert left == 0
    code, said = desk("dewi", "attendance", "show", "BIO101-A")
    assert code != 0
    assert "M903" in said
    assert desk("efua", "attendance", "show", "BIO101-A")[0] == 0


def test_a_week_of_a_section_a_student_and_a_lecturer_is_shown(desk):
    _assign(desk)
    week = ("--week", "2020-09-03")

    for who, *asked in (
        ("sched", "section", "BIO101-A"), ("amara", "student", "00000001"),
        ("dewi", "lecturer", "S000001"),
    ):  # fmt: skip
        (lesson,) = _json(desk, who, "timetable", *asked, *week)
        assert (lesson["on"], lesson["from"], lesson["clock"]) == (
            "2020-09-02", "09:00", "Europe/London")  # fmt: skip
    assert _json(desk, "sched", "timetable", "section", "BIO101-A", "--day", "2020-09-03") == []


def test_access_is_given_once_there_is_an_account(desk):
    person = Account.objects.get(name="dewi").person
    Account.objects.filter(name="dewi").update(person=None)
    _, said = _assign(desk)
    assert "has no account" in said
    Account.objects.filter(name="dewi").update(person=person)

    code, _ = desk("sched", "teach", "access", "S000001")

    assert code == 0
    assert desk("dewi", "teach", "show", "BIO101-A")[0] == 0
