"""Which file of the folder a resource is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import GiveUp, Untrusted

if TYPE_CHECKING:
    from matricula.connectors.files.settings import FileResource


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
