"""The commands of teaching: who has which duty, when and where it meets, and who was there."""

from __future__ import annotations

from datetime import date, time
from typing import TYPE_CHECKING

import click

from matricula.cli import show as out
from matricula.cli.register.asked import DAY, Asked, carry_out, does, reads
from matricula.cli.register.show_commands import end_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matricula.sis.teaching.rules import Lesson, Mark


class Clock(click.ParamType[time]):
    """A time of the day, written as 09:00."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> time:
        """Read it."""
        if isinstance(value, time):
            return value
        try:
            return time.fromisoformat(str(value)).replace(tzinfo=None)
        except ValueError:
            self.fail(f"{value} is no time; write it as 09:00.", param, ctx)


CLOCK = Clock()
_KNOWN = click.option(
    "--known-on", type=DAY, default=None, help="As it was known at the end of a day."
)
_LAST = click.option("--last-day", type=DAY, required=True, help="The last day of it.")
_MET_ON = click.option("--on", type=DAY, required=True, help="On which day, at the campus.")
_MET_AT = click.option(
    "--at", "starts_at", type=CLOCK, required=True, help="When it began, at the campus: 09:00."
)


@click.group()
def teach() -> None:
    """Say who leads, teaches, marks and moderates which section."""


@teach.command()
@does
@click.argument("section")
@click.argument("staff")
@click.argument("duty")
@click.option("--from", "starts_on", type=DAY, required=True, help="The first day.")
@click.option(
    "--until", "ends_on", type=DAY, default=None,
    help="The last day.  [default: when marks are due, or the board meets]",
)  # fmt: skip
def assign(
    asked: Asked, section: str, staff: str, *, duty: str, starts_on: date, ends_on: date | None
) -> None:
    """Give a member of staff a duty in a section: lead, lecturer, marker or moderator."""
    from matricula.sis.teaching import actions

    wanted = actions.Wanted(section, staff, duty, starts_on, ends_on)
    carry_out(asked, lambda doing: actions.assign(doing, wanted))


@teach.command()
@does
@click.argument("assignment")
@_LAST
def end(asked: Asked, assignment: str, *, last_day: date) -> None:
    """End a duty, and what the account was granted for it; yesterday ends it at once."""
    from matricula.sis.teaching import actions

    carry_out(asked, lambda doing: actions.end(doing, assignment, last_day=last_day))


@teach.command("hand-over")
@does
@click.argument("assignment")
@click.argument("colleague")
@click.option("--from", "on", type=DAY, required=True, help="The colleague's first day.")
def hand_over(asked: Asked, assignment: str, colleague: str, *, on: date) -> None:
    """Hand a duty over to a colleague, who has it to its end."""
    from matricula.sis.teaching import actions

    carry_out(asked, lambda doing: actions.hand_over(doing, assignment, to=colleague, on=on))


@teach.command()
@does
@click.argument("staff")
@_LAST
@click.option("--hand-over-to", default=None, help="The colleague who takes the sections over.")
@click.option(
    "--submit-until", type=DAY, default=None, help="Until when they may still hand in marks."
)
def leave(
    asked: Asked,
    staff: str,
    *,
    last_day: date,
    hand_over_to: str | None,
    submit_until: date | None,
) -> None:
    """Let a lecturer leave: the duty ends, and with it every section."""
    from matricula.sis.teaching import actions

    carry_out(
        asked,
        lambda doing: actions.lecturer_leaves(
            doing, staff, last_day, hand_over_to=hand_over_to, submit_until=submit_until
        ),
    )


@teach.command()
@does
@click.argument("staff")
def access(asked: Asked, staff: str) -> None:
    """Grant what duties need that were given before the person had an account."""
    from matricula.sis.teaching import actions

    carry_out(asked, lambda doing: actions.give_access(doing, staff))


@teach.command("show")
@reads
@click.argument("section")
@click.option("--on", type=DAY, default=None, help="As it is on a day.  [default: today]")
@_KNOWN
def show_duties(asked: Asked, section: str, *, on: date | None, known_on: date | None) -> None:
    """Show who has which duty in a section."""
    from matricula.sis.teaching import access

    found = access.duties(
        asked.acting, section, on=on or asked.acting.today, known_at=end_of(asked, known_on)
    )
    columns = ("assignment", "staff", "duty", "from", "until", "took over")
    rows = [
        (one.number, one.held.staff_no, one.held.duty, one.held.starts_on, one.held.ends_on,
         one.takes_over)
        for one in found
    ]  # fmt: skip
    _tell(asked, columns, rows)


@click.group()
def timetable() -> None:
    """Show when and where a section, a student, a lecturer or a room meets."""


def _timetable(of: str, help_: str) -> click.Command:
    """Make the command that shows the timetable of one kind of thing."""

    @reads
    def command(asked: Asked, code: str, week: date | None, day: date | None) -> None:
        from matricula.sis.teaching import access, rules

        days = (day,) if day else rules.week_of(week or asked.acting.today)
        asking: Callable[..., list[Lesson]] = getattr(access, f"timetable_of_{of}")
        found = asking(asked.acting, code, days)
        columns = ("on", "from", "to", "section", "title", "room", "campus", "clock")
        rows = [
            (one.on, f"{one.starts_at:%H:%M}", f"{one.ends_at:%H:%M}", one.section, one.title,
             one.room, one.campus, one.timezone)
            for one in found
        ]  # fmt: skip
        _tell(asked, columns, rows)

    named = click.argument("code", metavar=of.upper())(command)
    weekly = click.option("--week", type=DAY, default=None, help="A day of the week.")(named)
    daily = click.option("--day", type=DAY, default=None, help="One day only.")(weekly)
    return click.command(of, help=help_)(daily)


for _command in (
    _timetable("section", "Show when a section meets."),
    _timetable("student", "Show where a student is taught."),
    _timetable("lecturer", "Show where a member of staff meets students."),
    _timetable("room", "Show what meets in a room."),
):
    timetable.add_command(_command)


@click.group()
def attendance() -> None:
    """Take attendance of a meeting, amend it, and show it."""


@attendance.command()
@does
@click.argument("section")
@click.argument("marks", nargs=-1, metavar="STUDENT=CATEGORY...")
@_MET_ON
@_MET_AT
@click.option("--rest", default="", help="The category of everybody who is not named.")
def take(
    asked: Asked, section: str, marks: tuple[str, ...], *, on: date, starts_at: time, rest: str
) -> None:
    """Take attendance: present, partial, excused or unexcused; a second time amends."""
    from matricula.sis.teaching import actions

    categories = {number: word for number, _, word in (one.partition("=") for one in marks)}
    if len(categories) < len(marks):
        raise click.UsageError("A student is named twice; name each once.")
    met = actions.Met(section, on, starts_at)
    carry_out(asked, lambda doing: actions.take(doing, met, categories, rest=rest))


@attendance.command()
@does
@click.argument("section")
@click.argument("student")
@click.argument("category")
@_MET_ON
@_MET_AT
def amend(
    asked: Asked, section: str, student: str, *, category: str, on: date, starts_at: time
) -> None:
    """Amend what was taken of a student; the reason goes with --why."""
    from matricula.sis.teaching import actions

    met = actions.Met(section, on, starts_at)
    carry_out(asked, lambda doing: actions.amend(doing, met, student, category))


@attendance.command("show")
@reads
@click.argument("section_or_student")
@click.option("--on", type=DAY, default=None, help="The marks of one day of a section.")
@click.option("--of-student", is_flag=True, help="It is a student's number.")
@_KNOWN
def show_attendance(
    asked: Asked,
    section_or_student: str,
    *,
    on: date | None,
    of_student: bool,
    known_on: date | None,
) -> None:
    """Show what attendance comes to, per student and section, or the marks of a day."""
    from matricula.sis.teaching import access

    known_at = end_of(asked, known_on)
    if on is not None and not of_student:
        found = access.attendance_on(asked.acting, section_or_student, on, known_at=known_at)
        _tell_marks(asked, found)
        return
    read = access.attendance_of_student if of_student else access.attendance_in
    columns = ("student", "section", "present", "partial", "excused", "unexcused", "percent",
               "after leaving")  # fmt: skip
    rows = [
        (one.student_no, one.section, *one.counts.values(), one.attended_percent,
         one.after_leaving)
        for one in read(asked.acting, section_or_student, known_at=known_at)
    ]  # fmt: skip
    _tell(asked, columns, rows)


def _tell_marks(asked: Asked, marks: Sequence[tuple[Mark, bool]]) -> None:
    columns = ("at", "student", "category", "amended", "restricted")
    rows = [
        (f"{one.starts_at:%H:%M}", one.student_no, one.category, one.reason, is_restricted)
        for one, is_restricted in marks
    ]
    _tell(asked, columns, rows)


def _tell(asked: Asked, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    if asked.as_json:
        out.as_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        out.table(columns, rows)
