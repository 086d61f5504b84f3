"""Play many episodes of the state machine, on both databases, and say what came of them.

    python tests/machine/run.py --episodes 5000
    python tests/machine/run.py --database sqlite --seed 110 --episodes 1

Every episode has a seed of its own, told where one fails; the second line plays it again.
The work is shared out over processes, each with a database and a home of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "src")]

from tests.postgres import MISSING, fresh_database, postgres_server, server_binaries  # noqa: E402 - the path first

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOLD_EVERY = 100


def main() -> int:
    """Read what is asked for; play it, or share it out."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--episodes", type=int, default=5000, help="on each database")
    asked.add_argument("--seed", type=int, default=0, help="of the first; the others follow it")
    asked.add_argument("--database", choices=["sqlite", "postgresql"], help="only this one")
    asked.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked.add_argument("--share", type=int, default=None, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.share is not None:
        return play_share(
            range(given.seed + given.share, given.seed + given.episodes, given.processes)
        )
    wanted = [given.database] if given.database else ["sqlite", "postgresql"]
    if "postgresql" in wanted and server_binaries() is None:
        say(MISSING)
        wanted.remove("postgresql")
    return max([play_on(name, given) for name in wanted], default=0)


def play_on(database: str, given: argparse.Namespace) -> int:
    """Share the episodes of one database out, gather what came of them, and say it."""
    began, total = time.monotonic(), Counter[str]()
    with ExitStack() as stack:
        server = stack.enter_context(postgres_server()) if database == "postgresql" else ""
        shares = []
        for share in range(min(given.processes, given.episodes)):
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="matricula-machine-"))
            url = stack.enter_context(fresh_database(server)) if server else ""
            words = [f"--{n}={getattr(given, n)}" for n in ("episodes", "seed", "processes")]
            shares.append(
                subprocess.Popen(
                    [sys.executable, __file__, *words, f"--share={share}"],
                    env={**os.environ, "MATRICULA_HOME": home, "MATRICULA_DATABASE_URL": url},
                    stdout=subprocess.PIPE, text=True,
                )
            )  # fmt: skip
        for one in shares:
            told = one.communicate()[0]
            total.update(json.loads(told) if told else {"failed": 1})
    minutes = (time.monotonic() - began) / 60
    say(
        f"{database}: {total.pop('episodes', 0)} episodes in {minutes:.1f} minutes, "
        f"{total['failed']} failed."
    )
    say("  " + ", ".join(f"{name} {count}" for name, count in sorted(total.items())))
    return 1 if total["failed"] else 0


def play_share(seeds: range) -> int:
    """Play episodes in this process, and write what came of them as one line of JSON."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "matricula.site.settings"
    import django
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    call_command("migrate", verbosity=0)
    from tests.machine.campus import episode
    from tests.machine.playing import settled
    from tests.machine.university import play

    counted: Counter[str] = Counter(failed=0)
    home = Path(os.environ["MATRICULA_HOME"])

    @contextmanager
    def counting() -> Iterator[Any]:
        with episode(kept, home / "episode") as campus:
            yield campus
            counted.update(campus.told())

    with settled(home / "kept") as kept:
        for number in seeds:
            counted["episodes"] += 1
            try:
                play(number, counting)
            except Exception:  # noqa: BLE001 - the others are played all the same
                counted["failed"] += 1
                connection.close()
                sys.stderr.write(traceback.format_exc())
            if counted["episodes"] % _TOLD_EVERY == 0:
                sys.stderr.write(f"{counted['episodes']} of {len(seeds)}\n")
    say(json.dumps(counted))
    return 0


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
