"""What is done to a section and reaches those who sit or wait there.

The section itself is the curriculum's, which also says who may. Here its seats are counted
under its lock, and what follows for its students follows in the same act.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q

from matricula.kernel.histories import last_word
from matricula.sis.curriculum import actions as curriculum
from matricula.sis.curriculum.rules import CANCELLED
from matricula.sis.enrolment import queries, rules
from matricula.sis.enrolment.actions.queue import promote
from matricula.sis.enrolment.actions.reversing import locked, standing_of, take_back
from matricula.sis.enrolment.actions.writing import Change, key_of, write
from matricula.sis.enrolment.models import Enrolment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from matricula.sis.acts.actions import Doing
    from matricula.sis.enrolment.models import EnrolmentEvent, TermRegistration


def change_capacity(doing: Doing, section: str, seats: int) -> list[str]:
    """Give a section another number of seats; those that are new are offered to who waits.

    Args:
        doing: The act.
        section: The section's code.
        seats: How many it is to have.

    Returns:
        The keys of the enrolments to which a seat is offered now.

    Raises:
        Refused: Not permitted (M903), no such section (M921), or it cannot have so many
            (M926).
    """
    before = curriculum.lock_sections(doing, [section])[section]
    curriculum.change_capacity(doing, section, seats, taken=_taken(doing, section))
    return promote(doing, {section: seats}) if seats > before else []


def move_section(doing: Doing, section: str, action: str) -> list[EnrolmentEvent]:
    """Open, close, finish or cancel a section, with what follows for those who are in it.

    Where it is opened again, seats that became free meanwhile are offered to who waits.

    Args:
        doing: The act.
        section: The section's code.
        action: One of the curriculum's transitions.

    Returns:
        What was recorded of enrolments where it is cancelled.

    Raises:
        Refused: Not permitted (M903), no such section (M921), or its history, its term or
            what was told does not allow it (M926).
    """
    capacities = curriculum.lock_sections(doing, [section])
    curriculum.move_section(doing, section, action, taken=_taken(doing, section))
    if action == "cancel":
        return _drop_all(doing, section, doing.acting.reason)
    if action == "open":
        promote(doing, capacities)
    return []


def cancel_section(doing: Doing, section: str) -> list[EnrolmentEvent]:
    """Cancel a section for a reason: whoever sits or waits there is dropped from today on.

    Nobody keeps a withdrawal for a section that the university cancelled, whatever the day.
    What was graded stays. It is taken back with `reverse_section`.

    Args:
        doing: The act; its reason is the cancellation's.
        section: The section's code.

    Returns:
        What was recorded of enrolments.

    Raises:
        Refused: As `move_section`.
    """
    return move_section(doing, section, "cancel")


def reverse_section(doing: Doing, act: str) -> list[EnrolmentEvent]:
    """Take back that an act opened, closed, finished or cancelled sections.

    Whom a cancellation dropped is there again, where a seat is free; who left the term or is
    in another section of the module by now is left for a person.

    Args:
        doing: The act that takes back.
        act: The act that is taken back.

    Returns:
        What was recorded of enrolments.

    Raises:
        Refused: Not permitted (M903), or what was recorded since does not allow it (M926).
    """
    # Students before sections, as everybody locks them.
    under = locked({one.enrolment.term_registration_id for one in standing_of(act)})
    sections = curriculum.reverse_section_events(doing, act)
    events = [one for one in standing_of(act) if one.enrolment.term_registration_id in under]
    made = take_back(doing, _still_wanted(doing, events, under), under)
    promote(doing, curriculum.lock_sections(doing, [one.code for one in sections]))
    # Where it was taken back that one was cancelled by mistake, some may have come meanwhile.
    for one in sections:
        made += _drop_all(doing, one.code, "error") if one.state == CANCELLED else []
    return made


def _taken(doing: Doing, section: str) -> int:
    """Count the seats that are taken or kept for somebody; the section is locked."""
    found = queries.seats([section], at=doing.acting.at, on=doing.acting.today)[section]
    return found.taken + found.offered


def _drop_all(doing: Doing, section: str, reason: str) -> list[EnrolmentEvent]:
    today = doing.acting.today
    here = Q(status__in=rules.OPEN) | Q(vacated_on__gt=today)
    chosen = Enrolment.objects.filter(here, section=section).order_by("id")
    rows = list(chosen.select_related("term_registration"))
    history = queries.events(one.pk for one in rows)
    changes = [_lost(one, history[one.pk], today, reason) for one in rows]
    graded = Enrolment.objects.filter(section=section, status=rules.GRADED).count()
    if graded:
        doing.left.append(f"{graded} in {section} have a grade, and keep it.")
    return write(doing, changes)


def _lost(one: Enrolment, events: Sequence[rules.Event], today: date, reason: str) -> Change:
    """Have somebody lose their place: today, or on the day on which they were to get it."""
    steps, _ = rules.walk(rules.ENROLMENTS, events)
    ends = None
    if one.status not in rules.OPEN:
        # They were to leave on a day to come; the section goes before that.
        ends = last_word(events, steps.pop().event.number)
    on = max([today, *(step.event.effective_on for step in steps)])
    return Change(one, "lose section", on, reason, supersedes=ends)


def _still_wanted(
    doing: Doing, events: Sequence[EnrolmentEvent], under: dict[int, TermRegistration]
) -> list[EnrolmentEvent]:
    """Leave out who would be there again and is not in the term, or in another such section."""
    modules = {one.enrolment.module for one in events}
    others = Enrolment.objects.filter(
        term_registration__in=list(under), module__in=modules, status__in=rules.OPEN
    )
    elsewhere = {
        (one.term_registration_id, one.module): one.section for one in others.order_by("id")
    }
    found = []
    for event in events:
        row = event.enrolment
        other = elsewhere.get((row.term_registration_id, row.module), row.section)
        state = under[row.term_registration_id].state
        if row.status in rules.OPEN:
            found.append(event)
        elif state != rules.REGISTERED:
            doing.left.append(f"{key_of(row)} stays {row.status}: the student is {state} by now.")
        elif other != row.section:
            doing.left.append(f"{key_of(row)} stays {row.status}: the student is in {other}.")
        else:
            found.append(event)
    return found
