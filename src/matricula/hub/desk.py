"""The desk a run works at: one charter, one home folder, one instant, one person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from matricula.charter.model import Charter
    from matricula.engine.workbench import Bench


@dataclass(frozen=True, slots=True)
class Desk:
    """What every function of the hub is given.

    Attributes:
        charter: Compiled, without errors.
        charter_text: Its canonical text, kept as the version that grants.
        folder: The folder that holds `charter/`; relative paths in settings start here.
        home: Snapshots, runs, indexes.
        actor: Who asks, for the audit.
        at: The present instant, UTC.
        bench: How much of the machine the engine may take; the usual when None.
    """

    charter: Charter
    charter_text: str
    folder: Path
    home: Path
    actor: str
    at: datetime
    bench: Bench | None = None
