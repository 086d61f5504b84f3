"""Unlisted: copies that are to leave and that their target's listing does not show.

A listing may leave a record out and say nothing of it. A copy that is to leave would then pass
for one that is gone, and stay. So the target is asked for each by its own number before that is
believed. Where it cannot be asked the copy counts as there: whatever ends it finds out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.hub import bulk, links

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from matricula.charter.model import Flow, ResourceRef
    from matricula.hub.systems import Systems

_SIZE = 200


@dataclass(frozen=True, slots=True)
class Asked(links.Confirmed):
    """The links at one moment, and the targets, to be asked what a listing leaves open.

    Attributes:
        systems: Connected.
        targets: Where each flow delivers to.
    """

    systems: Systems
    targets: Mapping[str, ResourceRef]

    @classmethod
    def of(cls, systems: Systems, flows: Sequence[Flow], *, at: datetime) -> Asked:
        """Give the links of some flows, beside their targets."""
        texts = {flow.name: flow.digest for flow in flows}
        return cls(at, texts, systems, {flow.name: flow.target for flow in flows})

    def still_there(self, flow: str, copies: pa.Table) -> pa.Table:
        """See `matricula.engine.state.Confirmed`."""
        rows = copies.to_pylist()
        over = links.known_gone(flow, [row["key"] for row in rows])
        doubted = [row for row in rows if row["key"] not in over]
        told = [
            key
            for some in bulk.parts(doubted, of=_SIZE)
            for key in self._look(self.targets[flow], some)
        ]
        return pa.table({"key": pa.array(told, pa.string())})

    def _look(self, target: ResourceRef, copies: Sequence[Mapping[str, str]]) -> list[str]:
        asked = [{"_id": copy["external_id"]} for copy in copies]
        try:
            found = self.systems[target.system].find(target.resource, asked)
        except Exception:  # noqa: BLE001 - what cannot be asked is told of when it is written to
            return [copy["key"] for copy in copies]
        pairs = zip(copies, found, strict=True)
        return [copy["key"] for copy, records in pairs if records]
