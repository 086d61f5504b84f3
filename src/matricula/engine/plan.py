"""Plan: the differences a run found, as a value with a digest.

The digest covers the charter, every change of every flow and every reason to hold; two
plans with one digest would do the same. The changes themselves are one Arrow table:
`flow`, `key`, `kind`, `external_id`, `before`, `after`, `initial`, `match`, `waits`
(canonical JSON text or null) and `fields` (list of text), by flow in delivery order, then
by key.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from matricula.engine import sql
from matricula.engine.workbench import arrow, number, rows, size
from matricula.kernel.digests import digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.engine.guard import Reason
    from matricula.engine.read import Fault
    from matricula.engine.workbench import Workbench

# What a target refused and an office lets stand.
ACCEPTED = "M509"
COLUMNS = (
    "key", "kind", "external_id", "before", "after", "initial", "match", "waits", "fields"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FlowPlan:
    """What a run would do for one flow.

    Attributes:
        flow: Its name.
        target: The resource, as `lms.users`.
        counts: Changes by kind.
        unchanged: Copies that are as they should be.
        aside: Keys not planned, by the code of the reason.
        drifted: Copies that were edited or removed in the target.
        reasons: Why the flow, or some kinds of change in it, are held.
        digest: Of its changes.
    """

    flow: str
    target: str
    counts: Mapping[str, int]
    unchanged: int
    aside: Mapping[str, int]
    drifted: int
    reasons: tuple[Reason, ...]
    digest: str

    def is_held(self, kind: str) -> bool:
        """Whether changes of a kind may not be delivered."""
        return any(not reason.kinds or kind in reason.kinds for reason in self.reasons)

    @property
    def held(self) -> int:
        """How many changes are held back or set aside; what an office accepted is neither."""
        planned = sum(count for kind, count in self.counts.items() if self.is_held(kind))
        return planned + sum(self.aside.values()) - self.aside.get(ACCEPTED, 0)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do.

    Attributes:
        charter: Digest of the charter that grants it.
        flows: In delivery order.
        changes: See the module; one table for all flows.
        drift: `flow`, `key`, `external_id`, `delivered`, `found`, `fields`.
        aside: `flow`, `key`, `code`.
        settled: `flow`, `key`: copies whose refusal is over, with nothing to do.
        void: `flow`, `key`: links to copies that were never made and that nobody desires.
        findings: What the sources stated wrongly, for incidents.
        digest: Of what it would do and what holds it.
    """

    charter: str
    flows: tuple[FlowPlan, ...]
    changes: pa.Table
    drift: pa.Table
    aside: pa.Table
    settled: pa.Table
    void: pa.Table
    findings: tuple[Fault, ...]
    digest: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return self.changes.num_rows == 0

    @property
    def is_held(self) -> bool:
        """Whether none of its changes may be delivered."""
        kinds = [
            (flow, kind) for flow in self.flows for kind, count in flow.counts.items() if count
        ]
        return all(flow.is_held(kind) for flow, kind in kinds)


def digest_of(charter: str, flows: Sequence[FlowPlan]) -> str:
    """Digest a plan from the digests of its flows."""
    told = [
        [flow.flow, flow.digest, [[r.code, sorted(r.kinds)] for r in flow.reasons]]
        for flow in flows
    ]
    return digest({"charter": charter, "flows": told})


def flow_digest(bench: Workbench, flow: str) -> str:
    """Digest the changes of one flow, whatever order the database keeps them in."""
    if not size(bench, f"change_{flow}"):
        return sha256(b"").hexdigest()
    row = sql.call(
        "to_json",
        exp.Struct(
            expressions=[
                exp.PropertyEQ(this=sql.name(c), expression=sql.column(c)) for c in COLUMNS
            ]
        ),
    )
    prints = exp.select(
        sql.column("key"), sql.named(sql.call("md5", sql.cast(row, "VARCHAR")), "p")
    )
    ordered = exp.GroupConcat(
        this=exp.Order(
            this=sql.column("p"),
            expressions=[exp.Ordered(this=sql.column(by)) for by in ("key", "p")],
        ),
        separator=sql.text(""),
    )
    whole = exp.select(sql.call("sha256", sql.call("coalesce", ordered, sql.text(""))))
    found = rows(bench, whole.from_(prints.from_(sql.table(f"change_{flow}")).subquery("rows")))
    return str(found[0][0])


def counts_by(bench: Workbench, called: str, column: str) -> dict[str, int]:
    """Count the rows of a table by the words in one of its columns, sorted."""
    if not size(bench, called):
        return {}
    query = (
        exp.select(sql.column(column), exp.Count(this=exp.Star()))
        .from_(sql.table(called))
        .group_by(sql.column(column))
        .order_by(sql.column(column))
    )
    return {str(word): int(str(count)) for word, count in rows(bench, query)}


def counted_once(bench: Workbench, flow: str, kinds: Sequence[str]) -> dict[str, int]:
    """Count the keys of `recent_F` that some kinds of change went out for, each once.

    Keys that the plan holds such a change for are the plan's and not counted here.

    Returns:
        The count under the first of the kinds.
    """
    words = [sql.text(kind) for kind in kinds]
    once = exp.Count(this=exp.Distinct(expressions=[sql.column("key")]))
    query = (
        exp.select(once)
        .from_(sql.table(f"recent_{flow}"))
        .where(exp.In(this=sql.column("kind"), expressions=words))
    )
    if size(bench, f"change_{flow}"):
        planned = sql.keys_in(f"change_{flow}")
        same = [word.copy() for word in words]
        planned = planned.where(exp.In(this=sql.column("kind"), expressions=same))
        query = query.where(sql.absent(sql.column("key"), planned))
    return {kinds[0]: number(bench, query)}


def gather(bench: Workbench, flows: Sequence[str], stem: str, columns: Sequence[str]) -> pa.Table:
    """Collect a table of every flow into one Arrow table, by flow as given, then by key."""
    parts = [
        exp.select(
            sql.named(exp.Literal.number(place), "place"),
            sql.named(sql.text(flow), "flow"),
            *[sql.column(column) for column in columns],
        ).from_(sql.table(f"{stem}_{flow}"))
        for place, flow in enumerate(flows)
        if size(bench, f"{stem}_{flow}")
    ]
    if not parts:
        return _nothing(("flow", *columns))
    ordered = (
        exp.select(sql.column("flow"), *[sql.column(column) for column in columns])
        .from_(sql.union_all(parts).subquery("all"))
        .order_by(sql.column("place"), sql.column("key"))
    )
    return arrow(bench, ordered)


def _nothing(columns: Sequence[str]) -> pa.Table:
    listed = pa.list_(pa.string())
    kinds = {name: listed if name == "fields" else pa.string() for name in columns}
    return pa.table({name: pa.array([], kind) for name, kind in kinds.items()})


def pick(rows: pa.Table, column: str, word: str) -> pa.Table:
    """Keep the rows whose column holds a word."""
    return rows.filter(pc.equal(rows[column], pa.scalar(word, pa.string())))
