"""Check that the migrations say what the models say, on SQLite and on PostgreSQL.

On each database every migration is applied to an empty one first, so a migration that only
works on one of them is found here and not at an institution.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.postgres import MISSING, postgres_server, server_binaries  # noqa: E402 - the path first


def check_on(name: str, url: str) -> bool:
    """Apply all migrations to an empty database and compare them with the models."""
    with tempfile.TemporaryDirectory(prefix="matricula-home-") as home:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "matricula.site.settings",
            "MATRICULA_HOME": home,
            "MATRICULA_DATABASE_URL": url,
        }
        for arguments in (["migrate", "--verbosity", "0"], ["makemigrations", "--check"]):
            done = subprocess.run(
                [sys.executable, "-m", "django", *arguments],
                cwd=home,
                env=environment,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                check=False,
            )
            if done.returncode:
                sys.stdout.write(f"{name}: {' '.join(arguments)}\n{done.stdout}{done.stderr}\n")
                return False
    sys.stdout.write(f"{name}: the migrations apply and agree with the models\n")
    return True


def main() -> int:
    """Check both databases; PostgreSQL only where it is installed."""
    good = check_on("SQLite", "")
    if server_binaries() is None:
        sys.stdout.write(f"{MISSING}\n")
        return 0 if good else 1
    with postgres_server() as url:
        return 0 if check_on("PostgreSQL", url) and good else 1


if __name__ == "__main__":
    sys.exit(main())
