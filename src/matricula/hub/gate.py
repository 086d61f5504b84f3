"""The gate: the one way out. Plan, guard, signatures, ledger, connector, in this order.

Nothing else in Matricula calls a connector's `write`. What the guard, the calendar or a
missing signature holds is not sent, on no route.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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
from matricula.hub import accepted, alone, ledger, links, systems, troubles
from matricula.hub.incidents import Trouble, report
from matricula.kernel.digests import document

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from matricula.connectors.kit.protocol import Value, WriteKind
    from matricula.engine.plan import FlowPlan
    from matricula.hub.ledger import Page
    from matricula.hub.systems import Systems

# A row of the plan as Arrow gives it, by the plan's columns.
Change = dict[str, Any]
# What must leave goes first, in all flows: it may free a name that a creation needs.
LEAVING = ("delete", "suspend")
COMING = ("match", "restore", "update", "resume", "create")
_BROKEN = "M654"
# How many changes at once are counted as not sent.
_UNSENT = 10_000
_KINDS: Mapping[str, WriteKind] = {
    "create": "create", "update": "update", "restore": "update", "suspend": "suspend",
    "resume": "resume", "delete": "delete",
}  # fmt: skip


@dataclass(slots=True)
class Delivered:
    """What became of one flow's changes."""

    flow: str
    tick: Callable[[int], None]
    counts: Counter[str] = field(default_factory=Counter)
    stopped: str = ""


def deliver(
    page: Page,
    connected: Systems,
    part: FlowPlan,
    changes: pa.Table,
    *,
    kinds: Sequence[str],
    delivered: Delivered,
) -> None:
    """Let a flow's changes out, in the connector's batches.

    Args:
        page: Whose run, which flow.
        connected: The systems.
        part: The flow's plan, with what holds it.
        changes: Its rows of the plan.
        kinds: Which kinds of changes: `LEAVING` or `COMING`.
        delivered: Where what became of them is counted; its `tick` is told how many.
    """
    by_kind = {kind: rows for kind in kinds if (rows := pick(changes, "kind", kind)).num_rows}
    if not by_kind:
        # A system that nothing goes to is not even asked how it likes to be spoken to.
        return
    door = _Door(page, connected, delivered)
    size = door.batch_size()
    for kind, rows in by_kind.items():
        if part.is_held(kind):
            delivered.counts["held"] += rows.num_rows
            delivered.tick(rows.num_rows)
        elif kind == "match":
            _record_matches(page, rows, delivered)
        else:
            for batch in _batches(rows, size):
                _send(door, batch)
                delivered.tick(len(batch))


def _record_matches(page: Page, rows: pa.Table, delivered: Delivered) -> None:
    matched = _intents(rows.to_pylist())
    ledger.record_matches(page, matched)
    delivered.counts["matched"] += len(matched)
    delivered.tick(len(matched))


def _batches(rows: pa.Table, size: int) -> Iterator[list[Change]]:
    for start in range(0, rows.num_rows, size):
        yield rows.slice(start, size).to_pylist()


def _intents(rows: Sequence[Change]) -> list[ledger.Intent]:
    return [
        ledger.Intent(r["key"], r["kind"], r["external_id"], r["before"], r["after"], r["match"])
        for r in rows
    ]


def _send(door: _Door, batch: Sequence[Change]) -> None:
    """Intend, send and settle one batch; each is durable before the next begins."""
    page, counts = door.page, door.delivered.counts
    if door.is_shut():
        counts["deferred"] += len(batch)
        return
    ready, waiting = _fill_links(batch)
    ledger.wait(page, _intents(waiting))
    counts["waiting"] += len(waiting)
    if not ready:
        return
    restored = {row["key"] for row in ready if row["kind"] == "restore"}
    told = _writes(page, ready)
    writes = accepted.carry(page.desk, page.flow.name, told, restored=restored)
    counts["waiting"] += len(ready) - len(writes)
    intents = _intents(
        [_as_sent(row, writes[row["key"]]) for row in ready if row["key"] in writes]
    )
    ledger.intend(page, intents)
    deletions = [write.key for write in writes.values() if write.kind == "delete"]
    theirs = {key: _not_ours(key) for key in links.were_there(page.flow.name, deletions)}
    outcomes = theirs | door.write([w for w in writes.values() if w.key not in theirs])
    counts.update(ledger.settle(page, intents, [outcomes[i.key] for i in intents]))


def _as_sent(row: Change, write: Write) -> Change:
    """Have the ledger say what was sent where an accepted edit took the place of a new value."""
    if row["kind"] not in ("update", "resume", "restore"):
        return row
    state = json.loads(row["after"])
    named = [n for n in row["fields"] if n in state]
    instead = {n: write.fields[n] for n in named if write.fields[n] != state[n]}
    return {**row, "after": document({**state, **instead})} if instead else row


class _Door:
    """The way to one target during one flow's delivery; shut once the system says no."""

    def __init__(self, page: Page, connected: Systems, delivered: Delivered) -> None:
        self.page, self.delivered = page, delivered
        self._connected, self._system = connected, page.flow.target.system
        rest = systems.resting(self._system, page.desk.at)
        if rest:
            connected.refusing.setdefault(self._system, rest)

    def is_shut(self) -> bool:
        """Tell whether nothing more is sent; what is left stays a difference."""
        refusing = self._connected.refusing.get(self._system, "")
        self.delivered.stopped = self.delivered.stopped or refusing
        return bool(self.delivered.stopped)

    def batch_size(self) -> int:
        """Say how many writes go at once; without a connector the door is shut."""
        try:
            return self._connected[self._system].capabilities.batch_size
        except ConnectorError as error:
            if not self.is_shut():
                self._stop(error)
            return _UNSENT

    def write(self, writes: Sequence[Write]) -> dict[str, Outcome]:
        """Send writes; every one of them has an outcome, whatever the connector does."""
        if not writes:
            return {}
        ledger.send(self.page)
        if not self._connected.may_send():
            # It slept since: whoever took over finds these sent, and looks them up.
            raise alone.overtaken()
        resource = self.page.flow.target.resource
        try:
            told = self._connected[self._system].write(resource, writes, at=self.page.desk.at)
        except ConnectorError as error:
            self._stop(error)
            return {write.key: Outcome(write.key, error=_of_row(error)) for write in writes}
        except Exception as error:  # noqa: BLE001 - one connector's fault stops nobody else's flows
            told = []
            self._stop(_unforeseen(self._system, type(error).__name__))
        found = {outcome.key: outcome for outcome in told}
        if len(found) < len(writes) and not self.delivered.stopped:
            self._stop(_unforeseen(self._system, "it says nothing of some writes"))
        busy = next((o.error for o in told if _is_busy(o.error)), None)
        if busy:
            self._stop(busy)
        lost = _unforeseen(self._system, "it says nothing of this write")
        return {w.key: found.get(w.key) or Outcome(w.key, error=lost) for w in writes}

    def _stop(self, error: ConnectorError) -> None:
        """Send nothing more of this flow in this run; the difference stays until the next."""
        page, system = self.page, self._system
        self.delivered.stopped = error.message
        broken = error.code == _BROKEN
        if not broken:
            systems.trip(system, error, at=page.desk.at)
            if not isinstance(error, GiveUp):
                self._connected.refusing[system] = error.message
        told_at_once = broken or isinstance(error, (Stop, GiveUp))
        if told_at_once or error.code in troubles.GONE or _too_long(page):
            steward = page.desk.charter.systems[system].steward
            trouble = Trouble(
                error.code, troubles.place_of(error.code, page.flow.target), steward,
                error.message, error.cure,
                flow=page.flow.name, system=system, of_writing=True,
            )  # fmt: skip
            report([trouble], at=page.desk.at)


def _is_busy(error: ConnectorError | None) -> bool:
    """Tell whether a row's failure is the whole system's: it is away, or too busy."""
    return isinstance(error, TryAgain) and error.code in troubles.AWAY


def _unforeseen(system: str, what: str) -> ReadBack:
    # The error's name alone: what else it says may hold values.
    return ReadBack(
        f"The connector of {system} failed while writing: {what}.",
        code=_BROKEN,
        cure="Report it to whoever maintains the connector; what it had in hand is looked up.",
    )


def _not_ours(key: str) -> Outcome:
    """Refuse to delete what was there before us (law 8)."""
    reason = SkipRow(
        "the copy was there before Matricula and is not ours to delete.",
        code="M655",
        cure="Have the system's office delete it or keep it.",
    )
    return Outcome(key, error=reason)


def _of_row(error: ConnectorError) -> ConnectorError:
    """What an error of a whole batch means for each of its rows."""
    if isinstance(error, (ReadBack, TryAgain, SkipRow)):
        return error
    return TryAgain(error.message, code=error.code, cure=error.cure)


def _too_long(page: Page) -> bool:
    """Tell whether a target has been away for longer than its flow waits in silence."""
    since = systems.away_since(page.flow.target.system)
    return since is not None and page.desk.at - since >= page.flow.if_unavailable.alert_after


def _fill_links(batch: Sequence[Change]) -> tuple[Sequence[Change], Sequence[Change]]:
    """Put the identifiers of copies made meanwhile into those that waited for them."""
    if not any(row["waits"] for row in batch):
        return batch, []
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


def _waits(row: Change) -> dict[str, tuple[str, str]]:
    if not row["waits"]:
        return {}
    told = json.loads(row["waits"])
    return {name: (pair[0], pair[1]) for name, pair in told.items() if pair}


def _with_links(row: Change, found: Mapping[str, str | None]) -> Change:
    filled = {**row}
    for column in ("after", "match"):
        if row[column]:
            state = json.loads(row[column])
            state.update({n: v for n, v in found.items() if n in state})
            filled[column] = document(state)
    return filled


def _writes(page: Page, rows: Sequence[Change]) -> list[Write]:
    states = _parsed(row["after"] or row["before"] for row in rows)
    proposed = _parsed(row["initial"] if row["kind"] == "create" else None for row in rows)
    matches = _parsed(row["match"] for row in rows)
    beside = links.beside(page.desk.charter, page.flow)
    return [
        _write(row, {**state, **initial}, match, spared=_spared(row, beside))
        for row, state, initial, match in zip(rows, states, proposed, matches, strict=True)
    ]


def _parsed(documents: Iterable[str | None]) -> list[dict[str, Value]]:
    """Read all documents of a batch in one go; one by one takes three times as long."""
    found: list[dict[str, Value]] = json.loads(f"[{','.join(d or '{}' for d in documents)}]")
    return found


def _spared(row: Change, beside: tuple[list[str], list[str]]) -> Container[str]:
    return links.Others(row["key"], *beside) if row["kind"] == "create" else frozenset()


def _write(
    row: Change,
    fields: Mapping[str, Value],
    match: Mapping[str, Value],
    *,
    spared: Container[str],
) -> Write:
    names = row["fields"] or ()
    # A copy put to sleep by hand is woken, not merely corrected.
    woken = row["kind"] == "restore" and "_suspended" in names
    return Write(
        key=row["key"],
        kind="resume" if woken else _KINDS[row["kind"]],
        external_id=row["external_id"],
        fields=fields,
        changed=frozenset(names) - {"_suspended"},
        match=match,
        spared=spared,
    )
