"""The commands of holds: what an office holds, what it means, and what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from matricula.cli import show
from matricula.cli.register import hold_looks
from matricula.cli.register.asked import DAY, Asked, carry_out, does, reads
from matricula.cli.register.show_commands import end_of

if TYPE_CHECKING:
    from datetime import date

_ON = click.option("--on", type=DAY, default=None, help="From which day.  [default: today]")


@click.group()
def hold() -> None:
    """Hold something against a student, and see what it means: which office, and what clears it.

    Only the office that holds releases. A refusal is kept as a decision with all that was
    checked.
    """


for command in (
    hold_looks.check, hold_looks.decisions, hold_looks.office, hold_looks.policy, hold_looks.rule,
):  # fmt: skip
    hold.add_command(command)


@hold.command()
@does
@click.argument("student")
@click.option(
    "--kind", required=True,
    help="debt, loan, clearance, document, identity, academic, conduct or health.",
)  # fmt: skip
@click.option("--cause", default="", help="Of a debt: tuition or ancillary.")
@click.option(
    "--office", required=True, help="bursary, library, registry, exams; or library/north."
)
@_ON
@click.option(
    "--until", "expires_on", type=DAY, default=None, help="The last day; needed with --term."
)
@click.option("--term", default="", help="Of which term, if of one alone.")
@click.option("--amount", default="", help="What is owed, such as 500.00.")
@click.option("--currency", default="", help="Of the amount.  [default: the charter's]")
@click.option(
    "--seen-by", "visibility", default="", help="everybody; or office, which alone tells why."
)
def place(
    asked: Asked,
    student: str,
    *,
    cause: str,
    amount: str,
    currency: str,
    **told: Any,  # noqa: ANN401 - click's own words for the options
) -> None:
    """Hold something against a student."""
    from matricula.sis.holds import actions, rules

    told["placed_on"] = told.pop("on") or asked.acting.today
    if amount:
        told["currency"] = currency or asked.desk.charter.currency
        told["amount_minor"] = hold_looks.minor(amount, told["currency"])
    claim = rules.Claim(
        hold_looks.person_of(student), cause=cause or rules.only_cause(told["kind"]), **told
    )
    done = carry_out(asked, lambda doing: actions.place(doing, claim))
    _name(asked, f"It is hold {done.value.number}.")


def _name(asked: Asked, sentence: str) -> None:
    """Say under which number it is found; a program finds it in the list."""
    if not asked.preview and not asked.as_json:
        show.say(sentence)


@hold.command()
@does
@click.argument("number")
@_ON
def dispute(asked: Asked, number: str, *, on: date | None) -> None:
    """Dispute a hold: that it is not owed, or another amount, or was done already."""
    from matricula.sis.holds import actions

    day = on or asked.acting.today
    carry_out(asked, lambda doing: actions.dispute(doing, number, on=day))


@hold.command()
@does
@click.argument("number")
@_ON
def settle(asked: Asked, number: str, *, on: date | None) -> None:
    """Answer a dispute: the hold stands. One that does not stand is released."""
    from matricula.sis.holds import actions

    day = on or asked.acting.today
    carry_out(asked, lambda doing: actions.settle(doing, number, on=day))


@hold.command()
@does
@click.argument("number")
@_ON
def release(asked: Asked, number: str, *, on: date | None) -> None:
    """Release a hold; only the office that holds does."""
    from matricula.sis.holds import actions

    day = on or asked.acting.today
    carry_out(asked, lambda doing: actions.release(doing, number, on=day))


@hold.command()
@does
@click.argument("service")
@click.option("--hold", "number", default="", help="From which hold.")
@click.option("--student", default="", help="Or from every hold of a student.")
@click.option(
    "--from", "starts_on", type=DAY, default=None, help="The first day.  [default: today]"
)
@click.option("--until", "ends_on", type=DAY, required=True, help="The last day.")
def exempt(
    asked: Asked,
    service: str,
    *,
    number: str,
    student: str,
    starts_on: date | None,
    ends_on: date,
) -> None:
    """Let a hold not count against a service for a time; it stands all the same."""
    from matricula.sis.holds import actions

    if bool(number) == bool(student):
        raise click.UsageError("Say either --hold or --student.")
    window = actions.Window(service, starts_on or asked.acting.today, ends_on)
    done = carry_out(
        asked,
        lambda doing: (
            actions.exempt(doing, number, window)
            if number
            else actions.exempt_from_all(doing, hold_looks.person_of(student), window)
        ),
    )
    _name(asked, f"It is exemption {done.value.pk}.")


@hold.command("end-exemption")
@does
@click.argument("number", type=int)
def end_exemption(asked: Asked, number: int) -> None:
    """Let an exemption end now, so that the hold counts again."""
    from matricula.sis.holds import actions

    carry_out(asked, lambda doing: actions.end_exemption(doing, number))


@hold.command("list")
@reads
@click.argument("student")
@click.option("--on", type=DAY, default=None, help="As it was on a day.  [default: today]")
@click.option("--known-on", type=DAY, default=None, help="As it was known at the end of a day.")
def list_(asked: Asked, student: str, *, on: date | None, known_on: date | None) -> None:
    """List the holds of a student that you may see, with the exemptions from them."""
    from matricula.sis.holds import access

    day = on or asked.acting.today
    seen = access.holds(
        asked.acting, hold_looks.person_of(student), on=day, known_at=end_of(asked, known_on)
    )
    if asked.as_json:
        show.as_json([hold_looks.held_as_json(one) for one in seen])
        return
    hold_looks.tell_holds(seen)
