"""Say of every connector which promises the suite tries on it, and why not the others.

What is said to be kept is tried whenever the suite runs; a promise that is broken fails it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from matricula.connectors.kit.conformance import CHECKS
from tests.conformance.every import subjects

if TYPE_CHECKING:
    from matricula.connectors.kit.conformance import Check, Subject

# Why a promise says nothing of a subject, by what it lacks.
LACKS = {
    "create": "nothing is made there by us",
    "update": "nothing is changed there by us",
    "change": "nothing is changed there by us",
    "suspend": "nothing sleeps there",
    "resume": "nothing sleeps there",
    "delete": "nothing is removed there by us",
    "text": "it has no free text",
    "clears": "it has no field that may be empty",
    "refused": "it takes any row",
    "tells": "it does not tell what changed",
    "away": "it lies where Matricula lies, and is never away alone",
}
LETTERS = dict(zip(dict.fromkeys(LACKS.values()), "abcdefghi", strict=False))
INTRODUCTION = (
    "Each column is a resource of a connector, each row a promise that the kit's suite tries on "
    "it whenever the tests run. ✓ stands for a promise that is kept, a letter for why it says "
    "nothing there; `memory` is the kit's own example."
)


def page() -> list[str]:
    """Write the table as lines: a row for each promise, a column for each subject."""
    tried = [one for one, _ in subjects()]
    lines = [
        "# What every connector promises", "", INTRODUCTION, "",
        "| promise | " + " | ".join(one.name for one in tried) + " |",
        "|---|" + ":-:|" * len(tried),
    ]  # fmt: skip
    for check in CHECKS:
        cells = " | ".join(_cell(check, one) for one in tried)
        lines.append(f"| {str(check).replace('_', ' ')} | {cells} |")
    return [*lines, "", *(f"- {letter}: {reason}" for reason, letter in LETTERS.items())]


def _cell(check: Check, subject: Subject) -> str:
    if check.fits(subject):
        return "✓"
    lacking = check.needs - check.has(subject)
    return LETTERS[next(reason for need, reason in LACKS.items() if need in lacking)]
