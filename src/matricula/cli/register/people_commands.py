"""The commands about persons and staff: who they are, how they are reached, what they do here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from matricula.cli import show as out
from matricula.cli.register.asked import DAY, Asked, carry_out, does, plain, reads
from matricula.cli.register.show_commands import end_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from matricula.sis.people.rules import Number


@click.group()
def person() -> None:
    """Register persons, write down what is so of them, and merge those who are one."""


@click.group()
def staff() -> None:
    """Hire people, and let their duties begin and end."""


def _from_day(what: str) -> Callable[[Callable[..., object]], Callable[..., object]]:
    return click.option("--on", type=DAY, default=None, help=f"{what}  [default: today]")


@person.command()
@does
@click.option("--given", default="", help="Given names, as on the document.")
@click.option("--family", default="", help="Family name, as on the document.")
@click.option("--born", "born_on", type=DAY, default=None, help="Day of birth.")
@click.option("--email", default="", help="Where they are reached for their studies.")
@click.option("--phone", default="", help="Where they are called for their studies.")
@click.option("--number", "numbers", multiple=True, help="Another system's: SYSTEM/KIND=NUMBER.")
@click.option("--same-as", type=int, default=None, help="The person who it is.")
@click.option("--new", "is_new", is_flag=True, help="It is none of those who are alike.")
@_from_day("Since when this holds.")
def add(
    asked: Asked,
    *,
    same_as: int | None,
    is_new: bool,
    on: date | None,
    numbers: tuple[str, ...],
    **said: Any,  # noqa: ANN401 - click's own words for the options
) -> None:
    """Register a person, unless they may be there already: then say who it is."""
    from matricula.sis.people import actions

    described = actions.Described(**said, numbers=tuple(_number(one) for one in numbers))
    carry_out(
        asked,
        lambda doing: actions.register_matched(
            doing, described, same_as=same_as, is_new=is_new, on=on
        ),
        named=lambda found: {"person": found.pk},
    )


def _number(text: str) -> Number:
    from matricula.sis.people.rules import Number

    named, _, value = text.partition("=")
    system, _, kind = named.partition("/")
    if not (system and kind and value):
        raise click.BadParameter(f"{text} is no number; write it as SYSTEM/KIND=NUMBER.")
    return Number(system, kind, value)


@person.command()
@reads
@click.argument("words", nargs=-1, required=True)
@click.option(
    "--limit", type=click.IntRange(1, 200), default=20, show_default=True,
    help="How many are listed at most.",
)  # fmt: skip
def find(asked: Asked, words: tuple[str, ...], limit: int) -> None:
    """Find persons by a number, an e-mail address or the beginnings of their names."""
    from matricula.sis.people import access

    columns = ("person", "given", "family", "student_no", "staff_no", "is_restricted")
    found = access.find(asked.acting, " ".join(words), limit=limit)
    rows = [tuple(getattr(one, column) for column in columns) for one in found]
    if asked.as_json:
        out.as_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    out.table(("person", "given", "family", "student", "staff", "restricted"), rows)


@person.command()
@reads
@click.argument("number", type=int)
@click.option("--on", type=DAY, default=None, help="As it was on a day.  [default: today]")
@click.option(
    "--known-at", "--known-on", type=DAY, default=None, help="As it was known at a day's end."
)
def show(asked: Asked, number: int, on: date | None, known_at: date | None) -> None:
    """Show what is so of a person, or was so on any day, as known now or at any day's end."""
    from matricula.sis.people import access

    told = access.portrait(
        asked.acting, number, on=on or asked.acting.today, known_at=end_of(asked, known_at)
    )
    columns = ("what", "value", "first", "last", "recorded_at", "of")
    rows = [{column: getattr(one, column) for column in columns} for one in told.facts]
    if asked.as_json:
        out.as_json({"person": told.known.person, "facts": [plain(row) for row in rows]})
        return
    out.say(f"Person {told.known.person}{', restricted' if told.known.is_restricted else ''}")
    out.table(
        ("what", "value", "from", "until", "recorded", "as person"),
        [tuple(row.values()) for row in rows],
    )


@person.command()
@does
@click.argument("number", type=int)
@click.option("--given", default="", help="Given names.")
@click.option("--family", default="", help="Family name.")
@click.option("--display", is_flag=True, help="By which they are called; without words: no more.")
@_from_day("The first day of the name.")
def rename(
    asked: Asked, number: int, *, given: str, family: str, display: bool, on: date | None
) -> None:
    """Give a person a name from a day on; the one before ends the day before."""
    from matricula.sis.people import actions, rules

    naming = actions.Naming(rules.DISPLAY if display else rules.LEGAL, given, family)
    first = on or asked.acting.today
    carry_out(asked, lambda doing: actions.rename(doing, number, naming, on=first))


@person.command()
@does
@click.argument("number", type=int)
@click.argument("kind", type=click.Choice(["email", "phone", "address"]))
@click.argument("value", default="")
@click.option(
    "--use", type=click.Choice(["study", "work", "home", "emergency"]), default="study",
    show_default=True, help="What for.",
)  # fmt: skip
@_from_day("The first day.")
def contact(
    asked: Asked, number: int, *, kind: str, value: str, use: str, on: date | None
) -> None:
    """Say how a person is reached from a day on; without a value: no longer in this way."""
    from matricula.sis.people import actions

    reached = actions.Contact(kind, use, value)
    first = on or asked.acting.today
    carry_out(asked, lambda doing: actions.change_contact(doing, number, reached, on=first))


@person.command()
@does
@click.argument("number", type=int)
@click.option("--born", "born_on", type=DAY, required=True, help="The day of birth.")
def correct(asked: Asked, number: int, born_on: date) -> None:
    """Correct a day of birth; what was thought before stays on record."""
    from matricula.sis.people import actions

    carry_out(asked, lambda doing: actions.correct_birth_date(doing, number, born_on))


@person.command()
@does
@click.argument("number", type=int)
@click.option("--until", type=DAY, default=None, help="The last day.")
@click.option("--lift", is_flag=True, help="Outsiders may be told again.")
@_from_day("From which day.")
def restrict(
    asked: Asked, number: int, *, until: date | None, lift: bool, on: date | None
) -> None:
    """Write down that outsiders are told nothing of a person, or that they may be again."""
    _direct(asked, number, "directory_restriction", "", (on, until), lift=lift)


@person.command()
@does
@click.argument("number", type=int)
@click.argument("kind", type=click.Choice(["consent", "third_party_release"]))
@click.argument("items")
@click.option("--until", type=DAY, default=None, help="The last day.")
@click.option("--lift", is_flag=True, help="No more.")
@_from_day("From which day.")
def directive(
    asked: Asked,
    number: int,
    *,
    kind: str,
    items: str,
    lift: bool,
    **days: Any,  # noqa: ANN401
) -> None:
    """Write down to what a person agrees, or to whom something of them may be told."""
    _direct(asked, number, kind, items, (days["on"], days["until"]), lift=lift)


def _direct(
    asked: Asked,
    number: int,
    kind: str,
    items: str,
    days: tuple[date | None, date | None],
    *,
    lift: bool,
) -> None:
    from matricula.sis.people import actions

    wish, first = actions.Wish(kind, items), days[0] or asked.acting.today
    if lift:
        carry_out(asked, lambda doing: actions.lift_directive(doing, number, wish, on=first))
        return
    carry_out(
        asked,
        lambda doing: actions.set_directive(doing, number, wish, on=first, until=days[1]),
    )


@person.command()
@does
@click.argument("survivor", type=int)
@click.argument("merged", type=int)
@click.option("--evidence", required=True, help="What shows that the two are one.")
@click.option("--number", default="", help="The student number that goes on, where both have one.")
def merge(asked: Asked, survivor: int, merged: int, *, evidence: str, number: str) -> None:
    """Merge a person into another one who is the same; needs a second person."""
    from matricula.sis.people import actions

    carry_out(
        asked,
        lambda doing: actions.merge(doing, survivor, merged, evidence=evidence, number=number),
    )


@person.command()
@does
@click.argument("merged", type=int)
def unmerge(asked: Asked, merged: int) -> None:
    """Take a merge back: both persons are as they were; needs a second person."""
    from matricula.sis.people import actions

    carry_out(asked, lambda doing: actions.unmerge(doing, merged))


@staff.command()
@does
@click.argument("number", type=int)
@click.option("--staff-no", default="", help="That another system gave.  [default: the next]")
@_from_day("Since when the number is theirs.")
def hire(asked: Asked, number: int, *, staff_no: str, on: date | None) -> None:
    """Make a person a member of staff; what they do here is a duty."""
    from matricula.sis.people import actions

    carry_out(
        asked,
        lambda doing: actions.hire(doing, number, number=staff_no, on=on),
        named=lambda member: {"staff_no": member.number},
    )


@staff.command()
@does
@click.argument("staff_no")
@click.argument("kind")
@click.option("--department", required=True, help="Where, by its code.")
@click.option("--from", "first", type=DAY, default=None, help="The first day.  [default: today]")
@click.option("--until", "last", type=DAY, default=None, help="The last day.")
def duty(
    asked: Asked, staff_no: str, *, kind: str, department: str, first: date | None,
    last: date | None,
) -> None:  # fmt: skip
    """Let a member of staff be something, such as lecturer, in a department for a time."""
    from matricula.sis.people import actions

    post = actions.Post(kind, department, first or asked.acting.today, last)
    carry_out(asked, lambda doing: actions.assign_duty(doing, staff_no, post))


@staff.command()
@does
@click.argument("staff_no")
@click.argument("kind")
@click.option("--last-day", type=DAY, required=True, help="The last day.")
@click.option("--department", default="", help="Where, by its code.  [default: everywhere]")
def end(asked: Asked, staff_no: str, *, kind: str, last_day: date, department: str) -> None:
    """End a duty with a day, and what was granted to the account for it."""
    from matricula.sis.people import actions

    carry_out(
        asked,
        lambda doing: actions.end_duty(doing, staff_no, kind, last_day, department=department),
    )
