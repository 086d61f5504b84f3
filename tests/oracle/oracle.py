"""The engine again, slow and obvious: one record at a time, in plain Python.

Nothing here imports the engine or uses SQL. It knows the charter's values and says for
every key what the line should find. What it and the engine disagree about is a bug in one
of them. Expressions are pairs: the charter's text, and a function of the composed record.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import md5
from typing import TYPE_CHECKING, Any

from matricula.kernel.digests import document

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matricula.charter.model import (
        Charter,
        Entity,
        Expression,
        Field,
        Flow,
        ResourceRef,
        ValueType,
    )

Row = dict[str, Any]
TRUE = ("true", "t", "yes", "y", "1")
FALSE = ("false", "f", "no", "n", "0")
LARGEST = 2**63 - 1
PRESENT = {"suspend": {"active"}, "delete": {"active", "suspended"}, "leave": set()}


class Bad(Exception):
    """A value that is not of its type."""


class Incomputable(Exception):
    """An expression that has no value for a record."""


@dataclass
class Copy:
    """What the hub knows of one copy."""

    external_id: str | None
    state: str
    confirmed: str | None
    refused: str | None = None
    retry: bool = False


@dataclass
class World:
    """All sources, what is known of the copies, and what the targets were seen to hold."""

    sources: dict[ResourceRef, list[Row]]
    copies: dict[str, dict[str, Copy]] = field(default_factory=dict)
    seen: dict[str, list[Row]] = field(default_factory=dict)
    crosswalk: dict[ResourceRef, dict[str, str]] = field(default_factory=dict)
    composed: dict[str, Golden] = field(default_factory=dict)


@dataclass
class Found:
    """What the line should find for one flow, each by key."""

    changes: dict[str, Row] = field(default_factory=dict)
    drift: dict[str, Row] = field(default_factory=dict)
    aside: set[tuple[str, str]] = field(default_factory=set)
    ended: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0


# --- values


def read(raw: object, kind: ValueType) -> object:
    """Read what a source states; None where it states nothing."""
    if raw is None:
        return None
    if kind.kind in {"text", "ref"}:
        return str(raw)
    if kind.kind == "integer" and isinstance(raw, int):
        return raw
    if kind.kind == "enum":
        return raw if raw in kind.values else _bad()
    return _READERS[kind.kind](_spelled(raw))


def _spelled(raw: object) -> str:
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, datetime):
        return raw.isoformat()
    return str(raw).strip(" ")


def _bad() -> Any:
    raise Bad


def _integer(text: str) -> int:
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,18}", text) else _bad()


def _decimal(text: str) -> Decimal:
    fits = re.fullmatch(r"[+-]?([0-9]{1,18}(\.[0-9]{1,9}0*)?|\.[0-9]{1,9}0*)", text)
    return Decimal(text) if fits else _bad()


def _money(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,2}0*)?", text):
        raise Bad
    return int(Decimal(text) * 100)


def _boolean(text: str) -> bool:
    word = text.lower()
    return True if word in TRUE else False if word in FALSE else _bad()


def _date(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise Bad
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Bad from None


def _instant(text: str) -> datetime:
    if not re.fullmatch(r"[0-9-]{10}[T ][0-9:.]{5,15}(Z|[+-][0-9]{2}:[0-9]{2})?", text):
        raise Bad
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Bad from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


_READERS: Mapping[str, Callable[[str], object]] = {
    "integer": _integer, "decimal": _decimal, "money": _money, "boolean": _boolean,
    "date": _date, "instant": _instant,
}  # fmt: skip


def write(value: Any, kind: ValueType) -> object:
    """Write a value as plans do."""
    if value is None or kind.kind in {"text", "enum", "ref", "integer", "boolean"}:
        return value
    if kind.kind == "money":
        return f"{Decimal(value) / 100:.2f}"
    if kind.kind == "decimal":
        plain = f"{value:.9f}"
        return re.sub(r"\.?0+$", "", plain)
    if kind.kind == "date":
        return value.isoformat()
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def text_of(value: Mapping[str, object]) -> str:
    """Canonical JSON, as the hub writes it too."""
    return document(value)


def print_of(text: str) -> str:
    """The fingerprint by which a confirmed text is known."""
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def key_text(parts: Sequence[object]) -> str | None:
    """Spell a key; none of a key that lacks a part."""
    if None in parts:
        return None
    words = [str(part) for part in parts]
    if len(words) == 1:
        return words[0]
    return "|".join(word.replace("\\", "\\\\").replace("|", "\\|") for word in words)


# --- resolve and compose


@dataclass
class Golden:
    """An entity's records by key, and what is doubtful in them: key to field to codes."""

    records: dict[str, Row]
    doubts: defaultdict[str, set[tuple[str, str]]]


def compose(charter: Charter, world: World, name: str) -> Golden:
    """Put an entity's records together, each field from its owner; once for a world."""
    if name not in world.composed:
        world.composed[name] = _compose(charter, world, name)
    return world.composed[name]


def _compose(charter: Charter, world: World, name: str) -> Golden:
    entity = charter.entities[name]
    golden = Golden({}, defaultdict(set))
    for resource in entity.owners():
        owned = [f for f in entity.fields.values() if f.owner == resource]
        for key, rows in _by_key(world, entity, resource).items():
            if resource == entity.roster:
                golden.records[key] = dict.fromkeys(entity.fields)
            if key not in golden.records:
                continue
            if len(rows) > 1:
                golden.doubts[key] |= {(f.name, "M412") for f in owned}
            for f in owned:
                _fill_in(golden, key, f, [row[f.owner_field] for row in rows])
    return golden


def _by_key(world: World, entity: Entity, resource: ResourceRef) -> dict[str, list[Row]]:
    spelling = entity.found_by.get(resource, ())
    if resource == entity.roster:
        spelling = tuple(entity.fields[part].owner_field for part in entity.key)
    decided = world.crosswalk.get(resource, {})
    found = defaultdict(list)
    for row in world.sources[resource]:
        key = decided.get(row["_id"], key_text([row[part] for part in spelling]))
        if key is not None:
            found[key].append(row)
    return found


def _fill_in(golden: Golden, key: str, owned: Field, stated: Sequence[object]) -> None:
    """Take a field from its owner's one record; two records say nothing, a bad value neither."""
    for raw in stated:
        try:
            value = read(raw, owned.type)
        except Bad:
            golden.doubts[key].add((owned.name, "M410"))
            value = None
        if len(stated) == 1:
            golden.records[key][owned.name] = value


# --- project


@dataclass
class Desired:
    """What a target should hold for one key."""

    after: str
    initial: str | None
    match: str
    waits: str | None


def project(
    charter: Charter,
    world: World,
    flow: Flow,
    meaning: Mapping[str, Callable[[Row], object]],
) -> tuple[dict[str, Desired], set[tuple[str, str]]]:
    """Say what the target should hold, and which keys are left alone for which reason."""
    entity = charter.entities[flow.entity]
    goldens = {name: compose(charter, world, name) for name in charter.entities}
    golden = goldens[flow.entity]
    granted = [f.expression for f in flow.fields.values()]
    every = [*granted, *flow.match.values(), *([flow.where] if flow.where else [])]
    desired: dict[str, Desired] = {}
    kept: set[tuple[str, str]] = set()
    deciding = _reads([flow.where] if flow.where else []) | {("", k) for k in entity.key}
    carried = _reads(every)
    for key, record in golden.records.items():
        seen_from_here = _with_refs(charter, goldens, flow.entity, record)
        inside, is_clear = _inside(flow, meaning, seen_from_here)
        codes = {
            code
            for place, code in _doubts_of(charter, goldens, flow.entity, key)
            if place in deciding or (inside and place in carried)
        }
        codes |= set() if is_clear else {"M507"}
        values: Row = {}
        if inside:
            computed = [e for e in every if not e.link and e is not flow.where]
            values, failed = _computed(computed, meaning, seen_from_here)
            codes |= {"M507"} if failed else set()
        kept |= {(key, code) for code in codes}
        if inside and not codes:
            desired[key] = _desire(world, flow, record, values)
    return desired, kept


def _inside(flow: Flow, meaning: Mapping[str, Any], record: Row) -> tuple[bool, bool]:
    """Say whether a flow wants a record, and whether that could be computed at all."""
    try:
        return not flow.where or meaning[flow.where.text](record) is True, True
    except Incomputable:
        return False, False


def _computed(
    expressions: Sequence[Expression], meaning: Mapping[str, Any], record: Row
) -> tuple[Row, bool]:
    """Give what expressions mean for a record, and whether one of them means nothing."""
    values: Row = {}
    failed = False
    for expression in expressions:
        try:
            values[expression.text] = checked(meaning[expression.text](record))
        except Incomputable:
            failed = True
    return values, failed


def checked(value: Any) -> Any:
    """Give a value, if the engine has room for such a whole number."""
    if isinstance(value, int) and abs(value) > LARGEST:
        raise Incomputable
    return value


def _with_refs(charter: Charter, goldens: Mapping[str, Golden], entity: str, record: Row) -> Row:
    full = dict(record)
    for f in charter.entities[entity].fields.values():
        if f.type.kind == "ref":
            other = charter.entities[f.type.entity]
            behind = goldens[other.name].records.get(record[f.name] or "", {})
            full |= {f"{f.name}.{n}": behind.get(n) for n in other.fields}
    return full


def _doubts_of(
    charter: Charter, goldens: Mapping[str, Golden], entity: str, key: str
) -> set[tuple[tuple[str, str], str]]:
    found = {(("", name), code) for name, code in goldens[entity].doubts.get(key, ())}
    for f in charter.entities[entity].fields.values():
        if f.type.kind == "ref":
            behind = goldens[entity].records[key][f.name]
            doubts = goldens[f.type.entity].doubts.get(behind, ())
            found |= {((f.name, name), code) for name, code in doubts}
    return found


def _reads(expressions: Sequence[Expression]) -> set[tuple[str, str]]:
    reads = set()
    for expression in expressions:
        for one in expression.reads:
            reads.add(("", one.field))
            if one.of:
                reads.add((one.field, one.of))
    return reads


def _desire(world: World, flow: Flow, record: Row, values: Row) -> Desired:
    after: Row = {}
    initial: Row = {}
    waits: dict[str, list[str | None] | None] = {}
    for name, granted in flow.fields.items():
        link = granted.expression.link
        if link:
            other = key_text([record[a] for a in link.arguments])
            copy = world.copies.get(link.flow, {}).get(other or "")
            after[name] = copy.external_id if copy else None
            waits[name] = None if after[name] is not None else [link.flow, other]
            continue
        written = write(values[granted.expression.text], granted.expression.type)
        (initial if granted.initially else after)[name] = written
    match = {n: write(values[e.text], e.type) for n, e in flow.match.items()}
    return Desired(
        text_of(after),
        text_of(initial) if initial else None,
        text_of(match),
        text_of(waits) if any(waits.values()) else None,
    )


# --- diff


def _still(edit: Row | None, wanted: Desired | None) -> Row | None:
    """Tell whether an edit still is one: what its owner says by now is none."""
    if edit and wanted and wanted.after == edit["found"] and "_suspended" not in edit["fields"]:
        return None
    return edit


def find(
    charter: Charter,
    world: World,
    flow: Flow,
    meaning: Mapping[str, Callable[[Row], object]],
) -> Found:
    """Say what the line should find for a flow."""
    desired, kept = project(charter, world, flow, meaning)
    copies = world.copies.get(flow.name, {})
    readings = _readings(flow, world)
    matches, doubtful = _matches(flow, world, desired, copies, readings)
    holders = Counter(c.external_id for c in copies.values() if c.external_id is not None)
    found = Found(aside=set(kept))
    for key in {*desired, *copies}:
        copy, wanted = copies.get(key), desired.get(key)
        is_kept = key in {k for k, _ in kept}
        edit = _still(_edit(flow, copy, readings), wanted)
        if edit:
            found.drift[key] = {
                "external_id": copy.external_id,
                "delivered": copy.confirmed,
                **edit,
            }
        unsure = None if is_kept else copy
        found.ended[key] = _ended(flow, wanted, unsure, edit, is_read=readings is not None)
        change = _change(flow, wanted, copy, edit, matches.get(key), is_kept=is_kept)
        codes = _codes(flow, wanted, copy, edit, is_kept=is_kept)
        if key in doubtful:
            codes.add("M505")
        if copy and holders[copy.external_id] > 1:
            sharing = [k for k, c in copies.items() if c.external_id == copy.external_id]
            if any(_moves(flow, desired.get(k), copies[k], readings, kept) for k in sharing):
                codes.add("M505")
        codes |= _unaskable(flow, change)
        found.aside |= {(key, code) for code in codes}
        if change and not codes:
            found.changes[key] = change
        elif wanted and not codes:
            found.unchanged += 1
    return found


def _unaskable(flow: Flow, change: Row | None) -> set[str]:
    """Set a creation aside whose match rule asks for a blank: nothing would find it again."""
    if change is None or change["kind"] != "create":
        return set()
    asked = json.loads(change["match"])
    blank = any(asked[name] in (None, "") for name, e in flow.match.items() if not e.link)
    return {"M508"} if blank else set()


def _ended(
    flow: Flow, wanted: Desired | None, copy: Copy | None, edit: Row | None, *, is_read: bool
) -> str:
    """Say how a copy's trouble has ended, if it had any and that is over."""
    if copy is None or copy.state == "unknown":
        return ""
    if not (copy.refused or copy.state in {"refused", "waiting"}):
        return ""
    if copy.external_id is None and copy.state in {"refused", "waiting"}:
        return "" if wanted else "void"
    return "settled" if _is_over(flow, wanted, copy, edit, is_read=is_read) else ""


def _is_over(
    flow: Flow, wanted: Desired | None, copy: Copy, edit: Row | None, *, is_read: bool
) -> bool:
    """Say that nothing is left to do about a copy that once was refused, nor will be."""
    gone = bool(edit and edit["found"] is None)
    if wanted:
        quiet = copy.confirmed == wanted.after and copy.state != "suspended"
    else:
        quiet = gone or copy.state not in PRESENT[flow.on_exit]
    if not quiet:
        return False
    if copy.refused != print_of(wanted.after if wanted else ""):
        return True
    return is_read and not (edit and flow.on_drift == "restore" and (wanted or not gone))


def _readings(flow: Flow, world: World) -> dict[str, list[Row]] | None:
    """The target's records by identifier, where it was read."""
    if flow.name not in world.seen:
        return None
    readings = defaultdict(list)
    for row in world.seen[flow.name]:
        readings[row["_id"]].append(row)
    return dict(readings)


def _shown(flow: Flow, row: Row, delivered: Mapping[str, object]) -> str:
    """What a target shows of a record; what it hides is as it was delivered."""
    told = {}
    for name, granted in flow.fields.items():
        if granted.initially:
            continue
        if name not in row:
            told[name] = delivered.get(name)
            continue
        kind = granted.expression.type
        try:
            told[name] = write(read(row[name], kind), kind)
        except Bad:
            told[name] = str(row[name])
    return text_of(told)


def _edit(flow: Flow, copy: Copy | None, readings: Any) -> Row | None:
    """How a copy differs from what was confirmed of it, if it was read and does."""
    if readings is None or copy is None or copy.state not in {"active", "suspended"}:
        return None
    if copy.external_id is None or copy.confirmed is None:
        return None
    delivered = json.loads(copy.confirmed)
    granted = sorted(n for n, f in flow.fields.items() if not f.initially)
    if copy.external_id not in readings:
        return {"found": None, "fields": [n for n in granted if n in delivered]}
    edited = []
    for row in readings[copy.external_id]:
        text, asleep = _shown(flow, row, delivered), row.get("_suspended")
        switched = asleep is not None and asleep == (copy.state == "active")
        otherwise = copy.state == "active" and text != copy.confirmed
        if switched or otherwise:
            edited.append((text, switched))
    if not edited:
        return None
    text, switched = min(edited)
    here = json.loads(text)
    fields = [n for n in granted if not _alike(here, delivered, n)]
    return {"found": text, "fields": fields + (["_suspended"] if switched else [])}


def _matches(
    flow: Flow,
    world: World,
    desired: Mapping[str, Desired],
    copies: Mapping[str, Copy],
    readings: Any,
) -> tuple[dict[str, tuple[str, str, bool]], set[str]]:
    """Find existing records for keys without a copy, and the keys for which that is unclear."""
    if readings is None or not flow.match:
        return {}, set()
    linked = {c.external_id for c in copies.values()}
    pairs: dict[str, set[str]] = defaultdict(set)
    for key, wanted in desired.items():
        copy = copies.get(key)
        if copy and copy.external_id is not None:
            continue
        rule = json.loads(wanted.match)
        for external_id, rows in readings.items():
            if external_id in linked:
                continue
            for row in rows:
                if all(_equal(row.get(n), v, flow.match[n].type) for n, v in rule.items()):
                    pairs[key].add(external_id)
    claims = Counter(e for found in pairs.values() for e in found)
    doubtful = {k for k, found in pairs.items() if len(found) > 1 or claims[next(iter(found))] > 1}
    doubtful |= {k for k, found in pairs.items() if any(claims[e] > 1 for e in found)}
    single = {k: next(iter(found)) for k, found in pairs.items() if k not in doubtful}
    return {
        k: (e, *min((_shown(flow, row, {}), bool(row.get("_suspended"))) for row in readings[e]))
        for k, e in single.items()
    }, doubtful


def _equal(raw: object, wanted: object, kind: ValueType) -> bool:
    try:
        here = write(read(raw, kind), kind)
    except Bad:
        return False
    return here is not None and here != "" and here == wanted


def _stale(wanted: Desired, copy: Copy | None) -> bool:
    return copy is None or copy.state != "active" or copy.confirmed != wanted.after


def _leaves(flow: Flow, copy: Copy | None) -> bool:
    return (
        copy is not None and copy.external_id is not None and copy.state in PRESENT[flow.on_exit]
    )


def _moves(flow: Flow, wanted: Desired | None, copy: Copy, readings: Any, kept: Any) -> bool:
    if _edit(flow, copy, readings):
        return True
    return _stale(wanted, copy) if wanted else _leaves(flow, copy)


def _change(
    flow: Flow,
    wanted: Desired | None,
    copy: Copy | None,
    edit: Row | None,
    match: tuple[str, str, bool] | None,
    *,
    is_kept: bool,
) -> Row | None:
    if is_kept:
        return None
    restored = edit if edit and flow.on_drift == "restore" else None
    gone = bool(edit and edit["found"] is None)
    if wanted is None:
        return _exit(flow, copy, restored, gone=gone)
    if _stale(wanted, copy):
        return _work(flow, wanted, copy, restored, match, gone=gone)
    if restored:
        kind = "create" if gone else "restore"
        fields = restored["fields"] if not gone else _differing(flow, None, wanted.after)
        return _row(kind, wanted, copy.external_id, restored["found"], fields)
    return None


def _exit(flow: Flow, copy: Copy | None, restored: Row | None, *, gone: bool) -> Row | None:
    empty = dict.fromkeys(("after", "initial", "match", "waits")) | {"fields": []}
    if _leaves(flow, copy) and not gone:
        kind = "delete" if flow.on_exit == "delete" else "suspend"
        return {"kind": kind, "external_id": copy.external_id, "before": copy.confirmed, **empty}
    if restored and flow.on_exit == "suspend" and "_suspended" in restored["fields"]:
        before = restored["found"]
        return {"kind": "suspend", "external_id": copy.external_id, "before": before, **empty}
    return None


def _work(
    flow: Flow,
    wanted: Desired,
    copy: Copy | None,
    restored: Row | None,
    match: tuple[str, str, bool] | None,
    *,
    gone: bool,
) -> Row | None:
    external = None if gone else (copy.external_id if copy else None) or (match and match[0])
    before = None
    if not gone:
        before = (
            (restored and restored["found"]) or (copy and copy.confirmed) or (match and match[1])
        )
    fields = _differing(flow, before, wanted.after)
    if external is None:
        return _row("create", wanted, None, before, fields)
    asleep = copy is not None and copy.state == "suspended"
    asleep = asleep or bool(match and match[2])
    asleep = asleep or bool(restored and "_suspended" in restored["fields"])
    if asleep:
        return _row("resume", wanted, external, before, fields)
    if match and match[1] == wanted.after:
        return _row("match", wanted, external, before, fields)
    return _row("update", wanted, external, before, fields) if fields else None


def _row(kind: str, wanted: Desired, external: str | None, before: Any, fields: Any) -> Row:
    return {
        "kind": kind,
        "external_id": None if kind == "create" else external,
        "before": before,
        "after": wanted.after,
        "initial": wanted.initial if kind == "create" else None,
        "match": wanted.match,
        "waits": wanted.waits,
        "fields": fields,
    }


def _differing(flow: Flow, before: str | None, after: str) -> list[str]:
    old, new = json.loads(before or "{}"), json.loads(after)
    names = sorted(n for n, f in flow.fields.items() if not f.initially)
    return [n for n in names if not _alike(old, new, n)]


def _alike(one: Row, other: Row, name: str) -> bool:
    """Compare a member; a null that is there and a member that is not are two things."""
    if (name in one) != (name in other):
        return False
    here, there = one.get(name), other.get(name)
    return type(here) is type(there) and here == there


def _codes(
    flow: Flow, wanted: Desired | None, copy: Copy | None, edit: Row | None, *, is_kept: bool
) -> set[str]:
    """Why a key is not planned, although there would be something to do."""
    codes: set[str] = set()
    if copy is None:
        return codes
    if wanted and copy.state == "unknown":
        codes.add("M651")
    if edit and edit["found"] is None and flow.on_drift != "restore" and wanted:
        codes.add("M506")
    last = None
    if wanted and (_stale(wanted, copy) or edit):
        last = wanted.after
    elif wanted is None and not is_kept and _leaves(flow, copy):
        last = ""
    if last is not None and copy.refused == print_of(last) and not copy.retry:
        codes.add("M650")
    return codes
