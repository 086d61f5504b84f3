"""The commands of enrolment: terms, seats, queues and rosters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from matricula.cli import show as out
from matricula.cli.register.asked import DAY, Asked, carry_out, does, reads, tell_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from matricula.sis.enrolment.actions import Block, ForTerm, Placed

_ON = click.option(
    "--on", "effective_on", type=DAY, default=None, help="From which day.  [default: today]"
)
_LOAD = click.option(
    "--load",
    type=click.Choice(["full", "part"]),
    default="full",
    show_default=True,
    help="How much of a full load: it bounds the credits.",
)


def _placed(one: Placed) -> Mapping[str, object]:
    until = one.offered_until
    told: dict[str, object] = {"enrolment": one.key, "status": one.status}
    if one.rank is not None:
        told["rank"] = one.rank
    if until is not None:
        told["offered_until"] = until.isoformat()
    return told


def _is_new(one: ForTerm | Placed) -> bool:
    return one.is_new


def _for_term(one: ForTerm) -> Mapping[str, object]:
    return {"registration": one.number, "state": one.state}


@click.command("term-register")
@does
@click.argument("student")
@click.argument("term")
@_LOAD
def term_register(asked: Asked, student: str, term: str, *, load: str) -> None:
    """Register a student for a term. Whom a hold keeps from it stays pending, and is told why."""
    from matricula.sis.enrolment import actions

    carry_out(
        asked, lambda doing: actions.register_term(doing, student, term, load=load),
        named=_for_term, is_new=_is_new,
    )  # fmt: skip


@click.command("term-register-intake")
@does
@click.argument("programme")
@click.argument("cohort")
@click.argument("term")
@_LOAD
def term_register_intake(
    asked: Asked, programme: str, cohort: str, *, term: str, load: str
) -> None:
    """Register an intake for a term; who is not registered is told with the reason."""
    from matricula.sis.enrolment import actions

    done = carry_out(
        asked,
        lambda doing: actions.register_intake(doing, programme, cohort, term, load=load),
        named=lambda found: {"students": len(found)},
    )
    rows = [(one.number, one.state, _why(one.checks)) for one in done.value]
    if not asked.as_json:
        out.table(("registration", "state", "in the way"), rows)


def _why(checks: Sequence[object]) -> str:
    return " ".join(str(check) for check in checks)


@click.command("term-cancel")
@does
@click.argument("student")
@click.argument("term")
@click.option("--on", "effective_on", type=DAY, required=True, help="From which day.")
def term_cancel(asked: Asked, student: str, term: str, *, effective_on: date) -> None:
    """Cancel a registration for a term, for a reason; its sections are dropped."""
    from matricula.sis.enrolment import actions

    carry_out(
        asked,
        lambda doing: actions.cancel_term(doing, student, term, effective_on=effective_on),
    )


@click.command("term-census")
@does
@click.argument("term")
def term_census(asked: Asked, term: str) -> None:
    """Write down what stood on a term's census day, once for each registration in it."""
    from matricula.sis.enrolment import actions

    carry_out(
        asked, lambda doing: actions.take_census(doing, term), named=lambda n: {"counted": n}
    )


@click.command("term-complete")
@does
@click.argument("term")
def term_complete(asked: Asked, term: str) -> None:
    """Complete every registration of a term that is over."""
    from matricula.sis.enrolment import actions

    carry_out(
        asked, lambda doing: actions.complete_term(doing, term), named=lambda n: {"completed": n}
    )


@click.command()
@does
@click.argument("student")
@click.argument("section")
@_ON
@click.option(
    "--let-pass", multiple=True, metavar="CHECK",
    help="A check that a registrar lets pass, with --why: window, load, clash ...",
)  # fmt: skip
def enrol(
    asked: Asked,
    student: str,
    section: str,
    *,
    effective_on: date | None,
    let_pass: tuple[str, ...],
) -> None:
    """Give a student a seat in a section, or a place in its queue where there is none."""
    from matricula.sis.enrolment import actions

    carry_out(
        asked,
        lambda doing: actions.add(
            doing, student, section, effective_on=effective_on, let_pass=let_pass
        ),
        named=_placed,
        is_new=_is_new,
    )


@click.command("approve-enrolment")
@does
@click.argument("student")
@click.argument("section")
@click.option("--refuse", "is_refused", is_flag=True, help="Refuse it instead, with --why.")
def approve_enrolment(asked: Asked, student: str, section: str, *, is_refused: bool) -> None:
    """Give the permission that a section asks for, or refuse it."""
    from matricula.sis.enrolment import actions

    answer = actions.refuse if is_refused else actions.approve
    carry_out(asked, lambda doing: answer(doing, student, section), named=_placed)


@click.command("claim-seat")
@does
@click.argument("student")
@click.argument("section")
def claim_seat(asked: Asked, student: str, section: str) -> None:
    """Take the seat that is kept for a student who waited."""
    from matricula.sis.enrolment import actions

    carry_out(
        asked, lambda doing: actions.claim_seat(doing, student, section),
        named=_placed, is_new=_is_new,
    )  # fmt: skip


@click.command()
@does
@click.argument("student")
@click.argument("section")
@_ON
def drop(asked: Asked, student: str, section: str, *, effective_on: date | None) -> None:
    """Drop a section before the census, or leave its queue."""
    from matricula.sis.enrolment import actions

    carry_out(
        asked,
        lambda doing: actions.drop(doing, student, section, effective_on=effective_on),
        named=_placed,
    )


@click.command("leave-section")
@does
@click.argument("student")
@click.argument("section")
@_ON
@click.option("--last-attended", type=DAY, default=None, help="The last day of attendance.")
def leave_section(
    asked: Asked,
    student: str,
    section: str,
    *,
    effective_on: date | None,
    last_attended: date | None,
) -> None:
    """Withdraw from a section after the census, for a reason: it is told, without points."""
    from matricula.sis.enrolment import actions

    carry_out(
        asked,
        lambda doing: actions.withdraw(
            doing, student, section, effective_on=effective_on, last_attended_on=last_attended
        ),
        named=_placed,
    )


@click.command()
@does
@click.argument("student")
@click.argument("given")
@click.argument("wanted")
def swap(asked: Asked, student: str, given: str, wanted: str) -> None:
    """Give up a section for another one, if the other has a seat."""
    from matricula.sis.enrolment import actions

    carry_out(asked, lambda doing: actions.swap(doing, student, given, wanted), named=_placed)


@click.command("offer-seats")
@does
@click.argument("sections", nargs=-1)
def offer_seats(asked: Asked, sections: tuple[str, ...]) -> None:
    """Offer free seats to who waits; without SECTIONS, those whose offer or day has passed."""
    from matricula.sis.enrolment import actions

    carry_out(
        asked, lambda doing: actions.offer_seats(doing, sections or None),
        named=lambda keys: {"offered to": ", ".join(keys) or "nobody"},
    )  # fmt: skip


@click.command("enrol-block")
@does
@click.argument("programme")
@click.argument("cohort")
@click.argument("term")
@click.argument("sections", nargs=-1, required=True)
@click.option(
    "--except", "exceptions", multiple=True, metavar="STUDENT[:SECTION]",
    help="A student who is not enrolled in a section, or in none of them.",
)  # fmt: skip
def enrol_block(
    asked: Asked,
    programme: str,
    cohort: str,
    *,
    term: str,
    sections: tuple[str, ...],
    exceptions: tuple[str, ...],
) -> None:
    """Enrol an intake in sections of a term; who is not enrolled is told with the reason."""
    from matricula.sis.enrolment import actions

    done = carry_out(
        asked,
        lambda doing: actions.enrol_block(
            doing, programme, cohort, term, sections, except_for=_excepted(exceptions)
        ),
        named=_block,
    )
    if not asked.as_json:
        _tell_missing(done.value)


def _excepted(exceptions: Sequence[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in exceptions:
        student, _, section = one.partition(":")
        found.setdefault(student, set()).update({section} if section else ())
    return found


def _block(found: Block) -> Mapping[str, object]:
    return {
        "enrolled": len(found.enrolled), "waiting": len(found.waiting),
        "there already": len(found.already), "not enrolled": len(found.not_enrolled),
    }  # fmt: skip


def _tell_missing(found: Block) -> None:
    rows = [(one.student_no, one.section, _why(one.checks)) for one in found.not_enrolled]
    if rows:
        out.table(("not enrolled", "section", "why"), rows)


@click.command()
@reads
@click.argument("section")
@click.option("--on", type=DAY, default=None, help="On which day.  [default: today]")
def roster(asked: Asked, section: str, *, on: date | None) -> None:
    """List who is in a section on a day, and of whom outsiders are told nothing."""
    from matricula.sis.enrolment import access
    from matricula.sis.people import queries as people

    found = access.roster(asked.acting, section, on=on or asked.acting.today)
    known = people.known({one.person for one in found}, on=asked.acting.today)
    rows = [
        (one.student_no, one.status, one.attempt, known[one.person].is_restricted)
        for one in found
    ]  # fmt: skip
    tell_rows(asked, ("student", "status", "attempt", "restricted"), rows)


@click.command()
@reads
@click.argument("section")
def waitlist(asked: Asked, section: str) -> None:
    """List who waits for a seat in a section, the first in line first."""
    from matricula.sis.enrolment import access

    found = access.waitlist(asked.acting, section)
    rows = [(one.rank, one.student_no, one.offered_until) for one in found]
    tell_rows(asked, ("rank", "student", "offered until"), rows)


@click.command()
@reads
@click.argument("student")
@click.option("--on", type=DAY, default=None, help="On which day.  [default: today]")
def enrolments(asked: Asked, student: str, *, on: date | None) -> None:
    """List the enrolments of a student on a day, whatever became of them."""
    from matricula.sis.enrolment import access

    found = access.enrolments(asked.acting, student, on=on or asked.acting.today)
    rows = [(one.term, one.section, one.status, one.since, one.attempt) for one in found]
    tell_rows(asked, ("term", "section", "status", "since", "attempt"), rows)
