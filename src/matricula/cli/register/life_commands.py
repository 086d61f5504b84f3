"""The commands of a student's life: from matriculation to the end, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from matricula.cli.register.asked import DAY, Asked, carry_out, does
from matricula.sis.registration import rules

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

_FROM = click.option(
    "--effective", "effective_on", type=DAY, required=True, help="From which day it counts."
)
_ATTENDED = click.option(
    "--last-attended", "last_attended_on", type=DAY, default=None,
    help="The last day on which the student attended.",
)  # fmt: skip
_UNTIL = click.option("--until", "ends_on", type=DAY, default=None, help="Its last day.")
_REASONS = f"Say with --why one of: {', '.join(rules.REASONS)}."


@click.command()
@does
@click.argument("person", type=int)
@click.option("--programme", required=True, help="For which programme.")
@click.option("--cohort", required=True, help="The intake, such as 2026.")
@click.option(
    "--mode", type=click.Choice(["full", "part"]), default="full", show_default=True,
    help="Full time or part time.",
)  # fmt: skip
@_FROM
def matriculate(
    asked: Asked, person: int, *, programme: str, cohort: str, mode: str, effective_on: date
) -> None:
    """Register a person for a programme; whoever was a student before keeps the number."""
    from matricula.sis.registration import actions

    attempt = actions.Attempt(programme, cohort, mode, effective_on)
    carry_out(asked, lambda doing: actions.matriculate(doing, person, attempt))


def _happens(action: str, help_: str, *options: Callable[..., object]) -> click.Command:
    """Make the command of one action of a registration."""

    @does
    def command(asked: Asked, student: str, effective_on: date, **told: date | None) -> None:
        from matricula.sis.lifecycle import actions
        from matricula.sis.registration.actions import Change

        change = Change(action, effective_on, told.get("last_attended_on"), told.get("ends_on"))
        carry_out(asked, lambda doing: actions.happen(doing, student, change))

    found: Callable[..., object] = command
    for option in (*reversed(options), _FROM, click.argument("student")):
        found = option(found)
    asks = rules.TRANSITIONS[action].needs_reason
    return click.command(action.replace(" ", "-"), help=help_, epilog=_REASONS if asks else None)(
        found
    )


start = _happens("start", "Have a registration begin: the student is here.")
never_start = _happens("never start", "Close a registration that was never taken up.")
withdraw = _happens(
    "withdraw", "Record that a student leaves: sections end, seats are freed.", _ATTENDED
)
leave = _happens("leave", "Grant a leave of absence until a day.", _UNTIL)
return_ = _happens("return", "Record that a student is back from leave or suspension.")
suspend = _happens("suspend", "Suspend a student, until a day or until further notice.", _UNTIL)
dismiss = _happens("dismiss", "Dismiss a student who is suspended.")
lapse = _happens("lapse", "Close the registration of a student who did not come back.")
transfer = _happens("transfer", "Record that a student goes on at another institution.", _ATTENDED)
finish = _happens("finish", "Begin completion: everything that the curriculum asks for is there.")
complete = _happens("complete", "Record that a student has completed.")
award = _happens("award", "Record that the award was conferred.")
revoke = _happens("revoke", "Record that an award was revoked.")


@click.command("change-programme", epilog=_REASONS)
@does
@click.argument("student")
@click.argument("programme")
@click.option("--cohort", required=True, help="The intake whose curriculum counts.")
@click.option("--section", "sections", multiple=True, help="A section to be enrolled in.")
@_FROM
def change_programme(
    asked: Asked,
    student: str,
    programme: str,
    *,
    cohort: str,
    sections: tuple[str, ...],
    effective_on: date,
) -> None:
    """Let a student go on in another programme from a day on, under the same number."""
    from matricula.sis.lifecycle import actions

    towards = actions.Towards(programme, cohort, sections)
    carry_out(
        asked,
        lambda doing: actions.change_programme(doing, student, towards, effective_on=effective_on),
    )


@click.command()
@does
@click.argument("student")
@click.argument("programme")
@click.option("--cohort", required=True, help="The intake whose curriculum counts.")
@_FROM
def readmit(
    asked: Asked, student: str, programme: str, *, cohort: str, effective_on: date
) -> None:
    """Take back a student who left, under the same number, as a new registration."""
    from matricula.sis.lifecycle import actions

    towards = actions.Towards(programme, cohort)
    carry_out(
        asked, lambda doing: actions.readmit(doing, student, towards, effective_on=effective_on)
    )


@click.command()
@does
@click.argument("act")
def reverse(asked: Asked, act: str) -> None:
    """Take an act back, whatever it did; what cannot be restored is listed for a person."""
    from matricula.sis.lifecycle import actions

    carry_out(asked, lambda doing: actions.reverse(doing, act))
