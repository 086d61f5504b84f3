"""What it means for one user when FOLIO refuses. Names fields, never values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import SkipRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matricula.connectors.folio.fields import Field


def refused() -> SkipRow:
    """Say that the import names a user among those that failed."""
    return SkipRow(
        "FOLIO's import refuses this user: its user name or barcode may be another's, or a value "
        "is of the wrong form.",
        code="M604",
        cure="Look at the import's answer in FOLIO's log, and correct the value at its owner.",
    )


def several(count: int) -> SkipRow:
    """Say that what should identify one user names more."""
    return SkipRow(
        f"{count} users answer to what should identify one.",
        code="M606",
        cure="Have the library merge them or correct their identifiers.",
    )


def not_ours(because: str) -> SkipRow:
    """Say that the user who was found is not to be written."""
    return SkipRow(
        f"The user that is there is not taken over: {because}.",
        code="M606",
        cure="Have the library decide whose account it is.",
    )


def gone() -> SkipRow:
    """Say that the user has been deleted behind our back."""
    return SkipRow(
        "The user is gone: FOLIO does not know the identifier any more.",
        code="M605",
        cure="Find out who deleted it; the next full run sees that it is missing.",
    )


def kept() -> SkipRow:
    """Say that a user who has something open is not deleted."""
    return SkipRow(
        "FOLIO keeps the user, who has open loans, requests, fees, blocks or a proxy.",
        code="M736",
        cure="Wait until the library has settled it, or write `on_exit: suspend`.",
    )


def kept_otherwise(fields: Iterable[Field]) -> SkipRow:
    """Say that FOLIO holds something else than it was sent."""
    names = ", ".join(field.name for field in fields)
    return SkipRow(
        f"FOLIO does not keep {names} as it was sent; the user's other fields were written.",
        code="M604",
        cure="Write it in the form that FOLIO keeps, or take the field out of the flow.",
    )
