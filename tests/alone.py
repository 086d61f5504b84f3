"""Matricula in a process of its own, with the smallest charter that runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MATRICULA = (sys.executable, "-c", "from matricula.cli.main import main; main()")
STUDENTS = """
institution: Testing University
timezone: Europe/London
stewards: {it: {name: IT, notify: it@example.org}}
systems:
  idp: {connector: scim, steward: it, settings: {url: "http://127.0.0.1:PORT", token: "env:TOKEN"}}
  out:
    connector: files
    steward: it
    settings: {folder: out, resources: {people: {file: p.csv, key: [id], missing_ok: true}}}
entities:
  student:
    key: id
    roster: idp.users
    fields:
      id: {owner: idp.users.userName, type: text}
flows:
  people:
    purpose: Somebody counts.
    basis: public task
    from: student
    to: out.people
    match: {id: id}
    fields: {id: {is: id, because: the key}}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: report
    if_unavailable: {queue: true}
    errors_to: it
"""


def run_alone(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process, a folder and a home of its own."""
    surroundings = {**os.environ, "MATRICULA_DATABASE_URL": "", **environment}
    surroundings.setdefault("MATRICULA_HOME", str(folder / "home"))
    return subprocess.run(
        [*MATRICULA, *words], cwd=folder, env=surroundings, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip


def write_charter(folder: Path, port: int = 1) -> None:
    """Write a charter whose one source is a SCIM server on a port of this machine."""
    (folder / "charter").mkdir()
    text = STUDENTS.replace("PORT", str(port))
    (folder / "charter" / "charter.yaml").write_text(text, encoding="utf-8")


def begin_in(home: Path, untouched: str) -> None:
    """Put an empty SQLite database into a home that is not there yet, as a first command does.

    Args:
        home: Where.
        untouched: The file that `django_db_setup` keeps.
    """
    home.mkdir(parents=True, mode=0o700)
    file = home / "matricula.sqlite3"
    file.touch(mode=0o600)
    file.write_bytes(Path(untouched).read_bytes())
