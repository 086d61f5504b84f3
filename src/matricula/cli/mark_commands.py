"""The command that tells Matricula where to look: for webhooks, scripts and impatient people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from matricula.cli import show, sitting
from matricula.cli.sitting import charter_option
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@charter_option
@click.argument("entity")
@click.argument("keys", nargs=-1, required=True)
@click.option("--why", default="by hand", show_default=True, help="What changed them.")
def mark(folder: Path | None, entity: str, keys: tuple[str, ...], why: str) -> None:
    """Mark records as changed, so that the next pass looks at them; a worker does at once.

    The parts of a key are joined by `|`, in quotes: `matricula mark enrolment "00001|LAW1"`.
    """
    desk = sitting.sit_down(folder)
    from matricula.hub import marks

    if entity not in desk.charter.entities:
        raise Refused(
            "M517",
            f"The charter knows no entity {entity}.",
            cure=f"Use one of {', '.join(desk.charter.entities)}.",
        )
    flows = marks.mark(desk.charter, entity, keys, why=why, at=desk.at)
    show.say(f"{len(set(keys))} marked for {', '.join(flows) or 'no flow: none reads them'}.")
