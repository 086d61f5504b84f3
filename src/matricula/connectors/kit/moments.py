"""Instants and days as texts that sort as they follow one another."""

from __future__ import annotations

from datetime import UTC, datetime

_MIDNIGHT = "T00:00:00.000Z"


def instant(moment: datetime) -> str:
    """Write an instant, in UTC, to the millisecond; such texts sort as the instants do."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def moment(text: str) -> str:
    """Write a day or an instant as it is kept: a day alone where it begins at midnight in UTC.

    So texts sort as what they mean does, whether a flow says a day or a consumer an instant.
    What is neither stays as it is.
    """
    found = instant_in(text)
    return text if found is None else instant(found).removesuffix(_MIDNIGHT)


def instant_in(text: str) -> datetime | None:
    """Read an instant, which is in UTC where it does not say; None where it is none."""
    try:
        found = datetime.fromisoformat(text.strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
