"""Files in folders: where they lie, who may write one, and how it is replaced in one step."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from matricula.connectors.kit.errors import GiveUp, TryAgain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.connectors.kit.protocol import Context

BUSY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells whether a file is still the one that was read."""

    size: int
    modified_ns: int
    inode: int


def stamp_of(path: Path) -> Stamp | None:
    """Take the stamp of a file; None where there is none."""
    try:
        return _stamp(path.stat())
    except FileNotFoundError:
        return None


def stamp_of_open(file: BinaryIO) -> Stamp:
    """Take the stamp of an open file, whatever stands under its name by now."""
    return _stamp(os.fstat(file.fileno()))


def _stamp(state: os.stat_result) -> Stamp:
    return Stamp(state.st_size, state.st_mtime_ns, state.st_ino)


def resolved(stated: str, context: Context) -> Path:
    """Resolve a path of the settings, which may not exist.

    Raises:
        GiveUp: A relative path leads out of the charter's folder (M620).
    """
    path = (context.folder / stated).resolve()
    if not Path(stated).is_absolute() and not path.is_relative_to(context.folder.resolve()):
        raise GiveUp(
            f"The path {stated} of {context.system} leads out of the charter's folder.",
            code="M620",
            cure="Move it inside, or write it as an absolute path.",
        )
    return path


def must_be_folder(path: Path, context: Context) -> Path:
    """Return a folder that is there.

    Raises:
        TryAgain: It is not; a drive may be missing (M610).
    """
    if not path.is_dir():
        inside = path.is_relative_to(context.folder.resolve())
        shown = path.relative_to(context.folder.resolve()) if inside else path
        raise TryAgain(
            f"The folder {shown} of {context.system} is not there.",
            code="M610",
            cure="Mount or create it; nothing was read or written.",
        )
    return path


def let_read(made: Path) -> None:
    """Let those read what we made who may read the folder it lies in; nobody else writes it.

    What this process makes is its owner's alone otherwise, and an export is for others.
    """
    readers = made.parent.stat().st_mode & 0o044
    enter = readers >> 2 if made.is_dir() else 0
    made.chmod(made.stat().st_mode & 0o700 | readers | enter)


@contextlib.contextmanager
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


@contextlib.contextmanager
def replacement(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what is there at the end takes its place.

    It takes it in one step, and is on the disk when this ends. After any error, whatever
    stood there before still stands. It gets the mode of the file it replaces; a first one may
    be read by whoever may read the folder.
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


def sync_folder(folder: Path) -> None:
    """Make a rename inside the folder durable, where the system allows it."""
    # Windows cannot open a folder; there the rename itself is all that can be had.
    with contextlib.suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
