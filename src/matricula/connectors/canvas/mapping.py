"""Between what Canvas shows, the flat rows of a resource, and the cells of a file. Pure.

A row is a mapping of field to value in one canonical form: text, true or false, and instants
as `2026-09-01T00:00:00Z`. What is empty is None. Two values are the same when they are equal.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from matricula.connectors.canvas.tables import DELETE_WORD, LONGEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.canvas.tables import Column, Spec
    from matricula.connectors.kit.protocol import Value

Row = dict[str, "Value"]
# Of a record that has no SIS ID: somebody made it in Canvas.
FOREIGN = "canvas:"
# Ruby's `strip`, which Canvas does to every cell.
_STRIPPED = "\0\t\n\v\f\r "
_ROLES = {
    "StudentEnrollment": "student",
    "TeacherEnrollment": "teacher",
    "TaEnrollment": "ta",
    "ObserverEnrollment": "observer",
    "DesignerEnrollment": "designer",
}
_SCORES = (
    "current_score",
    "final_score",
    "unposted_current_score",
    "unposted_final_score",
    "override_score",
)
_MARKS = ("current_grade", "final_grade", "override_grade")


class Misfit(Exception):
    """A value that Canvas would refuse, cut or change. Carries the field, never the value."""

    def __init__(self, field: str, why: str) -> None:
        self.field = field
        super().__init__(f"{field} {why}")


def canonical(column: Column, value: Value) -> Value:
    """Bring a value into the form in which Canvas's own are read.

    Raises:
        Misfit: Canvas cannot hold it as it is.
    """
    if value is None or value == "":
        return None
    if column.type == "boolean":
        return _boolean(column, value)
    if column.type == "instant":
        return _instant(column, str(value))
    text = role_of(str(value)) if column.name == "role" else str(value)
    _must_fit(column, text)
    return text


def cell(column: Column, value: Value) -> str:
    """Write a canonical value as it stands in a file."""
    if value is None:
        return DELETE_WORD if column.blank == "word" else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def id_of(spec: Spec, row: Mapping[str, Value]) -> str | None:
    """Name a record by its SIS IDs; None where one of them is missing."""
    parts = [row.get(name) for name in spec.identity]
    if any(part in (None, "") for part in parts):
        return None
    if len(parts) == 1:
        return str(parts[0])
    return "|".join(quote(str(part), safe="") for part in parts)


def parts_of(spec: Spec, external_id: str) -> dict[str, str] | None:
    """Take a name apart again; None when it is not of this resource's form."""
    if external_id.startswith(FOREIGN):
        return None
    if len(spec.identity) == 1:
        return {spec.identity[0]: external_id}
    parts = [unquote(part) for part in external_id.split("|")]
    if len(parts) != len(spec.identity) or not all(parts):
        return None
    return dict(zip(spec.identity, parts, strict=True))


def path_id(field: str, value: str) -> str:
    """Name a record by a SIS ID in an address.

    Source: Canvas, "SIS IDs": slashes and dots do not survive in an address, hexadecimal does.
    """
    if value.isascii() and value.replace("-", "").replace("_", "").isalnum():
        return f"{field}:{value}"
    return f"hex:{field}:{value.encode().hex()}"


def role_of(name: str) -> str:
    """Name a role as a file does; a role that the institution made has its own name."""
    lower = name.lower()
    return lower if lower in _ROLES.values() else _ROLES.get(name, name)


def user_row(user: Mapping[str, Any], login: Mapping[str, Any] | None) -> Row:
    """Read a user, with the login whose SIS ID names it, where that was asked for."""
    login = login or {}
    state = login.get("workflow_state")
    # Instants and numbers come as they are; only these are text that may be missing.
    return {
        "user_id": _text(login.get("sis_user_id") or user.get("sis_user_id")),
        "login_id": _text(login.get("unique_id") or user.get("login_id")),
        "full_name": _text(user.get("name")),
        "sortable_name": _text(user.get("sortable_name")),
        "short_name": _text(user.get("short_name")),
        "email": _text(user.get("email")),
        "integration_id": _text(login.get("integration_id") or user.get("integration_id")),
        "authentication_provider_id": _text(login.get("authentication_provider_id")),
        "declared_user_type": _text(login.get("declared_user_type")),
        "status": "suspended" if state == "suspended" else "active",
    }


def login_row(login: Mapping[str, Any], whose: str | None) -> Row:
    """Read a further login of somebody."""
    return {
        "user_id": _text(login.get("sis_user_id")),
        "login_id": _text(login.get("unique_id")),
        "existing_user_id": whose,
        "integration_id": _text(login.get("integration_id")),
        "authentication_provider_id": _text(login.get("authentication_provider_id")),
    }


def account_row(account: Mapping[str, Any], parents: Mapping[object, str | None]) -> Row:
    """Read an account below the root, which as a parent is None."""
    return {
        "account_id": _text(account.get("sis_account_id")),
        "parent_account_id": parents.get(account.get("parent_account_id")),
        "name": _text(account.get("name")),
        "integration_id": _text(account.get("integration_id")),
    }


def term_row(term: Mapping[str, Any]) -> Row:
    """Read a term."""
    return {
        "term_id": _text(term.get("sis_term_id")),
        "name": _text(term.get("name")),
        "start_date": shown_instant(term.get("start_at")),
        "end_date": shown_instant(term.get("end_at")),
        "integration_id": None,
    }


def course_row(
    course: Mapping[str, Any],
    accounts: Mapping[object, str | None],
    terms: Mapping[object, str | None],
) -> Row:
    """Read a course; `original_name` is its name where the reader has given it a nickname."""
    return {
        "course_id": _text(course.get("sis_course_id")),
        "short_name": _text(course.get("course_code")),
        "long_name": _text(course.get("original_name") or course.get("name")),
        "account_id": accounts.get(course.get("account_id")),
        "term_id": terms.get(course.get("enrollment_term_id")),
        "start_date": shown_instant(course.get("start_at")),
        "end_date": shown_instant(course.get("end_at")),
        "course_format": _text(course.get("course_format")),
        "integration_id": _text(course.get("integration_id")),
        "status": "completed" if course.get("workflow_state") == "completed" else "active",
    }


def section_row(section: Mapping[str, Any], home: str | None) -> Row:
    """Read a section under the course it belongs to, wherever it is cross-listed."""
    return {
        "section_id": _text(section.get("sis_section_id")),
        "course_id": home,
        "name": _text(section.get("name")),
        "start_date": shown_instant(section.get("start_at")),
        "end_date": shown_instant(section.get("end_at")),
        "integration_id": _text(section.get("integration_id")),
    }


def enrollment_row(enrollment: Mapping[str, Any]) -> Row:
    """Read an enrolment; one that was invited or is being made counts as active."""
    state = enrollment.get("enrollment_state")
    limited = enrollment.get("limit_privileges_to_course_section")
    return {
        "section_id": _text(enrollment.get("sis_section_id")),
        "user_id": _text(_whose(enrollment)),
        "role": role_of(str(enrollment.get("role") or enrollment.get("type"))),
        "course_id": _text(enrollment.get("sis_course_id")),
        "start_date": shown_instant(enrollment.get("start_at")),
        "end_date": shown_instant(enrollment.get("end_at")),
        "limit_section_privileges": bool(limited),
        "status": str(state) if state in ("inactive", "completed") else "active",
    }


def grade_row(enrollment: Mapping[str, Any]) -> Row:
    """Read the marks of an enrolment, as Canvas has computed them."""
    grades = enrollment.get("grades") or {}
    row = enrollment_row(enrollment)
    kept = ("section_id", "course_id", "user_id", "role", "status")
    marks: Row = {name: row[name] for name in kept}
    marks |= {name: _number(grades.get(name)) for name in _SCORES}
    return marks | {name: _text(grades.get(name)) for name in _MARKS}


def shown_instant(text: object) -> str | None:
    """Read an instant of Canvas's; None where there is none."""
    if not text:
        return None
    moment = datetime.fromisoformat(str(text))
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _whose(enrollment: Mapping[str, Any]) -> object:
    user = enrollment.get("user") or {}
    return enrollment.get("sis_user_id") or user.get("sis_user_id")


def _text(value: object) -> str | None:
    return None if value in (None, "") else str(value)


def _number(value: object) -> str | None:
    # By its text: a float's own digits are not those that Canvas shows.
    return None if value in (None, "") else str(Decimal(str(value)))


def _boolean(column: Column, value: Value) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    raise Misfit(column.name, "is neither true nor false")


def _instant(column: Column, text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Misfit(column.name, "is no date or instant") from None
    if moment.microsecond:
        raise Misfit(column.name, "is finer than a second, which Canvas does not show")
    return str(shown_instant(text))


def _must_fit(column: Column, text: str) -> None:
    if column.numeric and not (text.isascii() and text.isdigit()):
        raise Misfit(column.name, "must be a number, which is what Canvas shows of it")
    if column.choices and text not in column.choices:
        raise Misfit(column.name, f"must be one of {', '.join(column.choices)}")
    if len(text) > LONGEST:
        raise Misfit(column.name, f"is longer than {LONGEST} characters")
    if text != text.strip(_STRIPPED):
        raise Misfit(column.name, "begins or ends with a blank, which Canvas takes away")
    if not text.strip():
        raise Misfit(column.name, "holds nothing but blanks, which Canvas takes for nothing")
    if any(unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") for one in text):
        raise Misfit(column.name, "holds a line break or another sign that steers a machine")
    if text == DELETE_WORD:
        raise Misfit(column.name, "is the word by which Canvas empties a field")
