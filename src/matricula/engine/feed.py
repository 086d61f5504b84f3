"""Feed: everything a pass of the line reads, the time included."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    import pyarrow as pa
    import pyarrow.dataset as ds

    from matricula.charter.model import ResourceRef
    from matricula.engine.read import Snapshot
    from matricula.engine.state import Confirmed


@dataclass(frozen=True, slots=True)
class Feed:
    """Everything a pass reads.

    Attributes:
        at: The run's instant, with its zone.
        snapshots: What arrived, per owning resource.
        known: What the hub knows of the copies.
        previous: The last trusted snapshot per resource, for judging damage; none where it
            is what arrived.
        seen: The targets' own readings per flow, in a full pass.
        elsewhere: Per flow the identifiers (`external_id`) in its target that are copies of
            other entities' records: no record of its own is found there.
        dirty: Keys per entity (column `key`), none of an entity that is not named; None
            for everybody.
        crosswalk: Decisions of stewards per entity and resource (`external_id`, `key`); a key
            of null says that the record is nobody's.
        copies: Active copies per flow, for the guard.
        first_loads: The flows that were never delivered in full yet, for the guard.
        recent: What went out in the last day per flow (`key`, `kind`), for the guard.
        accepted: Edits of copies that are let stand, per flow (`key`, `field`, `value`: a JSON
            object of that field).
        renumbered: Keys that a steward said were given up or given (column `id`): that they
            are gone, or new, is no damage.
        undecided: Keys per entity (column `key`) that may be one record under two numbers:
            nothing is done about them.
    """

    at: datetime
    snapshots: Mapping[ResourceRef, Snapshot]
    known: Confirmed
    previous: Mapping[ResourceRef, ds.Dataset | pa.Table] = field(default_factory=dict)
    seen: Mapping[str, ds.Dataset | pa.Table] = field(default_factory=dict)
    elsewhere: Mapping[str, pa.Table] = field(default_factory=dict)
    dirty: Mapping[str, pa.Table] | None = None
    crosswalk: Mapping[tuple[str, ResourceRef], pa.Table] = field(default_factory=dict)
    copies: Mapping[str, int] = field(default_factory=dict)
    first_loads: Collection[str] = ()
    recent: Mapping[str, pa.Table] = field(default_factory=dict)
    accepted: Mapping[str, pa.Table] = field(default_factory=dict)
    renumbered: pa.Table | None = None
    undecided: Mapping[str, pa.Table] = field(default_factory=dict)
