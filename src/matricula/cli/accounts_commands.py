"""The commands by which accounts are opened and roles granted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.given import why_option
from matricula.cli.register.asked import DAY, sit
from matricula.cli.sitting import charter_option

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from matricula.accounts.rules import Acting
    from matricula.hub.desk import Desk


@click.group()
def accounts() -> None:
    """Open accounts and grant roles: who may act on the register, as what, and how long."""


def _sit(folder: Path | None, why: str) -> tuple[Desk, Acting]:
    return sit(folder, role="operator", why=why)


@accounts.command()
@charter_option
@click.argument("name")
def found(folder: Path | None, name: str) -> None:
    """Open the very first account, an operator's; every other is opened by an operator."""
    desk = sitting.sit_down(folder)
    from matricula.accounts import actions
    from matricula.engine.line import local_date

    actions.found(name, at=desk.at, today=local_date(desk.charter, desk.at))
    show.say(f"{name} is an operator now. Say who acts in MATRICULA_ACTOR, and open the others.")


@accounts.command("open")
@charter_option
@click.argument("name")
@click.option("--person", type=int, default=None, help="Whose it is, by number in the register.")
@click.option("--why", default="", help="On which ground.")
def open_(folder: Path | None, name: str, person: int | None, why: str) -> None:
    """Open an account. Its name stays in the audit for ever: it is no person's name."""
    _, who = _sit(folder, why)
    from matricula.accounts import actions

    actions.open_account(who, name, person=person)
    show.say(f"The account {name} is open. It holds no role yet: `matricula accounts grant`.")


@accounts.command()
@charter_option
@click.argument("name")
@click.argument("role")
@click.option(
    "--scope", default="",
    help="own, all, or KIND:CODE of a section, module, department, programme, office."
    "  [default: own for a student, all for others]",
)  # fmt: skip
@click.option(
    "--from", "starts_on", type=DAY, default=None, help="The first day.  [default: today]"
)
@click.option("--until", "ends_on", type=DAY, default=None, help="The last day.")
@why_option("On which ground.")
def grant(
    folder: Path | None,
    name: str,
    role: str,
    *,
    scope: str,
    why: str,
    **days: date | None,
) -> None:
    """Grant an account a role within a scope, for a time."""
    _, who = _sit(folder, why)
    from matricula.accounts import actions

    within = scope or ("own" if role == "student" else "all")
    kind, _, value = within.partition(":")
    wanted = actions.Wanted(
        role, kind, value, days.get("starts_on") or who.today, days.get("ends_on")
    )
    made = actions.grant(who, name, wanted)
    show.say(f"Granted, as number {made.pk}: {name} is {role} within {within}.")


@accounts.command()
@charter_option
@click.argument("number", type=int)
@why_option("On which ground.")
def revoke(folder: Path | None, number: int, why: str) -> None:
    """Take a grant back, from this moment on."""
    _, who = _sit(folder, why)
    from matricula.accounts import actions

    held = actions.revoke(who, number)
    show.say(f"{held.account.name} is {held.role} no more by grant {number}.")


@accounts.command("list")
@charter_option
@sitting.json_option
@click.argument("name")
def list_(folder: Path | None, name: str, *, as_json: bool) -> None:
    """List what an account holds today."""
    desk, who = _sit(folder, "")
    del desk
    from matricula.accounts import queries

    held = [
        (one.pk, one.role, f"{one.scope}:{one.value}" if one.value else one.scope,
         one.starts_on, one.ends_on or "", one.granted_by, one.why)
        for one in queries.grants(queries.account(name).name, on=who.today)
    ]  # fmt: skip
    columns = ("grant", "role", "scope", "from", "until", "by", "why")
    if as_json:
        show.as_json([dict(zip(columns, row, strict=True)) for row in held])
        return
    show.table(columns, held)
