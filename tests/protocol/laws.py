"""The laws of the effect ledger, as functions of what is known of one copy.

The model of the protocol is held to them in every state that it can reach, the product after
every crash: the same functions, so that neither can be right in its own way.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN = frozenset(("intended", "sent", "unknown"))
MADE = frozenset(("answered", "verified"))
OVER = frozenset(("refused", "deferred", "void"))


class Effect(NamedTuple):
    """One intended write. `left`: what the copy holds if it happened; None when it is gone."""

    run: object
    kind: str
    state: str
    left: object


class Link(NamedTuple):
    """What the hub takes the copy to hold, and under which identifier of the target."""

    state: str
    holds: object
    record: object


class Act(NamedTuple):
    """One entry of the audit: whose act it was, and what was done."""

    run: object
    kind: str


class Record(NamedTuple):
    """One record of the target that has the copy's key."""

    record: object
    holds: object


class Copy(NamedTuple):
    """All that is known of one copy. `effects` and `acts`: in the order they were written in."""

    effects: tuple[Effect, ...]
    link: Link | None
    acts: tuple[Act, ...]
    records: tuple[Record, ...]


def every_state_is_known(copy: Copy) -> Iterator[str]:
    """An effect is open, made or over, in one of eight words."""
    for effect in copy.effects:
        if effect.state not in OPEN | MADE | OVER:
            yield f"{effect} is in no state of the ledger"


def an_effect_is_intended_once_in_a_run(copy: Copy) -> Iterator[str]:
    """A run writes to a copy once at most."""
    for run, count in Counter(effect.run for effect in copy.effects).items():
        if count > 1:
            yield f"{run} intended {count} writes"


def what_was_made_is_audited_once(copy: Copy) -> Iterator[str]:
    """Each effect is answered once at most, and nothing is answered that was not intended."""
    made = Counter(Act(e.run, e.kind) for e in copy.effects if e.state in MADE)
    told = Counter(copy.acts)
    for act in made.keys() | told.keys():
        if made[act] != told[act]:
            yield f"{act} was made {made[act]} time(s) by the ledger, {told[act]} by the audit"


def nothing_is_intended_while_an_earlier_one_is_open(copy: Copy) -> Iterator[str]:
    """A copy of which something is to be found out is left alone."""
    for effect in copy.effects[:-1]:
        if effect.state in OPEN:
            yield f"something was intended after {effect}, which is open"


def creations_and_deletions_take_turns(copy: Copy) -> Iterator[str]:
    """A record is created once at most for a key, until it was deleted."""
    last = ""
    for effect in copy.effects:
        if effect.state in MADE and effect.kind in ("create", "delete"):
            if effect.kind == last:
                yield f"two times {last} in a row"
            last = effect.kind


def there_is_one_record_for_a_key(copy: Copy) -> Iterator[str]:
    """No target holds two copies of one record."""
    if len(copy.records) > 1:
        yield f"the target holds {len(copy.records)} records"


def a_link_agrees_with_the_last_effect(copy: Copy) -> Iterator[str]:
    """What the hub takes a copy to hold is what it was last told by the target."""
    link, last = copy.link, copy.effects[-1] if copy.effects else None
    if (link is not None and link.state == "unknown") != (
        last is not None and last.state == "unknown"
    ):
        yield f"the link is {link}, the last effect {last}"
    if last is None or last.state not in MADE:
        return
    if (link.holds if link else None) != last.left:
        yield f"the link is {link}, and {last} was made"


def nothing_is_open(copy: Copy) -> Iterator[str]:
    """At rest every outcome is known."""
    for effect in copy.effects:
        if effect.state in OPEN:
            yield f"{effect} is still open"


def the_link_is_what_the_target_holds(copy: Copy) -> Iterator[str]:
    """At rest the hub is right about the copy."""
    taken = () if copy.link is None else (Record(copy.link.record, copy.link.holds),)
    if taken != copy.records:
        yield f"the hub takes the target to hold {taken}, and it holds {copy.records}"


Law = "Callable[[Copy], Iterator[str]]"
ALWAYS: tuple[Law, ...] = (
    every_state_is_known,
    an_effect_is_intended_once_in_a_run,
    what_was_made_is_audited_once,
    nothing_is_intended_while_an_earlier_one_is_open,
    creations_and_deletions_take_turns,
    there_is_one_record_for_a_key,
    a_link_agrees_with_the_last_effect,
)
AT_REST: tuple[Law, ...] = (nothing_is_open, the_link_is_what_the_target_holds)


def broken(copy: Copy, *, at_rest: bool = False) -> list[str]:
    """Say which laws a copy's history breaks, and how; nothing when it keeps them all.

    Args:
        copy: What is known.
        at_rest: Whether no run is at work and the last one left nothing over.
    """
    laws = (*ALWAYS, *AT_REST) if at_rest else ALWAYS
    return [f"{law.__name__}: {how}" for law in laws for how in law(copy)]
