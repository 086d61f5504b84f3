"""Groups name their members by distinguished name: keep them right when one changes.

Many directories do it themselves (Active Directory; OpenLDAP with the `refint` overlay). What
they have done by then is not found any more; what they have not, is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.ldap import filters, messages, refusals
from matricula.connectors.ldap.messages import Change

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from matricula.connectors.ldap.messages import Answer, Request
    from matricula.connectors.ldap.resources import Resource

_DONE = frozenset({0, refusals.NO_SUCH_VALUE, refusals.VALUE_EXISTS, refusals.NO_SUCH_ENTRY})


def follow(
    groups: Sequence[Resource], before: str, after: str | None
) -> Generator[Request, Answer, None]:
    """Have every group of ours name an entry as it is called now; None: it is gone.

    Raises:
        SkipRow: A group does not let us.
    """
    for resource in groups:
        if resource.layout.follows:
            continue
        member = resource.place.member
        named = filters.every((filters.equal(member, before.encode()), resource.wanted))
        answer = yield messages.search(resource.place.base, messages.SUBTREE, named, ("1.1",))
        for group in answer.entries:
            yield from _rename(resource, group.dn, before, after)


def _rename(
    resource: Resource, group: str, before: str, after: str | None
) -> Generator[Request, Answer, None]:
    member = resource.place.member
    leave = Change("delete", member, [before.encode()])
    coming = [] if after is None else [after.encode()]
    answer = yield messages.modify(group, _changes(leave, member, coming))
    if answer.code == refusals.OBJECT_CLASS and after is None:
        # It was the last: the class allows no empty group.
        holder = [resource.placeholder.encode()]
        answer = yield messages.modify(group, _changes(leave, member, holder))
    if answer.code not in _DONE:
        raise SkipRow(
            f"A group of {resource.name} still names the entry as it was called before "
            f"(result {answer.code}).",
            code="M604",
            cure="Have us granted to write its members, or set up the refint overlay.",
        )


def _changes(leave: Change, member: str, coming: list[bytes]) -> list[Change]:
    return [leave, Change("add", member, coming)] if coming else [leave]
