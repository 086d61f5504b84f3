"""What our token is allowed in this Canvas, asked of Canvas itself.

Without `read_sis` Canvas leaves SIS IDs out without a word, so that everybody would look like
somebody else's record. So it is asked before anything is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import GiveUp, Stop

if TYPE_CHECKING:
    from matricula.connectors.canvas.wire import Wire

READ_SIS = "read_sis"
IMPORT_SIS = "import_sis"
MANAGE_SIS = "manage_sis"
READ_ROSTER = "read_roster"
READ_COURSES = "read_course_list"
VIEW_GRADES = "view_all_grades"
MANAGE_LOGINS = "manage_user_logins"
_ASKED = (
    READ_SIS,
    IMPORT_SIS,
    MANAGE_SIS,
    READ_ROSTER,
    READ_COURSES,
    VIEW_GRADES,
    MANAGE_LOGINS,
)
# What a resource cannot be read without, besides SIS IDs.
NEEDS = {
    "users": (READ_ROSTER, MANAGE_LOGINS),
    "logins": (READ_ROSTER, MANAGE_LOGINS),
    "accounts": (),
    "terms": (),
    "courses": (READ_COURSES,),
    "sections": (READ_COURSES,),
    "enrollments": (READ_COURSES, READ_ROSTER),
    "grades": (READ_COURSES, READ_ROSTER, VIEW_GRADES),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the token may do.

    Attributes:
        account: The number of the account that was asked.
        is_root: Imports go to root accounts only.
        granted: The permissions it has.
        imports: Whether SIS imports are switched on and open to it.
    """

    account: int
    is_root: bool
    granted: frozenset[str]
    imports: bool

    @property
    def sees_sis(self) -> bool:
        """Whether SIS IDs are shown."""
        return bool({READ_SIS, MANAGE_SIS} & self.granted)

    @property
    def may_import(self) -> bool:
        """Whether anything can be written."""
        return self.is_root and self.imports and bool({IMPORT_SIS, MANAGE_SIS} & self.granted)

    def lacking(self, resource: str) -> list[str]:
        """Name what a resource cannot be read without and is missing."""
        lacking = [] if self.sees_sis else [READ_SIS]
        return lacking + [one for one in NEEDS[resource] if one not in self.granted]

    def missing(self, *, writing: bool, grades: bool) -> list[str]:
        """Name everything that is missing.

        Args:
            writing: Whether anything is to be written.
            grades: Whether marks are to be read.
        """
        wanted = [READ_SIS, READ_ROSTER, READ_COURSES]
        wanted += [IMPORT_SIS, MANAGE_LOGINS] if writing else []
        wanted += [VIEW_GRADES] if grades else []
        held = self.granted | ({READ_SIS, IMPORT_SIS} if MANAGE_SIS in self.granted else set())
        return [one for one in wanted if one not in held]

    def must_read(self, resource: str) -> None:
        """Make sure that a resource is shown whole.

        Raises:
            Stop: SIS IDs are not shown (M613). GiveUp: Another permission is missing (M613).
        """
        lacking = self.lacking(resource)
        if lacking:
            told = (
                f"The token's owner lacks {', '.join(lacking)}, without which Canvas leaves parts "
                f"of {resource} out and says nothing."
            )
            cure = "Have the permission granted to the owner's role in the root account."
            if not self.sees_sis:
                raise Stop(told, code="M613", cure=cure)
            raise GiveUp(told, code="M613", cure=cure)

    def must_import(self) -> None:
        """Make sure that imports are taken.

        Raises:
            GiveUp: It is no root account (M607). Stop: We may not (M613).
        """
        if not self.is_root:
            raise GiveUp(
                "SIS imports go to a root account, and this is one below it.",
                code="M607",
                cure="Correct `account:`, or leave it out.",
            )
        if not self.may_import:
            raise Stop(
                "The token's owner lacks import_sis, or SIS imports are not enabled.",
                code="M613",
                cure="Have the permission granted, and SIS imports enabled for the root account.",
            )


def standing_of(wire: Wire) -> Standing:
    """Ask Canvas what we may do.

    Raises:
        TryAgain: It is away. Stop: The token is refused. GiveUp: There is no such account.
    """
    account = wire.get(wire.account, what="the account", needs="any role in the account")
    if account is None:
        raise GiveUp(
            "There is no such account.", code="M602", cure="Correct `account:`, or leave it out."
        )
    told = wire.get(
        f"{wire.account}/permissions",
        what="permissions",
        needs="any role in the account",
        params={"permissions[]": list(_ASKED)},
    )
    granted = frozenset(name for name, has in (told or {}).items() if has)
    return Standing(
        int(account["id"]),
        account.get("root_account_id") is None,
        granted,
        _imports_open(wire, granted),
    )


def _imports_open(wire: Wire, granted: frozenset[str]) -> bool:
    if not {IMPORT_SIS, MANAGE_SIS} & granted:
        return False
    try:
        listed = wire.get(
            f"{wire.account}/sis_imports", what="imports", needs=IMPORT_SIS, params={"per_page": 1}
        )
    except Stop:
        return False
    return listed is not None
