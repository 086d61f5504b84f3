"""Who is in which group, one row for each pair, so that a flow can use `link()` twice.

SCIM keeps members inside the group. Changes of one group are gathered into one PATCH;
if the server refuses it, they are sent one by one, so that a bad pair harms no other.
Groups inside groups are left alone: they are neither read nor removed.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import (
    ConnectorError,
    GiveUp,
    ReadBack,
    SkipRow,
    Stop,
    TryAgain,
    not_begun,
)
from matricula.connectors.kit.protocol import Outcome, asks_for_nobody
from matricula.connectors.scim import dialects, mapping
from matricula.connectors.scim.calls import Place, Steps, Task, looked_at
from matricula.connectors.scim.dialects import Speech
from matricula.connectors.scim.refusals import refusal
from matricula.connectors.scim.wire import Change
from matricula.kernel.keys import join_key, split_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.scim.dialects import Dialect
    from matricula.connectors.scim.lookup import Lookup
    from matricula.connectors.scim.mapping import Record
    from matricula.connectors.scim.wire import Answer

FIELDS = ("group", "user")
_ATTEMPTS = 4
_NOT_FOUND, _CHANGED = 404, 412
_NO_SUCH_VERB = frozenset({405, 501})


def members_of(group: Record) -> list[str]:
    """List the ids of a group's users, sorted, each once."""
    entries = group.get("members") or []
    return sorted({_user(one) for one in entries if _user(one)})


def rows_of(group: Record) -> list[dict[str, str]]:
    """Write a group as rows of the resource `memberships`."""
    record_id = str(group["id"])
    return [
        {"_id": join_key([record_id, user]), "group": record_id, "user": user}
        for user in members_of(group)
    ]


def pair_of(write: Write) -> tuple[str, str]:
    """Name the group and the user that a write is about.

    Raises:
        SkipRow: One of them is missing, or the identifier is none of ours.
    """
    if write.external_id is not None:
        return _halves(write.external_id)
    group, user = (str(write.fields.get(name) or "") for name in FIELDS)
    if not group or not user:
        raise SkipRow(
            "A membership needs a group and a user.",
            code="M604",
            cure="Wait until both links are confirmed, or correct the flow's expressions.",
        )
    return group, user


def matching(lookup: Lookup, match: Mapping[str, Value]) -> list[dict[str, str]]:
    """Find the memberships that equal a mapping of `_id`, `group` and `user`."""
    if asks_for_nobody(match):
        return []
    known = {name: str(value) for name, value in match.items()}
    group = known.get("group", "")
    if "_id" in known:
        group = _halves(known["_id"])[0]
    groups = [lookup.by_id(group)] if {"_id", "group"} & set(known) else lookup.everything()
    return [
        row
        for one in groups
        if one is not None
        for row in rows_of(one)
        if all(row[name] == value for name, value in known.items())
    ]


def tasks(place: Place, writes: Sequence[Write]) -> list[Task]:
    """Gather writes by group; a write that names no pair is settled by itself."""
    gathered: dict[str, list[Write]] = {}
    found: list[Task] = []
    for write in writes:
        try:
            gathered.setdefault(pair_of(write)[0], []).append(write)
        except SkipRow as error:
            found.append(Task((write.key,), write.key, partial(_refusing, write, error)))
    for group, together in gathered.items():
        keys = [write.key for write in together]
        found.append(Task(keys, group, partial(write_group, place, group, together)))
    return found


def write_group(place: Place, group: str, writes: Sequence[Write]) -> Steps[list[Outcome]]:
    """Add and remove members of one group.

    Raises:
        ConnectorError: Nothing of it happened, or nobody knows.
    """
    try:
        return (yield from _written(place, group, writes))
    except SkipRow as error:
        if len(writes) == 1:
            return [Outcome(writes[0].key, error=error)]
    # One by one: the next is sent only where the server did not say no to the one before.
    outcomes: list[Outcome] = []
    for position, one in enumerate(writes):
        try:
            outcomes += yield from write_group(place, group, [one])
        except ReadBack as error:
            outcomes.append(Outcome(one.key, error=error))
        except (TryAgain, Stop, GiveUp) as error:
            kept_back = not_begun(error)
            return outcomes + [Outcome(rest.key, error=kept_back) for rest in writes[position:]]
    return outcomes


def _refusing(write: Write, error: SkipRow) -> Steps[list[Outcome]]:
    yield from ()
    return [Outcome(write.key, error=error)]


def _written(place: Place, group: str, writes: Sequence[Write]) -> Steps[list[Outcome]]:
    joins = {pair_of(one)[1] for one in writes if one.kind == "create"}
    leaves = {pair_of(one)[1] for one in writes if one.kind == "delete"}
    speech = Speech(place.service.dialects)
    contended = 0
    while contended < _ATTEMPTS:
        present = yield from place.present(group)
        if present.status == _NOT_FOUND:
            return [_without_group(one) for one in writes]
        _must_be_shown(present)
        members = set(members_of(present.record))
        moves = (joins - members, leaves & members)
        if not any(moves):
            return [Outcome(one.key, join_key(pair_of(one))) for one in writes]
        answer: Answer = yield _to_send(place, present, moves, speech)
        if answer.good:
            after = yield from looked_at(group)
            settled = set(members_of(after.record))
            if settled != members or not speech.another():
                return _judged(writes, settled, speech)
        elif not speech.another(answer):
            if not _is_contended(place, answer):
                raise _refused(answer)
            contended += 1
    raise TryAgain(
        f"The group changed each of {_ATTEMPTS} times while it was being written.",
        code="M633",
        cure="Nothing to do by hand unless it lasts: something else writes this group.",
    )


def _must_be_shown(group: Answer) -> None:
    # Whose members are not shown, of them nothing is known to be as it should.
    if not group.good:
        raise _refused(group)


def _is_contended(place: Place, answer: Answer) -> bool:
    """Say whether to look again: somebody was quicker, or the verb is not there."""
    if answer.status in _NO_SUCH_VERB:
        place.service.patches = False
    return answer.status == _CHANGED or answer.status in _NO_SUCH_VERB


def _to_send(
    place: Place, present: Answer, moves: tuple[set[str], set[str]], speech: Speech
) -> Change:
    group = str(present.record["id"])
    version = present.version if place.service.versions else ""
    kept = [one for one in present.record.get("members") or [] if _user(one) not in moves[1]]
    members = [*kept, *_new(moves[0])]
    if place.service.patches:
        way = speech.way("members")
        words = speech.says(message(*moves, members, way))
        return Change("PATCH", group, words, version)
    speech.is_over()
    fields = tuple(place.kind.fields.values())
    whole = mapping.replacement({**present.record, "members": members}, fields)
    return Change("PUT", group, whole, version)


def message(
    joins: Iterable[str], leaves: Iterable[str], members: Sequence[Record], way: Dialect
) -> Record:
    """Write the PATCH message that adds and removes members (RFC 7644 3.5.2).

    Args:
        joins: Users to add.
        leaves: Users to remove.
        members: What the group's list comes to.
        way: How to say it.
    """
    if not (way.paths and way.narrow):
        return dialects.message([{"op": "replace", "path": "members", "value": members}], way)
    operations: list[Record] = []
    if joins:
        operations.append({"op": "add", "path": "members", "value": _new(joins)})
    if way.by_value and leaves:
        operations.append({"op": "remove", "path": "members", "value": _new(leaves)})
    elif leaves:
        for user in sorted(leaves):
            path = f"members[value eq {json.dumps(user, ensure_ascii=False)}]"
            operations.append({"op": "remove", "path": path})
    return dialects.message(operations, way)


def _new(users: Iterable[str]) -> list[Record]:
    return [{"value": user} for user in sorted(users)]


def _judged(writes: Sequence[Write], members: set[str], speech: Speech) -> list[Outcome]:
    outcomes = []
    for one in writes:
        pair = pair_of(one)
        if (pair[1] in members) == (one.kind == "create"):
            outcomes.append(Outcome(one.key, join_key(pair)))
        else:
            outcomes.append(Outcome(one.key, error=_ignored()))
    if all(one.error is None for one in outcomes):
        speech.understood()
    return outcomes


def _without_group(write: Write) -> Outcome:
    if write.kind == "delete":
        return Outcome(write.key, write.external_id)
    error = SkipRow(
        "There is no such group any more.",
        code="M605",
        cure="Have the group made again: its own flow does it with the next full run.",
    )
    return Outcome(write.key, error=error)


def _refused(answer: Answer) -> ConnectorError:
    error = refusal(answer, ())
    if isinstance(error, SkipRow):
        return SkipRow(
            f"The server refuses the user as a member of the group ({answer.status}).",
            code="M604",
            cure="Look whether user and group exist and whether the group may be changed.",
        )
    return error


def _ignored() -> SkipRow:
    return SkipRow(
        "The server answered well and the group's members are not as asked: user.",
        code="M604",
        cure="Look whether the server fills this group by a rule of its own.",
    )


def _user(entry: object) -> str:
    if not isinstance(entry, dict):
        return str(entry or "")
    nested = str(entry.get("type") or "").lower() == "group"
    return "" if nested else str(entry.get("value") or "")


def _halves(identifier: str) -> tuple[str, str]:
    try:
        group, user = split_key(identifier, 2)
    except ValueError:
        return "", ""
    return group, user
