"""The gate: the one way out. Plan, guard, signatures, ledger, connector, in this order.

Nothing else in Matricula calls a connector's `write`. What the guard, the calendar or a
missing signature holds is not sent, on no route.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import (
    ConnectorError,
    GiveUp,
    ReadBack,
    SkipRow,
    Stop,
    TryAgain,
)
from matricula.connectors.kit.protocol import Outcome, Write
from matricula.engine.plan import pick
from matricula.hub import ledger, links, systems, troubles
from matricula.hub.incidents import Trouble, report
from matricula.kernel.digests import document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from matricula.connectors.kit.protocol import Connector, WriteKind
    from matricula.engine.plan import FlowPlan
    from matricula.hub.ledger import Intent, Page
    from matricula.hub.systems import Systems

# What must leave goes first: it may free a name that a creation needs.
_ORDER = ("delete", "suspend", "restore", "update", "resume", "create")
_KINDS: Mapping[str, WriteKind] = {
    "create": "create", "update": "update", "restore": "update", "suspend": "suspend",
    "resume": "resume", "delete": "delete",
}  # fmt: skip


@dataclass(slots=True)
class Delivered:
    """What became of one flow's changes."""

    flow: str
    counts: Counter[str] = field(default_factory=Counter)
    stopped: str = ""


def deliver(
    page: Page,
    connected: Systems,
    part: FlowPlan,
    changes: pa.Table,
    *,
    tick: Callable[[int], None],
) -> Delivered:
    """Let a flow's changes out, in the connector's batches.

    Args:
        page: Whose run, which flow.
        connected: The systems.
        part: The flow's plan, with what holds it.
        changes: Its rows of the plan.
        tick: Told how many changes were dealt with.
    """
    delivered = Delivered(page.flow.name)
    matched = (
        [_intent(row) for row in _of_kind(changes, "match")] if not part.is_held("match") else []
    )
    ledger.record_matches(page, matched)
    delivered.counts["matched"] = len(matched)
    connector = connected[page.flow.target.system]
    size = connector.capabilities.batch_size
    for kind in _ORDER:
        rows = pick(changes, "kind", kind)
        if part.is_held(kind):
            delivered.counts["held"] += rows.num_rows
            continue
        for batch in _batches(rows, size):
            if delivered.stopped:
                delivered.counts["deferred"] += len(batch)
            else:
                _send(page, connector, batch, delivered)
            tick(len(batch))
    return delivered


def _of_kind(changes: pa.Table, kind: str) -> list[dict[str, object]]:
    return pick(changes, "kind", kind).to_pylist()


def _batches(rows: pa.Table, size: int) -> Iterator[list[dict[str, object]]]:
    for start in range(0, rows.num_rows, size):
        yield rows.slice(start, size).to_pylist()


def _intent(row: Mapping[str, object]) -> Intent:
    return ledger.Intent(
        key=str(row["key"]),
        kind=str(row["kind"]),
        external_id=_text(row["external_id"]),
        before=_text(row["before"]),
        after=_text(row["after"]),
        match=_text(row["match"]),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _send(
    page: Page, connector: Connector, batch: Sequence[dict[str, object]], delivered: Delivered
) -> None:
    """Intend, send and settle one batch."""
    ready, waiting = _fill_links(batch)
    ledger.wait(page, [_intent(row) for row in waiting])
    delivered.counts["waiting"] += len(waiting)
    if not ready:
        return
    intents = [_intent(row) for row in ready]
    writes = [_write(row) for row in ready]
    ledger.intend(page, intents)
    try:
        outcomes = connector.write(page.flow.target.resource, writes, at=page.desk.at)
    except ConnectorError as error:
        outcomes = [Outcome(write.key, error=_of_row(error)) for write in writes]
        _stop(page, error, delivered)
    delivered.counts.update(ledger.settle(page, intents, outcomes))


def _of_row(error: ConnectorError) -> ConnectorError:
    """What an error of a whole batch means for each of its rows."""
    if isinstance(error, (ReadBack, TryAgain, SkipRow)):
        return error
    return TryAgain(error.message, code=error.code, cure=error.cure)


def _stop(page: Page, error: ConnectorError, delivered: Delivered) -> None:
    """Send nothing more of this flow in this run; the difference stays until the next."""
    system = page.flow.target.system
    delivered.stopped = error.message
    systems.remember(system, well=False, sentence=error.message, at=page.desk.at)
    if isinstance(error, (Stop, GiveUp)):
        steward = page.desk.charter.systems[system].steward
        trouble = Trouble(
            error.code, troubles.place_of(error.code, page.flow.target), steward,
            error.message, error.cure,
            flow=page.flow.name, system=system,
        )  # fmt: skip
        report([trouble], at=page.desk.at)


def _fill_links(
    batch: Sequence[dict[str, object]],
) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Put the identifiers of copies made meanwhile into those that waited for them."""
    asked: dict[str, set[str]] = {}
    for row in batch:
        for flow, key in _waits(row).values():
            asked.setdefault(flow, set()).add(key)
    known = {flow: links.external_ids(flow, sorted(keys)) for flow, keys in asked.items()}
    ready, waiting = [], []
    for row in batch:
        found = {name: known[flow].get(key) for name, (flow, key) in _waits(row).items()}
        if None in found.values():
            waiting.append(row)
        else:
            ready.append(_with_links(row, found) if found else row)
    return ready, waiting


def _waits(row: Mapping[str, object]) -> dict[str, tuple[str, str]]:
    if not row["waits"]:
        return {}
    told = json.loads(str(row["waits"]))
    return {name: (pair[0], pair[1]) for name, pair in told.items() if pair}


def _with_links(row: dict[str, object], found: Mapping[str, str | None]) -> dict[str, object]:
    filled = {**row}
    for column in ("after", "match"):
        if row[column]:
            state = json.loads(str(row[column]))
            state.update({n: v for n, v in found.items() if n in state})
            filled[column] = document(state)
    return filled


def _write(row: Mapping[str, object]) -> Write:
    kind = str(row["kind"])
    names = row["fields"] if isinstance(row["fields"], list) else []
    state = row["after"] or row["before"] or "{}"
    fields = json.loads(str(state))
    if kind == "create" and row["initial"]:
        fields |= json.loads(str(row["initial"]))
    # A copy put to sleep by hand is woken, not merely corrected.
    woken = kind == "restore" and "_suspended" in names
    return Write(
        key=str(row["key"]),
        kind="resume" if woken else _KINDS[kind],
        external_id=_text(row["external_id"]),
        fields=fields,
        changed=frozenset(n for n in names if n != "_suspended"),
        match=json.loads(str(row["match"])) if row["match"] else {},
    )
