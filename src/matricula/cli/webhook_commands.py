"""The command that shows who is told of events, and whether they take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.sitting import charter_option, json_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@charter_option
@json_option
def webhooks(folder: Path | None, *, as_json: bool) -> None:
    """List who subscribes to events: what waits for them, what they said, who acts next."""
    desk = sitting.sit_down(folder, only_look=True)
    from matricula.hub import webhooks as posting

    rows = posting.standing(desk)
    if as_json:
        show.as_json(rows)
        return
    if not rows:
        show.say("Nobody subscribes to events: no `subscribes:` is in the charter.")
        return
    columns = ["subscriber", "waiting", "given_up", "last_taken_at", "said", "next"]
    show.table(columns, [[row[name] for name in columns] for row in rows])
