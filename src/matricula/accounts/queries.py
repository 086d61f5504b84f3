"""Who holds what today."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from django.db.models import Q

from matricula.accounts import rules
from matricula.accounts.models import Account, Agreement, Grant, Look
from matricula.kernel.errors import Refused
from matricula.kernel.words import meant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime


def anybody() -> bool:
    """Whether any account was opened yet."""
    return Account.objects.exists()


def account(name: str) -> Account:
    """Find an account that is open.

    Raises:
        Refused: There is none (M901).
    """
    found = Account.objects.filter(name=name, closed_at=None).first()
    if found is None:
        opens = (
            f"Ask an operator for one: `matricula accounts open {quote(name)}`."
            if anybody()
            else f"Open the very first: `matricula accounts found {quote(name)}`."
        )
        raise Refused(
            "M901", f"There is no account {name}.",
            cure=f"{opens} Or say who acts: `export MATRICULA_ACTOR=NAME`.",
        )  # fmt: skip
    return found


def grants(name: str, *, on: date) -> Sequence[Grant]:
    """List what is granted to an account on a day."""
    found = Grant.objects.filter(
        Q(ends_on=None) | Q(ends_on__gte=on),
        account__name=name, account__closed_at=None, revoked_at=None, starts_on__lte=on,
    )  # fmt: skip
    return list(found.order_by("id"))


def agreements(name: str, *, whose: str, about: rules.About) -> Sequence[Agreement]:
    """List what an account ever agreed to with another about a record, the latest first."""
    found = Agreement.objects.filter(
        account__name=name, whose=whose, entity=about.entity, key=about.key
    )
    return list(found.order_by("-id"))


def open_agreements(name: str, *, on: date) -> Sequence[Agreement]:
    """List the agreements that an account gave or was given and that may be used on a day."""
    found = Agreement.objects.filter(
        Q(account__name=name) | Q(whose=name), used_by="", withdrawn_at=None, ends_on__gte=on
    )
    return list(found.select_related("account").order_by("id"))


def acting(name: str, *, role: str, at: datetime, today: date) -> rules.Acting:
    """Sit somebody down in one of their roles.

    Args:
        name: The account.
        role: Which role; empty where the account holds one only.
        at: The instant.
        today: The institution's day.

    Raises:
        Refused: There is no such account (M901), or no such grant today, or several and
            none was chosen (M902).
    """
    who = account(name)
    held = grants(name, on=today)
    roles = sorted({grant.role for grant in held})
    taken = rules.chosen(roles, role)
    if taken is None:
        raise Refused("M902", _why_not(name, role, roles), cure=_what_to_do(role, roles))
    mine = tuple(
        rules.Granted(grant.role, grant.scope, grant.value)
        for grant in held
        if grant.role == taken
    )
    return rules.Acting(name, taken, at, today, mine, who.person)


def _why_not(name: str, role: str, roles: Sequence[str]) -> str:
    if role:
        return f"{name} does not hold the role {role} today."
    if not roles:
        return f"{name} holds no role today."
    return f"{name} holds several roles: {', '.join(roles)}."


def _what_to_do(role: str, roles: Sequence[str]) -> str:
    if not roles:
        return "An operator grants one with `matricula accounts grant`."
    if role and role not in rules.ROLES:
        return meant(role, rules.ROLES)
    if role:
        return f"It holds {', '.join(roles)}; others are granted with `matricula accounts grant`."
    return f"Choose one with --role: {', '.join(roles)}."


def looks(entity: str, key: str) -> Sequence[Look]:
    """List who looked at a sensitive record, the latest first."""
    return list(Look.objects.filter(entity=entity, key=key).order_by("-id"))
