"""A feed of PostgreSQL, followed by the hub: deletions too, and nothing before it is safe."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from matricula.cli import sitting
from matricula.connectors.sql.connector import SqlConnector
from matricula.hub import runs
from matricula.hub.live import check_live

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.world import World

pytestmark = pytest.mark.django_db
PLAIN = "students: {table: students, key: [student_no]}"
FED = "students: {table: students, key: [student_no], feed: {}}"
TABLES = """
CREATE TABLE students (student_no TEXT PRIMARY KEY, name TEXT, email TEXT, status TEXT);
CREATE TABLE sections (code TEXT PRIMARY KEY, title TEXT);
CREATE TABLE enrolments (student_no TEXT, code TEXT, PRIMARY KEY (student_no, code));
INSERT INTO students SELECT lpad(n::text, 5, '0'), 'Amara', 's' || n || '@x.example', 'active'
FROM generate_series(1, 40) n;
INSERT INTO sections VALUES ('LAW1', 'Law');
INSERT INTO enrolments SELECT student_no, 'LAW1' FROM students;
"""


@pytest.fixture
def sis(quiet_database: str) -> Callable[..., list[tuple[Any, ...]]]:
    """The vendor's database: run a statement there."""

    def run(statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(quiet_database, autocommit=True) as database:
            cursor = database.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    run(TABLES)
    return run


@pytest.fixture
def fed(world: World, tmp_path: Path, quiet_database: str, sis: Any) -> World:
    """The small university whose student system is a PostgreSQL database with a feed."""
    (tmp_path / "sis.url").write_text(quiet_database, encoding="utf-8")
    world.edit_charter('"sqlite:///sis.db"', f"file:{tmp_path / 'sis.url'}", "charter.yaml")
    world.edit_charter(PLAIN, FED, "charter.yaml")
    said = world.run("feed", "sis", "students")
    assert said.code == 0, said.err
    sis(said.out)
    world.sign_all()
    assert world.run("sync").code == 0
    return world


def names(world: World, number: str) -> list[tuple[Any, ...]]:
    return world.in_lms(f"SELECT fullname, suspended FROM users WHERE idnumber = '{number}'")  # noqa: S608 - our own numbers


def test_changes_and_deletions_go_out_and_are_then_forgotten_by_the_feed(
    fed: World, sis: Any, monkeypatch: pytest.MonkeyPatch
):
    usual, read = SqlConnector.read, []
    monkeypatch.setattr(SqlConnector, "read", lambda s, r: (read.append(r), usual(s, r))[1])
    sis("UPDATE students SET name = 'Ada Byron' WHERE student_no = '00001'")
    sis("DELETE FROM students WHERE student_no = '00007'")

    said = fed.run("sync", "--changed")

    assert said.code == 0, said.out + said.err
    assert names(fed, "00001") == [("Ada Byron", 0)]
    assert names(fed, "00007") == [("Amara", 1)]
    assert "students" not in read
    assert sis("SELECT count(*) FROM matricula_feed_students") == [(0,)]


def test_a_pass_that_dies_before_delivering_has_acknowledged_nothing(
    fed: World, sis: Any, monkeypatch: pytest.MonkeyPatch
):
    sis("DELETE FROM students WHERE student_no = '00007'")

    with monkeypatch.context() as patch, contextlib.suppress(RuntimeError):
        patch.setattr(runs, "_let_out", _dies)
        fed.run("sync", "--changed")
    kept = sis("SELECT count(*) FROM matricula_feed_students")
    fed.run("sync", "--changed")

    assert kept == [(1,)]
    assert names(fed, "00007") == [("Amara", 1)]
    assert sis("SELECT count(*) FROM matricula_feed_students") == [(0,)]


def test_transactions_that_end_out_of_order_reach_the_targets(
    fed: World, sis: Any, quiet_database: str
):
    change = "UPDATE students SET name = 'Ada Byron' WHERE student_no = %s"
    with psycopg.connect(quiet_database) as late:
        late.execute(change, ["00001"])
        sis(change, "00002")
        fed.run("sync", "--changed")
        between = (names(fed, "00001"), names(fed, "00002"))
        late.commit()

    fed.run("sync", "--changed")

    assert between == ([("Amara", 0)], [("Ada Byron", 0)])
    assert names(fed, "00001") == [("Ada Byron", 0)]


def test_a_feed_switched_off_is_named_before_anybody_relies_on_it(fed: World, sis: Any):
    sis("ALTER TABLE students DISABLE TRIGGER matricula_feed_students")

    found = check_live(sitting.sit_down(fed.folder / "charter"))
    sis("UPDATE students SET name = 'Ada Byron' WHERE student_no = '00001'")
    fed.run("sync", "--changed")

    assert [one.code for one in found] == ["M626"]
    assert names(fed, "00001") == [("Ada Byron", 0)]


def test_a_script_is_refused_for_what_has_no_feed(fed: World):
    told = [
        fed.run("feed", "sis", "sections"), fed.run("feed", "library", "patrons"),
        fed.run("feed", "siss", "students"), fed.run("feed", "sis", "pupils"),
    ]  # fmt: skip

    codes = [next(word for word in said.err.split() if word.startswith("M")) for said in told]
    assert [said.code for said in told] == [1, 1, 1, 1]
    assert [code.rstrip(":") for code in codes] == ["M626", "M626", "M517", "M602"]


def _dies(*_args: object, **_more: object) -> None:
    message = "the power went"
    raise RuntimeError(message)
