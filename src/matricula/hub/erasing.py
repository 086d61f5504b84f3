"""Erase a record from everything that is kept here: the audit, the hub's rows, the home.

What other systems hold is theirs: an erasure is refused while copies are out or the owner
still has the record, for then it would be half an erasure that looks like a whole one.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import DatabaseError, connection, transaction
from django.db.models import Q

from matricula.audit import actions
from matricula.hub import alone, bulk, erased_files, leftovers, purposes, rekeys
from matricula.hub.models import (
    OPEN,
    AcceptedEdit,
    DirtyKey,
    Effect,
    Incident,
    Link,
    MatchCase,
)
from matricula.hub.subjects import subjects
from matricula.kernel.errors import Refused
from matricula.kernel.keys import new_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matricula.hub.desk import Desk
    from matricula.hub.subjects import Subject

_GONE = "(erased)"
_SOME = 5_000
_POSTGRESQL = (
    "PostgreSQL keeps dead rows until it vacuums, and its write-ahead log until it is recycled."
)
_BUSY = (
    "The database's file may still hold erased bytes, for somebody else uses it: run VACUUM on "
    "it when nobody does."
)


@dataclass(frozen=True, slots=True)
class Found:
    """What an erasure would take.

    Attributes:
        subjects: The record, and what hangs on it.
        records: Entity and key of each that the database knows.
        still_with: Owners of single fields that still held it when they were last read.
    """

    subjects: tuple[Subject, ...]
    records: tuple[tuple[str, str], ...]
    still_with: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, by kind, and what the person who ordered it still has to see to."""

    records: tuple[tuple[str, str], ...]
    counts: dict[str, int]
    notes: tuple[str, ...]


def look(desk: Desk, entity: str, key: str) -> Found:
    """Find what an erasure would take, and whether it may.

    Raises:
        Refused: There is no such entity or key (M517, M723), copies are still in targets
            (M720), or the record is still with its owner (M721).
    """
    if (entity, key) in (now := rekeys.renamed()):
        raise Refused(
            "M720",
            f"{entity} {key} goes on as {now[entity, key]}.",
            cure="Name the present key: what stands under the former ones goes with it.",
        )
    numbers = (key, *rekeys.formerly(entity, key))
    meant = [subject for number in numbers for subject in subjects(desk, entity, number)]
    records = tuple(dict.fromkeys((s.entity, k) for s in meant for k in sorted(s.keys())))
    _must_have_left(meant, records, f"{entity} {key}")
    held = erased_files.held_by(desk, meant)
    rosters = [str(resource) for resource, is_roster in held.items() if is_roster]
    if rosters:
        raise Refused(
            "M721",
            f"{entity} {key} was still in {', '.join(rosters)} when that was read last.",
            cure="Have the owner's office remove it there, run `matricula sync`, and erase it "
            "then; otherwise the next pass brings it back.",
        )
    return Found(tuple(meant), records, tuple(sorted(map(str, held))))


def _must_have_left(
    meant: Sequence[Subject], records: Sequence[tuple[str, str]], record: str
) -> None:
    there: dict[str, int] = {}
    for subject in meant:
        keys = _of(records, subject)
        for flow in subject.flows:
            copies = purposes.copies_in_targets(flow).filter(key__in=keys)
            writes = Effect.objects.filter(flow=flow).extra(where=[OPEN])  # noqa: S610 - a constant
            there[flow] = copies.count() or writes.filter(key__in=keys).count()
    named = [f"{count} by {flow}" for flow, count in there.items() if count]
    if named:
        raise Refused(
            "M720",
            f"Copies of {record} are, or may be, still in their targets: {', '.join(named)}.",
            cure="Have the record leave at its owner and run `matricula sync`. What is only "
            "suspended, or left, is removed by the target's office; a full pass then sees that "
            "it is gone. For a flow that was withdrawn see `matricula incidents`.",
        )


def _of(records: Sequence[tuple[str, str]], subject: Subject) -> list[str]:
    return [key for entity, key in records if entity == subject.entity]


def erase(desk: Desk, entity: str, key: str, *, why: str) -> Erased:
    """Erase a record, and what hangs on it, for good.

    Args:
        desk: Whose home, and who orders it.
        entity: The kind of record.
        key: Which one.
        why: On which ground; it stays in the audit and may name nobody.

    Raises:
        Refused: As `look`; or the reason names the record (M722), or a run is at work (M516).
    """
    with alone.claimed(desk, desk.charter.systems) as claim:
        with claim.alone_at_home() as alone_here:
            if alone_here:
                leftovers.sweep(desk)
        found = look(desk, entity, key)
        words = {word for subject in found.subjects for word in subject.parts.values()}
        _must_not_name(why, words)
        counts, called = erased_files.clear(desk, found.subjects)
        with transaction.atomic():
            counts += _clear_rows(desk, found, words | called, why)
            if counts:
                actions.append([_done(desk, counts, why)], at=desk.at)
        notes = [*_still_with(found.still_with), *_scrub()] if counts else []
    return Erased(found.records, dict(sorted(counts.items())), tuple(notes))


def _done(desk: Desk, counts: Counter[str], why: str) -> actions.Entry:
    return actions.Entry(
        actor=desk.actor, action="erase", entity="hub.erasure",
        key=new_id("erasure", at=desk.at), why=why,
        charter_version=desk.charter.digest, after=dict(counts),
    )  # fmt: skip


def _must_not_name(why: str, words: set[str]) -> None:
    if any(_standing_alone(word).search(why) for word in words):
        raise Refused(
            "M722",
            "The reason names the record, and it stays in the audit for ever.",
            cure="Name the ground, such as the number of the request, and nobody.",
        )


def _standing_alone(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")


def _clear_rows(desk: Desk, found: Found, words: set[str], why: str) -> Counter[str]:
    """Take records out of the database, the audit last, for it keeps others waiting."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")
    counts: Counter[str] = Counter()
    for subject in found.subjects:
        keys = _of(found.records, subject)
        for some in bulk.parts(keys, of=_SOME):
            counts += _clear_keys(desk, subject, some)
    counts["incidents reworded"] += _reword(desk, found.subjects, words)
    for entity, key in found.records:
        counts["audit entries"] += actions.erase(
            entity, key, actor=desk.actor, why=why, at=desk.at
        )
    return counts


def _clear_keys(desk: Desk, subject: Subject, keys: Sequence[str]) -> Counter[str]:
    about = Q(flow__in=subject.flows, key__in=keys)
    counts: Counter[str] = Counter()
    writes: dict[str, list[int]] = {}
    for number, key in Effect.objects.filter(about).values_list("pk", "key"):
        writes.setdefault(key, []).append(number)
    for numbers in writes.values():
        # Another name instead of the key: that something was written still counts.
        counts["effects"] += Effect.objects.filter(pk__in=numbers).update(
            key=new_id("erased", at=desk.at), external_id=None, before=None, after=None,
            match=None, told="",
        )  # fmt: skip
    counts["accepted edits"] += AcceptedEdit.objects.filter(about).delete()[0]
    counts["links"] += Link.objects.filter(about).delete()[0]
    counts["marks"] += DirtyKey.objects.filter(entity=subject.entity, key__in=keys).delete()[0]
    cases = Q(key__in=keys) | Q(other__in=keys, kind__in=("candidate", "rekey"))
    alike = MatchCase.objects.filter(cases, entity=subject.entity)
    counts["match cases"] += alike.count()
    alike.delete()
    counts["incidents"] += Incident.objects.filter(about).delete()[0]
    return counts


def _reword(desk: Desk, meant: Sequence[Subject], words: set[str]) -> int:
    """Take the record's name out of what incidents of its owners and flows say."""
    flows = {flow for subject in meant for flow in subject.flows}
    entities = [desk.charter.entities.get(subject.entity) for subject in meant]
    owners = {str(resource) for entity in entities if entity for resource in entity.owners()}
    named = Q()
    for word in words:
        named |= Q(message__contains=word)
    reworded = 0
    for incident in Incident.objects.filter(named):
        ours = incident.flow in flows or incident.place in owners
        if not ours and incident.place.rpartition(".")[0] not in owners:
            continue
        said = incident.message
        for word in words:
            said = _standing_alone(word).sub(_GONE, said)
        if said != incident.message:
            reworded += Incident.objects.filter(pk=incident.pk).update(message=said)
    return reworded


def _still_with(resources: Sequence[str]) -> list[str]:
    return [
        f"{resource} still held it when that was read last; the next pass reads it again unless "
        "it is removed there."
        for resource in resources
    ]


def _scrub() -> list[str]:
    """Have the database file let go of what rows held before; say what it may still hold."""
    if connection.vendor != "sqlite":
        return [_POSTGRESQL]
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_busy = bool(cursor.fetchone()[0])
    except DatabaseError:
        is_busy = True
    return [_BUSY] if is_busy else []
