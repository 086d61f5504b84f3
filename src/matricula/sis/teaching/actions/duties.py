"""Give somebody a duty in a section, end it, and hand it to a colleague.

With a duty the account of whoever has it is granted the role that it needs, in that section
and on those days alone; when the duty ends, the grant ends with it, in the same act.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from matricula.accounts import actions as accounts
from matricula.accounts.rules import SECTION
from matricula.kernel.checks import WARNED, must_pass
from matricula.kernel.errors import Refused
from matricula.sis.acts.actions import next_numbers
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.curriculum.rules import CANCELLED
from matricula.sis.people import queries as people
from matricula.sis.teaching import access, queries, rules
from matricula.sis.teaching.models import Assignment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from matricula.kernel.checks import Check
    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.rules import Taught

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A duty that somebody is to have.

    Attributes:
        section: In which section.
        staff_no: Who.
        duty: lead, lecturer, marker or moderator.
        starts_on: From which day.
        ends_on: The last day; None: until the marks are due, for a moderator until the board.
    """

    section: str
    staff_no: str
    duty: str
    starts_on: date
    ends_on: date | None = None


def assign(doing: Doing, wanted: Wanted) -> Assignment:
    """Give a member of staff a duty in a section.

    Raises:
        Refused: Not permitted (M903), no such section (M921) or member of staff (M931), or
            something is in the way (M972).
    """
    taught = access.section(doing.acting, wanted.section, to="assign a duty")
    return give(doing, wanted_in(taught, wanted))


def wanted_in(taught: Taught, wanted: Wanted) -> rules.Held:
    """Say what is wanted with its last day, which follows from the term where nobody said it."""
    ends_on = wanted.ends_on
    if ends_on is None:
        term = curriculum.term(taught.term)
        ends_on = rules.last_day(wanted.duty, term, starts_on=wanted.starts_on)
    return rules.Held(taught.code, wanted.staff_no, wanted.duty, wanted.starts_on, ends_on)


def give(doing: Doing, held: rules.Held, *, takes_over: str = "") -> Assignment:
    """Record a duty and grant what it needs. Whether it may be done was asked by `access`.

    Args:
        doing: The act.
        held: What, with its days.
        takes_over: The number of the assignment in whose place it comes.

    Raises:
        Refused: No such member of staff (M931), or something is in the way (M972).
    """
    person = people.staff_member(held.staff_no).person_id
    number = _next_number(held.staff_no)
    found = in_the_way_of(held)
    must_pass(found, code="M972")
    doing.left += [f"{one.what} {one.clears}" for one in found if one.outcome == WARNED]
    return _record(doing, number, held, person=person, takes_over=takes_over)


def let_in(doing: Doing, held: rules.Held, *, person: int, takes_over: str) -> Assignment:
    """Record what is left to somebody who is no lecturer any more; nothing is in its way."""
    number = _next_number(held.staff_no)
    return _record(doing, number, held, person=person, takes_over=takes_over)


def _next_number(staff_no: str) -> str:
    # Whoever gives the same person a duty waits here, and then sees this one.
    (count,) = next_numbers(f"assignment of {staff_no}")
    return f"{staff_no}/{count}"


def in_the_way_of(held: rules.Held) -> list[Check]:
    """Look at what is in the way of giving somebody a duty."""
    theirs = [one.held for one in queries.of_staff([held.staff_no])]
    taught = curriculum.sections({held.section, *(one.section for one in theirs)})
    posts = people.standing_duties([held.staff_no], until=held.starts_on - _DAY)
    around = rules.Around(
        [one for one in theirs if one.section == held.section],
        [(p.starts_on, p.ends_on) for p in posts.get(held.staff_no, ()) if p.kind == "lecturer"],
        rules.at_the_same_time(held, theirs, taught),
        is_cancelled=taught[held.section].state == CANCELLED,
    )
    return rules.checks(held, around)


def _record(
    doing: Doing, number: str, held: rules.Held, *, person: int, takes_over: str
) -> Assignment:
    made = Assignment.objects.create(
        number=number, section=held.section, staff_no=held.staff_no, person=person,
        duty=held.duty, starts_on=held.starts_on, ends_on=held.ends_on, takes_over=takes_over,
        grant=_grant(doing, held, person), act=doing.act, recorded_at=doing.acting.at,
    )  # fmt: skip
    doing.name("assign", "section", held.section)
    doing.touch("teaching", [held.staff_no])
    doing.record("section", held.section, "assign", after=_told(made))
    if made.grant is None:
        doing.left.append(
            f"{held.staff_no} has no account, so no role was granted for {number}: open one, "
            f"then `matricula register teach access {held.staff_no}`."
        )
    return made


def _grant(doing: Doing, held: rules.Held, person: int) -> int | None:
    wanted = accounts.Wanted(
        rules.ROLES[held.duty], SECTION, held.section, held.starts_on, held.ends_on
    )
    made = accounts.grant_for(
        person, wanted, by=doing.acting.account, why=doing.act, at=doing.acting.at
    )
    if made is None:
        return None
    told = {"role": wanted.role, "scope": wanted.scope, "value": wanted.value,
            "starts_on": _day(wanted.starts_on), "ends_on": _day(wanted.ends_on)}  # fmt: skip
    doing.record("account", made.account.name, "grant", after=told)
    return made.pk


def end(doing: Doing, number: str, *, last_day: date) -> Assignment | None:
    """End a duty with a day; what its account was granted for it ends with it.

    A day before the first: the duty was never held.

    Args:
        doing: The act.
        number: Of the assignment.
        last_day: Its last day; yesterday ends it at once.

    Returns:
        The duty as it stands; None if it was never held.

    Raises:
        Refused: Not permitted (M903), no such assignment (M971), or it has ended by then
            (M972).
    """
    held = access.assignment(doing.acting, number, to="end a duty")
    _must_hold_after(held, last_day)
    left = shorten(doing, held, last_day=last_day)
    tell_of_leads(doing, [held], on=max(last_day + _DAY, doing.acting.today))
    return left


def _must_hold_after(held: Assignment, last_day: date) -> None:
    if held.ends_on is not None and held.ends_on <= last_day:
        raise Refused(
            "M972", f"{held.number} ends on {held.ends_on} already.",
            cure="Choose an earlier day, or leave it as it is.",
        )  # fmt: skip


def shorten(doing: Doing, held: Assignment, *, last_day: date) -> Assignment | None:
    """Let a duty end with a day, as `end`; whether it may be done was asked by `access`."""
    acting = doing.acting
    Assignment.objects.filter(pk=held.pk).update(withdrawn_at=acting.at)
    left = None
    if held.starts_on <= last_day:
        left = Assignment.objects.create(
            number=held.number, section=held.section, staff_no=held.staff_no,
            person=held.person, duty=held.duty, starts_on=held.starts_on, ends_on=last_day,
            takes_over=held.takes_over, grant=held.grant, act=doing.act, recorded_at=acting.at,
        )  # fmt: skip
    if held.grant is not None:
        accounts.end_grant(held.grant, last_day=last_day, by=acting.account, at=acting.at)
    doing.name("end duty", "section", held.section)
    doing.touch("teaching", [held.staff_no])
    doing.record(
        "section", held.section, "end duty", before=_told(held),
        after=_told(left) if left else {"number": held.number, "held": "never"},
    )  # fmt: skip
    return left


def tell_of_leads(doing: Doing, ended: Sequence[Assignment], *, on: date) -> None:
    """Leave to a person the sections that lost their lead and have none from a day on."""
    led = {
        one.section
        for one in ended
        if one.duty == rules.LEAD and (one.ends_on is None or one.ends_on >= on)
    }
    doing.left += [
        f"{code} has no lead from {on} on: assign one with `matricula register teach assign`."
        for code in queries.without_lead(led, on=on)
    ]


def hand_over(doing: Doing, number: str, *, to: str, on: date) -> Assignment:
    """Hand a duty to a colleague, who has it from a day on to its end.

    Args:
        doing: The act.
        number: Of the assignment.
        to: The colleague's staff number.
        on: The colleague's first day.

    Raises:
        Refused: As `end` and `assign`.
    """
    held = access.assignment(doing.acting, number, to="hand a duty over")
    last_day = accounts.a_day_before(on)
    _must_hold_after(held, last_day)
    doing.name("hand duty over", "section", held.section)
    shorten(doing, held, last_day=last_day)
    first = max(on, held.starts_on)
    wanted = rules.Held(held.section, to, held.duty, first, held.ends_on)
    return give(doing, wanted, takes_over=held.number)


def give_access(doing: Doing, staff_no: str) -> int:
    """Grant what duties need that were given before there was an account; give how many.

    Raises:
        Refused: Not permitted (M903), or no such member of staff (M931).
    """
    access.anybody(doing.acting, to="give access")
    person = people.staff_member(staff_no).person_id
    today = doing.acting.today
    rows = Assignment.objects.filter(staff_no=staff_no, withdrawn_at=None, grant=None)
    count = 0
    for one in rows.exclude(ends_on__lt=today).order_by("id"):
        one.grant = _grant(doing, queries.as_held(one), person)
        one.save(update_fields=["grant"])
        count += one.grant is not None
    doing.name("give access", "staff", staff_no)
    return count


def _told(one: Assignment) -> dict[str, object]:
    return {
        "number": one.number, "staff_no": one.staff_no, "duty": one.duty,
        "starts_on": _day(one.starts_on), "ends_on": _day(one.ends_on),
        "takes_over": one.takes_over,
    }  # fmt: skip


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""
