"""The commands of the curriculum: places, programmes, modules and terms."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from matricula.cli import show as out
from matricula.cli.register import catalogue_looks
from matricula.cli.register.asked import DAY, Asked, carry_out, does, plain, reads
from matricula.cli.register.show_commands import end_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from matricula.sis.curriculum.actions import NewVersion

# The options of a term's dates, in the order in which they come to pass.
_DATES = {
    "register_from": "From when students register for it.",
    "starts_on": "The first day of teaching.",
    "add_until": "Until when they may enrol in sections.",
    "drop_until": "Until when what they leave is not on the transcript.",
    "census_on": "When students are counted.",
    "withdraw_until": "Until when they may withdraw from sections.",
    "ends_on": "The last day of teaching.",
    "marks_due_on": "When marks are due.",
    "board_on": "When the board decides.",
}


class Number(click.ParamType[Decimal]):
    """A number, written as 20 or 7.5."""

    name = "number"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Read it."""
        try:
            found = Decimal(str(value))
        except InvalidOperation:
            found = Decimal("NaN")
        if not found.is_finite():
            self.fail(f"{value} is no number; write it as 20 or 7.5.", param, ctx)
        return found


class Band(click.ParamType[tuple["date", int]]):
    """A refund band, written as 2026-09-15=100."""

    name = "band"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[date, int]:
        """Read it."""
        if isinstance(value, tuple):
            return value
        day, _, percent = str(value).partition("=")
        if not percent.isdigit():
            self.fail(f"{value} is no band; write it as 2026-09-15=100.", param, ctx)
        return DAY.convert(day, param, ctx), int(percent)


@click.group()
def department() -> None:
    """Add departments."""


@click.group()
def campus() -> None:
    """Add campuses, each with its clock."""


@click.group()
def room() -> None:
    """Add rooms."""


@click.group()
def programme() -> None:
    """Add programmes, and close them to new students."""


@click.group()
def curriculum() -> None:
    """Write down what the cohorts of a programme must do."""


@click.group()
def module() -> None:
    """Add modules, and the versions in which they are taught."""


@click.group()
def term() -> None:
    """Add terms and change their dates."""


programme.add_command(catalogue_looks.programmes)
module.add_command(catalogue_looks.modules)
term.add_command(catalogue_looks.terms)


@department.command("add")
@does
@click.argument("code")
@click.option("--title", required=True, help="What it is called.")
def add_department(asked: Asked, code: str, title: str) -> None:
    """Add a department."""
    from matricula.sis.curriculum import actions

    carry_out(asked, lambda doing: actions.add_department(doing, code, title))


@campus.command("add")
@does
@click.argument("code")
@click.option("--title", required=True, help="What it is called.")
@click.option("--timezone", required=True, help="Its clock, such as Africa/Lagos.")
def add_campus(asked: Asked, code: str, title: str, timezone: str) -> None:
    """Add a campus."""
    from matricula.sis.curriculum import actions

    carry_out(asked, lambda doing: actions.add_campus(doing, code, title, timezone))


@room.command("add")
@does
@click.argument("code")
@click.option("--campus", "place", required=True, help="Where it is.")
@click.option("--seats", type=int, required=True, help="How many it has.")
def add_room(asked: Asked, code: str, place: str, seats: int) -> None:
    """Add a room."""
    from matricula.sis.curriculum import actions

    carry_out(asked, lambda doing: actions.add_room(doing, code, place, seats))


@programme.command("add")
@does
@click.argument("code")
@click.option("--title", required=True, help="What it is called.")
@click.option("--department", required=True, help="Who answers for it.")
@click.option("--award", required=True, help="What it leads to: BSc.")
@click.option("--terms", type=int, required=True, help="How many it usually takes.")
def add_programme(
    asked: Asked,
    **said: Any,  # noqa: ANN401 - click's own words for the options
) -> None:
    """Add a programme."""
    from matricula.sis.curriculum import actions

    carry_out(asked, lambda doing: actions.add_programme(doing, actions.NewProgramme(**said)))


@programme.command("close")
@does
@click.argument("code")
@click.option("--on", type=DAY, required=True, help="From which day nobody is taken in.")
def close_programme(asked: Asked, code: str, on: date) -> None:
    """Take nobody into a programme from a day on; whoever is in it stays."""
    from matricula.sis.curriculum import actions

    carry_out(asked, lambda doing: actions.close_programme(doing, code, on))


@curriculum.command("add")
@does
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def add_curriculum(asked: Asked, file: Path) -> None:
    """Write down what some cohorts of a programme must do, from a JSON file.

    The file says programme, version, from_cohort, to_cohort, credits and requirements.
    """
    from matricula.sis.curriculum import actions

    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        message = f"{file} cannot be read as JSON: {error}."
        raise click.BadParameter(message) from error
    new = actions.read_curriculum(document)
    carry_out(asked, lambda doing: actions.add_curriculum(doing, new))


@curriculum.command("show")
@reads
@click.argument("code")
@click.argument("version")
def show_curriculum(asked: Asked, code: str, version: str) -> None:
    """Show what a version of a programme's curriculum asks."""
    from matricula.sis.curriculum import access, queries, rules

    access.may_read(asked.acting)
    found = queries.curriculum(code, version)
    told = [(one.place, one.title, rules.asks(one)) for one in rules.leaves(found.requirements)]
    if asked.as_json:
        out.as_json([dict(zip(("place", "title", "asks"), one, strict=True)) for one in told])
        return
    out.table(("place", "title", "a student must"), told)


def _version(command: Callable[..., object]) -> Callable[..., object]:
    """Give a command the options of a module's version."""
    options = [
        click.option("--title", required=True, help="What it is called."),
        click.option("--credits", type=Number(), required=True, help="What it is worth."),
        click.option("--level", type=int, required=True, help="Its level."),
        click.option("--from", "starts_on", type=DAY, required=True, help="The first day."),
        click.option(
            "--until", "ends_on", type=DAY, default=None,
            help="The last day.  [default: until the next version]",
        ),
        click.option(
            "--requisites", default="",
            help="What a student must have or be: `passed(BIO101) and not enrolled(BIO100)`.",
        ),
    ]  # fmt: skip
    found = command
    for option in reversed(options):
        found = option(found)
    return found


def _as_version(said: dict[str, Any]) -> NewVersion:
    from matricula.sis.curriculum import actions

    return actions.NewVersion(**said)


@module.command("add")
@does
@click.argument("code")
@click.option("--department", required=True, help="Who answers for it.")
@_version
def add_module(
    asked: Asked,
    code: str,
    department: str,
    **said: Any,  # noqa: ANN401
) -> None:
    """Add a module, as it is taught first."""
    from matricula.sis.curriculum import actions

    first = _as_version(said)
    carry_out(asked, lambda doing: actions.add_module(doing, code, department, first))


@module.command("version")
@does
@click.argument("code")
@_version
def add_version(
    asked: Asked,
    code: str,
    **said: Any,  # noqa: ANN401
) -> None:
    """Teach a module in another version from a day on."""
    from matricula.sis.curriculum import actions

    new = _as_version(said)
    carry_out(asked, lambda doing: actions.add_module_version(doing, code, new))


def _dates(*, required: bool) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Give a command the options of a term's dates and bands."""
    options = [
        click.option(f"--{name.replace('_', '-')}", name, type=DAY, required=required, help=what)
        for name, what in _DATES.items()
    ]
    options.append(
        click.option(
            "--band", "bands", type=Band(), multiple=True,
            help="Until a day a share of the fees is given back: 2026-09-15=100.",
        )
    )  # fmt: skip

    def given(command: Callable[..., object]) -> Callable[..., object]:
        for option in reversed(options):
            command = option(command)
        return command

    return given


@term.command("add")
@does
@click.argument("code")
@click.option("--title", required=True, help="What it is called.")
@_dates(required=True)
def add_term(
    asked: Asked,
    **said: Any,  # noqa: ANN401
) -> None:
    """Add a term with its dates and refund bands."""
    from matricula.sis.curriculum import actions, rules

    dates = rules.TermDates(**said)
    carry_out(asked, lambda doing: actions.add_term(doing, dates))


@term.command("change")
@does
@click.argument("code")
@click.option("--title", default=None, help="What it is called.")
@_dates(required=False)
@click.option("--no-bands", is_flag=True, help="Nothing is given back any more.")
def change_term(
    asked: Asked,
    code: str,
    *,
    no_bands: bool,
    **said: Any,  # noqa: ANN401
) -> None:
    """Change dates of a term; what is past only with --why and --approver.

    Dates that are not named stay; bands are given all together, or stay.
    """
    from matricula.sis.curriculum import actions, queries

    given = {name: value for name, value in said.items() if value}
    if no_bands:
        given["bands"] = ()
    carry_out(
        asked, lambda doing: actions.change_term(doing, replace(queries.term(code), **given))
    )


@term.command("show")
@reads
@click.argument("code")
@click.option("--known-on", type=DAY, default=None, help="As it was known at a day's end.")
def show_term(asked: Asked, code: str, known_on: date | None) -> None:
    """Show the dates of a term, as known now or at any day's end."""
    from matricula.sis.curriculum import access, queries

    access.may_read(asked.acting)
    found = queries.term(code, known_at=end_of(asked, known_on))
    dates = {name: getattr(found, name) for name in _DATES}
    bands = [{"until_on": day, "percent": share} for day, share in found.bands]
    if asked.as_json:
        told = plain({"code": found.code, "title": found.title, **dates})
        out.as_json({**(told or {}), "bands": bands})
        return
    out.say(f"{found.code}: {found.title}")
    out.table(("date", "day"), list(dates.items()))
    out.table(("refund until", "percent"), [tuple(one.values()) for one in bands])
