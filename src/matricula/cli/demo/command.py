"""`matricula demo`: build the university, start the counterparts, tell the story."""

from __future__ import annotations

import io
import os
import secrets
import shutil
import sys
import time
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path

import click

from matricula.cli import show, sitting

_SEED = 20260901


@click.command()
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), default=Path("demo"),
    show_default=True, help="The folder to build it in; it must not be there yet.",
)  # fmt: skip
@click.option(
    "--students", type=int, default=3000, show_default=True, help="How many students to make up."
)  # fmt: skip
@click.option("--again", is_flag=True, help="Remove the folder of an earlier demonstration first.")
@click.option("--stay", is_flag=True, help="Keep the identity provider running until Ctrl-C.")
def demo(into: Path, students: int, *, again: bool, stay: bool) -> None:
    """Build a made-up university and tell the whole story with real counterparts."""
    # What the story needs is much; whoever asks for help alone should not wait for it.
    from matricula.cli.demo import story
    from matricula.cli.demo.counterparts import identity_provider

    folder = _make_room(into, again=again)
    began = time.monotonic()
    token = secrets.token_urlsafe(16)
    _point_at(folder, token)
    with identity_provider(token) as scim:
        _write_charter(folder, scim)
        her = _found(folder, students)
        story.tell(
            story.Stage(
                folder, scim, token, her, _days(),
                lambda *words: _run(folder, *words), lambda *words: _ask(folder, *words),
            )
        )  # fmt: skip
        show.say("")
        show.say(f"That took {time.monotonic() - began:.0f} seconds. It is all in {into}:")
        _say_how_it_is_found()
        show.say(f"  cd {into}")
        show.say(f"  export MATRICULA_ACTOR={os.environ['MATRICULA_ACTOR']}")
        show.say("  matricula status")
        show.say(f"  matricula explain student {her}")
        if stay:
            _stay(token)


def _found(folder: Path, students: int) -> str:
    """Open the office's account and make the university; give the student of the story."""
    show.say("Northfield University opens: an account, its roles, and a university to keep.")
    actor = os.environ["MATRICULA_ACTOR"]
    _run(folder, "accounts", "found", actor)
    _run(folder, "accounts", "grant", actor, "registrar", "--why", "the demonstration")
    _run(
        folder, "register", "generate", "--students", str(students), "--terms", "2",
        "--seed", str(_SEED), "--role", "registrar",
    )  # fmt: skip
    # The record is looked at only now: it needs the database.
    from matricula.cli.demo import library
    from matricula.sis.record import queries

    numbers, her = queries.active_students()
    patrons = library.export(folder / "drop" / "patrons.csv", numbers, seed=_SEED, surely=her)
    show.say(f"The library exports {patrons} patrons every night.")
    return her


def _days() -> tuple[str, str]:
    """From which day the student of the story leaves, and the last day before."""
    today = sitting.now().date()
    return str(today - timedelta(days=4)), str(today - timedelta(days=6))


def _say_how_it_is_found() -> None:
    """Say how a terminal finds the command, where it does not: `make demo` has its own place."""
    activate = Path(sys.prefix) / "bin" / "activate"
    if shutil.which("matricula") is None and activate.exists():
        show.say(f"  . {os.path.relpath(activate)}")


def _make_room(into: Path, *, again: bool) -> Path:
    folder = into.absolute()
    if folder.exists() and again and (folder / "charter").exists():
        shutil.rmtree(folder)
    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{into} is there already. Use --again, or --into another folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise sitting.unwritable(into, error) from error
    return folder


def _point_at(folder: Path, token: str) -> None:
    """Let the commands of the story work in the folder, whatever the caller's settings are."""
    os.environ["MATRICULA_HOME"] = str(folder / ".matricula")
    os.environ.pop("MATRICULA_DATABASE_URL", None)
    os.environ["MATRICULA_DEMO_SCIM_TOKEN"] = token
    os.environ.setdefault("MATRICULA_ACTOR", "demo")


def _write_charter(folder: Path, scim: str) -> None:
    shutil.copytree(Path(__file__).parent / "charter", folder / "charter")
    (folder / "lms").mkdir()
    systems = folder / "charter" / "systems.yaml"
    text = systems.read_text(encoding="utf-8")
    text = text.replace("PLACE", folder.as_posix()).replace('"SCIM"', f'"{scim}"')
    systems.write_text(text, encoding="utf-8")


def _run(folder: Path, *words: str) -> int:
    """Run a command as one would type it, in this process."""
    from matricula.cli import main

    show.say(f"$ matricula {' '.join(w.replace(str(folder) + os.sep, '') for w in words)}")
    given = ("--charter", str(folder / "charter"))
    return main.run([*given, *words])


def _ask(folder: Path, *words: str) -> str:
    from matricula.cli import main

    told = io.StringIO()
    with redirect_stdout(told):
        main.run(["--charter", str(folder / "charter"), *words])
    return told.getvalue()


def _stay(token: str) -> None:
    show.say("")
    show.say("The identity provider stays until Ctrl-C. In another terminal:")
    show.say(f"  export MATRICULA_DEMO_SCIM_TOKEN={token}")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        show.say("stopped")
