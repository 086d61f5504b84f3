"""The institution's clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def last_moment_of(clock: str, timezone: str, at: datetime) -> datetime:
    """Find the last instant at which the institution's clock showed a time, `HH:MM`."""
    zone = ZoneInfo(timezone)
    hour, minute = (int(part) for part in clock.split(":"))
    local = at.astimezone(zone)
    today = datetime.combine(local.date(), time(hour, minute), zone)
    chosen = (
        today
        if today <= local
        else datetime.combine(local.date() - timedelta(days=1), time(hour, minute), zone)
    )
    return chosen.astimezone(UTC)
