"""What stands in the home is personal: nobody else may read it, and no link leads away."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from matricula.cli import sitting
from matricula.cli.sitting import load_charter
from matricula.hub.alone import claimed
from matricula.hub.desk import Desk
from tests.world import STEWARDS, build

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
on_sqlite = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL keeps the lock itself"
)

MATRICULA = (sys.executable, "-c", "from matricula.cli.main import main; main()")


def _run(world, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as an account would whose files are usually for all to read."""
    return subprocess.run(
        [*MATRICULA, *words], cwd=world.folder, env={**os.environ, **environment}, umask=0o022,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_new_home_and_an_export_of_the_audit_are_their_owners_alone(
    own_database, tmp_path, capsys
):
    world = build(tmp_path, capsys, students=3)

    _run(world, own_database, "sign", "--as", "it")
    said = _run(world, own_database, "audit", "export", "audit.jsonl")

    assert said.returncode == 0, said.stderr
    assert (tmp_path / "home").stat().st_mode & 0o077 == 0
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o077 == 0


def test_nothing_in_a_home_that_others_can_open_is_theirs_to_read(own_database, tmp_path, capsys):
    world = build(tmp_path, capsys, students=3)
    (tmp_path / "home").mkdir()
    for folder in (tmp_path, tmp_path / "home", tmp_path / "warehouse"):
        folder.chmod(0o755)

    for words in (*(("sign", "--as", office) for office in STEWARDS), ("sync",), ("plan",)):
        said = _run(world, own_database, *words)

    open_to_others = [
        path.name
        for path in (tmp_path / "home").rglob("*")
        if path.stat().st_mode & 0o077 and not path.is_symlink()
    ]
    assert open_to_others == []
    assert list((tmp_path / "home" / "snapshots").rglob("*.parquet"))
    [told] = said.stderr.splitlines()
    assert told.startswith("MATRICULA_HOME: M808: Other accounts can look into the home")
    assert told.endswith(f"(mode 755), where personal data lie. Run `chmod 700 {tmp_path}/home`.")
    # What the charter has written for others stays theirs.
    exported = tmp_path / "warehouse" / "students_history.parquet"
    assert exported.stat().st_mode & 0o777 == 0o644


@on_sqlite
def test_a_database_outside_the_home_is_its_owners_alone_or_said_not_to_be(
    own_database, tmp_path, capsys
):
    world = build(tmp_path, capsys, students=3)
    tmp_path.chmod(0o755)
    database = tmp_path / "state.sqlite3"
    environment = {**own_database, "MATRICULA_DATABASE_URL": f"sqlite:///{database}"}

    new = _run(world, environment, "status")
    made = database.stat().st_mode & 0o777
    database.chmod(0o644)
    opened = _run(world, environment, "status")

    assert (made, new.stderr) == (0o600, "")
    assert opened.stderr.startswith("MATRICULA_DATABASE_URL: M808: Other accounts can look into")
    assert f"chmod 600 {database}*" in opened.stderr
    assert opened.returncode == 0


@pytest.mark.parametrize(
    ("app", "name"), [("hub", "0099_from_the_future"), ("portal", "0001_a_room_to_come")]
)
def test_a_database_of_a_newer_version_is_refused_by_every_command(world, app, name):
    world.settle()
    MigrationRecorder.Migration.objects.create(app=app, name=name)
    world.sis("UPDATE students SET name = 'New' WHERE student_no = '00001'")

    said = [
        world.run(*words) for words in (("plan",), ("sync",), ("status",), ("audit", "verify"))
    ]

    assert [one.code for one in said] == [1, 1, 1, 1]
    assert {one.err[:32] for one in said} == {"MATRICULA_DATABASE_URL: M807: Th"}
    assert f"{app}.{name}" in said[0].err
    assert world.in_lms("SELECT count(*) FROM users WHERE fullname = 'New'") == [(0,)]


def test_a_database_that_lacks_a_migration_is_not_up_to_date():
    before = sitting.is_up_to_date()

    last = MigrationRecorder.Migration.objects.filter(app="hub").latest("name")
    last.delete()

    assert (before, sitting.is_up_to_date()) == (True, False)


@on_sqlite
@pytest.mark.parametrize("where", ["home", "database"])
def test_a_link_in_place_of_a_lock_does_no_harm_to_what_it_leads_to(world, tmp_path, where):
    precious = tmp_path / "precious"
    precious.write_text("kept", encoding="utf-8")
    (tmp_path / "home").mkdir(exist_ok=True)
    database = Path(connection.settings_dict["NAME"])
    beside = database.with_name(f"{database.name}.run.lock")
    lock = {"home": tmp_path / "home" / "run.lock", "database": beside}[where]
    lock.unlink(missing_ok=True)
    lock.symlink_to(precious)

    with suppress(OSError):
        world.run("plan")

    lock.unlink()
    assert precious.read_text(encoding="utf-8") == "kept"


@on_sqlite
def test_two_homes_on_one_database_take_turns(world, tmp_path, settings, monkeypatch):
    world.sign_all()
    desk = Desk(
        load_charter(tmp_path / "charter"), "", tmp_path, tmp_path / "home", "", datetime.now(UTC)
    )
    # The other one comes to the database by a link.
    linked = tmp_path / "linked.sqlite3"
    linked.symlink_to(connection.settings_dict["NAME"])
    settings.HOME = tmp_path / "another"

    with claimed(desk, ["lms"]):
        monkeypatch.setitem(connection.settings_dict, "NAME", str(linked))
        said = world.run("sync")

    assert (said.code, said.err[:6]) == (1, "M516: ")
    assert world.in_lms("SELECT count(*) FROM users") == [(0,)]
    assert world.run("sync").code == 0
