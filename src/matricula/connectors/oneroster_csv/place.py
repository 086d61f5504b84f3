"""Where a bundle may lie, and whether it was ever begun."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import TryAgain, Untrusted
from matricula.connectors.kit.places import within

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.connectors.kit.protocol import Context


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells whether a file is still the one that was read."""

    size: int
    modified_ns: int
    inode: int


def stamp_of(path: Path) -> Stamp | None:
    """Take the stamp of a file; None where there is none."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return Stamp(state.st_size, state.st_mtime_ns, state.st_ino)


def resolved(stated: str, context: Context) -> Path:
    """Resolve a path of the settings.

    Raises:
        GiveUp: A relative path leads out of the charter's folder (M620).
        TryAgain: The folder it lies in is not there; a drive may be missing (M610).
    """
    path = within(stated, context)
    must_be_folder(path.parent, context)
    return path


def must_be_folder(path: Path, context: Context) -> None:
    """Make sure that a folder is there.

    Raises:
        TryAgain: It is not (M610).
    """
    if not path.is_dir():
        raise TryAgain(
            f"{context.system}: the folder {path.name} is not there.",
            code="M610",
            cure="Mount or create it; nothing was read or written.",
        )


def is_begun(path: Path, *, missing_ok: bool) -> bool:
    """Say whether there is a bundle to read, or a beginning to be made.

    A bundle that we wrote and that is gone is no beginning: a new one, with today's
    changes alone, would tell its readers that everybody else left.

    Returns:
        False where the first bundle is still to be written.

    Raises:
        Untrusted: It is missing and should not be (M420).
    """
    if path.exists():
        return True
    if missing_ok and not _mark(path).exists():
        return False
    raise Untrusted(
        f"The bundle {path.name} is not there.",
        code="M420",
        cure="Have it delivered or restored. To begin a new one on purpose, remove "
        f"{_mark(path).name} beside it and say `missing_ok: true`.",
    )


def mark_begun(path: Path) -> None:
    """Remember that the bundle was written once."""
    _mark(path).touch(mode=0o600)


def _mark(path: Path) -> Path:
    return path.with_name(f".{path.name}.begun")
