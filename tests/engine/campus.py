"""A campus small enough to write out: people of the register, and what the library knows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from matricula.charter.model import ResourceRef, ValueType
from matricula.engine import line, read
from matricula.engine.feed import Feed
from matricula.engine.workbench import Bench, open_workbench
from tests.oracle.northfield import charter, entity, flow
from tests.oracle.oracle import Copy, print_of
from tests.oracle.worlds import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.charter.model import Charter, Flow
    from matricula.engine.plan import Plan

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
PEOPLE = ResourceRef("sis", "people")
CARDS = ResourceRef("library", "cards")
TEXT = ValueType("text")
MONEY = ValueType("money", currency="GBP")
STATUS = ValueType("enum", values=("active", "left"))

PERSON = entity(
    "person",
    ["no"],
    PEOPLE,
    {
        "no": (PEOPLE, TEXT),
        "name": (PEOPLE, TEXT),
        "status": (PEOPLE, STATUS),
        "fines": (CARDS, MONEY),
    },
    {CARDS: ("card",)},
)


def accounts(**changed: Any) -> Flow:
    """A flow of active people to accounts; found by number."""
    usual: dict[str, Any] = {
        "where": "status = 'active'",
        "match": ["number"],
        "fields": {"number": "no", "first": "name", "owed": "fines"},
    }
    wanted = {**usual, **changed}
    return flow("accounts", "person", wanted.pop("fields"), **wanted)


def campus(*flows: Flow) -> Charter:
    """A charter over people."""
    return charter(*(flows or (accounts(),)), entities=[PERSON])


def people(*rows: tuple[Any, ...]) -> pa.Table:
    """The register: number, name, status."""
    return texts(["n_no", "n_name", "n_status"], rows)


def cards(*rows: tuple[Any, ...]) -> pa.Table:
    """The library: card number, fines."""
    return texts(["card", "n_fines"], rows)


def seen(*rows: tuple[Any, ...], also: Sequence[str] = ("number", "first", "owed")) -> pa.Table:
    """The target's own reading: identifier, whether suspended, then fields."""
    told = texts(list(also), [row[2:] for row in rows])
    told = told.set_column(0, "_id", pa.array([row[0] for row in rows], pa.string()))
    return told.append_column("_suspended", pa.array([row[1] for row in rows], pa.bool_()))


def texts(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Lay rows out as columns of text; `_id` counts them."""
    columns = {n: pa.array([r[place] for r in rows], pa.string()) for place, n in enumerate(names)}
    return pa.table({"_id": pa.array([f"r{n}" for n in range(len(rows))], pa.string())} | columns)


def copy(text: str, **changed: Any) -> Copy:
    """A copy that the target has confirmed."""
    return Copy(**{"external_id": "x1", "state": "active", "confirmed": text, **changed})


def feed_of(
    tables: Mapping[ResourceRef, pa.Table],
    copies: dict[str, dict[str, Copy]] | None = None,
    **more: Any,
) -> Feed:
    """Put a feed together."""
    declared = more.pop("declared", {})
    return Feed(
        more.pop("at", AT),
        {r: read.Snapshot(r, t, declared.get(r)) for r, t in tables.items()},
        Memory(copies or {}),
        **more,
    )


def take_in(
    made: Charter, tables: Mapping[ResourceRef, pa.Table], **more: Any
) -> dict[ResourceRef, read.Verdict]:
    """Judge snapshots."""
    with open_workbench(Bench(small=True)) as bench:
        return line.take_in(bench, made, feed_of(tables, **more))


def plan_of(
    made: Charter,
    tables: Mapping[ResourceRef, pa.Table],
    copies: dict[str, dict[str, Copy]] | None = None,
    *,
    threads: int = 1,
    **more: Any,
) -> Plan:
    """Make a plan of all flows."""
    feed = feed_of(tables, copies, **more)
    with open_workbench(Bench(threads=threads)) as bench:
        verdicts = line.take_in(bench, made, feed)
        assert all(verdict.is_trusted for verdict in verdicts.values())
        return line.make_plan(bench, made, feed, flows=list(made.flows), verdicts=verdicts)


def changes(plan: Plan) -> list[tuple[str, str]]:
    """Every change as key and kind."""
    return [(row["key"], row["kind"]) for row in plan.changes.to_pylist()]


def aside(plan: Plan) -> list[tuple[str, str]]:
    """Every key that is not planned, with its reason."""
    return sorted((row["key"], row["code"]) for row in plan.aside.to_pylist())


def codes(verdict: read.Verdict) -> list[str]:
    """Why a snapshot is not trusted."""
    return [fault.code for fault in verdict.faults]


__all__ = ["Copy", "print_of"]
