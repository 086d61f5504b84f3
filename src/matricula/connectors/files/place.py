"""Where files may lie, who may write them, and how one is replaced in one step."""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import GiveUp, TryAgain, Untrusted
from matricula.connectors.kit.landing import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.connectors.files.settings import FileResource
    from matricula.connectors.kit.protocol import Context

BUSY_SECONDS = 5.0


def folder_of(stated: str, context: Context) -> Path:
    """Resolve the folder of a system.

    Raises:
        GiveUp: A relative folder leads out of the charter's own (M620).
        TryAgain: It is not there; a drive may be missing (M610).
    """
    folder = (context.folder / stated).resolve()
    if not Path(stated).is_absolute() and not folder.is_relative_to(context.folder.resolve()):
        raise GiveUp(
            f"{context.system}: the folder {stated} leads out of the charter's folder.",
            code="M620",
            cure="Move it inside, or write it as an absolute path.",
        )
    if not folder.is_dir():
        raise TryAgain(
            f"{context.system}: the folder {stated} is not there.",
            code="M610",
            cure="Mount or create it; nothing was read or written.",
        )
    return folder


def file_of(folder: Path, resource: FileResource) -> Path:
    """Find the file of a resource; for a pattern the last match by name.

    Returns:
        A path inside the folder, which may not exist yet.

    Raises:
        GiveUp: It would lie outside the folder, or is no regular file (M620).
        Untrusted: No file matches the pattern (M420).
    """
    path = folder / resource.file
    if resource.is_pattern:
        found = (one for one in folder.glob(resource.file) if not one.name.startswith("."))
        matches = sorted(found, key=Path.as_posix)
        if not matches:
            raise Untrusted(
                f"No file matches {resource.file}.", code="M420", cure="Have the file delivered."
            )
        path = matches[-1]
    real = path.resolve()
    if not real.is_relative_to(folder):
        raise GiveUp(
            f"{resource.file} leads out of the folder.",
            code="M620",
            cure="Correct `file:`; links that lead elsewhere are not followed.",
        )
    if real.exists() and not real.is_file():
        raise GiveUp(
            f"{resource.file} is not a regular file.", code="M620", cure="Correct `file:`."
        )
    return real


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
    """Give a temporary path beside `path`; what is there at the end takes its place."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            if path.exists():
                os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
