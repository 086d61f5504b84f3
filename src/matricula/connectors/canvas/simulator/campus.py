"""What the small Canvas holds, and the edits that people make in it by hand."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TYPES = {
    "student": "StudentEnrollment",
    "teacher": "TeacherEnrollment",
    "ta": "TaEnrollment",
    "observer": "ObserverEnrollment",
    "designer": "DesignerEnrollment",
}


@dataclass(slots=True)
class User:
    """A person. `stuck` holds the fields that somebody changed by hand."""

    id: int
    name: str = ""
    sortable_name: str = ""
    short_name: str = ""
    email: str | None = None
    stuck: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Pseudonym:
    """A login of a person."""

    id: int
    user_id: int
    unique_id: str = ""
    sis_user_id: str | None = None
    integration_id: str | None = None
    authentication_provider_id: str | None = None
    declared_user_type: str | None = None
    workflow_state: str = "active"
    stuck: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Account:
    """An account; the root is number 1 and has no parent."""

    id: int
    name: str = ""
    parent_id: int | None = None
    sis_source_id: str | None = None
    integration_id: str | None = None
    workflow_state: str = "active"
    stuck: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Term:
    """A term; the default one is number 1."""

    id: int
    name: str = ""
    sis_source_id: str | None = None
    integration_id: str | None = None
    start_at: str | None = None
    end_at: str | None = None
    workflow_state: str = "active"
    stuck: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Course:
    """A course."""

    id: int
    name: str = ""
    course_code: str = ""
    account_id: int = 1
    enrollment_term_id: int = 1
    sis_source_id: str | None = None
    integration_id: str | None = None
    start_at: str | None = None
    conclude_at: str | None = None
    course_format: str | None = None
    workflow_state: str = "created"
    stuck: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Section:
    """A section; `nonxlist_course_id` is where it came from when it was cross-listed."""

    id: int
    course_id: int = 0
    name: str = ""
    sis_source_id: str | None = None
    integration_id: str | None = None
    start_at: str | None = None
    end_at: str | None = None
    nonxlist_course_id: int | None = None
    workflow_state: str = "active"
    stuck: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Enrollment:
    """Somebody in a section, in a role."""

    id: int
    user_id: int
    course_id: int
    section_id: int
    type: str
    role: str
    pseudonym_id: int
    start_at: str | None = None
    end_at: str | None = None
    limited: bool = False
    workflow_state: str = "active"
    associated_user_id: int | None = None
    stuck: set[str] = field(default_factory=set)
    scores: dict[str, object] = field(default_factory=dict)


class Campus:
    """Everything one small Canvas holds.

    Attributes:
        roles: Course roles that the institution made, with their base types.
        providers: Ways of signing in that it has.
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(100)
        self.users: dict[int, User] = {}
        self.pseudonyms: dict[int, Pseudonym] = {}
        self.accounts: dict[int, Account] = {1: Account(1, "Northfield University")}
        self.terms: dict[int, Term] = {1: Term(1, "Default Term")}
        self.courses: dict[int, Course] = {}
        self.sections: dict[int, Section] = {}
        self.enrollments: dict[int, Enrollment] = {}
        self.roles: dict[str, str] = {}
        self.providers: set[str] = {"canvas", "saml", "7", "9"}
        self._enrolled: dict[tuple[int, int, str], Enrollment] = {}
        self._of_section: dict[int, list[Enrollment]] = {}
        self._of_user: dict[int, list[Pseudonym]] = {}
        self._by_login: dict[str, list[Pseudonym]] = {}
        self._by_sis: dict[tuple[type, str], object] = {}
        admin = self.add_user("Canvas Administrator")
        self.add_pseudonym(admin.id, "admin@northfield.example")
        self.owner = admin.id

    def number(self) -> int:
        """Give the next number."""
        return next(self._numbers)

    def add_user(self, name: str, email: str | None = None) -> User:
        """Make a person."""
        user = User(self.number(), name, name, name, email)
        self.users[user.id] = user
        return user

    def add_pseudonym(
        self, user_id: int, unique_id: str, sis_user_id: str | None = None
    ) -> Pseudonym:
        """Give a person a login."""
        pseudonym = Pseudonym(self.number(), user_id)
        self.pseudonyms[pseudonym.id] = pseudonym
        self._of_user.setdefault(user_id, []).append(pseudonym)
        self.rename_login(pseudonym, unique_id)
        if sis_user_id is not None:
            self.give_sis_id(pseudonym, sis_user_id)
        return pseudonym

    def rename_login(self, pseudonym: Pseudonym, unique_id: str) -> None:
        """Change what somebody signs in with."""
        old = self._by_login.get(pseudonym.unique_id.lower(), [])
        if pseudonym in old:
            old.remove(pseudonym)
        pseudonym.unique_id = unique_id
        self._by_login.setdefault(unique_id.lower(), []).append(pseudonym)

    def give_sis_id(self, thing: Pseudonym | Account | Term | Course | Section, sis: str) -> None:
        """Give a thing its SIS ID, or another one."""
        name = "sis_user_id" if isinstance(thing, Pseudonym) else "sis_source_id"
        old = getattr(thing, name)
        if old is not None:
            self._by_sis.pop((type(thing), old), None)
        setattr(thing, name, sis)
        self._by_sis[type(thing), sis] = thing

    def pseudonym(self, sis_user_id: str) -> Pseudonym | None:
        """Find a login by SIS ID, deleted or not."""
        found = self._by_sis.get((Pseudonym, sis_user_id))
        return found if isinstance(found, Pseudonym) else None

    def login(self, unique_id: str) -> Pseudonym | None:
        """Find a login that is not deleted by what is typed in, whatever the letters' case."""
        found = self._by_login.get(unique_id.lower(), [])
        return next((one for one in found if one.workflow_state != "deleted"), None)

    def logins_of(self, user_id: int) -> list[Pseudonym]:
        """List a person's logins that are not deleted."""
        found = self._of_user.get(user_id, [])
        return [one for one in found if one.workflow_state != "deleted"]

    def account(self, sis_id: str) -> Account | None:
        """Find an account by SIS ID, deleted or not."""
        found = self._by_sis.get((Account, sis_id))
        return found if isinstance(found, Account) else None

    def term(self, sis_id: str) -> Term | None:
        """Find a term by SIS ID, deleted or not."""
        found = self._by_sis.get((Term, sis_id))
        return found if isinstance(found, Term) else None

    def course(self, sis_id: str) -> Course | None:
        """Find a course by SIS ID, deleted or not."""
        found = self._by_sis.get((Course, sis_id))
        return found if isinstance(found, Course) else None

    def section(self, sis_id: str) -> Section | None:
        """Find a section by SIS ID, deleted or not."""
        found = self._by_sis.get((Section, sis_id))
        return found if isinstance(found, Section) else None

    def enrolled(self, section: Section, user_id: int, role: str) -> Enrollment | None:
        """Find an enrolment, deleted or not."""
        return self._enrolled.get((section.id, user_id, role))

    def enroll(self, section: Section, pseudonym: Pseudonym, kind: str, role: str) -> Enrollment:
        """Put somebody into a section."""
        made = Enrollment(
            self.number(), pseudonym.user_id, section.course_id, section.id, kind, role,
            pseudonym.id,
        )  # fmt: skip
        self.enrollments[made.id] = made
        self._enrolled[section.id, pseudonym.user_id, role] = made
        self._of_section.setdefault(section.id, []).append(made)
        return made

    def enrollments_of(self, section_ids: Iterator[int]) -> list[Enrollment]:
        """List the enrolments of sections, deleted ones too."""
        return [one for number in section_ids for one in self._of_section.get(number, [])]

    def edit_user(self, sis_user_id: str, **fields: str) -> None:
        """Change a person as an administrator does in Canvas: what is changed sticks."""
        pseudonym = self.pseudonym(sis_user_id)
        assert pseudonym is not None  # noqa: S101 - a test that names nobody is wrong
        for name, value in fields.items():
            if name == "unique_id":
                self.rename_login(pseudonym, value)
            owner = pseudonym if hasattr(pseudonym, name) else self.users[pseudonym.user_id]
            setattr(owner, name, value)
            if name not in ("email", "integration_id"):
                owner.stuck.add(name)

    def edit(self, thing: Account | Term | Course | Section, **fields: str | int | None) -> None:
        """Change something as an administrator or teacher does in Canvas: it sticks."""
        for name, value in fields.items():
            setattr(thing, name, value)
            thing.stuck.add(name)

    def cross_list(self, section: Section, course: Course) -> None:
        """Move a section into another course as a teacher does; it remembers where from."""
        section.nonxlist_course_id = section.course_id
        section.course_id = course.id
        section.stuck.add("course_id")
        for one in self._of_section.get(section.id, []):
            one.course_id = course.id
