"""Open accounts, grant and revoke roles, and note who looked at whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from matricula.accounts import queries, rules
from matricula.accounts.models import Account, Grant, Look
from matricula.audit.actions import Entry, append
from matricula.kernel.errors import Refused
from matricula.kernel.words import meant

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime

_OPERATORS: Mapping[str, Collection[str]] = {"operator": (rules.ALL,)}
# The account of who sets Matricula up, before there is anybody to ask.
_FIRST = "the first account"
_THE_REGISTERS_OWN = "matricula"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A role that somebody is to hold.

    Attributes:
        role: One of `rules.ROLES`.
        scope: One of `rules.SCOPES`.
        value: Which section, programme, office; empty for `own` and `all`.
        starts_on: The first day.
        ends_on: The last day; None while nobody says otherwise.
    """

    role: str
    scope: str
    value: str
    starts_on: date
    ends_on: date | None = None


def permit(
    acting: rules.Acting,
    what: str,
    allowed: Mapping[str, Collection[str]],
    facts: rules.Facts = rules.NOTHING,
) -> None:
    """Let somebody do something, or refuse.

    Args:
        acting: Who.
        what: What, in words that follow "may not".
        allowed: Which roles may, within which scopes.
        facts: What the object belongs to.

    Raises:
        Refused: They may not (M903).
    """
    if rules.may(acting, allowed, facts):
        return
    could = ", ".join(role for role, scopes in allowed.items() if scopes) or "nobody"
    raise Refused(
        "M903",
        f"{acting.account} may not {what} as {acting.role}, or not within the scope granted.",
        cure=f"It is done by: {could}. Ask an operator for a grant, or ask them.",
    )


@transaction.atomic
def found(name: str, *, at: datetime, today: date) -> Account:
    """Open the first account of all, an operator's; afterwards accounts are opened by operators.

    Raises:
        Refused: There are accounts already (M904).
    """
    if queries.anybody():
        raise Refused(
            "M904",
            "There are accounts already; only the very first one is made by itself.",
            cure="Ask an operator: `matricula accounts open NAME`.",
        )
    _must_be_free(name)
    opened = Account.objects.create(name=name, opened_at=at)
    _grant(opened, Wanted("operator", rules.ALL, "", today), by=_FIRST, why=_FIRST, at=at)
    append([_entry(name, "open account", name, _FIRST, {})], at=at)
    return opened


def _must_be_free(name: str) -> None:
    # The audit tells what the register did of its own accord from what somebody did.
    if name.casefold() == _THE_REGISTERS_OWN:
        raise Refused(
            "M904", f"The account {name} is the register's own.", cure="Choose another name."
        )


@transaction.atomic
def open_account(acting: rules.Acting, name: str, *, person: int | None = None) -> Account:
    """Open an account.

    Raises:
        Refused: Not an operator (M903), or it is there already (M904).
    """
    permit(acting, "open accounts", _OPERATORS)
    _must_be_free(name)
    if Account.objects.filter(name=name).exists():
        raise Refused(
            "M904", f"The account {name} was opened before.", cure="Choose another name."
        )
    opened = Account.objects.create(name=name, person=person, opened_at=acting.at)
    append([_entry(acting.account, "open account", name, acting.reason, {})], at=acting.at)
    return opened


@transaction.atomic
def grant(acting: rules.Acting, name: str, wanted: Wanted) -> Grant:
    """Grant an account a role within a scope, for a time.

    Raises:
        Refused: Not an operator (M903), no such account (M901), no such role or scope (M905).
    """
    permit(acting, "grant roles", _OPERATORS)
    _must_make_sense(wanted)
    made = _grant(
        queries.account(name), wanted, by=acting.account, why=acting.reason, at=acting.at
    )
    told = {"role": wanted.role, "scope": wanted.scope, "value": wanted.value,
            "starts_on": wanted.starts_on.isoformat(),
            "ends_on": wanted.ends_on.isoformat() if wanted.ends_on else ""}  # fmt: skip
    append([_entry(acting.account, "grant", name, acting.reason, told)], at=acting.at)
    return made


def _grant(account: Account, wanted: Wanted, *, by: str, why: str, at: datetime) -> Grant:
    return Grant.objects.create(
        account=account, role=wanted.role, scope=wanted.scope, value=wanted.value,
        starts_on=wanted.starts_on, ends_on=wanted.ends_on, granted_by=by, why=why,
        granted_at=at,
    )  # fmt: skip


def _must_make_sense(wanted: Wanted) -> None:
    if wanted.role not in rules.ROLES:
        raise Refused(
            "M905", f"There is no role {wanted.role}.", cure=meant(wanted.role, rules.ROLES)
        )
    scopes = rules.GRANTABLE[wanted.role]
    if wanted.scope not in scopes:
        raise Refused(
            "M905",
            f"{wanted.role} is not granted within the scope {wanted.scope}.",
            cure=f"Use one of {', '.join(scopes)}.",
        )
    named = wanted.scope not in (rules.OWN, rules.ALL)
    if named != bool(wanted.value):
        raise Refused(
            "M905",
            f"The scope {wanted.scope} {'says not which' if named else 'takes no value'}.",
            cure=f"Write {wanted.scope}:CODE." if named else f"Write {wanted.scope} alone.",
        )


@transaction.atomic
def revoke(acting: rules.Acting, number: int) -> Grant:
    """Take a grant back, from this moment on.

    Raises:
        Refused: Not an operator (M903), or there is no such grant that holds (M905).
    """
    permit(acting, "revoke grants", _OPERATORS)
    held = Grant.objects.filter(pk=number, revoked_at=None).select_related("account").first()
    if held is None:
        raise Refused(
            "M905", f"There is no grant {number} that holds.", cure="See `matricula accounts`."
        )
    held.revoked_at, held.revoked_by = acting.at, acting.account
    held.save(update_fields=["revoked_at", "revoked_by"])
    told = {"role": held.role, "scope": held.scope, "value": held.value}
    append(
        [_entry(acting.account, "revoke", held.account.name, acting.reason, told)], at=acting.at
    )
    return held


def end_for(person: int, *, roles: Collection[str], last_day: date) -> int:
    """Let the grants of a person's account to some roles end with a day; give how many.

    Those that end earlier stay as they are. Whoever calls it has written why.
    """
    held = Grant.objects.filter(account__person=person, role__in=roles, revoked_at=None)
    later = held.exclude(ends_on__lte=last_day)
    return later.update(ends_on=last_day)


def grant_for(person: int, wanted: Wanted, *, by: str, why: str, at: datetime) -> Grant | None:
    """Grant a person's account what follows from an act; None where the person has none.

    Whoever calls it has asked whether the act is permitted, and writes it into the audit.

    Args:
        person: Whose account, in the register.
        wanted: Which role, within which scope, on which days.
        by: The account that acts.
        why: The act from which it follows.
        at: The instant.

    Raises:
        Refused: There is no such role or scope (M905).
    """
    _must_make_sense(wanted)
    account = Account.objects.filter(person=person, closed_at=None).order_by("id").first()
    return None if account is None else _grant(account, wanted, by=by, why=why, at=at)


def end_grant(number: int, *, last_day: date, by: str, at: datetime) -> None:
    """Let a grant that followed from an act end with a day; it is revoked if it never began.

    One that ends earlier or was revoked stays as it is. Whoever calls it has written why.
    """
    held = Grant.objects.filter(pk=number, revoked_at=None)
    held.filter(starts_on__gt=last_day).update(revoked_at=at, revoked_by=by)
    held.filter(starts_on__lte=last_day).exclude(ends_on__lte=last_day).update(ends_on=last_day)


def note_look(acting: rules.Acting, *, what: str, entity: str, key: str) -> None:
    """Note that somebody looked at a sensitive record."""
    Look.objects.create(
        account=acting.account, role=acting.role, what=what, entity=entity, key=key,
        why=acting.reason, looked_at=acting.at,
    )  # fmt: skip


@transaction.atomic
def break_glass(acting: rules.Acting, *, entity: str, key: str) -> rules.Acting:
    """Let a member of staff read one record without a grant for it: with a ground, and noted.

    Returns:
        The same person, who may now read as a registrar for this once.

    Raises:
        Refused: No ground was given, or a student asks (M906).
    """
    if acting.role == "student" or not acting.reason.strip():
        raise Refused(
            "M906",
            "Breaking the glass needs a ground, and a role on the staff.",
            cure="Say why with --why. It is told to the registrar and stays on record.",
        )
    Look.objects.create(
        account=acting.account, role=acting.role, what="break glass", entity=entity, key=key,
        why=acting.reason, is_break_glass=True, looked_at=acting.at,
    )  # fmt: skip
    append(
        [Entry(acting.account, "break glass", entity, key, "read without a grant")], at=acting.at
    )
    for_once = (rules.Granted("registrar", rules.ALL),)
    return replace(acting, role="registrar", grants=for_once)


def _entry(account: str, action: str, name: str, why: str, after: Mapping[str, object]) -> Entry:
    return Entry(account, action, "account", name, why, after=dict(after))


def a_day_before(day: date) -> date:
    """Give the last day before one; validity includes its last day."""
    return day - timedelta(days=1)
