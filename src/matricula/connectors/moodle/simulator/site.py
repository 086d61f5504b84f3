"""What a Moodle site holds, and what its database and its permissions refuse."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from matricula.connectors.moodle.simulator.parameters import MoodleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Record = dict[str, Any]
One = TypeVar("One")
GUEST, ADMIN, FRONT_PAGE = 1, 2, 1
ROLES = {1: "manager", 3: "editingteacher", 4: "teacher", 5: "student"}
# What the account that the token belongs to may do, until a test takes it away.
CAPABILITIES = frozenset(
    {
        "moodle/user:create",
        "moodle/user:update",
        "moodle/user:viewalldetails",
        "moodle/site:viewuseridentity",
        "moodle/course:create",
        "moodle/course:update",
        "moodle/course:view",
        "moodle/course:managegroups",
        "moodle/course:enrolreview",
        "moodle/category:manage",
        "moodle/cohort:manage",
        "moodle/cohort:view",
        "moodle/cohort:assign",
        "enrol/manual:enrol",
        "enrol/manual:unenrol",
        "gradereport/user:view",
        "moodle/grade:viewall",
    }
)


class Rows:
    """One table: rows by number, with look-ups by some columns, and a way back."""

    def __init__(self, journal: list[Callable[[], object]], *indexed: str) -> None:
        self._journal = journal
        self._rows: dict[int, Record] = {}
        self._indexes: dict[str, dict[str, set[int]]] = {name: {} for name in indexed}
        self._next = 1

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, number: object) -> bool:
        return number in self._rows

    def get(self, number: int) -> Record | None:
        """Fetch a row."""
        return self._rows.get(number)

    def all(self) -> list[Record]:
        """List all rows in the order of their numbers."""
        return [self._rows[number] for number in sorted(self._rows)]

    def by(self, column: str, value: object) -> list[Record]:
        """List the rows that have a value, whatever its case, in an indexed column."""
        numbers = self._indexes[column].get(str(value).lower(), ())
        return [self._rows[number] for number in sorted(numbers)]

    def insert(self, record: Record) -> int:
        """Add a row; a number is never given twice, also after a rollback."""
        number = self._next
        self._next += 1
        self._put(number, {**record, "id": number})
        self._journal.append(lambda: self._take(number))
        return number

    def change(self, number: int, changes: Record) -> None:
        """Change a row."""
        before = self._take(number)
        self._put(number, {**before, **changes})

        def back() -> None:
            self._take(number)
            self._put(number, before)

        self._journal.append(back)

    def remove(self, number: int) -> None:
        """Remove a row."""
        before = self._take(number)
        self._journal.append(lambda: self._put(number, before))

    def remove_by(self, column: str, value: object) -> None:
        """Remove the rows that have a value in an indexed column."""
        for one in self.by(column, value):
            self.remove(one["id"])

    def _put(self, number: int, record: Record) -> None:
        self._rows[number] = record
        for name, index in self._indexes.items():
            index.setdefault(str(record.get(name, "")).lower(), set()).add(number)

    def _take(self, number: int) -> Record:
        record = self._rows.pop(number)
        for name, index in self._indexes.items():
            index[str(record.get(name, "")).lower()].discard(number)
        return record


@dataclass
class Site:
    """A Moodle. Tests may change anything in it while it runs.

    Attributes:
        has_default_category: Every real one has; a test of categories begins without.
        capabilities: What our account may do.
        hidden: User fields that the site hides (`hiddenuserfields`).
        profile_fields: Short names of custom profile fields that there are.
        unseen_modules: Types of activity whose grade items our account is not shown.
        assignable: Roles that our account may assign.
        auths: Installed authentication plugins.
        clock: For times of change.
    """

    has_default_category: bool = True
    capabilities: set[str] = field(default_factory=lambda: set(CAPABILITIES))
    hidden: set[str] = field(default_factory=set)
    profile_fields: set[str] = field(default_factory=set)
    unseen_modules: set[str] = field(default_factory=set)
    assignable: set[int] = field(default_factory=lambda: {3, 4, 5})
    auths: set[str] = field(default_factory=lambda: {"manual", "oauth2", "ldap", "email"})
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        """Install it."""
        self.journal: list[Callable[[], object]] = []
        rows = self.journal
        self.users = Rows(rows, "username", "idnumber", "email")
        self.categories = Rows(rows, "idnumber")
        self.courses = Rows(rows, "shortname", "idnumber")
        self.cohorts = Rows(rows, "idnumber")
        self.cohort_members = Rows(rows, "cohortid", "pair")
        self.groups = Rows(rows, "courseid")
        self.group_members = Rows(rows, "groupid", "pair")
        self.enrolments = Rows(rows, "courseid", "pair")
        self.role_assignments = Rows(rows, "courseid", "pair")
        self.grade_items = Rows(rows, "courseid")
        self.grades = Rows(rows, "pair")
        for name, first, last in (("guest", "Guest user", " "), ("admin", "Admin", "User")):
            self.users.insert(new_user({"username": name, "firstname": first, "lastname": last}))
        self.users.change(GUEST, {"email": "root@localhost"})
        self.users.change(ADMIN, {"email": "admin@moodle.example"})
        if self.has_default_category:
            self.categories.insert({"name": "Category 1", "idnumber": None, "parent": 0})
        self.courses.insert({"shortname": "site", "fullname": "Site", "format": "site"})

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Undo everything that was done inside when it fails."""
        mark = len(self.journal)
        try:
            yield
        except BaseException:
            while len(self.journal) > mark:
                self.journal.pop()()
            raise
        if not mark:
            self.journal.clear()

    def need(self, *capabilities: str) -> None:
        """Refuse when our account has none of these capabilities."""
        if not self.capabilities & set(capabilities):
            message = "Sorry, but you do not currently have permissions to do that"
            raise MoodleError("nopermissions", f"{message} ({capabilities[0]}).")

    def user(self, number: int) -> Record:
        """Fetch an account that is not deleted."""
        record = self.users.get(number)
        if record is None:
            raise MoodleError("invaliduser", "Invalid user")
        if record["deleted"]:
            raise MoodleError("userdeleted")
        return record

    def one(self, table: str, number: int) -> Record:
        """Fetch a row that must be there."""
        rows: Rows = getattr(self, table)
        record = rows.get(number)
        if record is None:
            raise MoodleError(
                "invalidrecord", f"Can't find data record in database table {table}."
            )
        return record


def new_user(record: Record) -> Record:
    """Fill what the database fills of an account."""
    empty = dict.fromkeys(
        ("idnumber", "email", "institution", "department", "address", "city"), ""
    )
    return {
        **empty,
        "country": "",
        "lang": "en",
        "auth": "manual",
        "suspended": False,
        "deleted": False,
        "custom": {},
        **record,
    }


def must_fit(record: Record, limits: dict[str, int]) -> None:
    """Refuse what is longer than its column."""
    for name, most in limits.items():
        if len(str(record.get(name) or "")) > most:
            message = "Error writing to database"
            raise MoodleError("dmlwriteexception", message, record)


def pair(*numbers: int) -> str:
    """Write numbers as one indexed value."""
    return "|".join(map(str, numbers))


def page_of(rows: Sequence[One], start: int, size: int) -> Sequence[One]:
    """Take a page; a size of 0 is no limit."""
    return rows[start : start + size] if size else rows[start:]
