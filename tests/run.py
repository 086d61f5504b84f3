"""Run the suite: everything on SQLite, then what touches the database again on PostgreSQL.

Arguments are handed to pytest (`python tests/run.py -k plan`). `MATRICULA_TEST_WORKERS`
says how many workers share the tests (two more than processors: some wait for servers);
`MATRICULA_TEST_WHOLE=1` loads all seven modules of the Open University in place of one, and
everybody of them into the SCIM server as well, tries the whole mass-change matrix against two
workers, and plays twice as many episodes of the state machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.postgres import MISSING, SHARED_SERVER, TOUCHING, postgres_server, server_binaries  # noqa: E402 - the path first

NO_TESTS = 5
KEPT = {"MATRICULA_SHARED", "MATRICULA_TEST_WHOLE"}
# Where real systems are that the contract tests are run against, and what lets us in.
REAL = ("MATRICULA_TEST_KOHA", "MATRICULA_TEST_SIP2")


def run_pytest(arguments: list[str], environment: dict[str, str]) -> int:
    """Run pytest once, shared out over its workers, and return its exit code."""
    workers = os.environ.get("MATRICULA_TEST_WORKERS") or str((os.cpu_count() or 1) + 2)
    shared_out = ["-n", workers, "--no-loadscope-reorder"]
    command = [sys.executable, "-m", "pytest", *shared_out, *arguments]
    with tempfile.TemporaryDirectory(prefix="matricula-home-") as home:
        # A developer's own settings must not decide what the tests see.
        ours = {k for k in os.environ if k.startswith("MATRICULA_") and not k.startswith(REAL)}
        ours -= KEPT
        # Compiled once, and not by each of the hundreds of commands that are started.
        ours.add("PYTHONDONTWRITEBYTECODE")
        kept = {k: v for k, v in os.environ.items() if k not in ours}
        return subprocess.run(
            command,
            cwd=REPOSITORY,
            env={**kept, "MATRICULA_HOME": home, **environment},
            stdin=subprocess.DEVNULL,
            check=False,
        ).returncode


def run_both(arguments: list[str]) -> int:
    """Run both passes, or the first alone where PostgreSQL is not installed."""
    if server_binaries() is None:
        say(MISSING)
        return run_pytest(arguments, {})
    with postgres_server() as url, tempfile.TemporaryDirectory() as folder:
        touching = Path(folder) / "touching"
        say("Every test, on SQLite:")
        first = run_pytest(arguments, {SHARED_SERVER: url, TOUCHING: str(touching)})
        say("Every test that touches the database, again on PostgreSQL:")
        again = {SHARED_SERVER: url, "MATRICULA_DATABASE_URL": url}
        # Nowhere else need they be looked for.
        files = touching.read_text(encoding="utf-8").splitlines() if touching.is_file() else []
        second = run_pytest([*(arguments or files), "-m", "both_databases"], again)
    if second == NO_TESTS and arguments:
        # A selection made by hand may well hold nothing that touches the database.
        second = 0
    if first and not second:
        say("The pass on SQLite failed; see above.")
    return first or second


def say(line: str) -> None:
    """Print a line at once, so that it stands before what pytest prints."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run_both(sys.argv[1:]))
