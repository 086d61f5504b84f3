"""Who may do what: pure, on values.

A permission names roles, and for each role the scopes within which it may be used. A grant
gives an account a role within one scope, from a day to a day. Nothing else lets anybody do
anything: what is not named is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date, datetime

# Scopes. `own` is the account's own person; `all` is everybody and everything.
OWN, SECTION, MODULE, DEPARTMENT, PROGRAMME, OFFICE, ALL = SCOPES = (
    "own", "section", "module", "department", "programme", "office", "all",
)  # fmt: skip
ROLES = (
    "student", "lecturer", "marker", "moderator", "head of department", "exams officer",
    "registrar", "bursar", "librarian", "admissions", "scheduler", "auditor", "operator",
    "system",
)  # fmt: skip
# A role and the scopes it may be granted within.
GRANTABLE: Mapping[str, Collection[str]] = {
    "student": (OWN,),
    "lecturer": (SECTION, MODULE),
    # Hands in marks and no more: no roster, no attendance.
    "marker": (SECTION, MODULE),
    "moderator": (SECTION, MODULE),
    "head of department": (DEPARTMENT,),
    "exams officer": (DEPARTMENT, PROGRAMME, ALL),
    "registrar": (DEPARTMENT, PROGRAMME, ALL),
    "bursar": (OFFICE, ALL),
    "librarian": (OFFICE, ALL),
    "admissions": (DEPARTMENT, PROGRAMME, ALL),
    "scheduler": (DEPARTMENT, ALL),
    "auditor": (ALL,),
    "operator": (ALL,),
    "system": (OFFICE, ALL),
}

# For each role that may, the scopes within which it may.
Permission = "Mapping[str, Collection[str]]"


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant that holds today."""

    role: str
    scope: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Acting:
    """Somebody who acts, in one role, at one moment.

    Attributes:
        account: Who, for the audit.
        role: In which of the account's roles.
        at: The instant, UTC.
        today: The institution's day.
        grants: What is granted to that role of the account today.
        person: Whose account it is in the register, if anybody's.
        reason: The ground, where the act needs one; a word from a list, never a personal value.
        approver: The account that they name as second person; it counts where that one agreed.
        policy: The name of the policy that the institution chose.
    """

    account: str
    role: str
    at: datetime
    today: date
    grants: tuple[Granted, ...] = ()
    person: int | None = None
    reason: str = ""
    approver: str = ""
    policy: str = "uk"


@dataclass(frozen=True, slots=True)
class Facts:
    """What an object belongs to, for the scopes; a set is empty where it belongs to none.

    Attributes:
        persons: Whose it is.
        sections: Codes.
        modules: Codes.
        departments: Codes.
        programmes: Codes.
        offices: Names.
    """

    persons: frozenset[int] = frozenset()
    sections: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    programmes: frozenset[str] = frozenset()
    offices: frozenset[str] = frozenset()


NOTHING = Facts()


@dataclass(frozen=True, slots=True)
class About:
    """The record that an act is about, as a second person names it: `student:00000001`.

    Attributes:
        entity: One of `KINDS`.
        key: Which record.
        facts: What it belongs to.
    """

    entity: str
    key: str
    facts: Facts = NOTHING

    def __str__(self) -> str:
        """Write it as the command line reads it."""
        return f"{self.entity}:{self.key}"


# What somebody may agree to an act about.
KINDS = ("student", "person", "application", "hold", "hold policy", "term", "load")
# Who never agrees: whom the record is about, machines, whoever only reads or only grants.
SILENT = frozenset({"student", "system", "auditor", "operator"})
# The office that answers for the record, and so may agree to what any other does to it.
_ANSWERS = "registrar"


def holds_on(starts_on: date, ends_on: date | None, *, on: date) -> bool:
    """Whether a stretch of days, its last one included, covers a day."""
    return starts_on <= on and (ends_on is None or on <= ends_on)


def covers(grant: Granted, facts: Facts, *, person: int | None) -> bool:
    """Whether a grant's scope takes in an object."""
    if grant.scope == ALL:
        return True
    if grant.scope == OWN:
        return person is not None and person in facts.persons
    within: Mapping[str, frozenset[str]] = {
        SECTION: facts.sections, MODULE: facts.modules, DEPARTMENT: facts.departments,
        PROGRAMME: facts.programmes, OFFICE: facts.offices,
    }  # fmt: skip
    return grant.value in within.get(grant.scope, frozenset())


def may(acting: Acting, allowed: Mapping[str, Collection[str]], facts: Facts = NOTHING) -> bool:
    """Whether somebody may do what is allowed to some roles within some scopes.

    Args:
        acting: Who, with the grants of the one role in which they act.
        allowed: For each role the scopes within which it may.
        facts: What the object belongs to.
    """
    scopes = allowed.get(acting.role, ())
    return any(
        grant.role == acting.role
        and grant.scope in scopes
        and covers(grant, facts, person=acting.person)
        for grant in acting.grants
    )


def chosen(held: Iterable[str], wanted: str) -> str | None:
    """Say in which role somebody acts who holds some: the wanted one, or the only one."""
    roles = set(held)
    if wanted:
        return wanted if wanted in roles else None
    return roles.pop() if len(roles) == 1 else None


def agreeing(role: str) -> tuple[str, ...]:
    """Name the roles in which somebody may be the second person of an act done in a role.

    Whoever might have done it, and the registrar, who answers for the record.
    """
    return tuple(sorted({role, _ANSWERS} - SILENT))


def may_agree(held: Iterable[Granted], *, agreed_as: str, role: str, facts: Facts) -> bool:
    """Whether somebody may be the second person of an act.

    Args:
        held: What is granted to them today.
        agreed_as: The role in which they agreed; they must hold it still.
        role: In which the act is done.
        facts: What the record belongs to; it must be within the scope of their grant.
    """
    return agreed_as in agreeing(role) and any(
        grant.role == agreed_as and covers(grant, facts, person=None) for grant in held
    )


def why_spent(used_by: str, *, act: str, is_withdrawn: bool, ends_on: date, today: date) -> str:
    """Say why an agreement does not count for an act, in words that follow its number; or nothing.

    Within the act that used it, it counts on: one act may ask twice.
    """
    if used_by:
        return "" if used_by == act else f"was used by {used_by}"
    if is_withdrawn:
        return "was taken back"
    return f"ended with {ends_on}" if ends_on < today else ""
