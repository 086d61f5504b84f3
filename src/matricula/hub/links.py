"""Links: what the hub knows of every copy, given to the engine and written after delivery."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.db import connection
from django.db.models import Case, Count, Q, TextField, Value, When

from matricula.hub import bulk
from matricula.hub.models import Link

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from matricula.charter.model import Charter, Flow

_STATE_FIELDS: list[pa.Field[Any]] = [
    pa.field("key", pa.string()),
    pa.field("external_id", pa.string()),
    pa.field("state", pa.string()),
    pa.field("digest", pa.string()),
    pa.field("refused", pa.string()),
    pa.field("retry", pa.bool_()),
]
_STATE = pa.schema(_STATE_FIELDS)
_CONFIRMED = pa.schema([pa.field("key", pa.string()), pa.field("confirmed", pa.string())])
COLUMNS = (
    "flow", "key", "external_id", "state", "desired", "confirmed", "observed", "drift",
    "digest", "refused", "attempts", "next_attempt_at", "confirmed_at", "run",
)  # fmt: skip
PRESENT = ("active", "suspended")
# The drift of a copy that somebody took out and that nobody wants any more.
GONE = "_gone"
EDITED = ~Q(drift__in=("", GONE))
# Null where an office let it stand and nothing has changed since.
_RETRY = """
CASE WHEN refused_under <> '' AND refused_under <> %s THEN true
     WHEN next_attempt_at <= %s THEN true
     WHEN accepted_at IS NOT NULL THEN NULL
     ELSE next_attempt_at IS NULL END
"""
# SQLite as some systems build it takes 32,766 parameters.
_MOST_KEYS = 5_000


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The links at one moment; what the engine asks (`matricula.engine.state.Confirmed`).

    Attributes:
        at: The moment.
        texts: Digests of the present texts of flows: what was refused under another text is
            due again.
    """

    at: datetime
    texts: Mapping[str, str]

    def state(self, flow: str, keys: pa.Table | None) -> pa.Table:
        """Give the links of a flow, of all keys or of some."""
        where, parameters = _of(flow, keys)
        return bulk.read(
            "SELECT key, external_id, state, NULLIF(digest, ''), NULLIF(refused, ''), "  # noqa: S608 - no value in it
            f"{_RETRY} FROM hub_link WHERE {where}",
            [self.texts.get(flow, ""), bulk.moment(self.at), *parameters],
            _STATE,
        )

    def confirmed(self, flow: str, keys: pa.Table | None) -> pa.Table:
        """Give what the target acknowledged, of all keys or of some."""
        where, parameters = _of(flow, keys)
        return bulk.read(
            f"SELECT key, confirmed FROM hub_link WHERE confirmed IS NOT NULL AND {where}",  # noqa: S608 - no value in it
            parameters,
            _CONFIRMED,
        )

    def still_there(self, flow: str, copies: pa.Table) -> pa.Table:
        """Name none: here nobody asks a target (`matricula.hub.unlisted` does)."""
        del flow
        return copies.slice(0, 0)


def _of(flow: str, keys: pa.Table | None) -> tuple[str, list[bulk.Cell]]:
    if keys is None:
        return "flow = %s", [flow]
    chosen, parameters = bulk.any_of("key", [str(key) for key in keys["key"].to_pylist()])
    return f"flow = %s AND {chosen}", [flow, *parameters]


def copies(flows: Sequence[str]) -> dict[str, int]:
    """Count the active copies of each flow."""
    found = (
        Link.objects.filter(flow__in=flows, state="active").values("flow").annotate(n=Count("*"))
    )
    return {row["flow"]: row["n"] for row in found}


def among(flow: str, keys: Sequence[str]) -> Iterator[QuerySet[Link]]:
    """Ask for the links of some keys, as many at once as every database takes."""
    for some in bulk.parts(keys, of=_MOST_KEYS):
        yield Link.objects.filter(flow=flow, key__in=some)


def external_ids(flow: str, keys: Sequence[str]) -> dict[str, str]:
    """Find the targets' own identifiers of copies that are there."""
    found: dict[str, str] = {}
    for some in among(flow, keys):
        rows = some.filter(external_id__isnull=False).values_list("key", "external_id")
        found.update((key, str(known)) for key, known in rows)
    return found


@dataclass(frozen=True, slots=True)
class Others:
    """The identifiers of the copies that other keys have in one resource.

    A connector may ask from a thread of its own. Django opens a connection for each, and
    nobody but us would close it.

    Attributes:
        key: Whose copies are no others.
        same: The flows to the resource whose keys are of the same entity.
        foreign: Those of other entities: no key of theirs is this one.
    """

    key: str
    same: Sequence[str]
    foreign: Sequence[str] = ()

    def __contains__(self, external_id: object) -> bool:
        """Whether a record is another key's copy; a copy that is gone is nobody's."""
        whose = (Q(flow__in=self.same) & ~Q(key=self.key)) | Q(flow__in=self.foreign)
        is_fresh = connection.connection is None
        try:
            held = Link.objects.filter(whose, external_id=external_id).exclude(drift=GONE)
            return held.exists()
        finally:
            if is_fresh and threading.current_thread() is not threading.main_thread():
                connection.close()


def beside(charter: Charter, flow: Flow) -> tuple[list[str], list[str]]:
    """Name the flows to a flow's target: those of its entity, itself too, and the others."""
    every = [f for f in charter.flows.values() if f.target == flow.target]
    same = [f.name for f in every if f.entity == flow.entity]
    return same, [f.name for f in every if f.entity != flow.entity]


def others(charter: Charter, flow: Flow, key: str) -> Others:
    """Give the copies that are not a key's, of all flows to the flow's target."""
    return Others(key, *beside(charter, flow))


def elsewhere(charter: Charter, flows: Sequence[Flow]) -> dict[str, pa.Table]:
    """Give, per flow, what is copied into its target by flows of other entities."""
    found: dict[str, pa.Table] = {}
    for flow in flows:
        _, foreign = beside(charter, flow)
        if foreign:
            held = Link.objects.filter(flow__in=foreign, external_id__isnull=False)
            told = list(held.exclude(drift=GONE).values_list("external_id", flat=True))
            found[flow.name] = pa.table({"external_id": pa.array(told, pa.string())})
    return found


def take_over(flow: str, keys: Sequence[str]) -> None:
    """Remember of copies that they were in the target before us."""
    for some in among(flow, keys):
        some.update(was_there=True)


def were_there(flow: str, keys: Sequence[str]) -> set[str]:
    """Tell which copies were in the target before us."""
    found: set[str] = set()
    for some in among(flow, keys):
        found.update(some.filter(was_there=True).values_list("key", flat=True))
    return found


def known_gone(flow: str, keys: Sequence[str]) -> set[str]:
    """Tell which copies were found to be gone for good before."""
    found: set[str] = set()
    for some in among(flow, keys):
        found.update(some.filter(drift=GONE).values_list("key", flat=True))
    return found


def due_keys(flow_entities: Mapping[str, str], at: datetime) -> dict[str, pa.Table]:
    """List, per entity, the keys whose copies wait, or are due for another attempt."""
    links = Link.objects.filter(flow__in=list(flow_entities))
    waiting = links.filter(state__in=("waiting", "unknown"))
    again = links.exclude(refused="").filter(next_attempt_at__lte=at)
    due: dict[str, list[str]] = {}
    for some in (waiting, again):
        for flow, key in some.values_list("flow", "key"):
            due.setdefault(flow_entities[flow], []).append(key)
    return {e: pa.table({"key": pa.array(k, pa.string())}) for e, k in due.items() if k}


def settle(flow: str, keys: Sequence[str]) -> None:
    """Forget refusals that are over: the copies are as they should be."""
    there = Case(
        When(state__in=("refused", "waiting"), then=Value("active")),
        default="state",
        output_field=TextField(),
    )
    for some in among(flow, keys):
        some.update(state=there, desired=None, refused="", attempts=0, next_attempt_at=None)


def forget(flow: str, keys: Sequence[str]) -> None:
    """Remove links to copies that were never made."""
    for some in among(flow, keys):
        some.filter(external_id=None).delete()


def record_drift(flow: str, drift: Sequence[Mapping[str, Any]]) -> None:
    """Remember which copies of a flow were seen edited, and that the others were not."""
    Link.objects.filter(flow=flow).exclude(drift="").update(drift="", observed=None)
    rows = [(flow, str(row["key"]), row["found"], ",".join(row["fields"])) for row in drift]
    bulk.amend("hub_link", ("flow", "key", "observed", "drift"), ("flow", "key"), rows)
