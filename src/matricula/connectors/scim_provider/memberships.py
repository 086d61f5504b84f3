"""Who is in which group: one row for each pair, so that a flow can use `link()` twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.scim_provider.actions import numbers_of, touch_groups
from matricula.connectors.scim_provider.kinds import GROUPS, USERS, kinds
from matricula.connectors.scim_provider.models import Member, Shelf
from matricula.connectors.scim_provider.rows import PAIR
from matricula.connectors.shelves import held, portions
from matricula.kernel.keys import join_key, split_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.connectors.kit.protocol import Write

    Pair = tuple[str, str]


@transaction.atomic
def take_in(system: str, writes: Sequence[Write]) -> list[Outcome]:
    """Apply a batch of memberships: creations and deletions.

    Args:
        system: Whose copy.
        writes: Of verbs and fields that the resource has; the caller has made sure.

    Returns:
        One outcome per write, in order.
    """
    shelves = held(Shelf, system, kinds())
    pairs = [_pair(write) for write in writes]
    groups = numbers_of(shelves[GROUPS], {group for group, _ in pairs})
    users = numbers_of(shelves[USERS], {user for _, user in pairs})
    before = _present(groups, users)
    now, claims = set(before), Claims()
    outcomes = []
    for write, pair in zip(writes, pairs, strict=True):
        try:
            outcomes.append(_done(write, pair, now, (groups, users), claims))
        except SkipRow as refusal:
            outcomes.append(Outcome(write.key, error=refusal))
    _store(before, now, groups, users)
    touch_groups(shelves[GROUPS], {groups[group] for group, _ in before ^ now})
    return outcomes


def _done(
    write: Write,
    pair: Pair,
    now: set[Pair],
    known: tuple[Mapping[str, int], Mapping[str, int]],
    claims: Claims,
) -> Outcome:
    identifier = join_key(pair)
    if write.kind == "delete":
        now.discard(pair)
        return Outcome(write.key, write.external_id)
    for name, one, numbers in zip(PAIR, pair, known, strict=True):
        if one not in numbers:
            raise SkipRow(
                f"There is no such {name}.", code="M605",
                cure=f"The next full run makes the {name} again, where its flow grants it.",
            )  # fmt: skip
    if pair in now:
        claims.take_over(write, identifier)
        return Outcome(write.key, identifier, adopted=True)
    now.add(pair)
    claims.made(write, identifier)
    return Outcome(write.key, identifier)


def _pair(write: Write) -> Pair:
    if write.external_id is None:
        return str(write.fields.get("group") or ""), str(write.fields.get("user") or "")
    try:
        group, user = split_key(write.external_id, 2)
    except ValueError:
        return "", ""
    return group, user


def _present(groups: Mapping[str, int], users: Mapping[str, int]) -> set[Pair]:
    found: set[Pair] = set()
    for some in portions(groups):
        own = Member.objects.filter(group__in=[groups[one] for one in some])
        pairs = own.values_list("group__identifier", "user__identifier")
        found |= {(group, user) for group, user in pairs if user in users}
    return found


def _store(
    before: set[Pair], now: set[Pair], groups: Mapping[str, int], users: Mapping[str, int]
) -> None:
    by_group: dict[str, list[int]] = {}
    for group, user in before - now:
        by_group.setdefault(group, []).append(users[user])
    for group, left in by_group.items():
        for some in portions(left):
            Member.objects.filter(group=groups[group], user__in=some).delete()
    Member.objects.bulk_create(
        Member(group_id=groups[group], user_id=users[user]) for group, user in sorted(now - before)
    )
