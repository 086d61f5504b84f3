"""Re-keys: a record goes on under a new number, and its copies with it.

Without, the old number would leave and the new one join: every copy suspended, and a second
one made beside it. What was done under the old number stays in the ledger and the audit
under that number; what is done from now on stands under the new one. A record whose key
holds the number, such as an enrolment, goes along.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
from django.db.models import Case, TextField, Value, When

from matricula.engine import rekey
from matricula.hub import bulk
from matricula.hub.models import OPEN, AcceptedEdit, Effect, Link, MatchCase
from matricula.hub.subjects import subjects
from matricula.kernel.errors import Refused
from matricula.kernel.keys import join_key, split_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from matricula.charter.model import Charter, Entity, ResourceRef
    from matricula.engine.feed import Feed
    from matricula.engine.read import Verdict
    from matricula.engine.workbench import Workbench
    from matricula.hub.desk import Desk
    from matricula.hub.subjects import Subject

_SOME = 400
# Beyond so many numbers one look at every key is quicker than a search for each.
_FEW = 20


@dataclass(frozen=True, slots=True)
class Pair:
    """Two keys of an entity that may be one record under a new number."""

    entity: str
    old: str
    new: str
    probability: float | None
    evidence: Mapping[str, object]


@dataclass(slots=True)
class Moving:
    """What a pass found of records that go on under new numbers.

    Attributes:
        pairs: Undecided: those found now, and those found before that are still so.
        looked_at: The entities whose roster could be looked at.
        keys: Per entity, the keys to leave alone.
        seen: Cases a steward told of that the roster shows by now.
    """

    pairs: list[Pair] = field(default_factory=list)
    looked_at: list[str] = field(default_factory=list)
    keys: dict[str, set[str]] = field(default_factory=dict)
    seen: list[int] = field(default_factory=list)

    def undecided(self) -> dict[str, pa.Table]:
        """Give the keys to leave alone as the engine reads them."""
        return {
            name: pa.table({"key": pa.array(sorted(keys), pa.string())})
            for name, keys in self.keys.items()
            if keys
        }


def look(
    desk: Desk,
    bench: Workbench,
    charter: Charter,
    feed: Feed,
    *,
    verdicts: Mapping[ResourceRef, Verdict],
) -> Moving:
    """Find who may go on under a new number, and whose case is still open; after `take_in`.

    Args:
        desk: The whole charter.
        bench: The run's own.
        charter: Of the flows of this pass.
        feed: What arrived, with the readings before.
        verdicts: Which rosters can be trusted.
    """
    moving = Moving()
    for entity in charter.entities.values():
        verdict = verdicts.get(entity.roster)
        if verdict and verdict.is_trusted:
            moving.looked_at.append(entity.name)
            _look(desk, bench, charter, feed, entity=entity, moving=moving)
    for case in MatchCase.objects.filter(kind="rekey").exclude(entity__in=moving.looked_at):
        # Their owner was not read: as it was when somebody looked last.
        if _is_in_doubt(case):
            moving.keys.setdefault(case.entity, set()).update((case.key, case.other))
    return moving


def _look(
    desk: Desk,
    bench: Workbench,
    charter: Charter,
    feed: Feed,
    *,
    entity: Entity,
    moving: Moving,
) -> None:
    cases = list(MatchCase.objects.filter(kind="rekey", entity=entity.name))
    doubt = [c for c in cases if _is_in_doubt(c)]
    there = rekey.present(bench, entity, [key for c in doubt for key in (c.key, c.other)])
    pairs = [_pair(c) for c in doubt if c.state == "open"]
    pairs = [p for p in pairs if p.old not in there and p.new in there]
    told = [c for c in doubt if c.state == "same"]
    moving.seen += [c.pk for c in told if c.other in there]
    ahead = [c for c in told if c.key in there and c.other not in there]
    if entity.matching and entity.roster in feed.previous:
        rows = rekey.pairs(bench, charter, entity, feed.previous[entity.roster])
        pairs += _new(desk, entity, rows.to_pylist() if rows else (), cases)
    moving.pairs += pairs
    moving.keys[entity.name] = {key for p in pairs for key in (p.old, p.new)}
    moving.keys[entity.name] |= {key for c in ahead for key in (c.key, c.other)}


def _is_in_doubt(case: MatchCase) -> bool:
    """Whether nobody decided yet, or the owner does not show yet what was decided."""
    return case.state == "open" or (case.state == "same" and case.seen_at is None)


def _pair(case: MatchCase) -> Pair:
    evidence = json.loads(case.evidence)
    return Pair(case.entity, case.key, case.other, case.probability, evidence)


def _new(
    desk: Desk, entity: Entity, rows: Iterable[Mapping[str, object]], cases: Sequence[MatchCase]
) -> list[Pair]:
    """Keep the pairs that nothing was said of and whose copies could go along."""
    settled = {key for c in cases if c.state == "same" for key in (c.key, c.other)}
    known = {(c.key, c.other) for c in cases if c.state in ("open", "different")}
    names = list(entity.matching.compare) if entity.matching else []
    found = [
        Pair(entity.name, str(row["key"]), str(row["other"]), row["probability"],  # type: ignore[arg-type]  # Arrow's
             dict(zip(names, row["evidence"], strict=True)))  # type: ignore[call-overload]  # Arrow's
        for row in rows
    ]  # fmt: skip
    found = [p for p in found if not {p.old, p.new} & settled and (p.old, p.new) not in known]
    if not found:
        return []
    moves = _moves(desk, entity.name, {p.old: p.new for p in found})
    copied, taken = _copied(moves), _taken(moves)
    return [p for p in found if p.old in copied and p.old not in taken]


def remember(desk: Desk, moving: Moving) -> None:
    """Write down what was told and is shown by the roster now."""
    MatchCase.objects.filter(pk__in=moving.seen).update(seen_at=desk.at)


def renamed() -> dict[tuple[str, str], str]:
    """Give the present number of every record that was given a new one, by entity and number."""
    rows = MatchCase.objects.filter(kind="rekey", state="same").order_by("decided_at", "id")
    found: dict[tuple[str, str], str] = {}
    for entity, old, new in rows.values_list("entity", "key", "other"):
        found.update(
            {place: new for place, last in found.items() if place[0] == entity and last == old}
        )
        found[entity, old] = new
    return found


def formerly(entity: str, key: str) -> list[str]:
    """List the numbers under which a record went before."""
    return [old for (name, old), new in renamed().items() if (name, new) == (entity, key)]


def renumbered() -> pa.Table:
    """List every number that a steward said was given up, or given (column `id`)."""
    rows = MatchCase.objects.filter(kind="rekey", state="same").values_list("key", "other")
    return pa.table({"id": pa.array([key for row in rows for key in row], pa.string())})


@dataclass(frozen=True, slots=True)
class _Moves:
    """The links of one flow that go along.

    Attributes:
        keys: Present key to new key.
        by: Either key to the old number that it is about.
    """

    keys: dict[str, str] = field(default_factory=dict)
    by: dict[str, str] = field(default_factory=dict)


def problems(desk: Desk, entity: str, numbers: Mapping[str, str]) -> dict[str, str]:
    """Say of every old number why its record cannot go on under the new one."""
    return _problems(_moves(desk, entity, numbers), numbers)


def _problems(moves: Mapping[str, _Moves], numbers: Mapping[str, str]) -> dict[str, str]:
    copied, taken, open_ones = _copied(moves), _taken(moves), _open_writes(moves)
    found: dict[str, str] = {}
    twice = {new for new, count in Counter(numbers.values()).items() if count > 1}
    for old, new in numbers.items():
        if new in twice:
            found[old] = f"{new} is given to others as well"
        elif old == new:
            found[old] = "the old and the new key are the same"
        elif new in numbers:
            found[old] = (
                f"{new} is an old key as well; where records change keys among themselves, give "
                "one of them a free key first"
            )
        elif old not in copied:
            found[old] = f"no flow has a copy of {old}"
        elif old in taken:
            found[old] = f"{taken[old]} has a copy of {new} as well"
        elif old in open_ones:
            found[old] = f"nobody knows yet what became of a write by {open_ones[old]}"
    return found


def move(desk: Desk, entity: str, numbers: Mapping[str, str]) -> None:
    """Give every link of some records its new number; call it within a transaction.

    Args:
        desk: The charter.
        entity: The kind of record.
        numbers: Old key to new key. Links whose keys hold one as a part go along.

    Raises:
        Refused: Nothing stands under an old number, a new one has copies, or a write is
            open (M554).
    """
    found = _moves(desk, entity, numbers)
    for old, reason in _problems(found, numbers).items():
        raise Refused(
            "M554",
            f"{entity} {old} cannot go on as {numbers[old]}: {reason}.",
            cure="Check both with `matricula explain`; `matricula sync` settles open writes.",
        )
    for flow, moves in found.items():
        links = Link.objects.filter(flow=flow)
        for some in bulk.parts(list(moves.keys.items()), of=_SOME):
            # What was never made under the new number gives way.
            links.filter(key__in=[new for _, new in some], external_id=None).delete()
            AcceptedEdit.objects.filter(flow=flow, key__in=[new for _, new in some]).delete()
            cases = [When(key=old, then=Value(new)) for old, new in some]
            for rows in (links, AcceptedEdit.objects.filter(flow=flow)):
                rows.filter(key__in=[old for old, _ in some]).update(
                    key=Case(*cases, output_field=TextField())
                )


def _copied(moves: Mapping[str, _Moves]) -> set[str]:
    return {old for mine in moves.values() for old in mine.by.values()}


def _taken(moves: Mapping[str, _Moves]) -> dict[str, str]:
    """Say of which old numbers a copy stands under the new one already, and in which flow."""
    found: dict[str, str] = {}
    for flow, mine in sorted(moves.items()):
        for some in bulk.parts(sorted(set(mine.keys.values())), of=_SOME):
            links = Link.objects.filter(flow=flow, key__in=some).exclude(external_id=None)
            for key in links.values_list("key", flat=True):
                found.setdefault(mine.by[key], flow)
    return found


def _moves(desk: Desk, entity: str, numbers: Mapping[str, str]) -> dict[str, _Moves]:
    """Find, per flow, the links that hold an old number, and what they are to be called."""
    if not numbers:
        return {}
    found: dict[str, _Moves] = {}
    for subject in subjects(desk, entity, next(iter(numbers))):
        for flow in subject.flows:
            moves = found.setdefault(flow, _Moves())
            for key in _candidates(flow, subject, numbers):
                _note(moves, subject, key, numbers)
    return found


def _candidates(flow: str, subject: Subject, numbers: Mapping[str, str]) -> Iterator[str]:
    """Ask for the keys that may hold one of some numbers."""
    links = Link.objects.filter(flow=flow)
    if len(subject.parts) == subject.size:
        for some in bulk.parts(list(numbers.items()), of=_SOME):
            yield from links.filter(key__in=[o for o, _ in some]).values_list("key", flat=True)
    elif len(numbers) > _FEW:
        yield from links.values_list("key", flat=True).iterator()
    else:
        for old in numbers:
            spelled = join_key([old, ""])[:-1]
            yield from links.filter(key__contains=spelled).values_list("key", flat=True)


def _note(moves: _Moves, subject: Subject, key: str, numbers: Mapping[str, str]) -> None:
    if len(subject.parts) == subject.size:
        old, new = key, numbers[key]
    else:
        [place] = subject.parts
        # Where two parts hold numbers, one has been replaced already.
        try:
            parts = list(split_key(moves.keys.get(key, key), subject.size))
        except ValueError:
            # A key of other parts, from before the charter changed them.
            return
        old = parts[place]
        if old not in numbers:
            return
        new = join_key([*parts[:place], numbers[old], *parts[place + 1 :]])
    moves.keys[key] = new
    moves.by.update({key: old, new: old})


def _open_writes(moves: Mapping[str, _Moves]) -> dict[str, str]:
    """Say of which old numbers a write is open, and by which flow."""
    found: dict[str, str] = {}
    for flow, mine in moves.items():
        for some in bulk.parts(list(mine.keys.items()), of=_SOME):
            keys = [key for pair in some for key in pair]
            writes = Effect.objects.filter(flow=flow, key__in=keys)
            open_ones = writes.extra(where=[OPEN])  # noqa: S610 - a constant
            found |= {mine.by[key]: flow for key in open_ones.values_list("key", flat=True)}
    return found
