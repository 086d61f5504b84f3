"""The commands that tell how a student stands, stood, and was thought to stand."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from matricula.cli import show as out
from matricula.cli.register.asked import DAY, Asked, reads

if TYPE_CHECKING:
    from datetime import date


@click.command()
@reads
@click.argument("student")
@click.option("--on", type=DAY, default=None, help="As it was on a day.  [default: today]")
@click.option("--known-on", type=DAY, default=None, help="As it was known at the end of a day.")
def show(asked: Asked, student: str, *, on: date | None, known_on: date | None) -> None:
    """Show a student's registrations and history, for today or for any day."""
    from matricula.sis.registration import access

    told = access.history(
        asked.acting, student, on=on or asked.acting.today, known_at=end_of(asked, known_on)
    )
    if asked.as_json:
        out.as_json(told.as_json())
        return
    out.table(
        ("registration", "programme", "cohort", "state", "since", "until"),
        [
            (one.number, one.programme, one.cohort, one.standing.state or "not yet",
             one.standing.since, one.standing.ends_on)
            for one in told.registrations
        ],
    )  # fmt: skip
    out.table(
        ("act", "registration", "what", "from", "recorded", "reason", "stands"),
        [
            (one.act, one.registration, one.action, one.effective_on, one.recorded_at, one.reason,
             None if one.action == "reverse" else one.stands)
            for one in told.lines
        ],
    )  # fmt: skip


def end_of(asked: Asked, day: date | None) -> datetime | None:
    """Give the last moment of a day at the institution; None stands for now."""
    if day is None:
        return None
    zone = ZoneInfo(asked.desk.charter.timezone)
    return datetime.combine(day, time.max, zone).astimezone(UTC)
