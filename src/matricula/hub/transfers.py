"""Transfers: a field passes to another owner when both offices have signed for it.

Who owns a field is what the audit says was in force when a flow last carried it. A charter
that names another system asks the office that gave the field away as well, so nobody becomes
its owner by editing a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.audit.actions import Entry, append
from matricula.audit.queries import acts_on
from matricula.charter.lineage import field_named
from matricula.engine.guard import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from matricula.charter.model import Charter, Flow
    from matricula.hub.desk import Desk


@dataclass(frozen=True, slots=True)
class Transfer:
    """A field whose owner the charter has changed since a flow last carried it.

    Attributes:
        field: As `student.email`.
        giver: The system that owned it.
        steward: The office that answered for it there, and must agree.
        taker: The system that the charter names now.
    """

    field: str
    giver: str
    steward: str
    taker: str


def pending(charter: Charter, flows: Iterable[Flow]) -> dict[str, tuple[Transfer, ...]]:
    """Find, per flow, the fields it carries that are to change hands."""
    wanted = list(flows)
    owned = _in_force({word for flow in wanted for word in flow.carries})
    return {
        flow.name: tuple(
            Transfer(word, *owned[word], taker)
            for word in flow.carries
            for taker in [field_named(charter, word).owner.system]
            if word in owned and owned[word][0] != taker
        )
        for flow in wanted
    }


def reasons(
    charter: Charter, transfers: Sequence[Transfer], unsigned: Iterable[str]
) -> Iterator[Reason]:
    """Say what a flow waits for whose fields change hands, per office that has not agreed."""
    for steward in sorted({t.steward for t in transfers} & set(unsigned)):
        given = [t for t in transfers if t.steward == steward]
        words = ", ".join(f"{t.field} from {t.giver} to {t.taker}" for t in given)
        absent = "" if steward in charter.stewards else f"Put {steward} back under `stewards:`. "
        yield Reason(
            "M520",
            f"The charter passes {words}, and {steward} has not signed it over.",
            f"{absent}See in this plan which values differ today, then run "
            f"`matricula sign --as {steward}`.",
        )


def record(desk: Desk, flows: Iterable[Flow]) -> None:
    """Write down whose the fields are that flows carry out with all signatures."""
    words = sorted({word for flow in flows for word in flow.carries})
    owned = _in_force(words)
    fresh = []
    for word in words:
        system = field_named(desk.charter, word).owner.system
        now = (system, desk.charter.systems[system].steward)
        if owned.get(word) != now:
            fresh.append(_entry(desk, word, owned.get(word), now))
    if fresh:
        append(fresh, at=desk.at)


def _in_force(words: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """Find the system and the office that last owned some fields."""
    # Oldest first, so the last word stands.
    return {
        entry.key: (str(entry.after["system"]), str(entry.after["steward"]))
        for entry in acts_on("field", "own", sorted(words))
        if entry.key and entry.after
    }


def _entry(desk: Desk, word: str, before: tuple[str, str] | None, now: tuple[str, str]) -> Entry:
    passed = f"it passes from {before[0]} to {now[0]}" if before else "the charter says so"
    return Entry(
        actor=desk.actor,
        action="own",
        entity="field",
        key=word,
        why=passed if before is None or before[0] != now[0] else "its office has changed",
        charter_version=desk.charter.digest,
        before={"system": before[0], "steward": before[1]} if before else None,
        after={"system": now[0], "steward": now[1]},
    )
