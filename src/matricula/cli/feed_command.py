"""The command that prints what a source's administrator runs, so that it tells its changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from matricula.cli import sitting
from matricula.cli.sitting import charter_option

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@charter_option
@click.argument("system")
@click.argument("resource")
def feed(folder: Path | None, system: str, resource: str) -> None:
    """Print the script by which a system's administrator makes it tell what changes.

    Nothing is run: `matricula feed campus students > feed.sql`, and give them the file.
    """
    desk = sitting.sit_down(folder)
    from matricula.hub import since

    # To be kept in a file to the byte, so never wrapped for a terminal.
    click.echo(since.feed_script(desk, system, resource), nl=False)
