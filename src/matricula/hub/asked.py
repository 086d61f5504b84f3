"""Asked: tells the offices which match cases wait for them, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.engine.rekey import UNDECIDED
from matricula.hub.incidents import Trouble, close_others, report
from matricula.hub.models import MatchCase

if TYPE_CHECKING:
    from collections.abc import Collection, Container, Iterator

    from matricula.charter.model import Entity
    from matricula.hub.desk import Desk

# The office hears of what waits for it, and of what it is to merge itself.
_WAITING, _TO_MERGE = "M550", "M551"


def tell(desk: Desk, entities: set[str], found: Container[tuple[str, ...]]) -> None:
    """Tell the offices of what waits for them; claims and copies have incidents of their own."""
    troubles: list[Trouble] = []
    for name in sorted(entities & set(desk.charter.entities)):
        troubles += _waiting(desk, desk.charter.entities[name])
        troubles += _to_merge(desk, desk.charter.entities[name], found)
    report(troubles, at=desk.at)
    places = [str(e.roster) for n, e in desk.charter.entities.items() if n in entities]
    close_others(troubles, codes=[_WAITING, _TO_MERGE], places=places, at=desk.at)


def tell_of_rekeys(desk: Desk, entities: Collection[str]) -> None:
    """Tell the roster's office of records that may go on under new numbers, and wait."""
    known = [desk.charter.entities[name] for name in sorted(entities)]
    troubles = [trouble for entity in known for trouble in _undecided(desk, entity)]
    report(troubles, at=desk.at)
    places = [str(entity.roster) for entity in known]
    close_others(troubles, codes=[UNDECIDED], places=places, at=desk.at)


def _undecided(desk: Desk, entity: Entity) -> Iterator[Trouble]:
    cases = MatchCase.objects.filter(kind="rekey", entity=entity.name).order_by("id")
    asked, ahead = cases.filter(state="open"), cases.filter(state="same", seen_at=None)
    said = []
    if first := asked.first():
        said.append(
            f"{asked.count()} record(s) of {entity.name} may go on under another key, first "
            f"{first.key} as {first.other}; until it is decided both stay as they are."
        )
    if first := ahead.first():
        said.append(
            f"{ahead.count()} record(s) of {entity.name} were said to go on under another key, "
            f"first {first.key} as {first.other}, which {entity.roster} does not show yet."
        )
    if said:
        yield _trouble(
            desk, entity, UNDECIDED, " ".join(said),
            "See `matricula matches`, then `matricula matches same N` or `different N`; what was "
            "said too early `matricula matches undo N` takes back.",
        )  # fmt: skip


def _waiting(desk: Desk, entity: Entity) -> Iterator[Trouble]:
    cases = MatchCase.objects.filter(entity=entity.name, state="open", kind="candidate")
    if count := cases.count():
        yield _trouble(
            desk, entity, _WAITING,
            f"{count} match case(s) of {entity.name} wait for a decision; nothing is linked "
            "before.",
            "See `matricula matches`, then `matricula matches same N` or `different N`.",
        )  # fmt: skip


def _to_merge(desk: Desk, entity: Entity, found: Container[tuple[str, ...]]) -> Iterator[Trouble]:
    roster = str(entity.roster)
    same = MatchCase.objects.filter(
        kind="candidate", entity=entity.name, resource=roster, state="same"
    )
    still = [c for c in same if (c.kind, c.entity, c.key, c.resource, c.other) in found]
    if still:
        yield _trouble(
            desk, entity, _TO_MERGE,
            f"{len(still)} pair(s) of records of {roster} are one person each, first "
            f"{still[0].key} and {still[0].other}.",
            f"Merge them in {roster}: only there are two records made one.",
        )  # fmt: skip


def _trouble(desk: Desk, entity: Entity, code: str, message: str, cure: str) -> Trouble:
    system = entity.roster.system
    return Trouble(
        code, str(entity.roster), desk.charter.systems[system].steward, message, cure,
        system=system,
    )  # fmt: skip


def after(desk: Desk, case: MatchCase) -> None:
    """Freshen what the office was told; what is to be merged only a pass can see again."""
    entity = desk.charter.entities.get(case.entity)
    if entity is None:
        return
    tell_of_rekeys(desk, [entity.name])
    tell_of_waiting(desk, entity)


def tell_of_waiting(desk: Desk, entity: Entity) -> None:
    """Tell the roster's office of the cases that wait for it, and of nothing else."""
    waiting = list(_waiting(desk, entity))
    report(waiting, at=desk.at)
    close_others(waiting, codes=[_WAITING], places=[str(entity.roster)], at=desk.at)
