"""Purposes that have run out: reviews that are due, and copies whose flow was withdrawn.

What the charter no longer grants is not taken out by itself, for a line that somebody deleted
must not empty a system. It is somebody's to decide, and this says whose.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import DatabaseError, connection
from django.db.models import Q

from matricula.engine.line import local_date
from matricula.hub import former
from matricula.hub.incidents import Trouble, close_others, report
from matricula.hub.models import FlowState, Incident, Link
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

    from matricula.charter.model import Charter, Flow
    from matricula.hub.desk import Desk

REVIEW, WITHDRAWN = "M251", "M661"
# Copies that a full pass saw to be gone hold nothing any more.
GONE = ~Q(drift="") & Q(observed=None)
# An account that was there before us and sleeps is its system's own again.
_GIVEN_BACK = Q(was_there=True, state="suspended")


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A flow that the charter no longer names and whose copies are still in their target.

    Attributes:
        flow: Its name.
        target: The resource.
        copies: How many are there.
        steward: The office that answers for them.
    """

    flow: str
    target: str
    copies: int
    steward: str

    @property
    def message(self) -> str:
        """Say what is left."""
        return (
            f"The flow {self.flow} is no longer in the charter, and {self.copies} of its "
            f"copies are still in {self.target}. No purpose needs them."
        )

    @property
    def cure(self) -> str:
        """Say how the copies leave under the guard."""
        return (
            f"Put {self.flow} back with `where: 'false'`, `on_exit: delete` "
            "(`suspend` for copies that were there before) and "
            "`guard: {exits: {share: 100%}}`, have it signed, and run "
            f"`matricula plan --flow {self.flow}` and `matricula apply`; then remove it again. "
            "If it was only renamed, give it its name back."
        )


def copies_in_targets(flow: str) -> QuerySet[Link]:
    """Ask for the links of a flow whose copies are, or may be, in the target."""
    there = Q(external_id__isnull=False) | Q(state="unknown")
    return Link.objects.filter(there, flow=flow).exclude(GONE)


def withdrawn(charter: Charter) -> list[Withdrawn]:
    """List the flows that were taken out of the charter and left copies."""
    names = FlowState.objects.exclude(flow__in=list(charter.flows)).order_by("flow")
    left = {
        name: count
        for name in names.values_list("flow", flat=True)
        if (count := copies_in_targets(name).exclude(_GIVEN_BACK).count())
    }
    known = former.grants(charter.text) if left else {}
    return [
        Withdrawn(name, known[name].target, count, _steward(charter, known[name]))
        for name, count in left.items()
    ]


def _steward(charter: Charter, grant: former.Grant) -> str:
    """Name the office that answers for a former target: today's, where there is one."""
    system = charter.systems.get(grant.target.partition(".")[0])
    return system.steward if system else grant.steward


def is_overdue(charter: Charter, flow: Flow, at: datetime) -> bool:
    """Tell whether the day has passed on which a flow's purpose was to be looked at."""
    return flow.review_on is not None and flow.review_on < local_date(charter, at)


def look(desk: Desk) -> None:
    """Open, freshen and close the incidents of reviews and of withdrawn flows."""
    found = [*_reviews(desk), *_withdrawals(desk.charter)]
    report(found, at=desk.at)
    opened = Incident.objects.filter(closed_at=None, code__in=(REVIEW, WITHDRAWN))
    places = list(opened.values_list("place", flat=True))
    close_others(found, codes=[REVIEW, WITHDRAWN], places=places, at=desk.at)


def _reviews(desk: Desk) -> Iterator[Trouble]:
    for flow in desk.charter.flows.values():
        if is_overdue(desk.charter, flow, desk.at):
            yield Trouble(
                REVIEW, flow.name, desk.charter.systems[flow.target.system].steward,
                f"The purpose of {flow.name} was to be reviewed on {flow.review_on}.",
                "Ask whether it still holds; then set a new `review_on` and have the flow signed, "
                "or withdraw it.",
                flow=flow.name, system=flow.target.system,
            )  # fmt: skip


def _withdrawals(charter: Charter) -> Iterator[Trouble]:
    for left in withdrawn(charter):
        yield Trouble(
            WITHDRAWN, left.flow, left.steward, left.message, left.cure,
            flow=left.flow, system=left.target.partition(".")[0],
        )  # fmt: skip


def findings(charter: Charter) -> list[Finding]:
    """Warn of copies that no purpose needs, where this home knows of any; asks no system."""
    # A charter is checked on machines that have no database, too; none is made for it.
    if connection.vendor == "sqlite" and not Path(connection.settings_dict["NAME"]).exists():
        return []
    try:
        is_old = "hub_flowstate" not in connection.introspection.table_names()
        left = [] if is_old else withdrawn(charter)
    except DatabaseError:
        return []
    return [Finding(w.target, WITHDRAWN, w.message, w.cure, "warning") for w in left]
