"""The worker's command: what it tells, and what it serves beside its work."""

from __future__ import annotations

import json
import signal
import sys
import threading
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from matricula.cli import endpoint, show, sitting
from matricula.cli.endpoint import Answer
from matricula.cli.sitting import charter_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from matricula.hub.desk import Desk
    from matricula.hub.events import Event
    from matricula.hub.numbers import Metric
    from matricula.hub.worker import Worker


@click.command()
@charter_option
@click.option("--rounds", type=int, default=None, help="Stop after so many rounds.")
@click.option(
    "--look-every", type=int, default=60, show_default=True,
    help="Seconds between looks at the owners of flows that follow changes.",
)  # fmt: skip
@click.option(
    "--log-json", is_flag=True, help="Tell of the work in JSON lines, on standard error."
)
@click.option(
    "--metrics", "where", default="", metavar="HOST:PORT",
    help="Serve /metrics, /health/live and /health/ready there, as in 127.0.0.1:9464.",
)  # fmt: skip
@click.option(
    "--metrics-anywhere", "anywhere", is_flag=True,
    help="Let --metrics be an address that other machines reach.",
)  # fmt: skip
def worker(
    folder: Path | None, rounds: int | None, look_every: int, *, log_json: bool, where: str,
    anywhere: bool,
) -> None:  # fmt: skip
    """Run every flow when the charter says so, until stopped."""
    from datetime import timedelta

    # Said once: the threads that answer readers do not know the command's words.
    place = sitting.charter_folder(folder)
    teller = _Teller(place, sitting.sit_down(place), as_json=log_json)
    from matricula.hub.worker import Worker

    working = Worker(teller.sit_down, teller.tell, look_every=timedelta(seconds=look_every))
    serving = endpoint.serving(where, teller.answers(), anywhere=anywhere) if where else None
    with _stopping(working), serving or nullcontext("") as address:
        if address:
            teller.say("serving", f"metrics at {address}/metrics")
        teller.say("working", "working; stop with Ctrl-C")
        working.work(rounds=rounds)
    teller.say("stopped", "stopped")


@contextmanager
def _stopping(working: Worker) -> Iterator[None]:
    """Have the worker end its round when it is told to stop; afterwards that is others' again."""
    before = {
        number: signal.signal(number, lambda *_: working.stopped.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass(slots=True)
class _Teller:
    """Tells people and programs what the worker does."""

    place: Path
    desk: Desk
    as_json: bool
    runs: dict[str, tuple[int, float]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sit_down(self) -> Desk:
        """Make the desk of a round; a charter that does not compile leaves the last one here."""
        self.desk = sitting.sit_down(self.place)
        return self.desk

    def say(self, event: str, sentence: str) -> None:
        from matricula.hub.events import Event

        self.tell(Event(event, sentence))

    def tell(self, event: Event) -> None:
        """Write an event down, and count it if it is a run."""
        if event.seconds is not None:
            with self.lock:
                count, seconds = self.runs.get(event.kind, (0, 0.0))
                self.runs[event.kind] = (count + 1, seconds + event.seconds)
        if self.as_json:
            told = {"time": sitting.now().isoformat(timespec="milliseconds"), **event.as_json()}
            sys.stderr.write(json.dumps(told) + "\n")
            sys.stderr.flush()
        elif event.sentence:
            show.say(event.sentence)

    def answers(self) -> Mapping[str, Callable[[], Answer]]:
        """Say what is answered at which path."""
        return {
            "/metrics": self._metrics,
            "/health/live": lambda: Answer(200, endpoint.TEXT, "alive\n"),
            "/health/ready": lambda: endpoint.readiness(
                {
                    "database": sitting.database_answers,
                    "migrations": sitting.is_up_to_date,
                    "charter": lambda: sitting.load_charter(self.place),
                }
            ),
        }

    def _metrics(self) -> Answer:
        from matricula.hub import numbers

        told = numbers.written(
            [*numbers.standing(self.desk.charter, sitting.now()), *self._of_runs()]
        )
        return Answer(200, endpoint.TEXT, told)

    def _of_runs(self) -> Iterator[Metric]:
        from matricula.hub.numbers import Metric, Sample

        with self.lock:
            runs = dict(self.runs)
        for name, says, place in (
            ("matricula_runs_total", "Runs of this worker.", 0),
            ("matricula_run_seconds_total", "How long they took together.", 1),
        ):
            samples = [Sample({"kind": kind}, told[place]) for kind, told in sorted(runs.items())]
            yield Metric(name, "counter", says, samples)
