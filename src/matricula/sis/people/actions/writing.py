"""How rows with two times are written: nothing is overwritten, what was thought stays."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, TypeVar

from matricula.sis.people import queries, rules
from matricula.sis.people.models import ContactPoint, Directive, Name, Person

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.db.models import QuerySet

    from matricula.sis.acts.actions import Doing

Row = TypeVar("Row", Name, ContactPoint, Directive)


def put_in(
    doing: Doing,
    standing: QuerySet[Row],
    person: int,
    said: Mapping[str, str] | None,
    days: rules.Stretch,
) -> list[Row] | None:
    """Let something hold for some days, and what stood in its way for the rest of its days.

    Args:
        doing: The act.
        standing: The rows of the one thing it is about that were not withdrawn.
        person: Whose the new row is.
        said: Its columns; None where nothing is to hold any more.
        days: Which days; without a last day until the next row begins.

    Returns:
        The rows that were withdrawn; None where it was so already, and nothing was written.
    """
    held = {one.pk: one for one in standing.order_by("id")}
    stretches = [rules.Stretch(one.valid_from, one.valid_to, one.pk) for one in held.values()]
    splice = rules.spliced(stretches, days)
    met = [held[number] for number in splice.withdrawn]
    if _is_so(met, said, splice.new):
        return None
    # First, for of what stands one row alone may begin on a day.
    standing.filter(pk__in=splice.withdrawn).update(withdrawn_at=doing.acting.at)
    rows = [_rest(doing, held[one.number], one) for one in splice.kept if one.number in held]
    if said is not None:
        new = standing.model(
            person_id=person, valid_from=splice.new.first, valid_to=splice.new.last,
            act=doing.act, recorded_at=doing.acting.at, **said,
        )  # fmt: skip
        rows.append(new)
    standing.bulk_create(rows)
    return met


def _is_so(met: Sequence[Row], said: Mapping[str, str] | None, new: rules.Stretch) -> bool:
    if said is None:
        return not met
    return len(met) == 1 and all(
        (met[0].valid_from <= new.first, met[0].valid_to == new.last,
         all(getattr(met[0], column) == value for column, value in said.items()))
    )  # fmt: skip


def _rest(doing: Doing, row: Row, days: rules.Stretch) -> Row:
    """Make what is left of a row a row of its own, known since now."""
    rest = copy(row)
    rest.pk = None
    rest.valid_from, rest.valid_to = days.first, days.last
    rest.act, rest.recorded_at = doing.act, doing.acting.at
    return rest


def lock(persons: Iterable[int]) -> None:
    """Keep everybody else from writing of persons until this act ends."""
    rows = Person.objects.select_for_update().filter(pk__in=sorted(set(persons)))
    # In one order, so that no two wait for each other.
    list(rows.order_by("pk").values_list("pk", flat=True))


def touch(doing: Doing, members: Sequence[int]) -> None:
    """Say of whom something changed, for other systems: the students and staff they are."""
    students, staff = queries.numbers(members), queries.staff_of(members)
    doing.touch("student", {number for held in students.values() for number in held})
    doing.touch("staff", {number for held in staff.values() for number in held})
