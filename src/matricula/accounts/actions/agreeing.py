"""Agree beforehand to one act of somebody else, take that back, and use it up.

Nobody is made the second person of an act by being named: they said so themselves, under their
own account, before it.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING

from django.db import transaction

from matricula.accounts import queries, rules
from matricula.accounts.models import Agreement
from matricula.audit.actions import Entry, append
from matricula.kernel.errors import Refused
from matricula.kernel.words import meant

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import date

# Long enough for a colleague's week; what is left lying about longer is agreed to anew.
_USUAL, _LONGEST = timedelta(days=7), timedelta(days=31)
_OPEN = {"used_by": "", "withdrawn_at": None}


@transaction.atomic
def agree(
    acting: rules.Acting, whose: str, about: rules.About, *, ends_on: date | None = None
) -> Agreement:
    """Agree beforehand to one act of another account about one record.

    Args:
        acting: Who agrees, in the role in which they answer for it; the reason says to what.
        whose: The account that is to act.
        about: The record.
        ends_on: The last day on which it may be used; a week from today if None.

    Raises:
        Refused: A role that never agrees (M903), no such account (M901), or one's own, no such
            kind of record, no reason, a day that is past or far off, or it is agreed already
            (M900).
    """
    _must_have_a_say(acting)
    last_day = ends_on or acting.today + _USUAL
    _must_be_whole(acting, whose, about)
    _must_be_soon(acting.today, last_day)
    _must_be_new(acting, whose, about)
    made = Agreement.objects.create(
        account=queries.account(acting.account), role=acting.role, whose=whose,
        entity=about.entity, key=about.key, why=acting.reason.strip(), agreed_at=acting.at,
        ends_on=last_day,
    )  # fmt: skip
    _tell(acting, "agree", made)
    return made


def _must_have_a_say(acting: rules.Acting) -> None:
    if acting.role in rules.SILENT:
        raise Refused(
            "M903", f"Nobody agrees to an act as {acting.role}.",
            cure="Ask somebody who holds the role in which it is done, or the registrar.",
        )  # fmt: skip


def _must_be_whole(acting: rules.Acting, whose: str, about: rules.About) -> None:
    other = queries.account(whose)
    if whose == acting.account or (other.person and other.person == acting.person):
        raise Refused(
            "M900", f"{acting.account} and {whose} are not two people.",
            cure="Name the account of whoever is to act.",
        )  # fmt: skip
    if about.entity not in rules.KINDS:
        raise Refused(
            "M900", f"Nothing is agreed about {about}.",
            cure=f"Write KIND:KEY. {meant(about.entity, rules.KINDS)}",
        )  # fmt: skip
    if not (about.key.strip() and acting.reason.strip()):
        raise Refused(
            "M900", "It is not said which record, or to what is agreed.",
            cure="Write KIND:KEY, and say with --why to what you agree.",
        )  # fmt: skip


def _must_be_soon(today: date, last_day: date) -> None:
    if not today <= last_day <= today + _LONGEST:
        raise Refused(
            "M900", f"Nobody agrees until {last_day}.",
            cure=f"Name a day from {today} to {today + _LONGEST}.",
        )  # fmt: skip


def _must_be_new(acting: rules.Acting, whose: str, about: rules.About) -> None:
    for one in queries.agreements(acting.account, whose=whose, about=about):
        if not _why_spent(one, acting, ""):
            raise Refused(
                "M900",
                f"{acting.account} agreed to this already: agreement {one.pk}, until "
                f"{one.ends_on}.",
                cure="It is good for one act. To end it: "
                f"`matricula register withdraw-agreement {one.pk}`.",
            )


@transaction.atomic
def withdraw_agreement(acting: rules.Acting, number: int) -> Agreement:
    """Take back what one agreed to, before it is used.

    Raises:
        Refused: It is not one's own, or was used or taken back (M900).
    """
    own = Agreement.objects.filter(pk=number, account__name=acting.account)
    if not own.filter(**_OPEN).update(withdrawn_at=acting.at):
        raise Refused(
            "M900", f"There is no open agreement {number} of {acting.account}.",
            cure="See `matricula register agreements`. What was done is reversed instead.",
        )  # fmt: skip
    found = own.get()
    _tell(acting, "withdraw agreement", found)
    return found


def use_agreement(
    acting: rules.Acting,
    act: str,
    what: str,
    about: rules.About,
    *,
    known_as: Callable[[int], Collection[int]],
) -> Agreement | None:
    """Use up what the second person agreed to, for one act, in its transaction.

    Args:
        acting: Who acts, with the second person's account as approver.
        act: The act. Where it asks again about the same record, it has what it used.
        what: What asks for a second person, as the beginning of a sentence.
        about: The record.
        known_as: Gives all the numbers under which a person is known in the register.

    Returns:
        The agreement; None where the act used it before.

    Raises:
        Refused: Nobody else was named, it is somebody whom the record is about, or they did not
            agree, or may not (M909); there is no such account (M901).
    """
    lacks = partial(_lacking, acting, what, about)
    _must_be_another(acting, about, lacks, known_as)
    given = queries.agreements(acting.approver, whose=acting.account, about=about)
    if not given:
        raise lacks(f"{acting.approver} did not agree to it beforehand")
    held = [one for one in given if not _why_spent(one, acting, act)]
    if not held:
        spent = _why_spent(given[0], acting, act)
        raise lacks(f"what {acting.approver} agreed to, as agreement {given[0].pk}, {spent}")
    return _taken(acting, act, _first_that_may(held, acting, about, lacks), lacks)


def _lacking(acting: rules.Acting, what: str, about: rules.About, because: str) -> Refused:
    """Say why an act may not go on, and the very command by which it could."""
    roles = " or ".join(rules.agreeing(acting.role))
    words = f"{quote(acting.account)} {quote(str(about))}"
    return Refused(
        "M909", f"{what} needs a second person: {because}.",
        cure=f"Somebody else who is {roles} agrees, under their own account: "
        f"`matricula register agree {words} --why REASON`. Then name them with --approver.",
    )  # fmt: skip


def _must_be_another(
    acting: rules.Acting,
    about: rules.About,
    lacks: Callable[[str], Refused],
    known_as: Callable[[int], Collection[int]],
) -> None:
    if acting.approver in ("", acting.account):
        raise lacks(f"nobody but {acting.account} was named")
    person = queries.account(acting.approver).person
    if person is None:
        return
    members = set(known_as(person))
    if acting.person in members:
        raise lacks(f"{acting.approver} is the same person as {acting.account}")
    if members & about.facts.persons:
        raise lacks(f"{acting.approver} is whom it is about")


def _first_that_may(
    held: list[Agreement],
    acting: rules.Acting,
    about: rules.About,
    lacks: Callable[[str], Refused],
) -> Agreement:
    granted = [
        rules.Granted(one.role, one.scope, one.value)
        for one in queries.grants(acting.approver, on=acting.today)
    ]
    for one in held:
        if rules.may_agree(granted, agreed_as=one.role, role=acting.role, facts=about.facts):
            return one
    raise lacks(
        f"{acting.approver} agreed as {held[0].role}, which does not count for this, or is not "
        "held today within a scope that takes it in"
    )


def _taken(
    acting: rules.Acting, act: str, one: Agreement, lacks: Callable[[str], Refused]
) -> Agreement | None:
    if one.used_by == act:
        return None
    # Whoever was quicker has it: the condition is asked again where the row is written.
    if not Agreement.objects.filter(pk=one.pk, **_OPEN).update(used_by=act):
        raise lacks(f"what {acting.approver} agreed to was used meanwhile")
    one.used_by = act
    return one


def _why_spent(one: Agreement, acting: rules.Acting, act: str) -> str:
    return rules.why_spent(
        one.used_by, act=act, is_withdrawn=one.withdrawn_at is not None, ends_on=one.ends_on,
        today=acting.today,
    )  # fmt: skip


def _tell(acting: rules.Acting, action: str, one: Agreement) -> None:
    told = {
        "agreement": one.pk, "whose": one.whose, "role": one.role, "why": one.why,
        "ends_on": one.ends_on.isoformat(),
    }  # fmt: skip
    why = f"{action} by {acting.role}"
    append([Entry(acting.account, action, one.entity, one.key, why, after=told)], at=acting.at)
