"""Seats and queues as other rooms may read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Max, Q

from matricula.sis.enrolment import rules
from matricula.sis.enrolment.models import Enrolment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class InLine:
    """A student who waits for a seat.

    Attributes:
        student_no: Whose.
        person: Whose, in `people`.
        rank: The ticket they drew; the lower, the earlier.
        offered_until: Until when a seat is kept for them, if one is.
    """

    student_no: str
    person: int
    rank: int
    offered_until: datetime | None


def seats(sections: Iterable[str], *, at: datetime, on: date) -> dict[str, rules.Seats]:
    """Say how the seats of sections stand; every section has an answer.

    Whoever gives a seat away has locked the sections: `curriculum.actions.lock_sections`.

    Args:
        sections: Their codes.
        at: The instant: an offer that has passed keeps no seat.
        on: The institution's day: who leaves on a later day has the seat until then.
    """
    codes = list(sections)
    has = Q(status__in=rules.SEATED) | Q(vacated_on__gt=on)
    waits = Q(status=rules.WAITLISTED)
    rows = (
        Enrolment.objects.filter(section__in=codes).values("section").annotate(
            taken=Count("id", filter=has),
            offered=Count("id", filter=waits & Q(offered_until__gt=at)),
            waiting=Count("id", filter=waits & Q(offered_until=None)),
            last_rank=Max("waitlist_rank"),
        ).order_by()
    )  # fmt: skip
    found = {
        row["section"]: rules.Seats(
            row["taken"], row["offered"], row["waiting"], row["last_rank"] or 0
        )
        for row in rows
    }
    return {code: found.get(code, rules.Seats()) for code in codes}


def waitlist(section: str) -> list[InLine]:
    """List who waits for a seat in a section, in the order of their tickets."""
    rows = Enrolment.objects.filter(section=section, status=rules.WAITLISTED)
    return [
        InLine(one.student_no, one.term_registration.person, one.waitlist_rank or 0,
               one.offered_until)
        for one in rows.select_related("term_registration").order_by("waitlist_rank", "id")
    ]  # fmt: skip


def due(*, at: datetime, on: date) -> set[str]:
    """Name the sections of which an offer has passed, or a seat is free from a day that has come.

    Args:
        at: The instant.
        on: The institution's day.
    """
    late = Q(status=rules.WAITLISTED, offered_until__lte=at)
    free = Q(vacated_on__lte=on)
    return set(Enrolment.objects.filter(late | free).values_list("section", flat=True))
