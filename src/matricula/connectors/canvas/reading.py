"""Read all records of a resource, page by page, as Canvas shows them.

Enrolments and sections are listed by course, and a login's state by user: Canvas has no list
of all of them. What was deleted is not listed; what is inactive or completed is asked for by
name, since Canvas leaves it out otherwise.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from matricula.connectors.canvas import mapping
from matricula.connectors.canvas.standing import MANAGE_LOGINS, READ_COURSES, READ_ROSTER
from matricula.connectors.canvas.tables import SPECS
from matricula.connectors.canvas.wire import API
from matricula.connectors.kit import batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from matricula.connectors.canvas.mapping import Row
    from matricula.connectors.canvas.wire import Record, Wire

STATES = ("active", "invited", "creation_pending", "inactive", "completed")
_TAKEN_TOGETHER = 24
# Canvas's own account with which a teacher looks at a course as a student.
_TEST_STUDENT = "StudentViewEnrollment"


class Reader:
    """Reads one Canvas. Accounts and terms are looked up once.

    Args:
        wire: The way there.
        concurrency: Calls under way at once.
    """

    def __init__(self, wire: Wire, concurrency: int) -> None:
        self._wire = wire
        self._concurrency = concurrency
        self._accounts: dict[object, str | None] | None = None
        self._terms: dict[object, str | None] | None = None

    def rows(self, resource: str) -> Iterator[list[Row]]:
        """Read a resource, some records at a time; each has `_id`."""
        listed: dict[str, Callable[[], Iterator[list[Row]]]] = {
            "users": self._users,
            "logins": self._logins,
            "accounts": self._sub_accounts,
            "terms": self._all_terms,
            "courses": self._courses,
            "sections": self._sections,
            "enrollments": self._enrollments,
            "grades": self._grades,
        }
        return listed[resource]()

    def user_pages(self) -> Iterator[list[Record]]:
        """List users, oldest first: one that comes meanwhile is on the last page."""
        return self._wire.pages(
            f"{self._wire.account}/users",
            what="users",
            needs=READ_ROSTER,
            params={"include[]": ["email"], "sort": "id", "order": "asc"},
        )

    def logins_of(self, canvas_id: object) -> list[Record]:
        """List the logins of a user that are not deleted."""
        pages = self._wire.pages(
            f"{API}/users/{canvas_id}/logins", what="logins", needs=MANAGE_LOGINS
        )
        return [one for page in pages for one in page if one.get("workflow_state") != "deleted"]

    def accounts(self) -> Mapping[object, str | None]:
        """Say the SIS ID of every account by its number; the root has none here."""
        if self._accounts is None:
            pages = self._account_pages()
            self._accounts = {
                one["id"]: one.get("sis_account_id") for page in pages for one in page
            }
        return self._accounts

    def terms(self) -> Mapping[object, str | None]:
        """Say the SIS ID of every term by its number."""
        if self._terms is None:
            self._terms = {
                one["id"]: one.get("sis_term_id") for page in self._term_pages() for one in page
            }
        return self._terms

    def course_row(self, course: Record) -> Row:
        """Read one course, with its account and term by their SIS IDs."""
        return mapping.course_row(course, self.accounts(), self.terms())

    def section_row(self, section: Record, homes: Mapping[object, str | None]) -> Row:
        """Read one section; a cross-listed one belongs where it came from.

        Args:
            section: As Canvas shows it.
            homes: The SIS IDs of courses that are known, by their numbers.
        """
        home = section.get("nonxlist_course_id")
        if home is None:
            return mapping.section_row(section, section.get("sis_course_id"))
        if home in homes:
            return mapping.section_row(section, homes[home])
        course = self._wire.get(f"{API}/courses/{home}", what="courses", needs=READ_COURSES)
        return mapping.section_row(section, (course or {}).get("sis_course_id"))

    def forget(self) -> None:
        """Look accounts and terms up again: something was written."""
        self._accounts = self._terms = None

    def _users(self) -> Iterator[list[Row]]:
        for page, logins in self._with_logins():
            pairs = zip(page, logins, strict=True)
            yield [
                named("users", mapping.user_row(user, main_login(user, some)), user["id"])
                for user, some in pairs
            ]

    def _logins(self) -> Iterator[list[Row]]:
        for page, logins in self._with_logins():
            yield [
                named("logins", mapping.login_row(one, user.get("sis_user_id")), one["id"])
                for user, some in zip(page, logins, strict=True)
                for one in further_logins(user, some)
            ]

    def _with_logins(self) -> Iterator[tuple[list[Record], list[list[Record]]]]:
        for page in self.user_pages():
            numbers = [user["id"] for user in page]
            yield page, batches.each(self.logins_of, numbers, concurrency=self._concurrency)

    def _account_pages(self) -> Iterator[list[Record]]:
        return self._wire.pages(
            f"{self._wire.account}/sub_accounts",
            what="accounts",
            needs="any role in the account",
            params={"recursive": "true"},
        )

    def _sub_accounts(self) -> Iterator[list[Row]]:
        known = self.accounts()
        for page in self._account_pages():
            yield [named("accounts", mapping.account_row(one, known), one["id"]) for one in page]

    def _term_pages(self) -> Iterator[list[Record]]:
        return self._wire.pages(
            f"{self._wire.account}/terms",
            what="terms",
            needs="any role in the account",
            params={"workflow_state[]": ["active"]},
            inside="enrollment_terms",
        )

    def _all_terms(self) -> Iterator[list[Row]]:
        for page in self._term_pages():
            yield [named("terms", mapping.term_row(one), one["id"]) for one in page]

    def _course_pages(self) -> Iterator[list[Record]]:
        return self._wire.pages(
            f"{self._wire.account}/courses",
            what="courses",
            needs=READ_COURSES,
            params={"sort": "sis_course_id", "order": "asc"},
        )

    def _courses(self) -> Iterator[list[Row]]:
        for page in self._course_pages():
            yield [named("courses", self.course_row(one), one["id"]) for one in page]

    def _sections(self) -> Iterator[list[Row]]:
        courses = [one for page in self._course_pages() for one in page]
        homes = {one["id"]: one.get("sis_course_id") for one in courses}
        for some in self._by_course(courses, "sections", {}):
            yield [named("sections", self.section_row(one, homes), one["id"]) for one in some]

    def _enrollments(self) -> Iterator[list[Row]]:
        courses = (one for page in self._course_pages() for one in page)
        for some in self._by_course(courses, "enrollments", {"state[]": list(STATES)}):
            yield [
                named("enrollments", mapping.enrollment_row(one), one["id"]) for one in real(some)
            ]

    def _grades(self) -> Iterator[list[Row]]:
        courses = (one for page in self._course_pages() for one in page)
        query = {"state[]": list(STATES), "type[]": ["StudentEnrollment"]}
        for some in self._by_course(courses, "enrollments", query):
            yield [named("grades", mapping.grade_row(one), one["id"]) for one in real(some)]

    def _by_course(
        self, courses: Iterable[Record], what: str, query: Mapping[str, object]
    ) -> Iterator[list[Record]]:
        def ask(course: Record) -> list[Record]:
            pages = self._wire.pages(
                f"{API}/courses/{course['id']}/{what}", what=what, needs=READ_ROSTER, params=query
            )
            return [one for page in pages for one in page]

        rest = iter(courses)
        while some := list(islice(rest, _TAKEN_TOGETHER)):
            listed = batches.each(ask, some, concurrency=self._concurrency)
            yield [one for records in listed for one in records]


def named(resource: str, row: Row, number: object) -> Row:
    """Give a row its `_id`: its SIS IDs, or Canvas's number where it has none."""
    spec = SPECS[resource]
    row["_id"] = mapping.id_of(spec, row) or f"{mapping.FOREIGN}{number}"
    if spec.suspended:
        row["_suspended"] = row["status"] == spec.suspended
    return row


def main_login(user: Mapping[str, Any], logins: Sequence[Record]) -> Record | None:
    """Find the login by whose SIS ID Canvas names a user."""
    return next((one for one in logins if one.get("sis_user_id") == user.get("sis_user_id")), None)


def further_logins(user: Mapping[str, Any], logins: Sequence[Record]) -> list[Record]:
    """Find the logins with SIS IDs besides the one by which Canvas names a user."""
    main = user.get("sis_user_id")
    return [one for one in logins if one.get("sis_user_id") not in (None, main)]


def real(enrollments: Iterable[Record]) -> list[Record]:
    """Leave a teacher's test student out, and who observes one student: they may be several."""
    return [
        one
        for one in enrollments
        if one.get("type") != _TEST_STUDENT and one.get("associated_user_id") is None
    ]
