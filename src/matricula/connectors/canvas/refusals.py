"""Canvas's words about a row, in ours: which field, and no value.

Its own words quote names, addresses and logins, and so are never passed on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import GiveUp, SkipRow, TryAgain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matricula.connectors.canvas.imports import Result
    from matricula.connectors.canvas.tables import Spec

# Source: the importers in lib/sis of Canvas, in the order in which one rules out the next.
_MEANINGS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), code, words)
    for pattern, code, words in (
        (r"already claimed .*login information", "M606", "login_id is another user's"),
        (r"or login of .* already exists", "M606", "user_id or login_id is another login's"),
        (r"already claimed .*integration_id", "M606", "integration_id is another user's"),
        (r"new_id.* referenced an existing", "M606", "the new SIS ID is another record's"),
        (r"User not found for enrollment|didn't exist for user", "M604", "user_id names nobody"),
        (r"(deleted user|deleted sis login)", "M604", "user_id names somebody who was deleted"),
        (r"Neither course nor section|non-existent section", "M604", "section_id names nothing"),
        (r"non-existent course|references course", "M604", "course_id names nothing"),
        (r"that are unrelated", "M604", "section_id is of another course than course_id"),
        (r"Account not found|account .* is deleted", "M604", "account_id names nothing"),
        (r"Parent account didn't exist", "M604", "parent_account_id names nothing"),
        (r"existing user", "M604", "existing_user_id names nobody"),
        (r"Improper role", "M604", "role is none that the institution has"),
        (r"Improper status|No status", "M604", "status is none that Canvas has"),
        (r"authentication provider", "M604", "authentication_provider_id names nothing"),
        (r"email", "M604", "email is refused"),
        (r"Invalid login_id|unique_id", "M604", "login_id is refused"),
        (r"course_format", "M604", "course_format is refused"),
        (r"Can't remove yourself", "M607", "it is the user whose token we have"),
        (r"blueprint", "M607", "a blueprint course takes no students"),
        (r"No \w+ given", "M604", "a value that Canvas requires is missing"),
        (r"did not pass validation", "M604", "a value is refused"),
    )
)
_CURES = {
    "M604": "Correct the value at its owner.",
    "M606": "Have the office of Canvas merge or correct the records; `change_sis_id` renumbers.",
    "M607": "Leave it to the office of Canvas.",
}


def meaning(text: str) -> tuple[str, str]:
    """Say what a message of Canvas's means: a code, and words without values."""
    for pattern, code, words in _MEANINGS:
        if pattern.search(text):
            return code, words
    return "M604", "Canvas refuses the row"


def refused(result: Result, file: str, row: int, text: str) -> SkipRow:
    """Say that Canvas refuses a row, and where its own words are to be read."""
    code, words = meaning(text)
    return SkipRow(
        f"{words[:1].upper()}{words[1:]} (line {row} of {file}, import {result.number}).",
        code=code,
        cure=_CURES[code],
    )


def kept_by_canvas(fields: Iterable[str]) -> SkipRow:
    """Say that somebody changed fields in Canvas, which therefore keeps them (stickiness)."""
    told = ", ".join(sorted(fields))
    return SkipRow(
        f"Somebody changed {told} in Canvas itself, which keeps that against imports.",
        code="M745",
        cure="Let the flow report or adopt such edits, or name the field under "
        "`override_sis_stickiness:` in the system's settings.",
    )


def not_taken(fields: Iterable[str], result: Result) -> SkipRow:
    """Say that Canvas took a row and holds other values, without a word."""
    told = ", ".join(sorted(fields)) or "the record"
    return SkipRow(
        f"Canvas took the row and did not store {told} (import {result.number}).",
        code="M604",
        cure="Look whether what the value names is there in Canvas: an unknown term, for one, "
        "is passed over.",
    )


def failed(result: Result) -> TryAgain:
    """Say that an import ended without going through its rows."""
    return TryAgain(
        f"Import {result.number} ended as {result.state} before this row was done.",
        code="M746",
        cure="Look at the import in Canvas (Admin, SIS Import); its rows are sent again.",
    )


def not_there(external_id: str) -> SkipRow:
    """Say that a record is gone."""
    return SkipRow(
        f"{external_id} is not in Canvas.",
        code="M605",
        cure="Nothing to do by hand: the next full run sees that it is gone.",
    )


def no_sis_id(external_id: str) -> SkipRow:
    """Say that an import cannot name a record."""
    return SkipRow(
        f"{external_id} has no SIS ID, by which alone an import can name it.",
        code="M607",
        cure="Have the office of Canvas give it the SIS ID that it should have.",
    )


def misfit(words: str) -> SkipRow:
    """Say that a value cannot be written as it is."""
    return SkipRow(f"{words}.", code="M604", cure="Correct the value at its owner.")


def taken(external_id: str, why: str) -> SkipRow:
    """Say that somebody else's record stands in the way."""
    return SkipRow(f"{external_id}: {why}.", code="M606", cure=_CURES["M606"])


def no_verb(spec: Spec, verb: str) -> GiveUp:
    """Refuse what cannot be done to a record of a resource."""
    return GiveUp(
        f"A record of {spec.name} cannot take: {verb}.",
        code="M607",
        cure="Write `on_exit: leave` or one of the verbs that the connector's page lists.",
    )
