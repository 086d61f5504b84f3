"""A run is killed, fails or sleeps at every step: nothing is lost, and nothing happens twice."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.postgres import fresh_database
from tests.protocol.forking import Ended, Forks, forks
from tests.protocol.points import AFTER, ASLEEP, BEFORE, FULL_DATABASE, FULL_DISK, Point
from tests.protocol.steps import Step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.both_databases
ON_POSTGRESQL = bool(os.environ.get("MATRICULA_DATABASE_URL", ""))
CHARTER = """
institution: Testing University
timezone: Europe/London
stewards: {it: {name: Identity and Access, notify: it@example.org}}
systems:
  sis:
    connector: sql
    steward: it
    settings:
      url: "sqlite:///PLACE/sis.db"
      resources: {students: {table: students, key: [student_no]}}
  lms:
    connector: sql
    steward: it
    settings:
      url: "sqlite:///PLACE/lms.db"
      resources: {users: {table: users, key: [idnumber], external_id: id}}
entities:
  student:
    key: student_no
    roster: sis.students
    fields:
      student_no: {owner: sis.students, type: text}
      version: {owner: sis.students, type: integer}
flows:
  accounts:
    purpose: Students use it.
    basis: contract with the student
    from: student
    to: lms.users
    match: {idnumber: student_no}
    fields:
      idnumber: {is: student_no, because: the stable key}
      version: {is: version, because: it is watched}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 100%}, creations: {share: 100%}, changes: {share: 100%}}
    errors_to: it
"""
# It lets two records of one person be, and notes whatever is done to it.
_LMS = """
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, idnumber TEXT, version INTEGER);
CREATE TABLE log (what TEXT, idnumber TEXT, version INTEGER);
CREATE TRIGGER made AFTER INSERT ON users BEGIN
    INSERT INTO log VALUES ('create', new.idnumber, new.version); END;
CREATE TRIGGER changed AFTER UPDATE ON users BEGIN
    INSERT INTO log VALUES ('update', new.idnumber, new.version); END;
CREATE TRIGGER gone AFTER DELETE ON users BEGIN
    INSERT INTO log VALUES ('delete', old.idnumber, old.version); END;
"""


class Campus:
    """A student system, a target, and Matricula in processes of its own."""

    def __init__(self, folder: Path, forked: Forks) -> None:
        self.folder, self.forked, self.term = folder, forked, 0

    def start_a_term(self) -> None:
        """Have three students join, three change and three leave."""
        self.term += 1
        with closing(sqlite3.connect(self.folder / "sis.db")) as database, database:
            joined = "student_no GLOB printf('%03d-*', ?)"
            database.execute(f"DELETE FROM students WHERE {joined}", (self.term - 2,))  # noqa: S608 - our own words
            database.execute(f"UPDATE students SET version = 2 WHERE {joined}", (self.term - 1,))  # noqa: S608
            rows = [(f"{self.term:03d}-{n}",) for n in range(3)]
            database.executemany("INSERT INTO students VALUES (?, 1)", rows)

    def sync(self, at: Point | None = None) -> Ended:
        """Run a pass, as soon as a dead run's lease has run out."""
        until = time.monotonic() + 30
        while True:
            ended = self.forked.run("sync", at=at)
            if "M516" not in ended.out or time.monotonic() > until:
                return ended
            time.sleep(0.1)

    def assert_lawful(self, *, at_rest: bool = False) -> None:
        told = self.forked.run("laws", *(["--at-rest"] if at_rest else []))
        assert (told.status, told.out) == (0, "")

    def assert_settled(self) -> None:
        """Have the next pass finish, then ledger, audit, target and another plan agree."""
        said = self.sync()
        planned = self.forked.run("plan", "--json")
        proved = self.forked.run("audit", "verify")

        assert said.status == 0, said.out
        (flow,) = json.loads(planned.out)["flows"]
        kinds = ("create", "update", "suspend", "delete", "restore", "match", "drifted", "held")
        assert {kind: flow[kind] for kind in kinds} == dict.fromkeys(kinds, 0)
        assert proved.status == 0, proved.out
        assert self._rows("lms.db", "users") == self._rows("sis.db", "students")
        done = Counter(self._rows("lms.db", "log"))
        assert [act for act, times in done.items() if times > 1] == []
        self.assert_lawful(at_rest=True)

    def _rows(self, name: str, table: str) -> list[tuple]:
        columns = {"users": "idnumber, version", "students": "*", "log": "*"}[table]
        with closing(sqlite3.connect(self.folder / name)) as database:
            return sorted(database.execute(f"SELECT {columns} FROM {table}"))  # noqa: S608 - our own names


@pytest.fixture(scope="module")
def campus(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Campus]:
    folder = tmp_path_factory.mktemp("campus")
    (folder / "charter").mkdir()
    text = CHARTER.replace("PLACE", folder.as_posix())
    (folder / "charter" / "charter.yaml").write_text(text, encoding="utf-8")
    with closing(sqlite3.connect(folder / "sis.db")) as database, database:
        database.execute("CREATE TABLE students (student_no TEXT PRIMARY KEY, version INTEGER)")
        # They stay as they are; a day's changes among so many are no guard's business.
        many = [(f"stays-{n}",) for n in range(200)]
        database.executemany("INSERT INTO students VALUES (?, 1)", many)
    with closing(sqlite3.connect(folder / "lms.db")) as database, database:
        database.executescript(_LMS)
    place = {"MATRICULA_HOME": str(folder / "home"), "MATRICULA_DATABASE_URL": ""}
    if ON_POSTGRESQL:
        with fresh_database(request.getfixturevalue("postgres_url")) as url:
            yield from _working(folder, {**place, "MATRICULA_DATABASE_URL": url})
    else:
        yield from _working(folder, place)


def _working(folder: Path, place: dict[str, str]) -> Iterator[Campus]:
    with forks(folder, {**place, "MATRICULA_LEASE_SECONDS": "1"}) as forked:
        campus = Campus(folder, forked)
        for _ in range(2):
            campus.start_a_term()
        assert forked.run("sign", "--as", "it").status == 0
        campus.assert_settled()
        yield campus


# The first batch leaves, the second changes, the third joins. Before a step is after the last.
KILLS = [
    Point(Step.SNAPSHOT),
    Point(Step.SNAPSHOT, AFTER),
    Point(Step.PLAN, AFTER),
    Point(Step.INTEND),
    Point(Step.SEND),
    Point(Step.CALL),
    Point(Step.CALL, AFTER, 1),
    Point(Step.CALL, AFTER, 2),
    Point(Step.CALL, AFTER, 3),
    Point(Step.SEAL, BEFORE, 2),
    Point(Step.SEAL, AFTER, 3),
    Point(Step.SETTLE, AFTER, 2),
    Point(Step.FREE),
]
# While the outcome of a killed run is looked up.
KILLS_AGAIN = [
    Point(Step.PART, AFTER),
    Point(Step.LOOK, AFTER),
    Point(Step.CONCLUDE, AFTER),
]
FAILURES = [
    Point(Step.SNAPSHOT, AFTER, 2, FULL_DISK),
    Point(Step.PLAN, AFTER, 1, FULL_DISK),
    Point(Step.INTEND, AFTER, 3, FULL_DATABASE),
    Point(Step.CALL, AFTER, 3, FULL_DISK),
    Point(Step.SEAL, AFTER, 1, FULL_DATABASE),
]
SLEEPS = [
    Point(Step.INTEND, what=ASLEEP),
    Point(Step.SEND, AFTER, 3, ASLEEP),
    Point(Step.CALL, AFTER, 3, ASLEEP),
]


def _some(points: list[Point]) -> list[Point]:
    """Choose what is tried again on the second database: one in three."""
    return points[::3] if ON_POSTGRESQL else points


@pytest.mark.parametrize("point", _some(KILLS), ids=str)
def test_a_run_killed_at_any_step_is_finished_by_the_next_with_nothing_lost_and_nothing_twice(
    campus: Campus, point: Point
):
    campus.start_a_term()

    died = campus.sync(point)

    assert died.status == -signal.SIGKILL, died.out
    campus.assert_lawful()
    campus.assert_settled()


@pytest.mark.parametrize("point", _some(KILLS_AGAIN), ids=str)
def test_a_run_killed_while_it_finds_out_what_a_killed_one_had_done_is_followed_by_one_that_does(
    campus: Campus, point: Point
):
    campus.start_a_term()
    campus.sync(Point(Step.CALL, AFTER, 3))

    died = campus.sync(point)

    assert died.status == -signal.SIGKILL, died.out
    campus.assert_lawful()
    campus.assert_settled()


@pytest.mark.parametrize("point", _some(FAILURES), ids=str)
def test_a_disk_or_database_that_is_full_at_any_step_is_told_and_made_good_by_the_next_run(
    campus: Campus, point: Point
):
    campus.start_a_term()

    failed = campus.sync(point)

    assert failed.status == 1
    assert "Traceback" not in failed.out
    campus.assert_lawful()
    campus.assert_settled()


@pytest.mark.skipif(not ON_POSTGRESQL, reason="only a lease can be outslept; SQLite has locks")
@pytest.mark.parametrize("point", SLEEPS, ids=str)
def test_a_run_that_sleeps_past_its_lease_writes_nothing_more_to_target_or_ledger(
    campus: Campus, point: Point
):
    campus.start_a_term()
    asleep = campus.sync(point)
    assert asleep.sleeper, asleep.out

    taken_over = campus.sync()
    woken = campus.forked.wake(asleep.sleeper)

    assert taken_over.status == 0, taken_over.out
    assert woken.status == 1
    assert "M529" in woken.out
    campus.assert_settled()
