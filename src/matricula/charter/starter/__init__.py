"""The starter charter: the usual ownership on a campus, to be made one's own.

The files beside this module are copied as they are, comments included.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path


def write_starter(folder: Path) -> list[Path]:
    """Write the starter charter into a folder, which is made where it is missing.

    Returns:
        The files written, in the order of their names.

    Raises:
        Refused: The folder holds YAML already, or is a file (M120).
    """
    if folder.exists() and (not folder.is_dir() or any(folder.rglob("*.y*ml"))):
        raise Refused(
            "M120",
            f"{folder} holds a charter already.",
            cure="Choose an empty folder, or edit the charter that is there.",
        )
    written = []
    with as_file(files(__name__)) as source:
        for path in sorted(source.rglob("*.yaml")):
            copy = folder / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
            written.append(copy)
    return written
