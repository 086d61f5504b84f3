"""The commands that tell what holds mean: for a student, at an office, by the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from matricula.cli import show
from matricula.cli.register.asked import Asked, carry_out, does, reads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from matricula.kernel.checks import Check
    from matricula.sis.holds.access import Seen
    from matricula.sis.holds.rules import Decision, Held, Policy, Ruling


def person_of(student: str) -> int:
    """Say who a student is, by number."""
    from matricula.sis.registration import queries

    return queries.student(student).person


def minor(amount: str, currency: str) -> int:
    """Read an amount as it is written down.

    Raises:
        BadParameter: It is none.
    """
    from matricula.kernel.money import to_minor

    try:
        return to_minor(amount, currency)
    except ValueError as wrong:
        raise click.BadParameter(f"{wrong}; write it as 500.00.") from wrong


@click.command()
@reads
@click.argument("student")
@click.argument("service")
@click.option("--term", default="", help="For which term; for all of them if left out.")
def check(asked: Asked, student: str, service: str, *, term: str) -> None:
    """Say what a student's holds mean for a service, which office holds, and what clears it."""
    from matricula.sis.holds import access

    found = access.checks(
        asked.acting, person_of(student), service, on=asked.acting.today, term=term
    )
    if asked.as_json:
        show.as_json([one.as_json() for one in found])
        return
    _tell(found)


def _tell(found: Iterable[Check]) -> None:
    show.table(
        ("looked at", "answer", "what", "office", "what clears it", "how to object"),
        [(one.name, one.outcome, one.what, one.office, one.clears, one.appeal) for one in found],
    )


@click.command()
@reads
@click.argument("student")
def decisions(asked: Asked, student: str) -> None:
    """List what was answered to a student who asked for something, the latest first."""
    from matricula.sis.holds import access

    found = access.decisions(asked.acting, person_of(student))
    if asked.as_json:
        show.as_json([_as_json(one) for one in found])
        return
    for one in found:
        about = f" for {one.about}" if one.about else ""
        show.say(
            f"{show.instant(one.decided_at)}: {one.service}{about} {one.result}, by {one.policy}"
        )
        _tell(one.checks)


def _as_json(one: Decision) -> dict[str, object]:
    return {
        "service": one.service, "about": one.about, "result": one.result, "policy": one.policy,
        "account": one.account, "act": one.act, "decided_at": one.decided_at.isoformat(),
        "checks": [made.as_json() for made in one.checks],
    }  # fmt: skip


@click.command()
@reads
@click.argument("office")
def office(asked: Asked, office: str) -> None:
    """List what your office holds, the disputed first: those wait for it."""
    from matricula.sis.holds import access
    from matricula.sis.people import queries as people

    held = access.at_office(asked.acting, office, on=asked.acting.today)
    numbers = people.numbers({one.person for one in held})
    rows = [
        {"hold": one.number, "student": " ".join(numbers.get(one.person, ())),
         "kind": one.kind, "cause": one.cause, "state": one.standing.state,
         "since": one.standing.since.isoformat() if one.standing.since else "",
         "reason": one.standing.reason}
        for one in held
    ]  # fmt: skip
    if asked.as_json:
        show.as_json(rows)
        return
    columns = ("hold", "student", "kind", "cause", "state", "since", "reason")
    show.table(columns, [tuple(row[name] for name in columns) for row in rows])


@click.command()
@reads
@click.option("--profile", default="", help="uk or open.  [default: the institution's]")
def policy(asked: Asked, profile: str) -> None:
    """List what each kind of hold does to each service, and where the institution ruled so."""
    from matricula.sis.holds import queries

    found = queries.policy_of(profile or asked.acting.policy)
    columns = ("kind", "cause", "service", "effect", "disputed", "from", "whose")
    currency = asked.desk.charter.currency
    rows = [dict(zip(columns, row, strict=True)) for row in _rulings(found, currency)]
    if asked.as_json:
        show.as_json({"policy": found.edition, "rulings": rows})
        return
    show.table(columns, [tuple(row.values()) for row in rows], title=found.edition)


def _rulings(found: Policy, currency: str) -> Iterator[tuple[str, ...]]:
    from matricula.sis.holds import rules

    for kind, causes in rules.KINDS.items():
        for cause, service in ((cause, one) for cause in causes for one in rules.SERVICES):
            ruling = found.ruling(kind, cause, service)
            own = {(kind, cause, service), (kind, "", service)} & set(found.own)
            if ruling.effect != "none" or own:
                yield (
                    kind, cause, service, ruling.effect, ruling.disputed,
                    _least(ruling, currency),
                    "the institution" if own else "preset",
                )  # fmt: skip


def _least(ruling: Ruling, currency: str) -> str:
    """Say from which amount and from how many loans on it does anything."""
    from matricula.kernel.money import to_major

    amount, loans = ruling.threshold_minor, ruling.threshold_loans
    told = [to_major(amount, currency)] if amount else []
    return ", ".join([*told, *([f"{loans} lent"] if loans else [])])


@click.command()
@does
@click.argument("kind")
@click.argument("service")
@click.argument("effect")
@click.option("--cause", default="", help="Of one cause alone.")
@click.option("--disputed", default="", help="The effect while it is disputed.")
@click.option("--threshold", default="", help="An amount below which it does nothing: 50.00.")
@click.option(
    "--loans", type=click.IntRange(min=0), default=0,
    help="A number of things lent below which it does nothing.",
)  # fmt: skip
@click.option("--profile", default="", help="uk or open.  [default: the institution's]")
def rule(asked: Asked, kind: str, service: str, effect: str, *, loans: int, **told: str) -> None:
    """Rule what a kind of hold does to a service: none, notice, warn or block."""
    from matricula.sis.holds import actions, rules

    least = minor(told["threshold"], asked.desk.charter.currency) if told["threshold"] else 0
    own = rules.OwnRuling(
        told["profile"] or asked.acting.policy, kind, told["cause"], service,
        rules.ruled(effect, told["disputed"], least, loans),
    )  # fmt: skip
    carry_out(asked, lambda doing: actions.rule(doing, own))


def tell_holds(seen: Sequence[Seen]) -> None:
    """Print holds as somebody may see them; nothing where there are none."""
    columns = (
        "hold", "office", "for", "term", "amount", "lent", "state", "since", "until", "exempt"
    )  # fmt: skip
    show.table(columns, [_cells(one) for one in seen])


def held_as_json(one: Seen) -> dict[str, object]:
    """Write a hold as somebody may see it as one JSON value."""
    held = one.held
    return {
        "hold": held.number, "office": held.office, "kind": held.kind, "cause": held.cause,
        "term": held.term, "amount": _amount(held), "currency": held.currency,
        "lent": held.loans, "told_on": held.told_on.isoformat() if held.told_on else "",
        "state": held.standing.state,
        "since": held.standing.since.isoformat() if held.standing.since else "",
        "until": held.expires_on.isoformat() if held.expires_on else "",
        "is_veiled": one.is_veiled,
        "exempt": [
            {"exemption": given.number, "service": given.service,
             "until": given.ends_on.isoformat()}
            for given in one.exempted
        ],
    }  # fmt: skip


def _cells(one: Seen) -> tuple[object, ...]:
    held = one.held
    exempt_from = ", ".join(f"{e.service} to {e.ends_on} ({e.number})" for e in one.exempted)
    what = "the office tells" if one.is_veiled else f"{held.kind}: {held.cause}"
    return (
        held.number, held.office, what, held.term, f"{_amount(held)} {held.currency}".strip(),
        held.loans, held.standing.state, held.standing.since, held.expires_on, exempt_from,
    )  # fmt: skip


def _amount(held: Held) -> str:
    from matricula.kernel.money import to_major

    return "" if held.amount_minor is None else to_major(held.amount_minor, held.currency)
