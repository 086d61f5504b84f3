"""Random worlds: sources, copies and readings, made from a seed; and the hub's memory of them."""

from __future__ import annotations

import json
import string
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tests.oracle import northfield as nf
from tests.oracle.oracle import Copy, World, compose, key_text, print_of, project, text_of

if TYPE_CHECKING:
    from random import Random

    from matricula.charter.model import Charter, Flow

NAMES = (
    "Amara Okafor", "Bela", "Chidi  Ng", "Dewi ap Rhys", "", " ", "O'Brien \"Bob\"", "back\\slash",
    "Zoë Åström", "李 小龍", "محمد علي", "Ω ß ﬁ", "👩‍🎓 Emoji", "e\u0301 combining", "tab\tname",
    "line\nbreak", "\u202eright to left", "Robert'); DROP TABLE students;--", "NULL", "null", "0",
    "-1", "\x01\x7f", "\x1f \\u001f", "ＦＵＬＬ ｗｉｄｔｈ", "{\"a\": 1}", "a" * 300,
    "\u00a0nbsp", "İstanbul ı",
)  # fmt: skip
_COLUMNS = {
    nf.STUDENTS: ("n_student_no", "n_name", "n_status", "n_born", "n_fulltime", "n_changed",
                  "n_programme"),
    nf.PROGRAMMES: ("n_code", "n_title"),
    nf.ENROLMENTS: ("n_student_no", "n_section", "n_state"),
    nf.PATRONS: ("cardnumber", "n_fines", "n_overdue"),
    nf.SHELVES: ("prog", "n_weight"),
    nf.USERS: ("externalId", "n_login", "n_score"),
    nf.MARKS: ("who", "what", "n_mark"),
}  # fmt: skip
_NATIVE = {
    "n_born": pa.date32(), "n_fulltime": pa.bool_(), "n_fines": pa.decimal128(12, 2),
    "n_overdue": pa.int32(), "n_score": pa.decimal128(20, 4), "n_mark": pa.int64(),
    "n_weight": pa.int16(), "n_changed": pa.timestamp("us", tz="+02:00"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes one world.

    Attributes:
        random: Where chance comes from.
        mark: Stands before every identifier, so that worlds may lie in one table.
        typed: Whether sources state values in types of their own, and so never bad ones.
    """

    random: Random
    mark: str
    typed: bool = False

    def world(self, charter: Charter) -> World:
        """Make sources, then copies of how they once were, then readings of those copies."""
        earlier = self.sources()
        world = World(self._edited(earlier), crosswalk=self._crosswalk(earlier))
        once = World(earlier, crosswalk=world.crosswalk)
        for flow in charter.flows.values():
            world.copies[flow.name] = self._copies(charter, once, flow)
            # A link needs the ids of the flow before it.
            once.copies = world.copies
            if self.random.random() < 0.8:
                world.seen[flow.name] = self._readings(charter, world, flow)
        return world

    def _one(self, *of: Any) -> Any:
        return self.random.choice(of)

    def _some(self, share: float) -> bool:
        return self.random.random() < share

    def _id(self, stem: str, place: int) -> str:
        odd = self._one("", "", "", "'", "|", "\\", " ", "ü", "学")
        return f"{self.mark}{stem}{place}{odd}"

    # --- sources

    def sources(self) -> dict[Any, list[dict[str, Any]]]:
        """Make what every source states."""
        numbers = [self._id("s", n) for n in range(self.random.randint(1, 7))]
        codes = [self._id("p", n) for n in range(self.random.randint(1, 3))]
        sections = [self._id("c", n) for n in range(2)]
        known = [*numbers, *numbers, f"{self.mark}stranger", None]
        rows: dict[Any, list[dict[str, Any]]] = {}
        rows[nf.STUDENTS] = [
            {"n_student_no": n, "n_programme": self._one(*codes, None, "nowhere"),
             **self._values("n_name", "n_status", "n_born", "n_fulltime", "n_changed")}
            for n in numbers
        ]  # fmt: skip
        rows[nf.PROGRAMMES] = [{"n_code": c, "n_title": self._name()} for c in codes]
        pairs = sorted({(self._one(*numbers), self._one(*sections)) for _ in numbers})
        rows[nf.ENROLMENTS] = [
            {"n_student_no": n, "n_section": s, **self._values("n_state")} for n, s in pairs
        ]
        rows[nf.PATRONS] = [
            {"cardnumber": self._one(*known), **self._values("n_fines", "n_overdue")}
            for _ in range(self.random.randint(0, len(numbers)))
        ]
        rows[nf.USERS] = [
            {"externalId": self._one(n, n, n, None), **self._values("n_login", "n_score")}
            for n in numbers
        ]
        rows[nf.SHELVES] = [{"prog": self._one(*codes), **self._values("n_weight")} for _ in codes]
        rows[nf.MARKS] = [
            {"who": n, "what": self._one(s, s, s, None), **self._values("n_mark")}
            for n, s in pairs
        ]
        for resource, found in rows.items():
            for place, row in enumerate(found):
                row["_id"] = f"{self.mark}{resource.resource}{place}"
        return rows

    def _values(self, *names: str) -> dict[str, Any]:
        return {name: self._value(name) for name in names}

    def _name(self) -> str | None:
        if self._some(0.1):
            return None
        return self._one(*NAMES) + self._one("", "", " " + self._one(*string.ascii_letters))

    def _value(self, name: str) -> Any:
        if self._some(0.12):
            return None
        return (self._typed if self.typed and name in _NATIVE else self._spelled)(name)

    def _typed(self, name: str) -> Any:
        numbers = {
            "n_born": lambda: date(2004, 2, 27) + timedelta(self.random.randint(0, 4)),
            "n_fulltime": lambda: self._some(0.5),
            "n_fines": lambda: Decimal(self.random.randint(-500, 10**9)) / 100,
            "n_overdue": lambda: self.random.randint(-1, 4),
            "n_score": lambda: Decimal(self.random.randint(-(10**6), 10**12)) / 10_000,
            "n_mark": lambda: self.random.randint(-(2**62), 2**62),
            "n_weight": lambda: self.random.randint(0, 9),
            "n_changed": lambda: datetime(
                2026, 3, 29, 0, 59, self.random.randint(0, 59), self._one(0, 1, 999_999),
                tzinfo=timezone(timedelta(hours=2)),
            ),
        }  # fmt: skip
        return numbers[name]()

    def _spelled(self, name: str) -> str | None:
        bad = self._some(0.06)
        whole = str(self.random.randint(-1, 4))
        good = {
            "n_name": self._name(),
            "n_title": self._name(),
            "n_login": self._name(),
            "n_status": self._one("active", "active", "on_leave", "withdrawn", "it's over"),
            "n_state": self._one("in", "in", "out"),
            "n_born": self._one("2004-02-28", "2004-02-29", " 2004-03-01 ", "0044-03-15"),
            "n_fulltime": self._one("true", "FALSE", "Yes", "n", "1", "0", " t "),
            "n_changed": self._one(
                "2026-03-29T01:30:00Z", "2026-03-29 01:30", "2026-10-25T01:30:00.5+01:00",
                "1999-12-31T23:59:59.999999-11:30",
            ),
            "n_fines": self._one("0", "-0.01", "12.5", "12.50", " 7 ", "999999999999999.99", "+3"),
            "n_score": self._one("1", "1.50", ".5", "-0.000000001", "10", "100.0"),
            "n_overdue": self._one(whole, f" {whole}", f"0{abs(int(whole))}"),
            "n_mark": self._one("0", "007", "-5", "999999999999999999"),
            "n_weight": self._one("0", "4", "5", "9"),
        }  # fmt: skip
        if bad and name not in {"n_name", "n_login", "n_title"}:
            return self._one(
                "", "x", "2004-02-30", "1.234.5", "1e3", "12.505", "maybe", "∞", "0x1f"
            )
        return good[name]

    def _edited(self, earlier: dict[Any, list[dict[str, Any]]]) -> dict[Any, list[dict[str, Any]]]:
        """Let some records go, some values change, some records appear twice."""
        codes = [row["n_code"] for row in earlier[nf.PROGRAMMES]] or [None]
        now: dict[Any, list[dict[str, Any]]] = {}
        for resource, rows in earlier.items():
            kept = [dict(row) for row in rows if not self._some(0.1)]
            for row in kept:
                for name in row:
                    if name.startswith("n_") and self._some(0.08) and name not in _IDENTITY:
                        row[name] = self._value(name)
                if "n_programme" in row and self._some(0.1):
                    row["n_programme"] = self._one(*codes)
            is_roster = resource in {nf.STUDENTS, nf.PROGRAMMES, nf.ENROLMENTS}
            if not is_roster and kept and self._some(0.15):
                kept.append({**self._one(*kept), "_id": f"{self.mark}{resource.resource}again"})
            now[resource] = kept
        return now

    def step(
        self, rows: dict[Any, list[dict[str, Any]]], first: dict[Any, list[dict[str, Any]]]
    ) -> dict[Any, list[dict[str, Any]]]:
        """Let a day pass: what `_edited` does; doubles are tidied up, some who left return."""
        now = self._edited(rows)
        for resource, found in now.items():
            now[resource] = [
                row for row in found if not row["_id"].endswith("again") or self._some(0.5)
            ]
            there = {row["_id"] for row in found}
            gone = [row for row in first[resource] if row["_id"] not in there]
            now[resource] += [dict(row) for row in gone if self._some(0.3)]
        return now

    def _crosswalk(self, sources: dict[Any, list[dict[str, Any]]]) -> dict[Any, dict[str, str]]:
        patrons, students = sources[nf.PATRONS], sources[nf.STUDENTS]
        if not patrons or not self._some(0.3):
            return {}
        student = self._one(*students)["n_student_no"]
        return {nf.PATRONS: {self._one(*patrons)["_id"]: student}}

    # --- copies and readings

    def _copies(self, charter: Charter, once: World, flow: Flow) -> dict[str, Copy]:
        desired, _ = project(charter, once, flow, nf.EXPRESSIONS)
        copies = {}
        for place, (key, wanted) in enumerate(sorted(desired.items())):
            if self._some(0.2):
                continue
            external: str | None = f"{self.mark}{flow.name}{place}"
            state = self._one(*["active"] * 8, "suspended", "suspended", "refused", "unknown")
            confirmed: str | None = wanted.after
            if self._some(0.1):
                confirmed = text_of({**json.loads(wanted.after), **self._edit(flow)})
            if self._some(0.1):
                state, external, confirmed = self._one("refused", "waiting", "unknown"), None, None
            refused = self._one(None, None, None, print_of(wanted.after), print_of(""))
            copies[key] = Copy(external, state, confirmed, refused, retry=self._some(0.4))
        if copies and self._some(0.08):
            shared = self._one(*sorted(copies))
            copies[f"{self.mark}ghost"] = Copy(copies[shared].external_id, "active", "{}")
        return copies

    def _edit(self, flow: Flow) -> dict[str, Any]:
        name = self._one(*[n for n, f in flow.fields.items() if not f.initially])
        kind = flow.fields[name].expression.type.kind
        other = {
            "integer": 77, "boolean": True, "date": "1999-01-01", "money": "1.00",
            "decimal": "2.5", "instant": "2000-01-01T00:00:00.000000Z",
        }  # fmt: skip
        return {name: self._one(None, other.get(kind, "edited"))}

    def _cells(self, flow: Flow, row: dict[str, Any]) -> dict[str, Any]:
        """An edit of what the target shows, as it shows it."""
        return {
            n: None if v is None else _cell(v) for n, v in self._edit(flow).items() if n in row
        }

    def _readings(self, charter: Charter, world: World, flow: Flow) -> list[dict[str, Any]]:
        rows = []
        hidden = {n for n in flow.fields if self.mark_hides(flow, n)}
        for copy in world.copies[flow.name].values():
            if copy.external_id is None or copy.confirmed is None or self._some(0.08):
                continue
            row = self._row(flow, copy.external_id, json.loads(copy.confirmed), hidden)
            row["_suspended"] = (copy.state == "suspended") != self._some(0.07)
            rows.append(row)
        golden = compose(charter, world, flow.entity)
        strangers = [k for k in sorted(golden.records) if k not in world.copies[flow.name]]
        for place, key in enumerate(strangers):
            if self._some(0.5):
                rows += self._lookalikes(charter, world, flow, (key, place), hidden)
        return self._tampered(flow, rows)

    def _tampered(self, flow: Flow, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Let somebody edit records in the target, and the target show one of them twice."""
        if rows and self._some(0.1):
            twin = dict(self._one(*rows))
            rows.append(twin | self._cells(flow, twin))
        for row in rows:
            if self._some(0.1):
                row.update(self._cells(flow, row))
            for name, granted in flow.fields.items():
                if name in row and self._some(0.02) and granted.expression.type.kind != "text":
                    row[name] = "not of its type"
        return rows

    def mark_hides(self, flow: Flow, name: str) -> bool:
        """Say which fields the target of a flow never shows; alike in all worlds of a run."""
        return (flow.name, name) in {("acc", "owed"), ("enr", "mark")}

    def _lookalikes(
        self, charter: Charter, world: World, flow: Flow, who: tuple[str, int], hidden: set[str]
    ) -> list[dict[str, Any]]:
        desired, _ = project(charter, world, flow, nf.EXPRESSIONS)
        key, place = who
        if key not in desired:
            return []
        told = json.loads(desired[key].after)
        if self._some(0.5):
            told |= self._edit(flow)
        copies = 2 if self._some(0.15) else 1
        made = [
            self._row(flow, f"{self.mark}{flow.name}found{place}.{n}", told, hidden)
            for n in range(copies)
        ]
        for row in made:
            row["_suspended"] = self._one(False, False, True, None)
        return made

    def _row(
        self, flow: Flow, external: str, told: dict[str, Any], hidden: set[str]
    ) -> dict[str, Any]:
        granted = [n for n, f in flow.fields.items() if not f.initially and n not in hidden]
        spelled = {n: told.get(n) for n in granted}
        return {
            "_id": external,
            **{n: None if v is None else _cell(v) for n, v in spelled.items()},
        }


_IDENTITY = {"n_student_no", "n_code", "n_section", "n_programme"}


def _cell(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def table(rows: list[dict[str, Any]], columns: tuple[str, ...], *, typed: bool) -> pa.Table:
    """Lay rows out as Arrow, in text or in the source's own types."""
    kinds = {n: _NATIVE[n] if typed and n in _NATIVE else pa.string() for n in columns}
    return pa.table(
        {"_id": pa.array([row["_id"] for row in rows], pa.string())}
        | {n: pa.array([row[n] for row in rows], kind) for n, kind in kinds.items()}
    )


def source_tables(worlds: list[World], *, typed: bool) -> dict[Any, pa.Table]:
    """Lay the sources of many worlds side by side."""
    return {
        resource: table([r for w in worlds for r in w.sources[resource]], columns, typed=typed)
        for resource, columns in _COLUMNS.items()
    }


def seen_table(rows: list[dict[str, Any]], flow: Flow, hidden: set[str]) -> pa.Table:
    """Lay a target's records out as Arrow; all text, but for whether they are suspended."""
    names = [n for n, f in flow.fields.items() if not f.initially and n not in hidden]
    return table(rows, tuple(names), typed=False).append_column(
        "_suspended", pa.array([row["_suspended"] for row in rows], pa.bool_())
    )


class Memory:
    """What the hub knows of the copies, of many worlds; asked by the engine."""

    def __init__(self, copies: dict[str, dict[str, Copy]]) -> None:
        self.copies = copies
        self.asked: list[tuple[str, int]] = []

    def _of(self, flow: str, keys: pa.Table | None) -> list[tuple[str, Copy]]:
        wanted = None if keys is None else set(keys["key"].to_pylist())
        known = self.copies.get(flow, {})
        return [(k, c) for k, c in known.items() if wanted is None or k in wanted]

    def state(self, flow: str, keys: pa.Table | None) -> pa.Table:
        """Give the links."""
        rows = self._of(flow, keys)
        text = pa.string()
        return pa.table(
            {
                "key": pa.array([k for k, _ in rows], text),
                "external_id": pa.array([c.external_id for _, c in rows], text),
                "state": pa.array([c.state for _, c in rows], text),
                "digest": pa.array([c.confirmed and print_of(c.confirmed) for _, c in rows], text),
                "refused": pa.array([c.refused for _, c in rows], text),
                "retry": pa.array([c.retry for _, c in rows], pa.bool_()),
            }
        )

    def confirmed(self, flow: str, keys: pa.Table | None) -> pa.Table:
        """Give what the targets acknowledged."""
        rows = [(k, c.confirmed) for k, c in self._of(flow, keys) if c.confirmed is not None]
        self.asked.append((flow, len(rows)))
        return pa.table(
            {
                "key": pa.array([k for k, _ in rows], pa.string()),
                "confirmed": pa.array([c for _, c in rows], pa.string()),
            }
        )

    def still_there(self, flow: str, copies: pa.Table) -> pa.Table:
        """Give nobody: what a target's listing does not show is not there."""
        del flow
        return copies.slice(0, 0)


def gather_copies(worlds: list[World]) -> dict[str, dict[str, Copy]]:
    """Put the copies of many worlds into one memory."""
    gathered: dict[str, dict[str, Copy]] = {}
    for world in worlds:
        for flow, copies in world.copies.items():
            gathered.setdefault(flow, {}).update(copies)
    return gathered


__all__ = ["Maker", "Memory", "gather_copies", "key_text", "seen_table", "source_tables"]
