"""A process that has everything imported, and forks one for every run: a start costs nothing.

It speaks JSON lines: a request goes in, what became of the process it made comes out. It has
no thread and no connection of its own, so that what it forks begins as if started afresh.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import traceback
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.protocol.points import Point

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: `status` is its exit code, or minus the signal that it died of."""

    status: int
    out: str
    sleeper: int = 0


class Forks:
    """The other end of the line: asks for runs, one at a time."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process, self._folder = process, folder

    def run(self, *words: str, at: Point | None = None) -> Ended:
        """Run a command; something happens to its process at a point."""
        return self._ask({"words": words, "at": at})

    def wake(self, sleeper: int) -> Ended:
        """Let a process that fell asleep go on, to its end."""
        return self._ask({"wake": sleeper})

    def _ask(self, request: dict[str, Any]) -> Ended:
        out = self._folder / "said.txt"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({**request, "out": str(out)}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        text = out.read_text(encoding="utf-8") if out.exists() else ""
        out.unlink(missing_ok=True)
        return Ended(answer["status"], text, answer["sleeper"])


@contextmanager
def forks(folder: Path, environment: dict[str, str]) -> Iterator[Forks]:
    """Start the process that forks, for a campus in a folder; it ends with its line."""
    paths = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.protocol.forking"], cwd=folder, text=True,
        env={**os.environ, "PYTHONPATH": paths, **environment},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Forks(process, folder)
    finally:
        process.communicate(timeout=60)


def _serve() -> None:
    from matricula.cli import sitting

    sitting.set_up()
    _import_all()
    sleepers: set[int] = set()
    for line in sys.stdin:
        request = json.loads(line)
        child = request.get("wake") or _fork(request)
        if child in sleepers:
            os.kill(child, signal.SIGCONT)
            sleepers.remove(child)
        _, status = os.waitpid(child, os.WUNTRACED)
        is_asleep = os.WIFSTOPPED(status)
        if is_asleep:
            sleepers.add(child)
        told = {"status": 0 if is_asleep else os.waitstatus_to_exitcode(status)}
        sys.stdout.write(json.dumps({**told, "sleeper": child if is_asleep else 0}) + "\n")
        sys.stdout.flush()
    for sleeper in sleepers:
        os.kill(sleeper, signal.SIGKILL)


def _import_all() -> None:
    """Import and compile what a run imports and compiles late: once here, not in every fork."""
    import rich._emoji_codes
    import rich.progress
    import sqlglot

    from matricula.charter.compile import compile_charter
    from matricula.connectors.sql import connector
    from matricula.hub import runs, worker
    from tests.protocol import looking, points

    del rich, connector, runs, worker, looking, points
    compile_charter(Path("charter"), today=date.today())  # noqa: DTZ011 - any day will do
    sqlglot.select("1").sql("duckdb")


def _fork(request: dict[str, Any]) -> int:
    child = os.fork()
    if child:
        return child
    # The parent's line is not the child's.
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    os.dup2(2, 1)
    said = io.StringIO()
    code = 70
    try:
        with redirect_stdout(said), redirect_stderr(said):
            code = _run(request["words"], request["at"])
    except BaseException:  # noqa: BLE001 - nothing of a fork may go on as its parent
        traceback.print_exc(file=said)
    Path(request["out"]).write_text(said.getvalue(), encoding="utf-8")
    os._exit(code)


def _run(words: Sequence[str], at: Sequence[Any] | None) -> int:
    from matricula.cli import main
    from tests.protocol import looking, points
    from tests.protocol.steps import Step

    if words[0] == "laws":
        return looking.tell(Path.cwd(), at_rest="--at-rest" in words)
    if at:
        step, *rest = at
        points.lay(points.Point(Step(step), *rest))
    return main.run(list(words))


if __name__ == "__main__":
    _serve()
