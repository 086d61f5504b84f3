"""Ask for the second person of an act: somebody else, who agreed to it beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts.actions import use_agreement
from matricula.kernel.errors import Refused
from matricula.sis.people import queries

if TYPE_CHECKING:
    from matricula.accounts.rules import About
    from matricula.sis.acts.actions import Doing


def second_person(doing: Doing, what: str, about: About) -> None:
    """Go on only if a second person agreed beforehand to an act about this record; use that up.

    An act that asks twice about the same record has the agreement that it used. Another account
    of the same person is nobody else, even where they were registered twice and merged since.

    Args:
        doing: The act, with whom they named.
        what: What asks for it, as the beginning of a sentence.
        about: The record, with what it belongs to: the second person's grant takes it in.

    Raises:
        Refused: Nobody else agreed who may (M909), or there is no such account (M901).
    """
    acting = doing.acting
    try:
        used = use_agreement(acting, doing.act, what, about, known_as=_known_as)
    except Refused as refused:
        if not doing.is_preview:
            raise
        # What somebody is to agree to can be looked at first.
        doing.left.append(f"{refused.message} {refused.cure}")
        return
    doing.approver = acting.approver
    if used is not None:
        told = {"agreement": used.pk, "account": acting.approver, "role": used.role}
        doing.record(about.entity, about.key, "use agreement", after=told)


def _known_as(person: int) -> tuple[int, ...]:
    return queries.family([person])[person]
