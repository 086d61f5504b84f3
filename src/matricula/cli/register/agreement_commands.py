"""The commands of second persons: agree beforehand to an act of somebody else, or take it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.given import why_option
from matricula.cli.register.asked import DAY, Asked, reads, sit

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

_ROLE = click.option("--role", default="", help="In which of your roles you act.")


@click.command()
@sitting.charter_option
@_ROLE
@click.argument("account")
@click.argument("about")
@why_option("To what you agree, and on which ground.")
@click.option(
    "--until", "ends_on", type=DAY, default=None,
    help="The last day on which it may be used.  [default: in a week]",
)  # fmt: skip
def agree(
    folder: Path | None, account: str, about: str, *, role: str, why: str, ends_on: date | None
) -> None:
    """Agree beforehand to one act of ACCOUNT about one record, as its second person.

    ABOUT is KIND:KEY, such as student:00000001; what an act asks for is said when it is refused.
    You act under your own account, in the role in which you answer for the record.
    """
    _, who = sit(folder, role=role, why=why)
    from matricula.accounts.rules import About
    from matricula.sis.lifecycle import actions

    entity, _, key = about.partition(":")
    made = actions.agree(who, account, About(entity, key), ends_on=ends_on)
    show.say(
        f"Agreed, as number {made.number}: {account} may do one thing about {about} until "
        f"{made.ends_on}, and names {who.account} with --approver."
    )


@click.command("withdraw-agreement")
@sitting.charter_option
@_ROLE
@click.argument("number", type=int)
@click.option("--why", default="", help="On which ground.")
def withdraw_agreement(folder: Path | None, number: int, *, role: str, why: str) -> None:
    """Take back what you agreed to, before it is used."""
    _, who = sit(folder, role=role, why=why)
    from matricula.accounts import actions

    actions.withdraw_agreement(who, number)
    show.say(f"Agreement {number} does not count any more.")


@click.command()
@reads
def agreements(asked: Asked) -> None:
    """List the open agreements that you gave or were given."""
    from matricula.accounts import queries

    rows = [
        (one.pk, one.account.name, one.role, one.whose, f"{one.entity}:{one.key}", one.ends_on,
         one.why)
        for one in queries.open_agreements(asked.acting.account, on=asked.acting.today)
    ]  # fmt: skip
    columns = ("agreement", "by", "as", "for", "about", "until", "why")
    if asked.as_json:
        show.as_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    show.table(columns, rows)
