"""Incidents: every failure belongs to an office, with a due date and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from matricula.hub.models import Incident, Link

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_DUE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something a person must see to. `code`, `place` and `key` say which it is."""

    code: str
    place: str
    steward: str
    message: str
    cure: str
    flow: str = ""
    system: str = ""
    key: str = ""
    of_writing: bool = False


def report(troubles: Iterable[Trouble], *, at: datetime) -> int:
    """Open an incident for each trouble that has none open; freshen those that have.

    Returns:
        How many were opened.
    """
    opened = 0
    for trouble in troubles:
        _, is_new = Incident.objects.update_or_create(
            code=trouble.code,
            place=trouble.place,
            key=trouble.key,
            closed_at=None,
            defaults={
                "last_at": at,
                "message": trouble.message,
                "cure": trouble.cure,
                "steward": trouble.steward,
                "flow": trouble.flow,
                "system": trouble.system,
                "of_writing": trouble.of_writing,
            },
            create_defaults={
                "opened_at": at,
                "last_at": at,
                "due_at": at + _DUE,
                "message": trouble.message,
                "cure": trouble.cure,
                "steward": trouble.steward,
                "flow": trouble.flow,
                "system": trouble.system,
                "of_writing": trouble.of_writing,
            },
        )
        opened += is_new
    return opened


def close_others(
    still: Iterable[Trouble | Incident],
    *,
    codes: Iterable[str],
    places: Iterable[str],
    at: datetime,
) -> None:
    """Close the open incidents of some kinds and places that did not come up again.

    Those of single records are closed by what becomes of the record (`close_settled`), those
    of writing by a delivery that went through (`close_written`).
    """
    again = {(t.code, t.place, t.key) for t in still}
    open_ones = Incident.objects.filter(
        closed_at=None, key="", of_writing=False, code__in=list(codes), place__in=list(places)
    )
    gone = [i.pk for i in open_ones if (i.code, i.place, i.key) not in again]
    Incident.objects.filter(pk__in=gone).update(closed_at=at)


def close_settled(flows: Iterable[str], *, at: datetime) -> None:
    """Close the incidents of single records that their targets have taken since."""
    told = Incident.objects.filter(closed_at=None, flow__in=list(flows)).exclude(key="")
    for flow in set(told.values_list("flow", flat=True)):
        about = told.filter(flow=flow)
        keys = list(about.values_list("key", flat=True))
        still = set(
            Link.objects.filter(flow=flow, key__in=keys)
            .exclude(refused="", state__in=("active", "suspended", "waiting"))
            .values_list("key", flat=True)
        )
        about.exclude(key__in=still).update(closed_at=at)


def close_written(flows: Iterable[str], *, at: datetime) -> None:
    """Close what failed writes of some flows had opened; nothing stopped them this time."""
    Incident.objects.filter(closed_at=None, key="", of_writing=True, flow__in=list(flows)).update(
        closed_at=at
    )
