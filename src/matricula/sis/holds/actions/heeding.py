"""Hold what the library tells of, and let it go when it tells that it is settled.

What it tells lies in the register's table of clearance, which a flow of the charter writes and
no action edits. Here it becomes holds like any other: with a number, a history, a dispute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import transaction

from matricula.accounts.actions import permit
from matricula.accounts.rules import OFFICE, Facts, Granted
from matricula.kernel.checks import in_the_way
from matricula.sis.acts.actions import begin, next_numbers
from matricula.sis.holds import access, models, queries, rules
from matricula.sis.holds.actions.holding import numbered
from matricula.sis.holds.rules.figures import PLACE, RELEASE
from matricula.sis.people import queries as people
from matricula.sis.received import actions as received
from matricula.sis.received import queries as receiving

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matricula.accounts.rules import Acting
    from matricula.sis.acts.actions import Doing

LIBRARY = "library"
# What lets the register's own account do it: what the library's own system may.
GRANT = Granted("system", OFFICE, LIBRARY)
# So many in one act: on SQLite nobody else writes meanwhile.
_SOME = 1_000


@dataclass(frozen=True, slots=True)
class _Due:
    """What becomes of the hold for one thing that is told of one student.

    Attributes:
        what: place, release or retell.
        person: Whose.
        reference: The student's number and the kind: by this it is told of.
        figure: How much it is now.
        hold: The last hold for it, if there was one.
        why: A word from the machine's list, where it is released.
    """

    what: str
    person: int
    reference: str
    figure: rules.Figure
    hold: models.Hold | None
    why: str

    @property
    def kind(self) -> str:
        """The kind of hold."""
        return self.reference.partition(" ")[2]


@transaction.atomic
def heed(acting: Acting, *, currency: str) -> bool:
    """Look at some of the students whose clearance changed, and do what follows as one act.

    What is told again in the same words changes nothing. Where an office wrote down something
    for a later day that does not allow what follows, its word stands.

    Args:
        acting: The system's own account, granted `GRANT`.
        currency: The institution's, of the amounts that are told.

    Returns:
        Whether there was anybody; then there may be more.

    Raises:
        Refused: Not permitted (M903).
    """
    name = f"place a hold of the {LIBRARY}"
    permit(acting, name, access.ALLOWED[name], Facts(offices=frozenset({LIBRARY})))
    # First, for whoever takes a number has the others wait: no two look at one student at once.
    next_numbers("hold", 0)
    students = received.take_unheeded(_SOME)
    due = _what_is_due(acting, students, currency=currency)
    if due:
        with begin(acting) as doing:
            doing.name("hold what is told", "office", LIBRARY)
            _place(doing, [one for one in due if one.what == PLACE], currency=currency)
            _write(doing, [one for one in due if one.what != PLACE])
    return bool(students)


def _what_is_due(acting: Acting, students: Sequence[str], *, currency: str) -> list[_Due]:
    persons = people.holders("sis", "student", students)
    cleared = receiving.clearance_of(persons)
    told = {
        (number, kind): figure
        for number in persons
        for kind, figure in rules.told(cleared.get(number), currency=currency).items()
    }
    last = _last_holds(f"{number} {kind}" for number, kind in told)
    events = queries.events([one.pk for one in last.values()])
    sizes = queries.figures(events)
    found = []
    for (number, kind), figure in told.items():
        reference = f"{number} {kind}"
        hold = last.get(reference)
        why = rules.SETTLED if number in cleared else rules.UNTOLD
        one = _Due("", persons[number], reference, figure, hold, why)
        found.append(replace(one, what=_what(acting, one, events, sizes)))
    return [one for one in found if one.what]


def _last_holds(references: Iterable[str]) -> dict[str, models.Hold]:
    """Give the last hold for each thing that is told of; nobody else adds to its history."""
    rows = models.Hold.objects.select_for_update().filter(
        source_system=receiving.CLEARANCE,
        source_reference__in=list(references),
        office=LIBRARY,
    )
    return {one.source_reference: one for one in rows.order_by("pk")}


def _what(
    acting: Acting,
    one: _Due,
    events: Mapping[int, list[rules.Event]],
    sizes: Mapping[int, list[models.HoldFigure]],
) -> str:
    if one.hold is None:
        return rules.what_follows(None, stands=False, now=one.figure)
    history = events[one.hold.pk]
    standing = rules.state_on(history, acting.today, expires_on=one.hold.expires_on)
    stands = standing.state in rules.STANDS
    told = sizes.get(one.hold.pk)
    was = queries.as_figure(told[-1]) if told else rules.Figure(one.hold.amount_minor)
    what = rules.what_follows(was, stands=stands, now=one.figure)
    if what != RELEASE:
        return what
    new = rules.Event(
        max(event.number for event in history) + 1, what, acting.today, acting.at, one.why
    )
    wrong = rules.may_happen(
        history, new, office=rules.title_of(LIBRARY), expires_on=one.hold.expires_on
    )
    return "" if in_the_way(wrong) else what


def _place(doing: Doing, due: Sequence[_Due], *, currency: str) -> None:
    if not due:
        return
    acting = doing.acting
    made = models.Hold.objects.bulk_create(
        models.Hold(
            number=number, person=one.person, kind=one.kind, cause=rules.ANCILLARY,
            office=LIBRARY, amount_minor=one.figure.amount_minor,
            currency=currency if one.figure.amount_minor is not None else "",
            source_system=receiving.CLEARANCE, source_reference=one.reference,
            placed_on=acting.today, act=doing.act, recorded_at=acting.at,
        )
        for number, one in zip(numbered(len(due)), due, strict=True)
    )  # fmt: skip
    _write(doing, [replace(one, hold=hold) for hold, one in zip(made, due, strict=True)])


def _write(doing: Doing, due: Sequence[_Due]) -> None:
    """Write down what happened to holds and how much they are for, with the audit of both."""
    acting = doing.acting
    held = [(one, one.hold) for one in due if one.hold is not None]
    models.HoldEvent.objects.bulk_create(
        models.HoldEvent(
            hold=hold, action=one.what, reason=one.why if one.what == RELEASE else "",
            effective_on=acting.today, act=doing.act, recorded_at=acting.at,
        )
        for one, hold in held
        if one.what in rules.TRANSITIONS
    )  # fmt: skip
    models.HoldFigure.objects.bulk_create(
        models.HoldFigure(
            hold=hold, amount_minor=one.figure.amount_minor, loans=one.figure.loans,
            effective_on=acting.today, act=doing.act, recorded_at=acting.at,
        )
        for one, hold in held
    )  # fmt: skip
    for one, hold in held:
        told = {
            "person": hold.person, "kind": hold.kind, "cause": hold.cause, "office": hold.office,
            "amount_minor": one.figure.amount_minor, "loans": one.figure.loans,
            "reason": one.why if one.what == RELEASE else "",
            "effective_on": acting.today.isoformat(),
        }  # fmt: skip
        doing.record("hold", hold.number, one.what, after=told)
