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

from matricula.cli.sitting import load_charter
from matricula.hub.alone import alone
from matricula.hub.desk import Desk

pytestmark = pytest.mark.django_db
on_sqlite = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL keeps the lock itself"
)

MATRICULA = (sys.executable, "-c", "from matricula.cli.main import main; main()")


def test_a_new_home_and_an_export_of_the_audit_are_their_owners_alone(own_database, tmp_path):
    command = [*MATRICULA, "audit", "export", "audit.jsonl"]
    environment = {**os.environ, **own_database}

    subprocess.run(
        command, cwd=tmp_path, env=environment, umask=0o022, check=True, capture_output=True
    )

    assert (tmp_path / "home").stat().st_mode & 0o077 == 0
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o077 == 0


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

    with alone(desk):
        monkeypatch.setitem(connection.settings_dict, "NAME", str(linked))
        said = world.run("sync")

    assert (said.code, said.err[:6]) == (1, "M516: ")
    assert world.in_lms("SELECT count(*) FROM users") == [(0,)]
    assert world.run("sync").code == 0
