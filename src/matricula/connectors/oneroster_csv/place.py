"""Whether a bundle was ever begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import Untrusted

if TYPE_CHECKING:
    from pathlib import Path


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
