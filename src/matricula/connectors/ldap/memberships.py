"""Who is in which group, one row for each pair, so that a flow can use `link()` twice.

A directory keeps members' names inside the group. Changes of one group are one request; if
the directory refuses it, they are sent one by one, so that a bad pair harms no other. Members
that are no records of ours (other groups, services) are neither read nor removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import ConnectorError, SkipRow
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.ldap import mapping, messages, names, refusals
from matricula.connectors.ldap.lockstep import Task
from matricula.connectors.ldap.messages import Change
from matricula.kernel.keys import join_key, split_key

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from matricula.connectors.kit.protocol import Write
    from matricula.connectors.ldap.lockstep import Steps
    from matricula.connectors.ldap.messages import Answer, Entry, Request
    from matricula.connectors.ldap.names import Name
    from matricula.connectors.ldap.resources import Resource

FIELDS = ("group", "member")
_DONE = frozenset({0, refusals.NO_SUCH_VALUE, refusals.VALUE_EXISTS})


def halves(identifier: str) -> tuple[str, str]:
    """Split an identifier into the group's and the member's; blanks when it is none."""
    try:
        group, member = split_key(identifier, 2)
    except ValueError:
        return "", ""
    return group, member


def pair_of(write: Write) -> tuple[str, str]:
    """Name the group and the member that a write is about.

    Raises:
        SkipRow: One of them is missing.
    """
    if write.external_id is not None:
        return halves(write.external_id)
    group, member = (str(write.fields.get(name) or "") for name in FIELDS)
    if not group or not member:
        raise SkipRow(
            "A membership needs a group and a member.",
            code="M604",
            cure="Wait until both links are confirmed, or correct the flow's expressions.",
        )
    return group, member


def called_by(resource: Resource, group: Entry) -> str:
    """Give what a membership calls its group by: its identifier, or its name."""
    if resource.place.groups_by == "identifier":
        return resource.layout.identifier(group.attributes)
    own = sorted(group.attributes.get(resource.naming, ()))
    return own[0].decode(errors="replace") if own else ""


def rows_of(resource: Resource, group: Entry, people: Mapping[Name, str]) -> list[dict[str, str]]:
    """Write a group as rows: one for each member that is a record of ours.

    Args:
        resource: The groups.
        group: One of them, with its members.
        people: Identifiers of everybody, by name.
    """
    called = called_by(resource, group)
    found = {people[name] for name in _members(resource, group) if name in people}
    return [
        {"_id": join_key([called, one]), "group": called, "member": one} for one in sorted(found)
    ]


def _members(resource: Resource, group: Entry) -> Iterable[Name]:
    for raw in group.attributes.get(resource.place.member, ()):
        try:
            yield names.parse(raw.decode(errors="replace"))
        except names.Unnamed:
            continue


@dataclass(frozen=True, slots=True)
class Known:
    """What was looked up for a batch: groups as memberships call them, people by identifier."""

    resource: Resource
    groups: Mapping[str, Entry]
    people: Mapping[str, Entry]


def tasks(known: Known, writes: Sequence[Write]) -> list[Task]:
    """Gather writes by group; a write that names no pair is a task of its own."""
    gathered: dict[str, list[Write]] = {}
    found: list[Task] = []
    for write in writes:
        try:
            gathered.setdefault(pair_of(write)[0], []).append(write)
        except SkipRow as error:
            found.append(Task([write.key], _said(write, error)))
    for group, together in gathered.items():
        keys = [write.key for write in together]
        found.append(Task(keys, _written(known, group, together)))
    return found


def _said(write: Write, error: ConnectorError) -> Steps:
    return [Outcome(write.key, error=error)]
    yield  # which makes it a generator


def _written(known: Known, group: str, writes: Sequence[Write]) -> Steps:
    entry = known.groups.get(group)
    is_there = entry is not None or _is_made(known)
    outcomes = [_settled_already(known, one, is_there=is_there) for one in writes]
    pending = [one for one, done in zip(writes, outcomes, strict=True) if done is None]
    done = {one.key: one for one in outcomes if one is not None}
    if pending and entry is None:
        entry = yield from _made(known, group)
    if pending and entry is not None:
        answer = yield _request(known, entry, pending)
        _must_be_about_records(known, answer)
        for one in pending:
            error = (yield from _alone(known, entry, one)) if answer.code else None
            done[one.key] = Outcome(one.key, None if error else join_key(pair_of(one)), error)
    return [done[one.key] for one in writes]


def _is_made(known: Known) -> bool:
    """Whether a group that is not there is made with its first member."""
    place = known.resource.place
    return place.groups_by == "name" and place.creates


def _made(known: Known, group: str) -> Generator[Request, Answer, Entry]:
    given = mapping.wanted(known.resource, {known.resource.naming: group})
    dn, attributes = mapping.new_entry(known.resource, given)
    answer = yield messages.add(dn, attributes)
    if answer.code == refusals.NO_RIGHT:
        raise refusals.Closed("add entries", known.resource.place.base)
    if answer.code not in (0, refusals.EXISTS):
        raise refusals.of_write(answer, ("group", known.resource.naming), dn)
    return messages.Entry(dn, attributes)


def _settled_already(known: Known, write: Write, *, is_there: bool) -> Outcome | None:
    if is_there and pair_of(write)[1] in known.people:
        return None
    if write.kind == "delete":
        return Outcome(write.key, write.external_id)
    error = SkipRow(
        f"There is no such {'member' if is_there else 'group'} any more.",
        code="M605",
        cure="Have it made again: its own flow does it with the next full run.",
    )
    return Outcome(write.key, error=error)


def _alone(
    known: Known, group: Entry, write: Write
) -> Generator[Request, Answer, ConnectorError | None]:
    answer = yield _request(known, group, [write])
    if answer.code == refusals.OBJECT_CLASS and write.kind == "delete":
        # The last member (result 65): the class allows no empty group.
        answer = yield _request(known, group, [write], known.resource.placeholder)
    _must_be_about_records(known, answer)
    return None if answer.code in _DONE else _refusal(known, answer)


def _request(known: Known, group: Entry, writes: Sequence[Write], holder: str = "") -> Request:
    member = known.resource.place.member
    changes = []
    for kind, how in (("create", "add"), ("delete", "delete")):
        dns = [known.people[pair_of(one)[1]].dn.encode() for one in writes if one.kind == kind]
        if holder and how == "add":
            dns.append(holder.encode())
        if dns:
            changes.append(Change(how, member, sorted(set(dns))))  # type: ignore[arg-type]  # of the two words above
    return messages.modify(group.dn, changes)


def _refusal(known: Known, answer: Answer) -> ConnectorError:
    base = known.resource.place.base
    if answer.code == refusals.NO_RIGHT:
        return refusals.Closed(f"write {known.resource.place.member}", base)
    if answer.code == refusals.NO_SUCH_ENTRY:
        return refusals.gone()
    return refusals.of_write(answer, FIELDS, base)


def _must_be_about_records(known: Known, answer: Answer) -> None:
    """Let what is wrong with the whole directory end everything."""
    if answer.code and not isinstance(error := _refusal(known, answer), SkipRow):
        raise error
