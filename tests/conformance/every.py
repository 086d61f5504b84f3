"""Every subject of the conformance suite: one module in `subjects/` for each connector.

A module there defines `SUBJECT`, or `SUBJECTS` where a connector has several resources, and
`NEEDS_DATABASE` where they stand in the tests' own database.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matricula.connectors.kit.conformance import Subject

HERE = Path(__file__).parent


def subjects() -> list[tuple[Subject, bool]]:
    """Give every subject, and whether it needs the tests' database."""
    found: list[tuple[Subject, bool]] = []
    for path in sorted((HERE / "subjects").glob("[a-z]*.py")):
        spec = importlib.util.spec_from_file_location(f"conformance_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        needs = bool(getattr(module, "NEEDS_DATABASE", False))
        mine = getattr(module, "SUBJECTS", None) or [module.SUBJECT]
        found.extend((subject, needs) for subject in mine)
    return found
