"""Find out what our account may do, without doing anything.

LDAP has no question for that. Three things answer it and can change nothing: taking away a
value that nobody has (16, no such value, from a directory that would let us; 50 from one that
would not), renaming an entry to the name it has on a condition that never holds (122 or 50),
and, in Active Directory, attributes that it computes for whoever asks. Where a branch is
empty or a directory answers neither way, what we may do is not known, and is tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.connectors.ldap import filters, messages, names, refusals
from matricula.connectors.ldap.messages import ASSERTION, Answer, Change, Control

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from matricula.connectors.kit.protocol import WriteKind
    from matricula.connectors.ldap.messages import Entry
    from matricula.connectors.ldap.resources import Directory, Resource
    from matricula.connectors.ldap.wire import Wire

_NOBODYS = b"matricula-asks-whether-it-may"
_NOBODYS_NAME = b"cn=matricula-asks-whether-it-may"
_NOBODYS_TIME = b"000001010001Z"
_FEW = 20
_CLASSES, _ATTRIBUTES = "allowedChildClassesEffective", "allowedAttributesEffective"


@dataclass(frozen=True, slots=True)
class Rights:
    """What our account may not do with a resource, as far as it is known.

    Attributes:
        closed_fields: Fields that it may not write.
        closed_branches: Branches below which it may not add, move or remove entries.
        closed_lock: It may not lock accounts.
        closed_members: It may not write the members of groups.
        closed_verbs: What of the protocol follows from that.
    """

    closed_fields: frozenset[str] = frozenset()
    closed_branches: tuple[str, ...] = ()
    closed_lock: str = ""
    closed_members: str = ""
    closed_verbs: frozenset[WriteKind] = frozenset()

    def lacking(self) -> Iterator[str]:
        """Name every permission that is missing, as the end of a sentence."""
        for branch in self.closed_branches:
            yield f"add, move or remove entries below {branch}"
        if self.closed_lock:
            yield f"write {self.closed_lock}"
        if self.closed_members:
            yield f"write {self.closed_members}"


def rights_of(
    wire: Wire, directory: Directory, resource: Resource, *, but: Container[str] = ()
) -> Rights:
    """Find out what our account may do with a resource's entries.

    Args:
        wire: The connection.
        directory: What the directory offers.
        resource: The resource.
        but: Identifiers of entries that are not to be asked about.

    Raises:
        ConnectorError: It cannot be asked.
    """
    if resource.layout.follows:
        return _computed(wire, resource, but)
    sample = _sample(wire, resource, resource.place.base, but)
    if sample is None:
        return Rights()
    asked = {
        name: messages.modify(sample.dn, [Change("delete", name, [value])])
        for name, value in _asked_about(resource)
    }
    answers = dict(zip(asked, wire.fetch(list(asked.values())), strict=True))
    closed = {name for name, answer in answers.items() if answer.code == refusals.NO_RIGHT}
    branches = tuple(_closed_branches(wire, directory, resource, sample, but))
    return _rights(resource, frozenset(closed), branches)


def _rights(resource: Resource, closed: frozenset[str], branches: tuple[str, ...]) -> Rights:
    lock = resource.lock.attribute if resource.lock else ""
    member = resource.place.member if resource.place.kind == "groups" else ""
    verbs: set[WriteKind] = set()
    if resource.place.base in branches:
        verbs |= {"create", "delete"}
    if lock in closed or (branches and resource.place.suspend and resource.place.suspend.move_to):
        verbs |= {"suspend", "resume"}
    return Rights(
        frozenset(resource.fields) & closed,
        branches,
        lock if lock in closed else "",
        member if member in closed else "",
        frozenset(verbs),
    )


def _asked_about(resource: Resource) -> Iterator[tuple[str, bytes]]:
    """Name what is asked about, each with a value that nobody has."""
    # Numbers, times and truth values have none.
    for name, field in resource.fields.items():
        if field.attribute.type == "text" and not field.attribute.fixed:
            yield name, _NOBODYS
    if resource.lock is not None:
        yield resource.lock.attribute, _NOBODYS_TIME
    if resource.place.kind == "groups":
        yield resource.place.member, _NOBODYS_NAME


def _closed_branches(
    wire: Wire,
    directory: Directory,
    resource: Resource,
    sample: Entry,
    but: Container[str],
) -> Iterator[str]:
    place = resource.place
    moves = place.suspend is not None and place.suspend.move_to is not None
    if ASSERTION not in directory.controls or not (place.creates or resource.deletes or moves):
        return
    # No entry says of itself that it has this class.
    never = Control(ASSERTION, filters.equal("objectClass", b"1.1"))
    samples: list[tuple[str, Entry | None]] = [(place.base, sample)]
    if place.suspend and place.suspend.move_to:
        away = place.suspend.move_to
        samples.append((away, _sample(wire, resource, away, but)))
    for branch, one in samples:
        if one is None:
            continue
        request = messages.move(one.dn, names.first_part(one.dn), None, never)
        (answer,) = wire.fetch([request])
        if answer.code == refusals.NO_RIGHT:
            yield branch


def _computed(wire: Wire, resource: Resource, but: Container[str]) -> Rights:
    """Ask Active Directory, which computes what the one who asks may do (MS-ADTS 3.1.1.4.5)."""
    anything = filters.present("objectClass")
    request = messages.search(resource.place.base, messages.BASE, anything, (_CLASSES,))
    (branch,) = wire.fetch([request])
    sample = _sample(wire, resource, resource.place.base, but, _ATTRIBUTES)
    return computed_rights(resource, branch, sample)


def computed_rights(resource: Resource, branch: Answer, sample: Entry | None) -> Rights:
    """Read what Active Directory computed of a branch and of an entry in it."""
    closed: frozenset[str] = frozenset()
    if sample is not None:
        writable = {one.lower() for one in _texts(sample, _ATTRIBUTES)}
        member = resource.place.member if resource.place.kind == "groups" else ""
        lock = resource.lock.attribute if resource.lock else ""
        known = {*resource.fields, *filter(None, (member, lock))}
        closed = frozenset(name for name in known if name.lower() not in writable)
    below = {one.lower() for entry in branch.entries for one in _texts(entry, _CLASSES)}
    may_add = resource.classes[0].lower() in below or not resource.place.creates
    return _rights(resource, closed, () if may_add else (resource.place.base,))


def _texts(entry: Entry, name: str) -> list[str]:
    return [one.decode(errors="replace") for one in entry.attributes.get(name, ())]


def _sample(
    wire: Wire, resource: Resource, base: str, but: Container[str], *shown: str
) -> Entry | None:
    control = messages.paged(_FEW, b"")
    attributes = (resource.layout.id_attribute, *shown)
    request = messages.search(base, messages.SUBTREE, resource.wanted, attributes, control)
    (answer,) = wire.fetch([request])
    if answer.code:
        raise refusals.of_search(answer.code, base)
    return next(
        (one for one in answer.entries if resource.layout.identifier(one.attributes) not in but),
        None,
    )


def lock_bites(wire: Wire, resource: Resource) -> bool:
    """Say whether a lock keeps anybody out: only a password policy with `pwdLockout` does that.

    A policy that our account may not see is none to us: a leaver who can still sign in is worse
    than a question too many.
    """
    if resource.lock is None or resource.layout.follows:
        return True
    root = resource.place.base
    above = [root]
    while (root := names.parent(root).strip()) and len(above) < _FEW:
        above.append(root)
    wanted = filters.every(
        (filters.equal("objectClass", b"pwdPolicy"), filters.equal("pwdLockout", b"TRUE"))
    )
    for branch in reversed(above):
        (answer,) = wire.fetch([messages.search(branch, messages.SUBTREE, wanted, ("1.1",))])
        if answer.entries:
            return True
    return False
