"""The commands of sections: how many seats they have, when and where they meet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from matricula.cli import show as out
from matricula.cli.register import catalogue_looks
from matricula.cli.register.asked import DAY, Asked, carry_out, does, plain, reads
from matricula.cli.register.show_commands import end_of

if TYPE_CHECKING:
    from datetime import date, datetime

    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.rules import MeetingTime

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CLOCK = click.DateTime(["%H:%M"])


@click.group()
def section() -> None:
    """Plan sections, open and close them, and give them seats."""


@click.group()
def meeting() -> None:
    """Say when and where sections meet."""


section.add_command(catalogue_looks.sections)


@section.command("plan")
@does
@click.argument("code")
@click.option("--module", required=True, help="What it teaches.")
@click.option("--term", required=True, help="When.")
@click.option("--campus", required=True, help="Where, and at whose clock.")
@click.option("--seats", "capacity", type=int, required=True, help="How many it has.")
def plan(
    asked: Asked,
    **said: Any,  # noqa: ANN401 - click's own words for the options
) -> None:
    """Plan a section; students enrol when it is opened."""
    from matricula.sis.curriculum import actions

    carry_out(asked, lambda doing: actions.plan_section(doing, actions.NewSection(**said)))


@section.command("open")
@does
@click.argument("code")
def open_(asked: Asked, code: str) -> None:
    """Open a section to students, for the first time or again."""
    _move(asked, code, "open")


@section.command()
@does
@click.argument("code")
def close(asked: Asked, code: str) -> None:
    """Close a section to more students."""
    _move(asked, code, "close")


@section.command()
@does
@click.argument("code")
def finish(asked: Asked, code: str) -> None:
    """Finish a section whose term is over."""
    _move(asked, code, "finish")


@section.command()
@does
@click.argument("code")
def cancel(asked: Asked, code: str) -> None:
    """Cancel a section; --why says why. Whoever sits or waits there is dropped."""
    from matricula.sis.enrolment import actions

    carry_out(asked, lambda doing: actions.cancel_section(doing, code))


def _move(asked: Asked, code: str, action: str) -> None:
    from matricula.sis.enrolment import actions

    carry_out(asked, lambda doing: actions.move_section(doing, code, action))


@section.command()
@does
@click.argument("code")
@click.argument("seats", type=int)
def capacity(asked: Asked, code: str, seats: int) -> None:
    """Give a section another number of seats, no fewer than are taken; new ones are offered."""
    from matricula.sis.enrolment import actions

    carry_out(asked, lambda doing: actions.change_capacity(doing, code, seats))


@section.command("show")
@reads
@click.argument("code")
@click.option("--known-on", type=DAY, default=None, help="As it was known at a day's end.")
def show_section(asked: Asked, code: str, known_on: date | None) -> None:
    """Show a section and when it meets, as known now or at any day's end."""
    from matricula.sis.curriculum import access, queries

    access.may_read(asked.acting)
    found = queries.section(code, known_at=end_of(asked, known_on))
    columns = ("code", "module", "title", "credits", "level", "term", "campus", "department",
               "capacity", "state", "requisites")  # fmt: skip
    told = {name: getattr(found, name) for name in columns}
    # What has a number can be moved or ended; what was known once cannot.
    numbered = queries.meetings_of(code) if known_on is None else dict(enumerate(found.meetings))
    meetings = [_told(number, one, numbered=known_on is None) for number, one in numbered.items()]
    if asked.as_json:
        out.as_json({**(plain(told) or {}), "meetings": meetings})
        return
    out.table(("of the section", "is"), [(name, value) for name, value in told.items() if value])
    out.table(("meeting", "day", "from", "to", "room", "first", "last"), [*map(_row, meetings)])


def _told(number: int, one: MeetingTime, *, numbered: bool) -> dict[str, object]:
    return {
        "meeting": number if numbered else None, "day": _WEEKDAYS[one.weekday - 1],
        "starts_at": f"{one.starts_at:%H:%M}", "ends_at": f"{one.ends_at:%H:%M}",
        "room": one.room, "first": one.valid_from, "last": one.valid_to,
    }  # fmt: skip


def _row(told: dict[str, object]) -> tuple[object, ...]:
    return tuple(told.values())


@meeting.command("schedule")
@does
@click.argument("section")
@click.option("--day", type=click.Choice(_WEEKDAYS), required=True, help="Every week on this.")
@click.option("--at", "starts_at", type=_CLOCK, required=True, help="When it begins: 09:00.")
@click.option("--to", "ends_at", type=_CLOCK, required=True, help="When it ends: 10:30.")
@click.option("--room", default="", help="Where; left out where it needs no room.")
@click.option("--from", "first", type=DAY, default=None, help="[default: with the term]")
@click.option("--until", "last", type=DAY, default=None, help="[default: with the term]")
def schedule(
    asked: Asked,
    section: str,
    *,
    first: date | None,
    last: date | None,
    **said: Any,  # noqa: ANN401
) -> None:
    """Have a section meet, week after week, in a room that is free then."""
    from matricula.sis.curriculum import actions, queries, rules

    def action(doing: Doing) -> object:
        term = queries.term(queries.section(section).term)
        when = rules.MeetingTime(
            _WEEKDAYS.index(said["day"]) + 1, said["starts_at"].time(), said["ends_at"].time(),
            first or term.starts_on, last or term.ends_on, said["room"],
        )  # fmt: skip
        return actions.schedule_meeting(doing, section, when).pk

    carry_out(asked, action, named=lambda number: {"meeting": number})


@meeting.command("move")
@does
@click.argument("number", type=int)
@click.option("--from", "first", type=DAY, required=True, help="The first day of the new one.")
@click.option("--day", type=click.Choice(_WEEKDAYS), default=None, help="[default: as before]")
@click.option("--at", "starts_at", type=_CLOCK, default=None, help="[default: as before]")
@click.option("--to", "ends_at", type=_CLOCK, default=None, help="[default: as before]")
@click.option("--room", default=None, help="[default: as before]")
def move(
    asked: Asked,
    number: int,
    *,
    first: date,
    day: str | None,
    room: str | None,
    **times: datetime | None,
) -> None:
    """Have a section meet at another time or place from a day on; until then nothing changes."""
    from matricula.sis.curriculum import actions, queries

    given: dict[str, Any] = {name: at.time() for name, at in times.items() if at}
    given |= {"weekday": _WEEKDAYS.index(day) + 1} if day else {}
    given |= {"room": room} if room is not None else {}

    def action(doing: Doing) -> object:
        was = queries.when(queries.meeting_row(number))
        return actions.move_meeting(doing, number, replace(was, valid_from=first, **given)).pk

    carry_out(asked, action, named=lambda made: {"meeting": made})


@meeting.command("end")
@does
@click.argument("number", type=int)
@click.option("--last-day", type=DAY, required=True, help="The last day on which it may meet.")
def end(asked: Asked, number: int, last_day: date) -> None:
    """Have a section meet no more after a day."""
    from matricula.sis.curriculum import actions

    carry_out(asked, lambda doing: actions.end_meeting(doing, number, last_day))
