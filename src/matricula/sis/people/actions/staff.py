"""Hire people, and let their duties begin and end."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from matricula.accounts import actions as accounts
from matricula.kernel.checks import must_pass
from matricula.kernel.errors import Refused
from matricula.sis.acts.actions import next_numbers
from matricula.sis.people import access, queries, rules
from matricula.sis.people.actions.persons import give_number
from matricula.sis.people.actions.writing import lock
from matricula.sis.people.models import Duty, StaffMember

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from matricula.sis.acts.actions import Doing

_DIGITS = 6
_OURS = ("sis", "staff")


def hire(doing: Doing, person: int, *, number: str = "", on: date | None = None) -> StaffMember:
    """Make a person a member of staff; whoever worked here before keeps the number.

    Args:
        doing: The act.
        person: Whom.
        number: That another system gave them; the next of our own when left out.
        on: Since when the number is theirs; today when left out.

    Raises:
        Refused: Not permitted (M903), no such person (M931), the number is somebody else's
            (M933), or they are a member of staff already (M936).
    """
    someone = access.person(doing.acting, person, to="hire")
    lock(someone.members)
    (held,) = queries.staff_of([someone.person]).values()
    if held:
        raise Refused(
            "M936", f"Person {someone.person} is {held[0]} already.",
            cure=f"Give {held[0]} a duty: `matricula register staff duty`.",
        )  # fmt: skip
    given = number.strip() or _next_number()
    must_pass(rules.number_checks(rules.Number(*_OURS, given), is_held=True), code="M934")
    give_number(
        doing, someone.person, system=_OURS[0], kind=_OURS[1], value=given,
        on=on or doing.acting.today,
    )  # fmt: skip
    made = StaffMember.objects.create(
        person_id=someone.person, number=given, act=doing.act, recorded_at=doing.acting.at
    )
    doing.name("hire", "staff", given)
    doing.touch("staff", [given])
    doing.record("staff", given, "hire", after={"person": someone.person})
    return made


def _next_number() -> str:
    while True:
        given = f"S{next_numbers('staff')[0]:0{_DIGITS}d}"
        # Somebody may have been hired under it before the series came so far.
        if queries.holder(*_OURS, given) is None:
            return given


def assign_duty(doing: Doing, staff_no: str, post: rules.Post) -> Duty:
    """Let a member of staff be something in a department, from a day on.

    What they may do is granted to their account, not by this.

    Args:
        doing: The act.
        staff_no: Who.
        post: What, where and when.

    Raises:
        Refused: Not permitted (M903), no such member of staff (M931), no such duty (M934),
            or they have it already (M936).
    """
    member = access.staff_member(
        doing.acting, staff_no, to="assign a duty", department=post.department
    )
    must_pass(rules.post_checks(post), code="M934")
    lock([member.person_id])
    new = rules.Stretch(post.starts_on, post.ends_on)
    held = Duty.objects.filter(
        staff=member, kind=post.kind, department=post.department, withdrawn_at=None
    )
    for one in held:
        if rules.meet(rules.Stretch(one.starts_on, one.ends_on), new):
            raise Refused(
                "M936",
                f"{staff_no} is {post.kind} in {post.department} from {one.starts_on} already.",
                cure="End that duty first, or begin this one after it.",
            )
    made = Duty.objects.create(
        staff=member, kind=post.kind, department=post.department, starts_on=post.starts_on,
        ends_on=post.ends_on, act=doing.act, recorded_at=doing.acting.at,
    )  # fmt: skip
    _tell(doing, staff_no, "assign duty", after=made)
    return made


def end_duty(
    doing: Doing, staff_no: str, kind: str, last_day: date, *, department: str = ""
) -> list[Duty]:
    """End a duty with a day, and with it what was granted to the account for it.

    A duty that would end before it begins is taken back: it never was. Where the same duty
    goes on in another department nothing granted is ended, and that is said.

    Args:
        doing: The act.
        staff_no: Whose.
        kind: Which duty.
        last_day: Its last day.
        department: Where; wherever they have it when left out.

    Returns:
        The duties as they stand now, those that were taken back among them.

    Raises:
        Refused: Not permitted (M903), or no such member of staff or duty (M931).
    """
    member = _reached(doing, staff_no, kind, last_day, department)
    lock([member.person_id])
    held = Duty.objects.filter(staff=member, kind=kind, withdrawn_at=None)
    if department:
        held = held.filter(department=department)
    ending = list(held.exclude(ends_on__lte=last_day).order_by("starts_on", "id"))
    if not ending:
        raise Refused(
            "M931", f"{staff_no} has no duty as {kind} that goes on after {last_day}.",
            cure="See the duties: `matricula register person show`.",
        )  # fmt: skip
    ended = [_ended(doing, one, last_day) for one in ending]
    granted = _end_grants(doing, member, kind, last_day)
    for before, after in zip(ending, ended, strict=True):
        _tell(doing, staff_no, "end duty", before=before, after=after, granted=granted)
    return ended


def _reached(
    doing: Doing, staff_no: str, kind: str, last_day: date, department: str
) -> StaffMember:
    """Reach a member of staff whose duty is to end, in every department where it would."""
    standing = queries.standing_duties([staff_no], until=last_day).get(staff_no, [])
    places = {department} if department else {o.department for o in standing if o.kind == kind}
    for place in sorted(places) or [""]:
        member = access.staff_member(doing.acting, staff_no, to="end a duty", department=place)
    return member


def _ended(doing: Doing, duty: Duty, last_day: date) -> Duty:
    Duty.objects.filter(pk=duty.pk).update(withdrawn_at=doing.acting.at)
    if duty.starts_on > last_day:
        doing.left.append(
            f"{duty.staff.number} was to be {duty.kind} from {duty.starts_on}; that is off now."
        )
        return duty
    ended = copy(duty)
    ended.pk = None
    ended.ends_on, ended.act, ended.recorded_at = last_day, doing.act, doing.acting.at
    Duty.objects.bulk_create([ended])
    return ended


def _end_grants(doing: Doing, member: StaffMember, kind: str, last_day: date) -> int:
    """End what was granted for a duty; give how many grants, of every account of theirs."""
    members = queries.family([member.person_id])[member.person_id]
    numbers: Sequence[str] = queries.staff_of([member.person_id])[member.person_id]
    going_on = [
        one
        for held in queries.standing_duties(numbers, until=last_day).values()
        for one in held
        if one.kind == kind
    ]
    if going_on:
        places = ", ".join(sorted({one.department for one in going_on}))
        doing.left.append(
            f"{member.number} is {kind} in {places} after {last_day}: see which of their grants "
            "end, nothing was ended by itself."
        )
        return 0
    return sum(accounts.end_for(one, roles=[kind], last_day=last_day) for one in members)


def _tell(
    doing: Doing,
    staff_no: str,
    action: str,
    *,
    after: Duty,
    before: Duty | None = None,
    granted: int = 0,
) -> None:
    doing.name(action, "staff", staff_no)
    doing.touch("staff", [staff_no])
    told = {**_days(after), "grants_ended": granted}
    doing.record("staff", staff_no, action, before=_days(before) if before else None, after=told)


def _days(duty: Duty) -> dict[str, object]:
    return {
        "kind": duty.kind, "department": duty.department, "starts_on": duty.starts_on.isoformat(),
        "ends_on": duty.ends_on.isoformat() if duty.ends_on else "",
    }  # fmt: skip
