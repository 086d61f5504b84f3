"""The commands that tell how a student stands, stood, and was thought to stand."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from matricula.cli import show as out
from matricula.cli.register import hold_looks
from matricula.cli.register.asked import DAY, Asked, plain, reads, tell_rows

if TYPE_CHECKING:
    from datetime import date

    from matricula.accounts.rules import Acting
    from matricula.sis.enrolment.queries import InTerm
    from matricula.sis.holds.access import Seen


@click.command()
@reads
@click.argument("student")
@click.option("--on", type=DAY, default=None, help="As it was on a day.  [default: today]")
@click.option("--known-on", type=DAY, default=None, help="As it was known at the end of a day.")
@click.option(
    "--break-glass", is_flag=True,
    help="Read it without a grant: with --why, noted, and told to the register's office.",
)  # fmt: skip
def show(
    asked: Asked, student: str, *, on: date | None, known_on: date | None, break_glass: bool
) -> None:
    """Show a student's registrations, terms, holds and history, for today or for any day."""
    from matricula.hub import glass
    from matricula.sis.enrolment import access as in_terms
    from matricula.sis.holds import access as held
    from matricula.sis.registration import access

    day, at = on or asked.acting.today, end_of(asked, known_on)

    def look(who: Acting) -> tuple[access.History, list[InTerm], list[Seen]]:
        told = access.history(who, student, on=day, known_at=at)
        person = hold_looks.person_of(student.partition("/")[0])
        holds = held.holds_shown(who, person, on=day, known_at=at)
        return told, in_terms.terms(who, student, on=day, known_at=at), holds

    told, terms, holds = (
        glass.read(asked.desk, asked.acting, student, look) if break_glass
        else look(asked.acting)
    )  # fmt: skip
    columns = ("registration", "term", "load", "state", "since")
    rows = [(one.number, one.term, one.load, one.state, one.since) for one in terms]
    if asked.as_json:
        named = [plain(dict(zip(columns, row, strict=True))) for row in rows]
        against = [hold_looks.held_as_json(one) for one in holds]
        out.as_json({**told.as_json(), "terms": named, "holds": against})
        return
    begun = {one.registration for one in told.lines if one.stands and one.action != "reverse"}
    out.table(
        ("registration", "programme", "cohort", "state", "since", "until"),
        [
            (one.number, one.programme, one.cohort,
             one.standing.state or ("not yet" if one.number in begun else "taken back"),
             one.standing.since, one.standing.ends_on)
            for one in told.registrations
        ],
    )  # fmt: skip
    if rows:
        out.table(columns, rows)
    if holds:
        hold_looks.tell_holds(holds)
    out.table(
        ("act", "registration", "what", "from", "recorded", "reason", "stands"),
        [
            (one.act, one.registration, one.action, one.effective_on, one.recorded_at, one.reason,
             None if one.action == "reverse" else one.stands)
            for one in told.lines
        ],
    )  # fmt: skip


@click.command("on-leave")
@reads
@click.option("--on", type=DAY, default=None, help="On which day.  [default: today]")
def on_leave(asked: Asked, on: date | None) -> None:
    """List who is on leave and when each is to be back, the first of them first."""
    from matricula.sis.registration import access

    rows = [
        (one.number, one.programme, one.standing.since, one.standing.ends_on)
        for one in access.on_leave(asked.acting, on=on or asked.acting.today)
    ]
    tell_rows(asked, ("registration", "programme", "since", "until"), rows)


@click.command()
@reads
@click.argument("student")
def looks(asked: Asked, student: str) -> None:
    """List who looked at what is sensitive in a student's record, the latest first."""
    from matricula.accounts import queries
    from matricula.sis.registration import access

    access.may_read_looks(asked.acting, student)
    columns = ("at", "account", "role", "what", "why")
    rows = [
        (one.looked_at, one.account, one.role, one.what, one.why)
        for one in queries.looks("student", student)
    ]
    tell_rows(asked, columns, rows)


def end_of(asked: Asked, day: date | None) -> datetime | None:
    """Give the last moment of a day at the institution; None stands for now."""
    if day is None:
        return None
    zone = ZoneInfo(asked.desk.charter.timezone)
    return datetime.combine(day, time.max, zone).astimezone(UTC)
