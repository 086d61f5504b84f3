"""The commands that get many records in: from another system's files, or made up."""

from __future__ import annotations

import csv
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from matricula.cli import show as out
from matricula.cli import sitting
from matricula.cli.register.asked import Asked, does

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from matricula.cli.loading.given import Given
    from matricula.hub.acting import Followed
    from matricula.kernel.findings import Finding
    from matricula.sis.acts.actions import Doing
    from matricula.sis.loading.actions import Loaded

# So many findings are shown; the report has all of them.
_SHOWN = 20
_REPORT = click.option(
    "--report", type=click.Path(dir_okay=False, path_type=Path), default=None,
    help="A file (CSV) for everything that was found, a line for each row.",
)  # fmt: skip


@click.command()
@does
@click.option("--students", type=click.IntRange(1), required=True, help="How many people.")
@click.option(
    "--terms", type=click.IntRange(1, 40), default=6, show_default=True,
    help="How many terms there are; the last one is running.",
)  # fmt: skip
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed, the same people."
)
def generate(asked: Asked, *, students: int, terms: int, seed: int) -> None:
    """Fill an empty register with a university of people who do not exist."""
    from matricula.sis.loading import actions

    size = actions.Size(students, terms, seed, asked.acting.today)
    with _scratch(asked) as scratch:
        _tell(asked, _done(asked, lambda doing: actions.generate(doing, size, scratch=scratch)))


@click.command("import")
@does
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--kind", type=click.Choice(["oneroster", "csv", "open-university"]), required=True,
    help="What is there: a OneRoster bundle, CSV files with a mapping, the OULAD folder.",
)  # fmt: skip
@click.option(
    "--mapping", type=click.Path(dir_okay=False, path_type=Path), default=None,
    help="Which file and column is which table and field (YAML); for csv.",
)  # fmt: skip
@click.option("--system", default="", help="Whose numbers they are; for oneroster.")
@click.option("--programme", default="", help="For which programme they study; for oneroster.")
@click.option("--new", "new", multiple=True, help="The key of a person who is somebody new.")
@_REPORT
def import_(
    asked: Asked,
    path: Path,
    *,
    new: tuple[str, ...],
    report: Path | None,
    **said: Any,  # noqa: ANN401 - click's own words for the options
) -> None:
    """Take what another system's files have and the register has not; change nothing.

    Every row that is not taken is named with its file and line. To load the same again
    changes nothing.
    """
    from matricula.sis.loading import actions

    given = _read(asked, path, **said)
    with _scratch(asked) as scratch:
        bundle = actions.Bundle(given.source, given.pieces, new, scratch)
        done = _done(asked, lambda doing: actions.load(doing, bundle))
    _tell(asked, done, report=report, read=given.findings)


def _read(
    asked: Asked, path: Path, *, kind: str, mapping: Path | None, system: str, programme: str
) -> Given:
    """Read what was handed over, in the way of its kind."""
    if kind == "csv":
        from matricula.cli.loading.mapping import read as read_folder

        if mapping is None:
            raise click.UsageError("Say with --mapping which file and column is what.")
        return read_folder(path, mapping)
    if kind == "open-university":
        from matricula.cli.loading.open_university import read as read_dataset

        return read_dataset(path)
    from matricula.cli.loading.oneroster import read as read_bundle

    if not programme:
        raise click.UsageError(
            "OneRoster knows no programmes: say with --programme for which the students register."
        )
    zone = asked.desk.charter.timezone
    return read_bundle(
        path, programme=programme, today=asked.acting.today, zone=zone, system=system
    )


@contextmanager
def _scratch(asked: Asked) -> Iterator[Path]:
    """Give a folder in the home for what does not fit in memory; it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="load-", dir=asked.desk.home))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _done(asked: Asked, action: Callable[[Doing], Loaded]) -> Followed[Loaded]:
    from matricula.hub import acting

    return acting.carry_out(asked.desk, asked.acting, action, preview=asked.preview)


def _tell(
    asked: Asked,
    done: Followed[Loaded],
    *,
    report: Path | None = None,
    read: Sequence[Finding] = (),
) -> None:
    """Say what became of each table, and what was found while reading and while loading."""
    loaded = done.value
    if report is not None:
        _write(report, chain(read, loaded.findings()))
    if asked.as_json:
        out.as_json(_as_told(done, [*read, *loaded.findings()]))
        return
    out.say("Preview: nothing was kept." if done.is_preview else f"Done: {done.act}.")
    out.table(
        ("table", "rows", "taken", "there already", "not taken"),
        [(one.table, one.rows, one.taken, one.there, one.left_out) for one in loaded.counts],
    )
    shown = list(islice(chain(loaded.findings(), read), _SHOWN))
    out.findings(shown)
    more = loaded.found.num_rows + len(read) - len(shown)
    if more:
        out.say(f"And {more} more: name a file with --report, or read them with --json.")
    for sentence in done.left:
        out.say(f"For a person: {sentence}")
    if not done.is_preview and any(one.taken for one in loaded.counts):
        out.say("Other systems hear of it by the next full pass: `matricula sync`.")


def _write(path: Path, found: Iterable[Finding]) -> None:
    """Write everything that was found, a line for each row."""
    with sitting.output(path), path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(("place", "severity", "code", "what", "what to do"))
        lines.writerows(
            (one.place, one.severity, one.code, one.message, one.cure) for one in found
        )


def _as_told(done: Followed[Loaded], found: Sequence[Finding]) -> dict[str, object]:
    return {
        "act": "" if done.is_preview else done.act,
        "preview": done.is_preview,
        "tables": [asdict(one) for one in done.value.counts],
        "findings": [asdict(one) for one in found],
        "left": list(done.left),
    }
