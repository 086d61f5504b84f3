"""A target that changed its shape sets aside the flows that feed it, and no others."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from matricula.hub.models import Incident

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


_STRICTER = """
ALTER TABLE users RENAME TO was;
CREATE TABLE users (id INTEGER PRIMARY KEY, idnumber TEXT UNIQUE, fullname VARCHAR(60) NOT NULL,
    email TEXT, username TEXT, suspended INTEGER NOT NULL DEFAULT 0, tier TEXT NOT NULL);
INSERT INTO users SELECT *, 'gold' FROM was;
DROP TABLE was;
"""
_FILLED = "UPDATE users SET email = 's' || idnumber || '@example.org';"


@pytest.mark.parametrize(("change", "named", "back"), [
    ("ALTER TABLE users DROP COLUMN email", "lms.users has no field email",
     f"ALTER TABLE users ADD COLUMN email TEXT; {_FILLED}"),
    ("ALTER TABLE users RENAME COLUMN email TO mail", "lms.users has no field email",
     "ALTER TABLE users RENAME COLUMN mail TO email"),
    (_STRICTER, "lms.users now requires tier", "ALTER TABLE users DROP COLUMN tier"),
], ids=["removed", "renamed", "newly required"])  # fmt: skip
def test_that_flow_alone_waits_and_its_office_is_told_the_field(world, change, named, back):
    world.settle()
    _alter(world, change)
    world.sis("UPDATE students SET name = 'Ada Byron' WHERE student_no = '00001'")
    world.sis("UPDATE sections SET title = 'Laws' WHERE code = 'LAW1'")

    said = world.run("sync")

    assert said.code == 1
    assert ("LAW1", "Laws") in world.in_lms("SELECT code, title FROM courses")
    assert world.in_lms("SELECT count(*) FROM users WHERE fullname = 'Ada Byron'") == [(0,)]
    [incident] = Incident.objects.filter(closed_at=None, code="M657")
    assert named in incident.message
    assert (incident.flow, incident.steward) == ("lms-accounts", "it")
    _alter(world, back)
    again = world.run("sync")
    assert again.code == 0, again.out
    assert world.in_lms("SELECT count(*) FROM users WHERE fullname = 'Ada Byron'") == [(1,)]
    assert not Incident.objects.filter(closed_at=None, code="M657").exists()


def _alter(world, statements: str) -> None:
    with closing(sqlite3.connect(world.folder / "lms.db")) as database, database:
        database.executescript(statements)
