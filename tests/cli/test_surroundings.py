"""A home or a database that cannot be used, Ctrl-C, and what nobody foresaw: never a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.db import connection

from matricula.cli.faults import STOPPED
from tests.alone import MATRICULA, STUDENTS, run_alone, write_charter


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("mysql://root:hunter2@127.0.0.1/x", "M801"),
        ("postgresql://root:hunter2@127.0.0.1:many/x", "M801"),
        ("postgresql://root:hunter2@127.0.0.1", "M801"),
        ("postgresql://root:hunter2@127.0.0.1:1/x", "M806"),
        ("sqlite:////nowhere/at/all.db", "M806"),
    ],
)
def test_a_wrong_database_url_is_named_without_its_password(tmp_path, url, code):
    said = run_alone(tmp_path, "audit", "verify", MATRICULA_DATABASE_URL=url)

    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith(f"MATRICULA_DATABASE_URL: {code}: ")
    assert len(said.stderr.splitlines()) == 1
    assert "hunter2" not in said.stderr


def test_a_charter_that_spells_half_a_character_is_refused_at_its_line(tmp_path):
    (tmp_path / "charter").mkdir()
    text = STUDENTS.replace("name: IT,", 'name: "\\uD800",')
    (tmp_path / "charter" / "charter.yaml").write_text(text, encoding="utf-8")

    said = run_alone(tmp_path, "check")

    assert said.returncode == 1
    assert said.stderr.startswith("charter.yaml:4: M108: ")


def test_a_home_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    home = str(tmp_path / "file" / "home")

    write_charter(tmp_path)

    said = run_alone(tmp_path, "plan", MATRICULA_HOME=home)

    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith("MATRICULA_HOME: M805: ")
    assert home in said.stderr
    assert len(said.stderr.splitlines()) == 1


@pytest.mark.django_db
def test_what_nobody_foresaw_is_one_line_and_a_file_for_its_owner_alone(world, monkeypatch):
    monkeypatch.setenv("MATRICULA_HOME", str(world.folder / "elsewhere"))
    world.run("plan")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE hub_systemstate")

    said = world.run("status")

    [kept] = (world.folder / "elsewhere" / "errors").iterdir()
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("M899: ")
    assert len(said.err.splitlines()) == 1
    assert str(kept) in said.err
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "hub_systemstate" in kept.read_text(encoding="utf-8")
    assert "hub_systemstate" not in said.err


@pytest.mark.django_db
def test_where_no_trace_can_be_kept_the_line_says_so(world, monkeypatch):
    (world.folder / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("MATRICULA_HOME", str(world.folder / "file" / "home"))
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE hub_systemstate")

    said = world.run("status")

    assert said.code == 1
    assert "could not be written" in said.err
    assert "Traceback" not in said.err


def test_ctrl_c_in_the_middle_of_a_run_says_that_what_was_done_is_safe(tmp_path):
    running: list[subprocess.Popen[str]] = []

    class Interrupting(BaseHTTPRequestHandler):
        """Asked for a page, has the one that asks interrupted, and never answers."""

        def do_GET(self) -> None:
            running[0].send_signal(signal.SIGINT)
            running[0].wait(30)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Interrupting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "out").mkdir()
    write_charter(tmp_path, server.server_port)
    surroundings = {
        **os.environ, "MATRICULA_HOME": str(tmp_path / "home"), "MATRICULA_DATABASE_URL": "",
        "TOKEN": "secret",
    }  # fmt: skip

    # What a shell runs in the background is deaf to this signal, and so are its children.
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [*MATRICULA, "plan"], cwd=tmp_path, env=surroundings, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    signal.signal(signal.SIGINT, heard)
    running.append(process)
    out, err = process.communicate(timeout=60)
    server.shutdown()
    server.server_close()

    assert (process.returncode, out) == (130, "")
    assert err.strip().splitlines() == [STOPPED]
