"""Files that others read or write too: where they may lie, who writes them, who may read them."""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import GiveUp, TryAgain
from matricula.connectors.kit.landing import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.connectors.kit.protocol import Context

BUSY_SECONDS = 5.0


def within(stated: str, context: Context) -> Path:
    """Resolve a path of a system's settings, whether or not anything is there.

    Raises:
        GiveUp: A relative path leads out of the charter's folder (M620).
    """
    path = (context.folder / stated).resolve()
    if not Path(stated).is_absolute() and not path.is_relative_to(context.folder.resolve()):
        raise GiveUp(
            f"{context.system}: {stated} leads out of the charter's folder.",
            code="M620",
            cure="Move it inside, or write it as an absolute path.",
        )
    return path


def let_read(made: Path) -> None:
    """Let those read what we made who may read the folder it lies in; nobody else writes it.

    What this process makes is its owner's alone otherwise, and an export is for others.
    """
    readers = made.parent.stat().st_mode & 0o044
    enter = readers >> 2 if made.is_dir() else 0
    made.chmod(made.stat().st_mode & 0o700 | readers | enter)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the right to write a file, against every other writer of ours.

    The lock belongs to the open file, so a writer that dies leaves none behind.

    Raises:
        TryAgain: Somebody else holds it (M621).
    """
    lock = path.with_name(f".{path.name}.lock")
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise TryAgain(
                f"{path.name} is being written by another run.",
                code="M621",
                cure="It is tried again by itself.",
                after_seconds=BUSY_SECONDS,
            ) from error
        yield
    finally:
        os.close(handle)


@contextmanager
def replacement(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is there at the end takes its place.

    It gets the mode of the file it replaces; a first one may be read by whoever may read
    the folder.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        yield temporary
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o777)
        else:
            let_read(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
