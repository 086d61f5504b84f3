"""Days of the week. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEK = timedelta(days=7)


def days_met(weekday: int, first: date, last: date) -> list[date]:
    """List the days between two, both included, that fall on a weekday."""
    day = first + timedelta(days=(weekday - first.isoweekday()) % 7)
    found = []
    while day <= last:
        found.append(day)
        day += _WEEK
    return found
