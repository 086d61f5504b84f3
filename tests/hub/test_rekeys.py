"""A record that goes on under a new number keeps every copy; who may be whom a person says."""

from __future__ import annotations

import csv
from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb
import pytest

from matricula.hub.models import Effect, Incident, Link, MatchCase
from tests.world import build

if TYPE_CHECKING:
    from tests.world import World

pytestmark = pytest.mark.django_db

WHY = ("--why", "the register told us")
_MATCHING = """      born: {owner: sis.students, type: text, class: personal}
      postcode: {owner: sis.students, type: text, class: personal}
      fines: {owner: library.patrons, type: money, class: personal}
    matching:
      compare: {name: name, born: date, postcode: exact}
      because: One person is not to have two numbers.
"""
_DIRECTORY = """  directory:
    connector: files
    steward: it
    settings:
      folder: directory
      resources: {people: {file: people.csv, key: [email], missing_ok: true}}
entities:
"""
_FLOWS = """
  directory-people:
    purpose: Staff find students.
    basis: public task
    from: student
    to: directory.people
    match: {email: email}
    fields:
      email: {is: email, because: people are written to}
      number: {is: student_no, because: staff ask by number}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 10%}}
    errors_to: it
  warehouse-enrolments:
    purpose: The Planning Office counts enrolments.
    basis: public task
    from: enrolment
    to: warehouse.enrolments
    match: {student_no: student_no, code: code}
    fields:
      student_no: {is: student_no, because: records are told apart}
      code: {is: code, because: counts are by section}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 10%}}
    errors_to: planning
"""
_COMPARED = ("name", "born", "postcode")
_WORK = ("create", "update", "suspend", "delete", "restore", "held")


@pytest.fixture
def campus(db: None, tmp_path, capsys, settings) -> World:
    """Two hundred students, each in two sections, whose names and birth dates are compared."""
    del db
    settings.HOME = tmp_path / "home"
    world = build(tmp_path, capsys, students=200)
    (tmp_path / "directory").mkdir()
    fines = "      fines: {owner: library.patrons, type: money, class: personal}\n"
    world.edit_charter(fines, _MATCHING, "charter.yaml")
    world.edit_charter("entities:\n", _DIRECTORY, "charter.yaml")
    with (tmp_path / "charter" / "flows.yaml").open("a", encoding="utf-8") as flows:
        flows.write(_FLOWS)
    world.sis("ALTER TABLE students ADD born TEXT")
    world.sis("ALTER TABLE students ADD postcode TEXT")
    world.sis(
        "UPDATE students SET name = 'G' || (student_no * 7 % 41) || ' F' || (student_no * 3 % 37),"
        " born = 1960 + student_no % 47 || '-01-' || (10 + student_no * 5 % 17),"
        " postcode = 'P' || student_no % 23"
    )
    world.settle()
    return world


def renumber(world: World, numbers: dict[str, str]) -> None:
    for old, new in numbers.items():
        for table in ("students", "enrolments"):
            world.sis(f"UPDATE {table} SET student_no = ? WHERE student_no = ?", new, old)  # noqa: S608 - our own names
    patrons = world.folder / "drop" / "patrons.csv"
    rows = [row.split(",") for row in patrons.read_text().split()]
    world.write_patrons("".join(f"{numbers.get(card, card)},{fine}\n" for card, fine in rows))


def ids(world: World) -> dict[str, list[tuple[object, ...]]]:
    """Every copy by its target's own identifier, as the targets themselves tell it."""
    place = world.folder / "warehouse" / "warehouse.duckdb"
    with duckdb.connect(str(place), read_only=True) as warehouse:
        counted = [
            warehouse.execute(
                f"SELECT key, count(*) FROM {name}_current GROUP BY 1 ORDER BY 1"  # noqa: S608 - our own names
            ).fetchall()
            for name in ("students", "enrolments")
        ]
    with (world.folder / "directory" / "people.csv").open(encoding="utf-8", newline="") as file:
        people = sorted((row["email"],) for row in csv.DictReader(file))
    return {
        "users": world.in_lms("SELECT id, suspended FROM users ORDER BY 1"),
        "enrolments": world.in_lms("SELECT userid, courseid FROM enrolments ORDER BY 1, 2"),
        "warehouse": counted[0],
        "warehouse enrolments": counted[1],
        "people": people,
    }


def done(*, since: int) -> set[str]:
    return set(Effect.objects.filter(pk__gt=since).values_list("kind", flat=True))


def work_left(world: World) -> list[str]:
    told = world.plan().values()
    return [part["flow"] for part in told if any(part[k] for k in _WORK)]


def told_by_a_list(world: World, numbers: dict[str, str]) -> None:
    """Tell of new numbers before the register shows them; then it does."""
    before, last = ids(world), Effect.objects.latest("pk").pk
    rows = "".join(f"{old},{new}\n" for old, new in numbers.items())
    (world.folder / "changes.csv").write_text(f"old,new\n{rows}", encoding="utf-8")
    path = str(world.folder / "changes.csv")

    said = world.run("matches", "rekey", "student", "--file", path, *WHY)
    early = world.run("sync")
    unmoved = ids(world)
    [told] = world.run("incidents", "--json").json
    renumber(world, numbers)
    synced = world.run("sync", "--changed")

    assert (said.code, early.code, synced.code) == (0, 0, 0), said.err + early.out + synced.out
    assert before == unmoved == ids(world)
    assert (told["code"], told["steward"]) == ("M555", "registrar")
    assert done(since=last) == {"update"}
    known = {row[0] for row in world.in_lms("SELECT idnumber FROM users")}
    assert set(numbers.values()) <= known
    assert not set(numbers) & known


def found_by_a_pass(world: World, numbers: dict[str, str]) -> dict[str, str]:
    """Let a pass meet new numbers that nobody told of; give the case of each old number."""
    before, last = ids(world), Effect.objects.latest("pk").pk
    renumber(world, numbers)
    world.sis("UPDATE students SET name = 'Changed Otherwise' WHERE student_no = '00002'")

    waiting = world.run("sync", "--changed")

    assert waiting.code == 0, waiting.out + waiting.err
    cases = {c["key"]: c for c in world.run("matches", "--json").json if c["kind"] == "rekey"}
    assert {key: c["other"] for key, c in cases.items()} == numbers
    assert next(iter(cases.values()))["evidence"] == dict.fromkeys(_COMPARED, "equal")
    [told] = [i for i in world.run("incidents", "--json").json if i["code"] == "M555"]
    due = Incident.objects.get(code="M555", closed_at=None)
    assert (told["steward"], due.due_at - due.opened_at) == ("registrar", timedelta(days=2))
    assert before == ids(world)
    assert Effect.objects.filter(pk__gt=last).values_list("flow", "key", "kind").get() == (
        "lms-accounts", "00002", "update",
    )  # fmt: skip
    return {key: str(c["case"]) for key, c in cases.items()}


def test_one_in_twenty_under_new_numbers_told_of_or_not_loses_and_doubles_nobody(campus):
    told_by_a_list(campus, {f"{n:05d}": f"{n + 70000}" for n in range(1, 200, 20)})
    assert work_left(campus) == []
    assert not Incident.objects.filter(closed_at=None).exists()
    before, last = ids(campus), Effect.objects.latest("pk").pk

    # One number holds what parts the parts of a key.
    numbers = {f"{n:05d}": f"{n}|x" for n in range(11, 200, 20)}
    cases = found_by_a_pass(campus, numbers)
    stranger = cases.pop("00191")
    campus.run("matches", "same", *cases.values(), *WHY)
    campus.run("matches", "undo", cases["00011"], *WHY)
    campus.run("matches", "same", cases["00011"], *WHY)
    assert campus.run("sync", "--changed").code == 0

    assert before == ids(campus)
    assert done(since=last) == {"update"}
    assert Link.objects.filter(flow="warehouse-enrolments", key=r"11\|x|LAW1").exists()
    assert [case.key for case in MatchCase.objects.filter(state="open")] == ["00191"]

    campus.run("matches", "different", stranger, *WHY)
    assert campus.run("sync", "--changed").code == 0

    held = campus.in_lms("SELECT idnumber, suspended FROM users WHERE idnumber LIKE '%191%'")
    assert dict(held) == {"00191": 1, "191|x": 0}
    assert [len(rows) for rows in ids(campus).values()] == [201, 400, 200, 400, 200]
    assert done(since=last) == {"update", "create", "suspend", "delete"}
    assert work_left(campus) == []
    assert not list(Incident.objects.filter(closed_at=None).values_list("message"))


def test_a_new_number_that_a_column_tells_makes_no_second_copy(campus: World):
    campus.edit_charter(
        "students: {table: students, key: [student_no]}",
        "students: {table: students, key: [student_no], changed_by: touched_at}",
        "charter.yaml",
    )
    campus.sis("ALTER TABLE students ADD touched_at TIMESTAMP")
    campus.sis("UPDATE students SET touched_at = '2026-01-01 10:00:00'")
    campus.sis("UPDATE students SET touched_at = '2026-02-01 10:00' WHERE student_no = '00200'")
    campus.sign_all()
    assert campus.run("sync").code == 0
    before = ids(campus)

    campus.sis("UPDATE students SET touched_at = datetime('now') WHERE student_no = '00001'")
    renumber(campus, {"00001": "90001"})
    campus.run("sync", "--changed")

    assert ids(campus) == before
    assert MatchCase.objects.filter(kind="rekey", state="open").count() == 1
