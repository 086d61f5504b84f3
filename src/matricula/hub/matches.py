"""Match cases: records that may be one, decided by a steward, and remembered.

Nothing is linked here by machine. What a pass meets becomes a case; what a steward says
of it stays said, whatever later passes find, until it is undone. A decision is read by the
engine as a row of the crosswalk and changes no source.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.db import transaction
from django.db.models import Q

from matricula.audit.actions import Entry, append
from matricula.charter.words import read_resource
from matricula.hub import asked, bulk, rekeys
from matricula.hub.models import MatchCase, MatchDecision
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matricula.charter.model import Charter, ResourceRef
    from matricula.hub.desk import Desk

_SOME = 500


@dataclass(frozen=True, slots=True)
class Possible:
    """What a pass met: two records that may be one. See `MatchCase` for the words."""

    kind: str
    entity: str
    key: str
    resource: str
    other: str = ""
    probability: float | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes two findings the same case."""
        return (self.kind, self.entity, self.key, self.resource, self.other)


def crosswalk(charter: Charter) -> dict[tuple[str, ResourceRef], pa.Table]:
    """Give the decisions as the engine reads them; those about what is not owned are left out."""
    decided: dict[tuple[str, ResourceRef], dict[str, str | None]] = {}
    about = MatchCase.objects.filter(kind__in=("candidate", "claim"))
    renamed = rekeys.renamed()
    # A record that is said to be somebody is that, whoever else it is said not to be.
    for state in ("different", "same"):
        for case in about.filter(state=state):
            entity = charter.entities.get(case.entity)
            resource = read_resource(case.resource)
            if entity is None or resource == entity.roster or resource not in entity.owners():
                continue
            rows = decided.setdefault((case.entity, resource), {})
            if state == "same":
                rows[case.other] = renamed.get((case.entity, case.key), case.key)
            elif case.kind == "claim":
                rows[case.other] = None
    return {
        place: pa.table(
            {
                "external_id": pa.array(list(rows), pa.string()),
                "key": pa.array(list(rows.values()), pa.string()),
            }
        )
        for place, rows in decided.items()
        if rows
    }


@dataclass(frozen=True, slots=True)
class Met:
    """What a pass met, and where it looked.

    Attributes:
        found: Records that may be one.
        looked_at: Kind, entity and resource of everything that it looked for.
        some: The keys, per entity, that alone were compared with others; of an entity that is
            not named everybody was.
    """

    found: Sequence[Possible]
    looked_at: Collection[tuple[str, str, str]]
    some: Mapping[str, Collection[str]] = field(default_factory=dict)


def keep(desk: Desk, met: Met) -> int:
    """Open a case for everything new; those that are no longer so are over.

    Returns:
        How many cases were opened.
    """
    by_identity = {one.identity: one for one in met.found}
    opened = 0
    with transaction.atomic():
        known = _known(met.looked_at) if met.looked_at else {}
        for place in sorted(met.looked_at):
            mine = {
                i: one
                for i, one in by_identity.items()
                if (one.kind, one.entity, one.resource) == place
            }
            opened += _keep_kind(desk, _spoken_of(desk, met, known.get(place, {})), mine)
        compared = {entity for kind, entity, _ in met.looked_at if kind == "candidate"}
        asked.tell(desk, compared - set(met.some), by_identity)
        for name in sorted(compared & set(met.some)):
            asked.tell_of_waiting(desk, desk.charter.entities[name])
        asked.tell_of_rekeys(
            desk, {entity for kind, entity, _ in met.looked_at if kind == "rekey"}
        )
    return opened


def _spoken_of(
    desk: Desk, met: Met, known: Mapping[tuple[str, ...], MatchCase]
) -> dict[tuple[str, ...], MatchCase]:
    """Leave out the cases of which a pass that compared some keys alone cannot speak."""

    def is_spoken_of(case: MatchCase) -> bool:
        if case.kind != "candidate" or case.entity not in met.some:
            return True
        is_roster = case.resource == str(desk.charter.entities[case.entity].roster)
        keys = met.some[case.entity]
        return case.key in keys or (is_roster and case.other in keys)

    return {identity: case for identity, case in known.items() if is_spoken_of(case)}


def _known(
    places: Collection[tuple[str, str, str]],
) -> dict[tuple[str, str, str], dict[tuple[str, ...], MatchCase]]:
    """Find every case of some places, asked for together: mostly there are none."""
    found: dict[tuple[str, str, str], dict[tuple[str, ...], MatchCase]] = {}
    kinds, entities, resources = (sorted(set(words)) for words in zip(*places, strict=True))
    for c in MatchCase.objects.filter(
        kind__in=kinds, entity__in=entities, resource__in=resources
    ).order_by("id"):
        mine = found.setdefault((c.kind, c.entity, c.resource), {})
        mine[c.kind, c.entity, c.key, c.resource, c.other] = c
    return found


def _keep_kind(
    desk: Desk,
    known: Mapping[tuple[str, ...], MatchCase],
    found: Mapping[tuple[str, ...], Possible],
) -> int:
    over = [c.pk for i, c in known.items() if c.state == "open" and i not in found]
    for some in bulk.parts(over, of=_SOME):
        MatchCase.objects.filter(pk__in=some).update(state="over")
    for identity, case in known.items():
        one = found.get(identity)
        if one is None or case.state not in ("open", "over"):
            continue
        told = (case.state, case.probability, case.evidence)
        case.state, case.probability = "open", one.probability
        case.evidence = json.dumps(one.evidence, sort_keys=True)
        if told != (case.state, case.probability, case.evidence):
            case.save(update_fields=["state", "probability", "evidence"])
    fresh = [_opened(desk, one) for identity, one in found.items() if identity not in known]
    # Another worker may have met the same.
    MatchCase.objects.bulk_create(fresh, batch_size=_SOME, ignore_conflicts=True)
    return len(fresh)


def _opened(desk: Desk, one: Possible) -> MatchCase:
    return MatchCase(
        kind=one.kind, entity=one.entity, key=one.key, resource=one.resource, other=one.other,
        probability=one.probability, evidence=json.dumps(one.evidence, sort_keys=True),
        state="open", steward=_steward(desk.charter, one), opened_at=desk.at,
    )  # fmt: skip


def _steward(charter: Charter, one: Possible) -> str:
    """Who is who is the roster's to say; which of two records is right, that system's."""
    if one.kind in ("claim", "copies"):
        return charter.systems[read_resource(one.resource).system].steward
    return charter.systems[charter.entities[one.entity].roster.system].steward


def told(number: int | None = None, *, decided: bool = False) -> list[dict[str, Any]]:
    """Say what is kept of the cases that are open, of those that are decided, or of one.

    Raises:
        Refused: There is no such case (M552).
    """
    if number is None:
        states = ("same", "different") if decided else ("open",)
        return [_told(c) for c in MatchCase.objects.filter(state__in=states).order_by("id")]
    case = _case(number)
    said = MatchDecision.objects.filter(case=case).order_by("id")
    decisions = [
        {"said": d.said, "by": d.actor, "at": d.at.isoformat(timespec="seconds"), "why": d.why}
        for d in said
    ]
    return [{**_told(case), "decisions": decisions}]


def _told(case: MatchCase) -> dict[str, Any]:
    return {
        "case": case.pk, "kind": case.kind, "entity": case.entity, "key": case.key,
        "resource": case.resource, "other": case.other, "probability": case.probability,
        "evidence": json.loads(case.evidence), "state": case.state, "steward": case.steward,
        "opened_at": case.opened_at.isoformat(timespec="seconds"),
        "decided_by": case.decided_by, "why": case.why,
    }  # fmt: skip


def _case(number: int) -> MatchCase:
    case = MatchCase.objects.filter(pk=number).first()
    if case is None:
        raise Refused(
            "M552",
            f"There is no match case {number}.",
            cure="Use a number of `matricula matches`, or of `matricula matches --decided`.",
        )
    return case


def decide(desk: Desk, number: int, said: str, *, why: str) -> MatchCase:
    """Write down what a steward says of a case: `same`, `different`, or `undo`.

    Args:
        desk: Who says it, and when.
        number: The case.
        said: The word.
        why: The ground; it stands in the audit and may name nobody.

    Raises:
        Refused: There is no such case, it cannot be decided so (M552, M553).
    """
    with transaction.atomic():
        case = _case(number)
        _must_be_decidable(case, said)
        if case.kind == "rekey":
            _move(desk, case, said)
        _say(desk, case, said, why=why)
        asked.after(desk, case)
    return case


def decide_all(desk: Desk, numbers: Sequence[int], said: str, *, why: str) -> list[MatchCase]:
    """Decide several cases alike, or none of them; see `decide`."""
    _must_have_a_ground(why)
    with transaction.atomic():
        return [decide(desk, number, said, why=why) for number in numbers]


def _must_have_a_ground(why: str) -> None:
    if not why.strip():
        raise Refused(
            "M553", "A decision needs a ground.", cure="Say why, with `--why`; the audit keeps it."
        )


def _move(desk: Desk, case: MatchCase, said: str) -> None:
    """Have the copies go on under the new number, or come back from it."""
    if said == "same":
        rekeys.move(desk, case.entity, {case.key: case.other})
        case.seen_at = desk.at
        both = (case.key, case.other)
        # Whoever that is can be nobody else.
        rest = MatchCase.objects.filter(kind="rekey", entity=case.entity, state="open")
        rest = rest.exclude(pk=case.pk).filter(Q(key__in=both) | Q(other__in=both))
        rest.update(state="over")
    elif case.state == "same":
        rekeys.move(desk, case.entity, {case.other: case.key})
        case.seen_at = None


def _say(desk: Desk, case: MatchCase, said: str, *, why: str) -> None:
    """Write a decision down: in the case, in its history and in the audit."""
    before = case.state
    # Nothing but a steward's word spoke for a new number that was told.
    undone = "over" if case.kind == "rekey" and case.evidence == "{}" else "open"
    case.state = undone if said == "undo" else said
    case.decided_by = "" if said == "undo" else desk.actor
    case.decided_at = None if said == "undo" else desk.at
    case.why = "" if said == "undo" else why
    case.save()
    MatchDecision.objects.create(case=case, said=said, actor=desk.actor, why=why, at=desk.at)
    append([_entry(desk, case, said, before, why)], at=desk.at)


def rekey(desk: Desk, entity: str, numbers: Mapping[str, str], *, why: str) -> list[int]:
    """Say that records go on under new numbers: their copies are kept, not made again.

    Args:
        desk: Who says it, and when.
        entity: The kind of record.
        numbers: Old key to new key.
        why: The ground; it stands in the audit.

    Returns:
        The cases; `decide` undoes each.

    Raises:
        Refused: There is no such entity, or a number cannot be taken (M517, M554). Then
            nothing was moved.
    """
    known = desk.charter.entities.get(entity)
    if known is None:
        raise Refused(
            "M517", f"The charter knows no entity {entity}.",
            cure=f"Use one of {', '.join(desk.charter.entities)}.",
        )  # fmt: skip
    _must_have_a_ground(why)
    cases = []
    with transaction.atomic():
        rekeys.move(desk, entity, numbers)
        for old, new in numbers.items():
            one = Possible("rekey", entity, old, str(known.roster), new)
            case, _ = MatchCase.objects.update_or_create(
                kind="rekey", entity=entity, key=old, resource=one.resource, other=new,
                defaults={"steward": _steward(desk.charter, one), "opened_at": desk.at,
                          "seen_at": None},
            )  # fmt: skip
            _say(desk, case, "same", why=why)
            cases.append(case.pk)
        asked.tell_of_rekeys(desk, [entity])
    return cases


def _must_be_decidable(case: MatchCase, said: str) -> None:
    if case.kind == "copies":
        raise _cannot(
            case, f"it is for {case.steward} to merge or correct the records in {case.resource}"
        )
    if said == "undo" and case.state not in ("same", "different"):
        raise _cannot(case, "nothing was decided of it")
    if said != "undo" and case.state != "open":
        raise _cannot(case, f"it is {case.state}; undo that first")
    if said == "same" and case.kind in ("candidate", "claim"):
        # Two weak matches in a chain do not make three records one.
        others = MatchCase.objects.filter(
            entity=case.entity, resource=case.resource, other=case.other, state="same",
            kind__in=("candidate", "claim"),
        )  # fmt: skip
        taken = others.exclude(key=case.key).first()
        if taken is not None:
            raise _cannot(
                case, f"{case.other} is decided to be {taken.key} by case {taken.pk}; undo that"
            )


def _cannot(case: MatchCase, reason: str) -> Refused:
    return Refused(
        "M553",
        f"Case {case.pk} cannot be decided so: {reason}.",
        cure=f"See `matricula matches show {case.pk}`.",
    )


def _entry(desk: Desk, case: MatchCase, said: str, before: str, why: str) -> Entry:
    about = {"kind": case.kind, "resource": case.resource, "other": case.other}
    return Entry(
        actor=desk.actor, action=f"match {said}", entity=case.entity, key=case.key, why=why,
        charter_version=desk.charter.digest,
        before={**about, "state": before}, after={**about, "state": case.state},
    )  # fmt: skip
