"""What a person gives a command: a day, and a ground that stands in the audit."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


class Day(click.ParamType[date]):
    """A day of the calendar, as a date."""

    name = "day"

    def convert(
        self, value: date | str, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Read a day."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            self.fail(f"{value!r} is no day. Write year, month and day: 2027-01-31.", param, ctx)


class Ground(click.ParamType[str]):
    """Why something is done, in words."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse a blank: whoever reads the audit would learn nothing."""
        if not value.strip():
            self.fail("it is blank. Say why in a few words; they name nobody.", param, ctx)
        return value.strip()


def why_option(told: str = "The ground; it stands in the audit.") -> Callable[[Any], Any]:
    """Give a command `--why`."""
    return click.option("--why", required=True, type=Ground(), help=told)
