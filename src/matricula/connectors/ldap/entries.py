"""Write one entry: a person or a group. Each write is a generator of requests.

Every write has looked before it acts. A change is sent on condition that the entry is still
as it was seen, where the directory can be asked that (RFC 4528); else it names the values it
relies on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import ConnectorError, GiveUp, SkipRow
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.ldap import filters, mapping, messages, names, refusals
from matricula.connectors.ldap.lookup import request_for
from matricula.connectors.ldap.messages import ASSERTION, POST_READ, Control
from matricula.connectors.ldap.references import follow

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from matricula.connectors.kit.claims import Claims
    from matricula.connectors.kit.protocol import Write
    from matricula.connectors.ldap.lockstep import Steps
    from matricula.connectors.ldap.mapping import Wanted
    from matricula.connectors.ldap.messages import Answer, Change, Entry, Request
    from matricula.connectors.ldap.resources import Resource

_ATTEMPTS = 4
_LOOK_AGAIN = frozenset(
    {
        refusals.ASSERTION_FAILED,
        refusals.NO_SUCH_ENTRY,
        refusals.NO_SUCH_VALUE,
        refusals.VALUE_EXISTS,
    }
)


@dataclass(frozen=True, slots=True)
class Site:
    """Where entries of one resource are written.

    Attributes:
        resource: The resource.
        groups: Every resource of groups, which may name an entry that moves.
        controls: What the directory offers.
        claims: Of this batch.
    """

    resource: Resource
    groups: Sequence[Resource]
    controls: frozenset[str]
    claims: Claims


def create(site: Site, write: Write, found: Sequence[Entry]) -> Steps:
    """Make an entry, or take over the one that the flow's match finds.

    Args:
        site: Where.
        write: What.
        found: What the match has found.

    Raises:
        ConnectorError: Of the kit, named after the next move.
    """
    resource = site.resource
    given = mapping.wanted(resource, write.fields)
    dn, attributes = mapping.new_entry(resource, given)
    if not found:
        shown = _shown_after(site)
        answer = yield messages.add(dn, attributes, *shown)
        if not answer.code:
            made = yield from _identifier(resource, dn, answer)
            site.claims.made(write, made)
            return [Outcome(write.key, made)]
        if answer.code not in (refusals.EXISTS, refusals.CONSTRAINT):
            raise _refused(answer, resource, given, "add entries")
        # Somebody was quicker, or the network sent it twice.
        found = yield from _found_again(resource, write)
        if not found and answer.code == refusals.EXISTS:
            raise refusals.taken(resource.naming)
        if not found:
            raise _refused(answer, resource, given, "add entries")
    if len(found) > 1:
        raise refusals.several(len(found))
    identifier = resource.layout.identifier(found[0].attributes)
    site.claims.take_over(write, identifier)
    wanted = _to_adopt(write, found[0], given)
    yield from _settle(site, identifier, found[0], wanted)
    return [Outcome(write.key, identifier, adopted=True)]


def update(site: Site, write: Write, entry: Entry | None) -> Steps:
    """Write the changed fields of an entry.

    Raises:
        ConnectorError: Of the kit, named after the next move.
    """
    identifier = write.external_id or ""
    yield from _settle(site, identifier, entry, _changed(site, write))
    return [Outcome(write.key, identifier)]


def suspend(site: Site, write: Write, entry: Entry | None) -> Steps:
    """Move a person to the branch of the suspended, and lock the account.

    The lock comes last: it is what says that somebody is suspended, and half of the work must
    not read as the whole.
    """
    present = _must_be_there(entry)
    suspension = site.resource.place.suspend
    target = suspension.move_to if suspension else None
    if target is not None and not mapping.is_away(site.resource, present.dn):
        present = yield from _moved(site, present, target)
    yield from _settle(site, write.external_id or "", present, {}, locked=True)
    return [Outcome(write.key, write.external_id)]


def resume(site: Site, write: Write, entry: Entry | None) -> Steps:
    """Bring a person back to where people live, with what changed meanwhile, and unlock."""
    present = _must_be_there(entry)
    if mapping.is_away(site.resource, present.dn):
        present = yield from _moved(site, present, site.resource.place.base)
    wanted = _changed(site, write)
    yield from _settle(site, write.external_id or "", present, wanted, locked=False)
    return [Outcome(write.key, write.external_id)]


def delete(site: Site, write: Write, entry: Entry | None) -> Steps:
    """Remove an entry for good; one that is gone already is done."""
    done = [Outcome(write.key, write.external_id)]
    if entry is None:
        return done
    answer = yield messages.delete(entry.dn)
    if answer.code == refusals.NO_SUCH_ENTRY:
        return done
    if answer.code:
        raise _refused(answer, site.resource, {}, "remove entries")
    yield from follow(site.groups, entry.dn, None)
    return done


def _changed(site: Site, write: Write) -> Wanted:
    return mapping.wanted(
        site.resource, {name: write.fields[name] for name in sorted(write.changed)}
    )


def _to_adopt(write: Write, entry: Entry, given: Wanted) -> Wanted:
    """Choose what an entry that is there already is to hold.

    A value that was only proposed never replaces what stands there; `changed` names the
    granted ones. Whether a suspended person is woken is not a creation's to say.
    """
    granted = write.changed or frozenset(given)
    return {
        name: raw
        for name, raw in given.items()
        if name in granted or not entry.attributes.get(name)
    }


def _settle(
    site: Site,
    identifier: str,
    entry: Entry | None,
    wanted: Wanted,
    *,
    locked: bool | None = None,
) -> Generator[Request, Answer, None]:
    """Make an entry hold what is wanted, and be locked or not where that is said."""
    for _ in range(_ATTEMPTS):
        present = _must_be_there(entry)
        pending = mapping.differing(present, wanted)
        if mapping.new_name(site.resource, present, pending) is not None:
            yield from _renamed(site, present, pending)
        elif (yield from _changed_at_once(site, present, pending, locked=locked)):
            return
        entry = yield from _seen_again(site.resource, identifier)
    raise refusals.unsettled(_ATTEMPTS)


def _renamed(site: Site, entry: Entry, pending: Wanted) -> Generator[Request, Answer, None]:
    own = mapping.new_name(site.resource, entry, pending) or ""
    answer = yield messages.move(entry.dn, own, None, *_as_seen(site, entry))
    if not answer.code:
        yield from follow(site.groups, entry.dn, f"{own},{names.parent(entry.dn)}")
    elif answer.code == refusals.EXISTS:
        raise refusals.taken(site.resource.naming)
    elif answer.code not in _LOOK_AGAIN:
        raise _refused(answer, site.resource, pending, "rename entries")


def _changed_at_once(
    site: Site, entry: Entry, pending: Wanted, *, locked: bool | None
) -> Generator[Request, Answer, bool]:
    """Send all changes as one; say whether the entry holds them now."""
    changes = _all_changes(site, entry, pending, locked=locked)
    if not changes:
        return True
    answer = yield messages.modify(entry.dn, changes, *_as_seen(site, entry))
    if answer.code and answer.code not in _LOOK_AGAIN:
        said = f"change {mapping.named(pending) or 'the lock of entries'}"
        raise _refused(answer, site.resource, pending, said)
    return not answer.code


def _all_changes(
    site: Site, entry: Entry, pending: Wanted, *, locked: bool | None
) -> list[Change]:
    changes = mapping.changes(site.resource, entry, pending)
    lock = site.resource.lock
    if lock is not None and locked is not None:
        changes += lock.changes(entry.attributes, locked=locked)
    return changes


def _moved(site: Site, entry: Entry, branch: str) -> Generator[Request, Answer, Entry]:
    own = names.first_part(entry.dn)
    # Without a condition: where a person belongs does not hang on what else was changed.
    answer = yield messages.move(entry.dn, own, branch)
    if answer.code == refusals.EXISTS:
        raise SkipRow(
            f"An entry of the same {site.resource.naming} is in {branch} already (result 68).",
            code="M606",
            cure="Have the directory's office say whose it is and rename or remove it.",
        )
    if answer.code == refusals.NO_SUCH_ENTRY:
        return _must_be_there((yield from _same_again(site.resource, entry)))
    if answer.code:
        raise _refused(answer, site.resource, {}, "move entries", where=branch)
    yield from follow(site.groups, entry.dn, f"{own},{branch}")
    # Its version has changed with the move.
    return _must_be_there((yield from _same_again(site.resource, entry)))


def _same_again(resource: Resource, entry: Entry) -> Generator[Request, Answer, Entry | None]:
    identifier = resource.layout.identifier(entry.attributes)
    return (yield from _seen_again(resource, identifier))


def _seen_again(resource: Resource, identifier: str) -> Generator[Request, Answer, Entry | None]:
    raw = resource.layout.raw_identifier(identifier)
    for base in resource.bases if raw is not None else ():
        same = filters.equal(resource.layout.id_attribute, raw or b"")
        wanted = filters.every((same, resource.wanted))
        answer = yield messages.search(base, messages.SUBTREE, wanted, resource.shown)
        if answer.code:
            raise refusals.of_search(answer.code, base)
        if answer.entries:
            return answer.entries[0]
    return None


def _found_again(resource: Resource, write: Write) -> Generator[Request, Answer, list[Entry]]:
    found: dict[str, Entry] = {}
    if not any(value in (None, "") for value in write.match.values()) and write.match:
        for base in resource.bases:
            answer = yield request_for(resource, base, write.match)
            if answer.code:
                raise refusals.of_search(answer.code, base)
            found |= {
                one.dn: one
                for one in answer.entries
                if mapping.holds(resource, one.attributes, write.match)
            }
    return list(found.values())


def _identifier(resource: Resource, dn: str, answer: Answer) -> Generator[Request, Answer, str]:
    layout = resource.layout
    identifier = layout.identifier(messages.written(answer))
    if not identifier:
        present = filters.present("objectClass")
        shown = yield messages.search(dn, messages.BASE, present, (layout.id_attribute,))
        if shown.entries:
            identifier = layout.identifier(shown.entries[0].attributes)
    if not identifier:
        raise GiveUp(
            f"The directory does not show us {layout.id_attribute} of an entry that we made.",
            code="M743",
            cure="Have us granted to read it, and `layout:` say what the directory is.",
        )
    return identifier


def _shown_after(site: Site) -> tuple[Control, ...]:
    if POST_READ in site.controls:
        return (messages.post_read(site.resource.layout.id_attribute),)
    return ()


def _as_seen(site: Site, entry: Entry) -> tuple[Control, ...]:
    version = site.resource.layout.version
    seen = entry.attributes.get(version) if version else None
    if ASSERTION in site.controls and seen:
        return (Control(ASSERTION, filters.equal(version, seen[0])),)
    return ()


def _must_be_there(entry: Entry | None) -> Entry:
    if entry is None:
        raise refusals.gone()
    return entry


def _refused(
    answer: Answer, resource: Resource, sent: Mapping[str, object], what: str, *, where: str = ""
) -> ConnectorError:
    branch = where or resource.place.base
    if answer.code == refusals.NO_RIGHT:
        return refusals.Closed(what, branch)
    return refusals.of_write(answer, sent, branch)
