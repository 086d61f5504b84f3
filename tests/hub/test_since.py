"""A pass over changes reads of a source what may differ, and nobody is lost or gone for it."""

from __future__ import annotations

import pytest

from matricula.connectors.kit.errors import TryAgain
from matricula.connectors.sql.connector import SqlConnector
from matricula.hub import runs, snapshots
from matricula.hub.models import Snapshot, SystemState

pytestmark = pytest.mark.django_db
PLAIN = "students: {table: students, key: [student_no]}"
TOLD = "students: {table: students, key: [student_no], changed_by: touched_at}"


@pytest.fixture
def stamped(world):
    """The student system, whose table bears the instant of its last change."""
    world.edit_charter(PLAIN, TOLD, "charter.yaml")
    world.sis("ALTER TABLE students ADD COLUMN touched_at TIMESTAMP")
    world.sis("UPDATE students SET touched_at = datetime('now', '-2 days')")
    # Far ahead of all others, so that none of them is within the overlap.
    world.sis("UPDATE students SET touched_at = datetime('now') WHERE student_no = '00040'")
    world.sis(
        "CREATE TRIGGER touched AFTER UPDATE OF name, email, status ON students BEGIN "
        "UPDATE students SET touched_at = datetime('now') WHERE student_no = new.student_no; END"
    )
    world.settle()
    return world


@pytest.fixture
def whole_readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which resources were read whole."""
    seen: list[str] = []
    usual = SqlConnector.read

    def counted(self: SqlConnector, resource: str):
        seen.append(resource)
        return usual(self, resource)

    monkeypatch.setattr(SqlConnector, "read", counted)
    return seen


def named(world, number: str) -> list[tuple[str]]:
    return world.in_lms(f"SELECT fullname FROM users WHERE idnumber = '{number}'")  # noqa: S608 - our own numbers


@pytest.mark.any_database
def test_a_change_goes_out_without_reading_everybody(stamped, whole_readings):
    stamped.sis("UPDATE students SET name = 'Ada Byron' WHERE student_no = '00001'")

    said = stamped.run("sync", "--changed")

    assert said.code == 0, said.out + said.err
    assert named(stamped, "00001") == [("Ada Byron",)]
    assert "students" not in whole_readings
    assert {"sections", "enrolments"} <= set(whole_readings)


@pytest.mark.any_database
def test_nothing_to_do_says_so_and_still_reads_nobody_whole(stamped, whole_readings):
    said = stamped.run("sync", "--changed", "--json").json

    assert said["delivered"] == {}
    assert "students" not in whole_readings


@pytest.mark.any_database
def test_who_is_deleted_is_missed_by_the_full_pass_alone(stamped):
    stamped.sis("DELETE FROM students WHERE student_no = '00007'")

    stamped.run("sync", "--changed")
    before = stamped.in_lms("SELECT suspended FROM users WHERE idnumber = '00007'")
    stamped.run("sync")

    assert before == [(0,)]
    assert stamped.in_lms("SELECT suspended FROM users WHERE idnumber = '00007'") == [(1,)]


@pytest.mark.any_database
def test_a_row_that_changed_without_a_new_stamp_is_seen_when_it_is_marked(stamped, whole_readings):
    stamped.sis("DROP TRIGGER touched")
    stamped.sis("UPDATE students SET name = 'Ada Byron' WHERE student_no = '00001'")
    stamped.run("sync", "--changed")
    unseen = named(stamped, "00001")

    stamped.run("mark", "student", "00001")
    stamped.run("sync", "--changed")

    assert unseen == [("Amara Okafor",)]
    assert named(stamped, "00001") == [("Ada Byron",)]
    assert "students" not in whole_readings


@pytest.mark.any_database
def test_a_marked_record_that_is_not_there_any_more_is_gone(stamped):
    stamped.sis("DELETE FROM students WHERE student_no = '00007'")

    stamped.run("mark", "student", "00007")
    stamped.run("sync", "--changed")

    assert stamped.in_lms("SELECT suspended FROM users WHERE idnumber = '00007'") == [(1,)]


@pytest.mark.any_database
def test_a_pass_that_died_after_reading_has_not_moved_on(stamped, monkeypatch):
    before = Snapshot.objects.filter(resource="sis.students").latest("id").token
    stamped.sis("UPDATE students SET name = 'Ada Byron' WHERE student_no = '00001'")

    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "keep", _dies)
        died = stamped.run("sync", "--changed")
    after = Snapshot.objects.filter(resource="sis.students").latest("id").token
    stamped.run("sync", "--changed")

    assert died.code == 1
    assert after == before
    assert named(stamped, "00001") == [("Ada Byron",)]


@pytest.mark.any_database
def test_a_pass_that_died_before_delivering_is_made_good_by_the_next(stamped, monkeypatch):
    stamped.sis("UPDATE students SET name = 'Ada Byron' WHERE student_no = '00001'")

    with monkeypatch.context() as patch:
        patch.setattr(runs, "_let_out", _dies)
        died = stamped.run("sync", "--changed")
    # The change is long behind the column by now.
    stamped.sis("DROP TRIGGER touched")
    long_ago = "SET touched_at = datetime('now', '-2 days')"
    stamped.sis(f"UPDATE students {long_ago} WHERE student_no = '00001'")
    stamped.run("sync", "--changed")

    assert died.code == 1
    assert named(stamped, "00001") == [("Ada Byron",)]


@pytest.mark.any_database
def test_a_source_that_is_away_holds_its_flows_as_ever(stamped, monkeypatch):
    monkeypatch.setattr(SqlConnector, "changes", _away)

    said = stamped.run("sync", "--changed")

    assert (said.code, "M514" in said.out) == (1, True)


@pytest.mark.any_database
def test_other_settings_have_everything_read_once(stamped, whole_readings):
    stamped.edit_charter("touched_at}", "{column: touched_at, overlap: 1h}}", "charter.yaml")

    stamped.run("sync", "--changed")
    first = whole_readings.count("students")
    stamped.run("sync", "--changed")

    assert (first, whole_readings.count("students")) == (1, 1)


def test_why_everything_was_read_is_remembered(stamped):
    stamped.edit_charter("touched_at}", "{column: touched_at, overlap: 1h}}", "charter.yaml")

    stamped.run("sync", "--changed")

    told = SystemState.objects.get(system="sis").sentence
    assert told == (
        "It was read whole, for the database, the settings or the columns are not what they were."
    )


def test_a_damaged_reading_is_not_built_upon(stamped, whole_readings):
    kept = Snapshot.objects.filter(resource="sis.students").latest("id")
    (stamped.folder / "home" / kept.path).unlink()
    stamped.sis("UPDATE students SET name = 'Ada Byron' WHERE student_no = '00001'")

    stamped.run("sync", "--changed")

    assert "students" in whole_readings
    assert named(stamped, "00001") == [("Ada Byron",)]


@pytest.mark.any_database
def test_most_people_gone_by_name_are_held_by_the_guard(stamped):
    stamped.sis("DELETE FROM students WHERE student_no > '00010'")
    numbers = [f"{n:05d}" for n in range(11, 41)]

    stamped.run("mark", "student", *numbers)
    said = stamped.run("sync", "--changed")

    assert said.code == 1
    assert stamped.in_lms("SELECT count(*) FROM users WHERE suspended = 1") == [(0,)]


def _dies(*_args: object, **_more: object) -> None:
    message = "the power went"
    raise RuntimeError(message)


def _away(*_args: object, **_more: object) -> None:
    message = "It does not answer."
    raise TryAgain(message, code="M610", cure="Nothing.")
