"""The commands of Admissions: from an enquiry to a student, and what lies between."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from matricula.cli import show as out
from matricula.cli.register.asked import DAY, Asked, carry_out, does, reads
from matricula.cli.register.show_commands import end_of
from matricula.kernel.words import meant

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from matricula.sis.admissions.queries import Applied

_ON = click.option(
    "--effective", "on", type=DAY, default=None, help="From which day it counts.  [default: today]"
)
_NUMBER = click.argument("number")


def _who(*, needed: bool) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Give a command the options that say who applies."""
    options = [
        click.option("--given", required=needed, default=None, help="Given names."),
        click.option("--family", required=needed, default=None, help="Family name."),
        click.option("--born", "born_on", type=DAY, default=None, help="Day of birth."),
        click.option("--email", default=None, help="Where they are answered."),
        click.option("--former-family", default=None, help="The name they once had here."),
        click.option("--former-number", default=None, help="The student number they once had."),
    ]

    def given(command: Callable[..., object]) -> Callable[..., object]:
        found = command
        for option in reversed(options):
            found = option(found)
        return found

    return given


@click.command()
@does
@_who(needed=True)
@click.option("--programme", required=True, help="For which programme.")
@click.option("--term", required=True, help="In which term they want to begin.")
@click.option(
    "--mode", type=click.Choice(["full", "part"]), default="full", show_default=True,
    help="Full time or part time.",
)  # fmt: skip
@click.option("--enquiry", "is_enquiry", is_flag=True, help="They only ask so far.")
@_ON
def apply(
    asked: Asked,
    *,
    programme: str,
    term: str,
    mode: str,
    is_enquiry: bool,
    on: date | None,
    **said: Any,  # noqa: ANN401 - click's own words for the options
) -> None:
    """Write down an application, or an enquiry; `register application` goes on with it."""
    from matricula.sis.admissions import actions
    from matricula.sis.admissions.queries import NOBODY

    who = replace(NOBODY, **_said(said))
    wish = actions.Wish(programme, term, mode, is_enquiry)
    day = on or asked.acting.today
    carry_out(
        asked,
        lambda doing: actions.apply(doing, who, wish, on=day),
        named=lambda made: {"application": made.number},
    )


def _said(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


@click.group()
def application() -> None:
    """Bring applications from hand to hand: review, offer, answer, deposit, matriculation."""


@application.command()
@does
@_NUMBER
@_who(needed=False)
@_ON
def amend(
    asked: Asked,
    number: str,
    *,
    on: date | None,
    **said: Any,  # noqa: ANN401 - click's own words for the options
) -> None:
    """Write down anew who applies; what is not named stays as it was."""
    from matricula.sis.admissions import access, actions
    from matricula.sis.admissions.queries import NOBODY

    before = access.told(asked.acting, number).applicant or NOBODY
    who = replace(before, **_said(said))
    day = on or asked.acting.today
    carry_out(asked, lambda doing: actions.amend(doing, number, who, on=day))


def _step(action: str, help_: str) -> click.Command:
    """Make the command of one plain step."""

    @click.command(action, help=help_)
    @does
    @_NUMBER
    @_ON
    def command(asked: Asked, number: str, on: date | None) -> None:
        from matricula.sis.admissions import actions

        day = on or asked.acting.today
        carry_out(asked, lambda doing: actions.record(doing, number, action, on=day))

    return command


for _action, _help in {
    "draft": "Make an application of an enquiry.",
    "submit": "Hand an application in; it must be complete.",
    "review": "Begin to look at an application.",
    "waitlist": "Have an applicant wait for a place.",
    "decline": "Decline an application; --why says the reason.",
    "accept": "Record that the applicant takes the place.",
    "lapse": "Let an accepted place lapse; an offer without an answer lapses by itself.",
    "rescind": "Take an offer or a place back; --why says the reason.",
    "withdraw": "Record that the applicant gives up; --why says the reason.",
}.items():
    application.add_command(_step(_action, _help))


@application.command()
@does
@_NUMBER
@click.option("--until", type=DAY, required=True, help="The last day to accept it.")
@click.option("--condition", "conditions", multiple=True, help="What it asks for, one a time.")
@click.option("--deposit", default="0", help="To be paid before matriculation, such as 500.00.")
@click.option("--currency", default="", help="Of the deposit.  [default: the charter's]")
@_ON
def offer(
    asked: Asked,
    number: str,
    *,
    until: date,
    conditions: tuple[str, ...],
    on: date | None,
    **money: str,
) -> None:
    """Offer a place until a day; without conditions it is a firm offer."""
    from matricula.sis.admissions import actions

    minor, currency = _minor(asked, money["deposit"], money["currency"])
    offering = actions.Offering(until, conditions, minor, currency if minor else "")
    day = on or asked.acting.today
    carry_out(asked, lambda doing: actions.offer(doing, number, offering, on=day))


def _minor(asked: Asked, amount: str, currency: str) -> tuple[int, str]:
    from matricula.kernel.money import to_minor

    of = currency or asked.desk.charter.currency
    try:
        return to_minor(amount, of), of
    except ValueError as wrong:
        message = f"{wrong}; write it as 500.00."
        raise click.BadParameter(message) from wrong


@application.command()
@does
@_NUMBER
@click.argument("place", type=int)
@click.option("--waive", "is_waived", is_flag=True, help="It need not be met.")
@click.option("--evidence", default="", help="By what it was shown, or why it need not be.")
@_ON
def condition(
    asked: Asked, number: str, place: int, *, is_waived: bool, evidence: str, on: date | None
) -> None:
    """Record that a condition of the offer was met, or is waived; they count from 1."""
    from matricula.sis.admissions import actions

    ruling = actions.Ruling(place, is_waived, evidence)
    day = on or asked.acting.today
    carry_out(asked, lambda doing: actions.decide_condition(doing, number, ruling, on=day))


@application.command()
@does
@_NUMBER
@click.argument("amount")
@click.option("--reference", required=True, help="The payment's own; none counts twice.")
@click.option("--currency", default="", help="Of the amount.  [default: the charter's]")
@_ON
def deposit(
    asked: Asked, number: str, amount: str, *, reference: str, currency: str, on: date | None
) -> None:
    """Record a deposit that came in; the same payment again changes nothing."""
    from matricula.sis.admissions import actions

    payment = actions.Payment(reference, *_minor(asked, amount, currency))
    day = on or asked.acting.today
    carry_out(asked, lambda doing: actions.take_deposit(doing, number, payment, on=day))


@application.command()
@does
@_NUMBER
@click.argument("term")
@_ON
def defer(asked: Asked, number: str, term: str, on: date | None) -> None:
    """Carry an accepted place to a later term: an application of its own, linked to this."""
    from matricula.sis.admissions import actions

    day = on or asked.acting.today
    carry_out(
        asked,
        lambda doing: actions.defer(doing, number, term, on=day),
        named=lambda made: {"application": made.number},
    )


@application.command()
@does
@_NUMBER
@click.option("--same-as", type=int, default=None, help="The person who the applicant is.")
@click.option("--new", "is_new", is_flag=True, help="The applicant is nobody who is there.")
@click.option("--on", type=DAY, default=None, help="First day.  [default: the term's]")
@click.option("--cohort", default="", help="The intake.  [default: the year of the term]")
@click.option("--until", "expected_end_on", type=DAY, default=None, help="Expected end.")
@click.option("--dual", "is_dual", is_flag=True, help="It runs beside another registration.")
def matriculate(
    asked: Asked,
    number: str,
    *,
    same_as: int | None,
    is_new: bool,
    **entry: Any,  # noqa: ANN401 - click's own words for the options
) -> None:
    """Make an applicant a student; who was one before is found, and keeps the number."""
    from matricula.sis.admissions import actions

    identity = actions.Identity(same_as, is_new)
    carry_out(
        asked,
        lambda doing: actions.matriculate(doing, number, identity, actions.Entry(**entry)),
        named=lambda made: {"registration": made},
    )


@application.command()
@reads
@_NUMBER
def alike(asked: Asked, number: str) -> None:
    """List the persons who may be the applicant; that you looked is noted."""
    from matricula.sis.admissions import access

    found = access.alike(asked.acting, number)
    if asked.as_json:
        out.as_json([asdict(one) for one in found])
        return
    out.table(
        ("person", "strength", "evidence"),
        [(one.person, one.strength, ", ".join(one.evidence)) for one in found],
    )


@application.command()
@reads
@_NUMBER
@click.option("--on", type=DAY, default=None, help="As it was on a day.  [default: today]")
@click.option("--known-on", type=DAY, default=None, help="As it was known at the end of a day.")
def show(asked: Asked, number: str, *, on: date | None, known_on: date | None) -> None:
    """Show an application, its offer and its history, for today or for any day."""
    from matricula.sis.admissions import access

    known_at = end_of(asked, known_on)
    told = access.told(asked.acting, number, on=on, known_at=known_at)
    lines = access.history(asked.acting, number, known_at=known_at)
    if asked.as_json:
        out.as_json({**_row(told), "applicant": told.applicant and asdict(told.applicant),
                     "terms": told.terms and asdict(told.terms),
                     "history": [asdict(one) for one in lines]})  # fmt: skip
        return
    _tell(told)
    out.table(
        ("act", "what", "from", "recorded", "reason", "by", "stands"),
        [(one.act, one.action, one.effective_on, one.recorded_at, one.reason, one.account,
          one.stands) for one in lines],
    )  # fmt: skip


def _tell(told: Applied) -> None:
    out.table(_COLUMNS, [tuple(_row(told).values())])
    if told.applicant:
        out.table(
            ("applicant", "is"),
            [(name.replace("_", " "), value) for name, value in asdict(told.applicant).items()],
        )
    if told.terms and told.terms.conditions:
        out.table(
            ("condition", "asks for", "outcome", "evidence", "by", "from"),
            [(one.place, one.text, one.outcome or "open", one.evidence, one.by, one.on)
             for one in told.terms.conditions],
        )  # fmt: skip


_COLUMNS = (
    "application", "programme", "term", "state", "since", "reason", "offer", "until", "due",
    "deferred from",
)  # fmt: skip


def _row(told: Applied) -> dict[str, object]:
    """Tell of an application in the few columns of a list; who applies is none of them."""
    from matricula.kernel.money import to_major

    terms = told.terms
    due = f"{to_major(terms.due_minor, terms.currency)} {terms.currency}" if terms else ""
    values = (
        told.number, told.programme, told.term, told.standing.state or "not yet",
        told.standing.since, told.standing.reason, terms.kind if terms else "",
        terms.expires_on if terms else None, due.strip() if terms and terms.due_minor else "",
        told.deferred_from,
    )  # fmt: skip
    return dict(zip((name.replace(" ", "_") for name in _COLUMNS), values, strict=True))


@application.command("list")
@reads
@click.option("--programme", default="", help="For one programme.")
@click.option("--term", default="", help="For one term.")
@click.option("--state", default="", help="In one state, such as offered.")
@click.option("--expiring", type=click.IntRange(0), default=None, help="Offers within DAYS.")
def list_(asked: Asked, *, programme: str, term: str, state: str, expiring: int | None) -> None:
    """List applications within your reach; with --expiring the offers that lapse soon."""
    from matricula.sis.admissions import access, queries, rules

    if state and state not in rules.STATES:
        raise click.BadParameter(meant(state, rules.STATES), param_hint="--state")
    today = asked.acting.today
    chosen: dict[str, Any] = {"programme": programme, "term": term, "on": today}
    if expiring is None:
        found = queries.matching(**chosen, state=state)
    else:
        found = queries.expiring(today, today + timedelta(days=expiring), **chosen)
    rows = [_row(one) for one in access.listed(asked.acting, found)]
    if asked.as_json:
        out.as_json(rows)
        return
    out.table(_COLUMNS, [tuple(row.values()) for row in rows])
