"""The commands of a student's life: from matriculation to the end, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from matricula.cli.register.asked import DAY, Asked, carry_out, does

if TYPE_CHECKING:
    from datetime import date


@click.command()
@does
@click.argument("person", type=int)
@click.option("--programme", required=True, help="For which programme.")
@click.option("--cohort", required=True, help="The intake, such as 2026.")
@click.option("--mode", type=click.Choice(["full", "part"]), default="full", show_default=True)
@click.option("--on", "effective_on", type=DAY, required=True, help="From which day.")
def matriculate(
    asked: Asked, person: int, *, programme: str, cohort: str, mode: str, effective_on: date
) -> None:
    """Register a person for a programme; whoever was a student before keeps the number."""
    from matricula.sis.registration import actions

    attempt = actions.Attempt(programme, cohort, mode, effective_on)
    carry_out(asked, lambda doing: actions.matriculate(doing, person, attempt))


@click.command()
@does
@click.argument("student")
@click.option("--on", "effective_on", type=DAY, required=True, help="From which day.")
def start(asked: Asked, student: str, effective_on: date) -> None:
    """Have a registration begin: the student is here."""
    from matricula.sis.registration import access, actions

    carry_out(
        asked,
        lambda doing: actions.record(
            doing,
            access.registration(doing.acting, student, to="record an event"),
            actions.Change("start", effective_on),
        ),
    )
