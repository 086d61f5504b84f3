"""Say of every connector which promises the suite tries on it, and why not the others.

What is said to be kept is tried whenever the suite runs; a promise that is broken fails it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from matricula.connectors.kit.conformance import CHECKS
from tests.conformance.door import doors
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

OF_CREDENTIALS = (
    "Each row is a way into a system. Whenever the tests run, `matricula check --live` is asked "
    "with a wrong credential, with one that has ended (or the row says why there is no such "
    "thing), and with one that lacks each of the permissions of the last column, one after the "
    "other: it names the system, the permission and the cure. Then a run, the letters and the "
    "verbs themselves are tried, and every form of the secret is looked for in all that was "
    "printed, logged at any level or raised, in every file and in every row of the database. "
    "Nothing of it stands anywhere."
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
    lines += ["", *(f"- {letter}: {reason}" for reason, letter in LETTERS.items())]
    return [*lines, "", *_credentials()]


def _credentials() -> list[str]:
    """Write what is said at each way into a system whose credential will not do."""
    lines = [
        "## Credentials", "", OF_CREDENTIALS, "",
        "| way in | wrong | ended | lacking |", "|---|:-:|---|---|",
    ]  # fmt: skip
    for door in doors():
        ended = "✓" if door.expired else f"{door.endless}."
        lacking = ", ".join(f"`{one}`" for one in door.lacking) or door.unasked
        lines.append(f"| {door.name} | ✓ | {ended[:1].upper()}{ended[1:]} | {lacking} |")
    return lines


def _cell(check: Check, subject: Subject) -> str:
    if check.fits(subject):
        return "✓"
    lacking = check.needs - check.has(subject)
    return LETTERS[next(reason for need, reason in LACKS.items() if need in lacking)]
