"""`matricula register`: the commands of the register, each loaded when it is asked for."""

from __future__ import annotations

import click

from matricula.cli.lazy import LazyGroup

# In the order of a student's life; the offices' own things after it.
COMMANDS = {
    "matriculate": "matricula.cli.register.life_commands:matriculate",
    "start": "matricula.cli.register.life_commands:start",
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def register() -> None:
    """Do what an office does with the official record; `--preview` shows all that follows.

    A command acts in one of your roles. It answers with what changes in the register and in
    every system that the charter connects, and keeps nothing with `--preview`.
    """
