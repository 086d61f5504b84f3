"""Commands about edited copies: list them, let one stand for a while."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.given import Day, why_option
from matricula.cli.sitting import charter_option, json_option

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from matricula.hub.drift import Found


@click.group(invoke_without_command=True)
@charter_option
@json_option
@click.option("--flow", default="", help="Only this flow.")
@click.option(
    "--asks", default="", help="Only what waits for this office, as the charter calls it."
)
@click.pass_context
def drift(
    context: click.Context, folder: Path | None, *, as_json: bool, flow: str, asks: str
) -> None:
    """List copies that were edited in the wrong place, as the last full plan saw them."""
    if context.invoked_subcommand:
        return
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub.drift import find_drift

    found = find_drift(desk, flow, asks=asks)
    if as_json:
        show.as_json([asdict(d) for d in found.edits])
        return
    if asks and not found.edits:
        show.say(f"Nothing waits for {desk.charter.title_of(asks)}; `matricula drift` lists all.")
        return
    _print_drift(found)


def _print_drift(found: Found) -> None:
    if found.edits:
        show.table(
            ["flow", "target", "key", "field", "owner", "delivered", "found", "seen", "next"],
            [
                [d.flow, d.target, d.key, d.field or "(copy gone)", d.owner,
                 show.value(d.delivered), show.value(d.found), d.seen_at, d.next]
                for d in found.edits
            ],
        )  # fmt: skip
    if found.unseen:
        show.say(
            f"Nobody has looked yet at what the targets of {', '.join(found.unseen)} hold: "
            "a full `matricula plan` does."
        )
    looked = f", as seen at {show.instant(found.seen_at)}" if found.seen_at else ""
    if found.edits:
        show.say(f"{len(found.edits)} edited value(s).")
    elif found.seen_at:
        show.say(f"No copy is known to be edited{looked}.")


@drift.command()
@charter_option
@click.argument("place", nargs=3, metavar="FLOW KEY FIELD")
@click.option(
    "--until",
    type=Day(),
    required=True,
    help="The last day it stands, as in 2027-01-31.",
)
@click.option("--as", "steward", required=True, help="The office that answers for the flow.")
@why_option()
def accept(
    folder: Path | None, place: tuple[str, str, str], *, until: date, steward: str, why: str
) -> None:
    """Let an edited value stand until a day has passed; then it is drift again, by itself."""
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import accepted

    kept = accepted.accept(desk, place, until=until, steward=steward, why=why)
    flow, key, field = place
    show.say(f"{field} of {key} in {flow} stands until {kept.until}.")
