"""Durations as the charter writes them: `90s`, `15m`, `2h`, `7d`."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
PATTERN = r"^[1-9][0-9]*[smhd]$"


def read_duration(text: str) -> timedelta:
    """Read a duration.

    Raises:
        ValueError: Not a whole number followed by s, m, h or d.
    """
    if not re.fullmatch(PATTERN, text):
        message = f"{text!r} is not a duration such as 90s, 15m, 2h or 7d"
        raise ValueError(message)
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
