"""`matricula demo`: build the university, start the counterparts, tell the story."""

from __future__ import annotations

import io
import os
import secrets
import shutil
import signal
import sys
import threading
import time
from contextlib import ExitStack, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting

if TYPE_CHECKING:
    from matricula.cli.demo.counterparts import Campus

_SEED = 20260901


@click.command()
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), default=Path("demo"),
    show_default=True, help="The folder to build it in; it must not be there yet.",
)  # fmt: skip
@click.option(
    "--students", type=int, default=1000, show_default=True, help="How many students to make up."
)  # fmt: skip
@click.option("--again", is_flag=True, help="Remove the folder of an earlier demonstration first.")
@click.option("--stay", is_flag=True, help="Keep the systems running until Ctrl-C.")
def demo(into: Path, students: int, *, again: bool, stay: bool) -> None:
    """Build a made-up university and tell the whole story with real counterparts."""
    # What the story needs is much; whoever asks for help alone should not wait for it.
    from matricula.cli.demo import counterparts, story

    folder = _make_room(into, again=again)
    began = time.monotonic()
    token = secrets.token_urlsafe(16)
    with ExitStack() as running:
        start = running.enter_context
        letters = folder / "letters"
        _point_at(folder, start(counterparts.mail_server(letters)))
        campus = start(counterparts.campus(
            start(counterparts.identity_provider(token)), token, start(counterparts.directory())
        ))  # fmt: skip
        campus.write_charter(folder)
        os.environ.update(campus.secrets())
        _say_what_is_connected(campus)
        her = _found(folder, campus, students)
        story.tell(
            story.Stage(
                folder, campus, her, _days(), _SEED,
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
            _stay(campus)


def _say_what_is_connected(campus: Campus) -> None:
    directory = "OpenLDAP" if campus.directory else "no directory"
    show.say(
        "Connected are a SCIM server, an SMTP server, a Moodle, a Koha, a library behind SIP2, "
        f"{directory}, and a warehouse."
    )
    if campus.directory is None:
        show.say("(A directory would need slapd; Debian: apt-get install slapd.)")


def _found(folder: Path, campus: Campus, students: int) -> str:
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

    students_there, her = queries.active_students()
    cards = library.open_university_library(campus, students_there, seed=_SEED)
    readers = library.open_law_library(campus, students_there, seed=_SEED)
    show.say(f"{cards} students have a card of the library, {readers} one of the Law Library.")
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


def _point_at(folder: Path, mail: str) -> None:
    """Let the commands of the story work in the folder, whatever the caller's settings are."""
    os.environ["MATRICULA_HOME"] = str(folder / ".matricula")
    os.environ.pop("MATRICULA_DATABASE_URL", None)
    os.environ["MATRICULA_SMTP_URL"] = mail
    os.environ["MATRICULA_MAIL_FROM"] = "matricula@northfield.example"
    os.environ.setdefault("MATRICULA_ACTOR", "demo")


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


def _stay(campus: Campus) -> None:
    show.say("")
    show.say("The systems stay until Ctrl-C. In another terminal:")
    for name, secret in campus.secrets().items():
        show.say(f"  export {name}={secret}")
    for name in ("MATRICULA_SMTP_URL", "MATRICULA_MAIL_FROM"):
        show.say(f"  export {name}={os.environ[name]}")
    stopped = threading.Event()
    # Also by whoever is not at a terminal: the systems are to end with us.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()
    show.say("stopped")
