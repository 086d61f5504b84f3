"""From a URL to the database's settings."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest

from matricula.kernel.errors import SettingMissing
from matricula.site.database import database

HOME = Path("elsewhere")


def test_without_a_url_the_database_is_sqlite_in_the_home():
    found = database("", home=HOME)

    assert found["ENGINE"] == "django.db.backends.sqlite3"
    assert found["NAME"] == str(HOME / "matricula.sqlite3")


def test_a_sqlite_url_names_its_file_relative_or_absolute():
    relative = database("sqlite:///state.db", home=HOME)
    absolute = database("sqlite:////var/lib/matricula/state.db", home=HOME)

    assert relative["NAME"] == "state.db"
    assert absolute["NAME"] == "/var/lib/matricula/state.db"


def test_sqlite_is_opened_so_that_a_crash_loses_nothing_and_writers_queue():
    options = database("", home=HOME)["OPTIONS"]

    assert options["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=FULL" in options["init_command"]


def test_a_postgresql_url_is_taken_apart_with_its_escapes():
    found = database("postgresql://o%40ps:p%2Fw@db.northfield.example:5433/records", home=HOME)

    assert (found["USER"], found["PASSWORD"]) == ("o@ps", "p/w")
    assert (found["HOST"], found["PORT"]) == ("db.northfield.example", "5433")
    assert found["NAME"] == "records"


def test_a_password_beside_the_url_wins():
    found = database("postgresql://ops:old@localhost/records", home=HOME, password="new")

    assert found["PASSWORD"] == "new"


def test_a_socket_folder_and_options_of_the_driver_stand_after_the_question_mark():
    found = database("postgresql:///records?host=/var/run/pg&sslmode=require", home=HOME)

    assert found["HOST"] == "/var/run/pg"
    assert found["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize("url", ["mysql://ops:secret@localhost/records", "records.sqlite3"])
def test_any_other_database_is_refused_at_the_start_without_showing_the_password(url: str):
    with pytest.raises(SettingMissing) as refused:
        database(url, home=HOME)

    assert refused.value.code == "M801"
    assert "secret" not in str(refused.value)


def test_a_sqlite_that_is_too_old_is_refused_with_both_versions(monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 1))

    with pytest.raises(SettingMissing, match=r"M802.*3\.35\.0"):
        database("", home=HOME)


def test_the_suites_own_server_is_reached_through_such_a_url(postgres_database: str):
    found = database(postgres_database, home=HOME)

    with psycopg.connect(
        host=found["HOST"],
        port=found["PORT"],
        user=found["USER"],
        password=found["PASSWORD"],
        dbname=found["NAME"],
    ) as connection:
        version = connection.info.server_version

    assert version >= 150000
