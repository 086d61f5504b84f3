"""Merge two persons who are one, and take that back. Two people decide; a machine never does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts.rules import About, Facts
from matricula.kernel.checks import must_pass
from matricula.kernel.errors import Refused
from matricula.kernel.keys import join_key
from matricula.sis.people import access, queries, rules
from matricula.sis.people.actions.agreeing import second_person
from matricula.sis.people.actions.writing import lock, touch
from matricula.sis.people.models import Birth, ContactPoint, Directive, Merge, Name

if TYPE_CHECKING:
    from matricula.sis.acts.actions import Doing


def merge(doing: Doing, survivor: int, merged: int, *, evidence: str, number: str = "") -> Merge:
    """Merge a person into another one who is the same human being.

    No row moves: what was recorded of either stays under their number, and `queries.resolve`
    says who it is. Of the survivor and the merged the survivor's own statements count.

    Args:
        doing: The act, with its second person.
        survivor: Who goes on.
        merged: Who is merged into them.
        evidence: What shows that they are one.
        number: The student number that goes on, where both have one: the survivor's.

    Raises:
        Refused: Not permitted (M903), nobody agreed (M909), no such person (M931), or
            something is in the way (M935).
    """
    both = (survivor, merged)
    members = [access.person(doing.acting, one, to="merge persons").members for one in both]
    key = join_key(str(one) for one in both)
    second_person(doing, "To merge persons", _about(key, *members))
    lock([survivor, merged])
    kept, gone = _side(doing, survivor), _side(doing, merged)
    must_pass(rules.merge_checks(kept, gone, evidence=evidence, number=number), code="M935")
    made = Merge.objects.create(
        survivor_id=survivor, merged_id=merged, evidence=evidence.strip(), number=number,
        act=doing.act, recorded_at=doing.acting.at,
    )  # fmt: skip
    doing.name("merge persons", "person", str(survivor))
    doing.left.extend(rules.to_see_to(kept, gone))
    touch(doing, queries.family([survivor])[survivor])
    told = {"survivor": survivor, "merged": merged, "evidence": made.evidence, "number": number}
    for one in (survivor, merged):
        doing.record("person", str(one), "merge", after=told)
    return made


def _about(key: str, *members: tuple[int, ...]) -> About:
    """Name what is agreed to: of a merge both persons, the survivor first."""
    return About("person", key, Facts(persons=frozenset().union(*members)))


def _side(doing: Doing, number: int) -> rules.Side:
    who = queries.resolve([number])[number]
    (known,) = queries.known([number], on=doing.acting.today).values()
    return rules.Side(
        number, who, queries.numbers([number])[number], queries.staff_of([number])[number],
        known.born_on,
    )  # fmt: skip


def unmerge(doing: Doing, merged: int) -> Merge:
    """Take a merge back: both persons are as they were, and the merge stays on record.

    What was recorded since then under the survivor's number stays there; that it must be
    looked through is said.

    Args:
        doing: The act, with its second person.
        merged: Who had been merged into somebody.

    Raises:
        Refused: Not permitted (M903), nobody agreed (M909), no such person (M931), or they
            are not merged into anybody (M935).
    """
    members = access.person(doing.acting, merged, to="undo a merge").members
    second_person(doing, "To take a merge back", _about(str(merged), members))
    found = _locked(merged)
    together = queries.family([merged])[merged]
    touch(doing, together)
    found.undone_at, found.undone_act = doing.acting.at, doing.act
    found.save(update_fields=["undone_at", "undone_act"])
    doing.name("unmerge persons", "person", str(merged))
    doing.reverses = doing.reverses or found.act
    doing.left.extend(_recorded_since(found, together))
    told = {"survivor": found.survivor_id, "merged": merged}
    for one in (found.survivor_id, merged):
        doing.record("person", str(one), "unmerge", before=told)
    return found


def _locked(merged: int) -> Merge:
    """Find the merge of a person, which nobody else takes back until this act ends."""
    standing = Merge.objects.filter(merged=merged, undone_at=None)
    lock([merged, *standing.values_list("survivor", flat=True)])
    # Read again: whoever was quicker may have taken it back.
    found = standing.first()
    if found is None:
        raise Refused(
            "M935", f"Person {merged} is not merged into anybody.",
            cure="See `matricula register person show`.",
        )  # fmt: skip
    return found


def _recorded_since(found: Merge, together: tuple[int, ...]) -> list[str]:
    """Say how much was recorded since a merge: which is whose, only a person can say."""
    own = set(queries.family([found.merged_id])[found.merged_id])
    rest = [one for one in together if one not in own]
    since = {"person__in": rest, "recorded_at__gte": found.recorded_at, "withdrawn_at": None}
    count = sum(
        rows.filter(**since).count()
        for rows in (
            Name.objects.all(), Birth.objects.all(), ContactPoint.objects.all(),
            Directive.objects.all(),
        )
    )  # fmt: skip
    if not count:
        return []
    kept, gone = found.survivor_id, found.merged_id
    return [f"See which of {count} statements, kept with person {kept}, are of person {gone}."]
