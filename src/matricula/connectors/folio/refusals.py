"""What it means for one user when FOLIO refuses. Names fields, never values."""

from __future__ import annotations

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.refuse import Of

OF_USER = Of("FOLIO", "user", "the library")
OPEN = "open loans, requests, fees, blocks or a proxy"


def refused() -> SkipRow:
    """Say that the import names a user among those that failed."""
    return SkipRow(
        "FOLIO's import refuses this user: its user name or barcode may be another's, or a value "
        "is of the wrong form.",
        code="M604",
        cure="Look at the import's answer in FOLIO's log, and correct the value at its owner.",
    )
