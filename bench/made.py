"""Make the data of the engine's benches: people with three owners, and enrolments.

Everything lies in Parquet, as the hub's snapshots do. What the targets have confirmed is
computed by the engine's own expressions from the state before the change, so that a pass
finds exactly the changes made here.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import sqlglot

from matricula.charter.model import (
    Cadence,
    Charter,
    Entity,
    Expression,
    Field,
    Flow,
    FlowField,
    Guard,
    Limit,
    Read,
    ResourceRef,
    Unavailable,
    ValueType,
)

if TYPE_CHECKING:
    from pathlib import Path

SIS = ResourceRef("sis", "students")
IDP = ResourceRef("idp", "users")
LIBRARY = ResourceRef("library", "patrons")
ENROLMENTS = ResourceRef("sis", "enrolments")
COPIES = ResourceRef("lms", "accounts")
TEXT, INTEGER = ValueType("text"), ValueType("integer")
DATE, MONEY = ValueType("date"), ValueType("money", currency="GBP")
STATUS = ValueType("enum", values=("active", "on_leave", "withdrawn"))

PERSON = {
    "student_no": (SIS, TEXT), "given_name": (SIS, TEXT), "family_name": (SIS, TEXT),
    "status": (SIS, STATUS), "programme": (SIS, TEXT), "born": (SIS, DATE), "intake": (SIS, TEXT),
    "login": (IDP, TEXT), "email": (IDP, TEXT), "locale": (IDP, TEXT),
    "fines": (LIBRARY, MONEY), "overdue": (LIBRARY, INTEGER),
}  # fmt: skip
ACTIVE = "status in ('active', 'on_leave')"
FLOWS = {
    "lms-accounts": {
        "idnumber": "student_no", "username": "lower(login)", "firstname": "given_name",
        "lastname": "family_name", "email": "email", "lang": "locale", "department": "programme",
        "suspended": "status <> 'active'",
    },
    "library-patrons": {
        "cardnumber": "student_no", "surname": "family_name", "firstname": "given_name",
        "email": "email", "dateofbirth": "born", "category_id": "coalesce(programme, 'NONE')",
        "userid": "login", "sort1": "intake",
    },
    "directory-people": {
        "externalId": "student_no", "name.givenName": "given_name",
        "name.familyName": "family_name", "displayName": "given_name || ' ' || family_name",
        "emails[work]": "email", "active": "status = 'active'", "title": "programme",
        "preferredLanguage": "locale",
    },
    "clearance": {
        "student": "student_no", "owed": "fines", "overdue": "overdue",
        "is_clear": "coalesce(fines, 0) <= 0 and coalesce(overdue, 0) = 0", "status": "status",
        "programme": "programme", "intake": "intake", "email": "email",
    },
}  # fmt: skip
_KINDS = {
    "born": DATE, "fines": MONEY, "overdue": INTEGER, "mark": INTEGER,
    "suspended": ValueType("boolean"),
    "status <> 'active'": ValueType("boolean"), "status = 'active'": ValueType("boolean"),
    "coalesce(fines, 0) <= 0 and coalesce(overdue, 0) = 0": ValueType("boolean"),
}  # fmt: skip


def _expression(text: str) -> Expression:
    tree = sqlglot.parse_one(text, dialect="duckdb")
    reads = tuple(sorted({Read(c.name) for c in tree.find_all(sqlglot.exp.Column)}, key=str))
    return Expression(text, tree, _KINDS.get(text, TEXT), reads)


def _flow(name: str, entity: str, fields: dict[str, str], where: str = "") -> Flow:
    free = Guard(Limit(), Limit(), Limit())
    return Flow(
        name, "bench", entity, ResourceRef("target", name),
        {n: FlowField(n, _expression(e), "bench") for n, e in fields.items()},
        Cadence(), "suspend", "restore", Unavailable(), free, "it",
        match={n: _expression(e) for n, e in list(fields.items())[:1]},
        where=_expression(where) if where else None,
    )  # fmt: skip


def people_charter() -> Charter:
    """Twelve fields, three owners, four targets."""
    fields = {n: Field(n, kind, owner, n) for n, (owner, kind) in PERSON.items()}
    found_by = {IDP: ("external_id",), LIBRARY: ("cardnumber",)}
    person = Entity("student", ("student_no",), SIS, found_by, fields)
    flows = {n: _flow(n, "student", f, ACTIVE) for n, f in FLOWS.items()}
    return Charter("Bench", "UTC", "GBP", {}, {}, {"student": person}, flows, digest="bench")


def enrolment_charter() -> Charter:
    """Three fields under a key of two parts, one target."""
    kinds = {"student_no": TEXT, "section": TEXT, "state": TEXT, "mark": INTEGER}
    fields = {n: Field(n, kind, ENROLMENTS, n) for n, kind in kinds.items()}
    entity = Entity("enrolment", ("student_no", "section"), ENROLMENTS, {}, fields)
    granted = {"user": "student_no", "course": "section", "state": "state", "grade": "mark"}
    flow = _flow("lms-enrolments", "enrolment", granted)
    return Charter(
        "Bench", "UTC", "GBP", {}, {}, {"enrolment": entity}, {flow.name: flow}, digest="bench"
    )


def copies_charter() -> Charter:
    """One target's copies of people, typed as its table has them, under their own names."""
    names = tuple(FLOWS["lms-accounts"])
    fields = {n: Field(n, _KINDS.get(n, TEXT), COPIES, n) for n in names}
    entity = Entity("copy", ("idnumber",), COPIES, {}, fields)
    flow = _flow("copies", "copy", {n: n for n in names})
    return Charter("Bench", "UTC", "GBP", {}, {}, {"copy": entity}, {"copies": flow}, digest="b")


_PEOPLE = {
    SIS: """
        SELECT 'S' || lpad(i::VARCHAR, 8, '0') AS _id, _id AS student_no,
            ['Amara', 'Bela', 'Chidi', 'Dewi', 'Zoë'][1 + i % 5] || ' ' || (i % 997) AS given_name,
            'Family ' || (i * 7) || CASE WHEN {changed} THEN ' X' ELSE '' END AS family_name,
            CASE WHEN i % 20 = 3 THEN 'withdrawn' WHEN i % 10 = 0 THEN 'on_leave'
                ELSE 'active' END AS status,
            'P' || (i % 200) AS programme,
            (DATE '2000-01-01' + (i % 9000)::INTEGER)::VARCHAR AS born,
            '2026/' || (i % 4) AS intake
        FROM range({rows}) t(i)""",
    IDP: """
        SELECT 'U' || i AS _id, 'S' || lpad(i::VARCHAR, 8, '0') AS external_id,
            'Login' || i AS login, 'person.' || i || '@northfield.example' AS email,
            CASE WHEN i % 7 = 0 THEN 'cy' ELSE 'en' END AS locale
        FROM range({rows}) t(i)""",
    LIBRARY: """
        SELECT 'L' || i AS _id, 'S' || lpad(i::VARCHAR, 8, '0') AS cardnumber,
            CASE WHEN i % 11 = 0 THEN '12.50' ELSE '0.00' END AS fines, (i % 3)::VARCHAR AS overdue
        FROM range({rows}) t(i)""",
}
_ENROLMENTS = {
    ENROLMENTS: """
        SELECT 'E' || i AS _id, 'S' || lpad((i // 10)::VARCHAR, 8, '0') AS student_no,
            'C' || ((i * 7919) % 5000) || '-' || (i % 10) AS section, 'enrolled' AS state,
            CASE WHEN {changed} THEN '77' ELSE (i % 101)::VARCHAR END AS mark
        FROM range({rows}) t(i)"""
}


def make(folder: Path, charter: Charter, rows: int) -> None:
    """Write sources before and after a change of 0.5 %, and what was confirmed before."""
    if (folder / "done").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    sources = _PEOPLE if "student" in charter.entities else _ENROLMENTS
    connection = duckdb.connect()
    # Groups of rows as the hub lands them.
    for resource, query in sources.items():
        for when, changed in (("before", "false"), ("now", "i % 200 = 17")):
            made = query.format(rows=rows, changed=changed)
            connection.execute(
                f"COPY ({made}) TO '{folder / f'{resource}.{when}.parquet'}' "
                "(COMPRESSION zstd, ROW_GROUP_SIZE 65536)"
            )
    _confirm(folder, charter)
    (folder / "done").touch()


def _confirm(folder: Path, charter: Charter) -> None:
    """Write the state of every copy as it was before the change: Parquet, and by key."""
    from datetime import UTC, datetime

    from matricula.engine import compose, line, project, read
    from matricula.engine.feed import Feed

    connection = duckdb.connect(str(folder / "confirming.duckdb"))
    connection.execute("SET preserve_insertion_order = false; SET memory_limit = '6GB'")
    feed = Feed(
        datetime(2026, 11, 23, tzinfo=UTC),
        {
            resource: read.Snapshot(resource, ds.dataset(folder / f"{resource}.before.parquet"))
            for entity in charter.entities.values()
            for resource in entity.owners()
        },
        Known(folder),
    )
    line.take_in(connection, charter, feed)
    for entity in charter.entities.values():
        compose.compose(connection, entity)
    for flow in charter.flows.values():
        project.project(connection, charter, flow, on=feed.at.date())
        told = f'SELECT key, after FROM "desired_{flow.name}"'
        connection.execute(
            "COPY (SELECT key, 'x' || key AS external_id, 'active' AS state, "
            f"md5(after) AS digest, NULL::VARCHAR AS refused, false AS retry FROM ({told})) "
            f"TO '{folder / f'{flow.name}.state.parquet'}' (COMPRESSION zstd)"
        )
        confirmed = connection.sql(told).to_arrow_reader()
        _keep_by_key(folder, flow.name, confirmed)
    connection.close()
    (folder / "confirming.duckdb").unlink()


def _keep_by_key(folder: Path, flow: str, told: pa.RecordBatchReader) -> None:
    kept = sqlite3.connect(folder / "known.sqlite3")
    kept.execute(f'CREATE TABLE "{flow}" (key TEXT PRIMARY KEY, confirmed TEXT) WITHOUT ROWID')
    for batch in told:
        rows = zip(batch["key"].to_pylist(), batch["after"].to_pylist(), strict=True)
        kept.executemany(f'INSERT INTO "{flow}" VALUES (?, ?)', rows)
    kept.commit()
    kept.close()


class Known:
    """What the targets confirmed: all of it from Parquet, some of it by key from SQLite."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _by_key(self, flow: str, keys: pa.Table) -> list[tuple[str, str]]:
        kept = sqlite3.connect(self.folder / "known.sqlite3")
        wanted = keys["key"].to_pylist()
        found: list[tuple[str, str]] = []
        for start in range(0, len(wanted), 500):
            some = wanted[start : start + 500]
            marks = ",".join("?" * len(some))
            query = f'SELECT key, confirmed FROM "{flow}" WHERE key IN ({marks})'
            found += kept.execute(query, some).fetchall()
        kept.close()
        return found

    def state(self, flow: str, keys: pa.Table | None) -> pa.Table | ds.Dataset:
        """Give the links."""
        if keys is None:
            return ds.dataset(self.folder / f"{flow}.state.parquet")
        import hashlib

        rows = self._by_key(flow, keys)
        prints = [hashlib.md5(c.encode(), usedforsecurity=False).hexdigest() for _, c in rows]
        return pa.table(
            {
                "key": pa.array([k for k, _ in rows], pa.string()),
                "external_id": pa.array(["x" + k for k, _ in rows], pa.string()),
                "state": pa.array(["active"] * len(rows), pa.string()),
                "digest": pa.array(prints, pa.string()),
                "refused": pa.nulls(len(rows), pa.string()),
                "retry": pa.array([False] * len(rows), pa.bool_()),
            }
        )

    def confirmed(self, flow: str, keys: pa.Table | None) -> pa.Table:
        """Give what was acknowledged."""
        assert keys is not None
        rows = self._by_key(flow, keys)
        return pa.table(
            {
                "key": pa.array([k for k, _ in rows], pa.string()),
                "confirmed": pa.array([c for _, c in rows], pa.string()),
            }
        )
