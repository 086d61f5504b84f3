"""What the small Canvas shows of itself, in the form of Canvas's REST interface.

Source: Canvas, "Users", "Logins", "Accounts", "Enrollment Terms", "Courses", "Sections",
"Enrollments", "SIS Imports", "SIS Import Errors"; lib/api/v1 of Canvas.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from matricula.connectors.canvas.simulator.batch import Batch
    from matricula.connectors.canvas.simulator.campus import (
        Account,
        Campus,
        Course,
        Enrollment,
        Pseudonym,
        Section,
        Term,
        User,
    )

Json = dict[str, Any]
Query = dict[str, list[str]]
_DEFAULT_STATES = ("active", "invited")
_WARNINGS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A list that is answered in pages.

    Attributes:
        records: What makes each record, called for those of the page alone.
        inside: The name under which a page holds them; empty where the page is the list.
    """

    records: Sequence[Callable[[], Json]]
    inside: str = ""


class Refused(Exception):
    """A call that is answered with an error.

    Args:
        status: The HTTP status.
        message: What is said.
    """

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


class Rest:
    """Answers GET.

    Args:
        campus: What there is.
        batches: Its imports, by number.
        granted: The permissions of the token's owner; may change at any time.
    """

    def __init__(self, campus: Campus, batches: Mapping[int, Batch], granted: set[str]) -> None:
        self.campus, self.batches, self.granted = campus, batches, granted
        self._routes: tuple[tuple[re.Pattern[str], Callable[..., Json | Listed]], ...] = tuple(
            (re.compile(rf"\A/api/v1{pattern}\Z"), answer)
            for pattern, answer in (
                (r"/accounts/(?:self|1)", self._account),
                (r"/accounts/(?:self|1)/permissions", self._permissions),
                (r"/accounts/(?:self|1)/sub_accounts", self._sub_accounts),
                (r"/accounts/(?:self|1)/terms", self._terms),
                (r"/accounts/(?:self|1)/users", self._users),
                (r"/accounts/(?:self|1)/courses", self._courses),
                (r"/accounts/(?:self|1)/sis_imports", self._imports),
                (r"/accounts/(?:self|1)/sis_imports/(\d+)", self._import),
                (r"/accounts/(?:self|1)/sis_imports/(\d+)/errors", self._errors),
                (r"/users/([^/]+)", self._user),
                (r"/users/([^/]+)/logins", self._logins),
                (r"/courses/([^/]+)", self._course),
                (r"/courses/([^/]+)/sections", self._course_sections),
                (r"/courses/([^/]+)/enrollments", self._course_enrollments),
                (r"/sections/([^/]+)", self._section),
                (r"/sections/([^/]+)/enrollments", self._section_enrollments),
            )
        )

    def answer(self, path: str, query: Query) -> Json | Listed:
        """Answer a path.

        Raises:
            Refused: There is nothing there, or the token may not see it.
        """
        for pattern, answer in self._routes:
            match = pattern.match(path)
            if match:
                return answer(query, *match.groups())
        raise Refused(404, "The specified resource does not exist.")

    @property
    def _sees_sis(self) -> bool:
        return bool({"read_sis", "manage_sis"} & self.granted)

    def _must(self, *permissions: str) -> None:
        if not set(permissions) & self.granted:
            raise Refused(403, "user not authorized to perform that action")

    def _with_sis(self, record: Json, **sis: object) -> Json:
        return {**record, **sis} if self._sees_sis else record

    def _account(self, query: Query) -> Json:  # noqa: ARG002 - as all answers
        root = self.campus.accounts[1]
        return {"id": 1, "name": root.name, "parent_account_id": None, "root_account_id": None,
                "workflow_state": "active"}  # fmt: skip

    def _permissions(self, query: Query) -> Json:
        return {name: name in self.granted for name in query.get("permissions[]", [])}

    def _sub_accounts(self, query: Query) -> Listed:  # noqa: ARG002 - as all answers
        shown = (a for a in self.campus.accounts.values() if a.id != 1)
        return _listed((a for a in shown if a.workflow_state == "active"), self._account_json)

    def _account_json(self, one: Account) -> Json:
        record = {"id": one.id, "name": one.name, "parent_account_id": one.parent_id,
                  "root_account_id": 1, "workflow_state": one.workflow_state}  # fmt: skip
        return self._with_sis(
            record, sis_account_id=one.sis_source_id, integration_id=one.integration_id
        )

    def _terms(self, query: Query) -> Listed:
        wanted = query.get("workflow_state[]", ["active"])
        shown = (t for t in self.campus.terms.values() if t.workflow_state in wanted)
        return _listed(shown, self._term_json, "enrollment_terms")

    def _term_json(self, one: Term) -> Json:
        record = {"id": one.id, "name": one.name, "start_at": one.start_at, "end_at": one.end_at,
                  "workflow_state": one.workflow_state}  # fmt: skip
        return self._with_sis(record, sis_term_id=one.sis_source_id)

    def _users(self, query: Query) -> Listed:
        self._must("read_roster")
        shown = [one for one in self.campus.users.values() if self.campus.logins_of(one.id)]
        if query.get("sort") == ["id"]:
            shown.sort(key=lambda one: one.id)
        else:
            shown.sort(key=lambda one: one.sortable_name.lower())
        return _listed(shown, lambda one: self._user_json(one, query))

    def _user(self, query: Query, place: str) -> Json:
        self._must("read_roster")
        return self._user_json(self._user_at(place), query)

    def _user_at(self, place: str) -> User:
        name, value = _place(place)
        found: Pseudonym | None = None
        if name == "sis_user_id":
            found = self.campus.pseudonym(value)
        elif name == "sis_login_id":
            found = self.campus.login(value)
        elif name == "sis_integration_id":
            every = self.campus.pseudonyms.values()
            found = next((one for one in every if one.integration_id == value), None)
        number = found.user_id if found and found.workflow_state != "deleted" else None
        if not name and value.isdigit():
            number = int(value)
        if number is None or not self.campus.logins_of(number):
            raise Refused(404, "The specified resource does not exist.")
        return self.campus.users[number]

    def _user_json(self, user: User, query: Query) -> Json:
        logins = self.campus.logins_of(user.id)
        main = next((one for one in logins if one.sis_user_id), logins[0])
        record: Json = {
            "id": user.id, "name": user.name, "created_at": "2026-09-01T00:00:00Z",
            "sortable_name": user.sortable_name, "short_name": user.short_name,
            "login_id": main.unique_id,
        }  # fmt: skip
        if "email" in query.get("include[]", []):
            record["email"] = user.email
        return self._with_sis(
            record, sis_user_id=main.sis_user_id, integration_id=main.integration_id
        )

    def _logins(self, query: Query, place: str) -> Listed:  # noqa: ARG002 - as all answers
        self._must("manage_user_logins")
        return _listed(self.campus.logins_of(self._user_at(place).id), self._login_json)

    def _login_json(self, one: Pseudonym) -> Json:
        record = {
            "id": one.id, "user_id": one.user_id, "account_id": 1, "unique_id": one.unique_id,
            "workflow_state": one.workflow_state, "declared_user_type": one.declared_user_type,
            "authentication_provider_id": _number(one.authentication_provider_id),
        }  # fmt: skip
        return self._with_sis(
            record, sis_user_id=one.sis_user_id, integration_id=one.integration_id
        )

    def _courses(self, query: Query) -> Listed:  # noqa: ARG002 - as all answers
        self._must("read_course_list")
        shown = (c for c in self.campus.courses.values() if c.workflow_state != "deleted")
        return _listed(shown, self._course_json)

    def _course(self, query: Query, place: str) -> Json:  # noqa: ARG002 - as all answers
        self._must("read_course_list")
        return self._course_json(self._course_at(place))

    def _course_at(self, place: str) -> Course:
        name, value = _place(place)
        if name == "sis_integration_id":
            every = self.campus.courses.values()
            found = next((one for one in every if one.integration_id == value), None)
        elif name == "sis_course_id":
            found = self.campus.course(value)
        else:
            found = self.campus.courses.get(int(value)) if value.isdigit() else None
        if found is None or found.workflow_state == "deleted":
            raise Refused(404, "The specified resource does not exist.")
        return found

    def _course_json(self, one: Course) -> Json:
        state = {"created": "unpublished", "claimed": "unpublished"}
        record = {
            "id": one.id, "name": one.name, "course_code": one.course_code,
            "account_id": one.account_id, "root_account_id": 1,
            "enrollment_term_id": one.enrollment_term_id, "start_at": one.start_at,
            "end_at": one.conclude_at, "course_format": one.course_format,
            "workflow_state": state.get(one.workflow_state, one.workflow_state),
        }  # fmt: skip
        return self._with_sis(
            record, sis_course_id=one.sis_source_id, integration_id=one.integration_id
        )

    def _course_sections(self, query: Query, place: str) -> Listed:  # noqa: ARG002 - as all answers
        self._must("read_roster")
        return _listed(self._sections_of(self._course_at(place)), self._section_json)

    def _sections_of(self, course: Course) -> Iterable[Section]:
        every = self.campus.sections.values()
        return (s for s in every if s.course_id == course.id and s.workflow_state == "active")

    def _section(self, query: Query, place: str) -> Json:  # noqa: ARG002 - as all answers
        self._must("read_course_list")
        return self._section_json(self._section_at(place))

    def _section_at(self, place: str) -> Section:
        name, value = _place(place)
        if name == "sis_section_id":
            found = self.campus.section(value)
        else:
            found = self.campus.sections.get(int(value)) if value.isdigit() else None
        if found is None or found.workflow_state == "deleted":
            raise Refused(404, "The specified resource does not exist.")
        return found

    def _section_json(self, one: Section) -> Json:
        record = {
            "id": one.id, "name": one.name, "course_id": one.course_id, "start_at": one.start_at,
            "end_at": one.end_at, "nonxlist_course_id": one.nonxlist_course_id,
        }  # fmt: skip
        return self._with_sis(
            record,
            sis_section_id=one.sis_source_id,
            sis_course_id=self.campus.courses[one.course_id].sis_source_id,
            integration_id=one.integration_id,
        )

    def _course_enrollments(self, query: Query, place: str) -> Listed:
        self._must("read_roster")
        numbers = (one.id for one in self._sections_of(self._course_at(place)))
        return self._enrollments(self.campus.enrollments_of(numbers), query)

    def _section_enrollments(self, query: Query, place: str) -> Listed:
        self._must("read_roster")
        number = self._section_at(place).id
        return self._enrollments(self.campus.enrollments_of(iter([number])), query)

    def _enrollments(self, every: Iterable[Enrollment], query: Query) -> Listed:
        states = query.get("state[]", _DEFAULT_STATES)
        types, users = query.get("type[]"), query.get("sis_user_id[]")
        shown = [
            one
            for one in every
            if one.workflow_state in states
            and (types is None or one.type in types)
            and (users is None or self.campus.pseudonyms[one.pseudonym_id].sis_user_id in users)
        ]
        return _listed(shown, self._enrollment_json)

    def _enrollment_json(self, one: Enrollment) -> Json:
        pseudonym = self.campus.pseudonyms[one.pseudonym_id]
        record: Json = {
            "id": one.id, "user_id": one.user_id, "course_id": one.course_id, "type": one.type,
            "course_section_id": one.section_id, "enrollment_state": one.workflow_state,
            "limit_privileges_to_course_section": one.limited, "start_at": one.start_at,
            "end_at": one.end_at, "role": one.role, "associated_user_id": one.associated_user_id,
            "user": {"id": one.user_id, "name": self.campus.users[one.user_id].name},
        }  # fmt: skip
        if one.type == "StudentEnrollment":
            may = "view_all_grades" in self.granted
            record["grades"] = {"html_url": "", **(one.scores if may else {})}
        return self._with_sis(
            record,
            sis_course_id=self.campus.courses[one.course_id].sis_source_id,
            sis_section_id=self.campus.sections[one.section_id].sis_source_id,
            sis_user_id=pseudonym.sis_user_id,
        )

    def _must_see_imports(self) -> None:
        self._must("import_sis", "manage_sis")

    def _imports(self, query: Query) -> Listed:
        self._must_see_imports()
        states = query.get("workflow_state[]")
        shown = (one for one in self.batches.values() if states is None or one.state in states)
        newest = sorted(shown, key=lambda one: -one.id)
        return _listed(newest, import_json, "sis_imports")

    def _import(self, query: Query, number: str) -> Json:  # noqa: ARG002 - as all answers
        self._must_see_imports()
        if int(number) not in self.batches:
            raise Refused(404, "The specified resource does not exist.")
        return import_json(self.batches[int(number)])

    def _errors(self, query: Query, number: str) -> Listed:  # noqa: ARG002 - as all answers
        self._must_see_imports()
        batch = self.batches[int(number)]
        return _listed(
            batch.said,
            lambda one: {
                "sis_import_id": batch.id,
                "file": one.file,
                "message": one.message,
                "row": one.row,
                "row_info": None,
            },
            "sis_import_errors",
        )


def import_json(batch: Batch) -> Json:
    """Show an import as Canvas does."""
    said = [[one.file, one.message] for one in batch.said if not one.failure]
    wrong = [[one.file, one.message] for one in batch.said if one.failure]
    over = batch.state not in ("created", "importing")
    record: Json = {
        "id": batch.id,
        "workflow_state": batch.state,
        "progress": 100 if over else 0,
        "created_at": "2026-09-01T06:00:00Z",
        "ended_at": "2026-09-01T06:00:01Z" if over else None,
        "data": {"import_type": "instructure_csv", "counts": batch.counts},
        "batch_mode": False,
        "override_sis_stickiness": batch.on("override_sis_stickiness"),
        "clear_sis_stickiness": batch.on("clear_sis_stickiness"),
        "diffing_data_set_identifier": batch.label or None,
        "diffing_remaster": batch.on("diffing_remaster_data_set"),
    }
    if said:
        record["processing_warnings"] = said[:_WARNINGS_SHOWN]
    if wrong:
        record["processing_errors"] = wrong[:_WARNINGS_SHOWN]
    return record


def _listed(things: Iterable[Any], show: Callable[[Any], Json], inside: str = "") -> Listed:
    return Listed([lambda one=one: show(one) for one in things], inside)  # type: ignore[misc]  # a default binds the loop's value


def _number(provider: str | None) -> int | None:
    """Show a provider by its number, whatever it was named by."""
    return int(provider) if provider and provider.isdigit() else 1 if provider else None


def _place(text: str) -> tuple[str, str]:
    """Take the name of a record apart: `sis_user_id:17`, `hex:sis_user_id:3137`, `17`."""
    if text.startswith("hex:"):
        _, name, value = text.split(":", 2)
        return name, bytes.fromhex(value).decode()
    name, colon, value = text.partition(":")
    return (name, value) if colon else ("", text)
