"""The importers of the small Canvas but for users: what a row does, and why it fails.

Source: lib/sis/*_importer.rb of Canvas; the messages are in its words.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from matricula.connectors.canvas.simulator.batch import RowError
from matricula.connectors.canvas.simulator.campus import (
    TYPES,
    Account,
    Campus,
    Course,
    Enrollment,
    Pseudonym,
    Section,
    Term,
)
from matricula.connectors.canvas.simulator.user_importers import login_row, user_row

if TYPE_CHECKING:
    from collections.abc import Callable

    from matricula.connectors.canvas.simulator.batch import Batch, Line

_LONGEST = 255
Thing = Account | Term | Course | Section | Enrollment


def row_of(campus: Campus, batch: Batch, kind: str, line: Line) -> str | None:
    """Import one row.

    Returns:
        What Canvas says of it, if it says something; the row may have taken effect all the same.
    """
    importers: dict[str, Callable[[Campus, Batch, Line], str | None]] = {
        "change_sis_id": _change_sis_id,
        "account": _account,
        "term": _term,
        "course": _course,
        "section": _section,
        "user": user_row,
        "login": login_row,
        "enrollment": _enrollment,
    }
    if batch.on("skip_deletes") and line.get("status").lower() == "deleted":
        return None
    try:
        return importers[kind](campus, batch, line)
    except RowError as error:
        return str(error)


def _change_sis_id(campus: Campus, batch: Batch, line: Line) -> None:  # noqa: ARG001 - as all importers
    kind, old, new = line.get("type").lower(), line.get("old_id"), line.get("new_id")
    if not old:
        raise RowError("No old_id or old_integration_id given for change_sis_id")
    if not new:
        raise RowError("No new_id or new_integration_id given for change_sis_id")
    finders: dict[str, Callable[[str], Pseudonym | Account | Term | Course | Section | None]] = {
        "user": campus.pseudonym,
        "account": campus.account,
        "term": campus.term,
        "course": campus.course,
        "section": campus.section,
    }
    if kind not in finders:
        raise RowError(f"Invalid type '{kind}' for change_sis_id")
    column = "sis_user_id" if kind == "user" else "sis_source_id"
    if finders[kind](new) is not None:
        raise RowError(
            f"A new_id, '{new}', referenced an existing {kind} and the {kind} with {column} "
            f"'{old}' was not updated"
        )
    thing = finders[kind](old)
    if thing is None:
        raise RowError(
            f"An old_id, '{old}', referenced a non-existent {kind} and was not changed."
        )
    campus.give_sis_id(thing, new)


def _account(campus: Campus, batch: Batch, line: Line) -> None:
    sis_id, name, status = line.get("account_id"), line.get("name"), line.get("status")
    if not sis_id:
        raise RowError("No account_id given for an account")
    parent = None
    if line.get("parent_account_id"):
        parent = campus.account(line.get("parent_account_id"))
        if parent is None:
            raise RowError(f"Parent account didn't exist for {sis_id}")
    account = campus.account(sis_id)
    if account is None:
        if not name:
            raise RowError(f"No name given for account {sis_id}, skipping")
        _status(status, "active|deleted", f"account {sis_id}, skipping")
        account = Account(campus.number(), name, 1)
        campus.accounts[account.id] = account
        campus.give_sis_id(account, sis_id)
    _put(batch, account, "parent_id", parent.id if parent else 1)
    if name:
        _put(batch, account, "name", _short(name, "account"))
    account.integration_id = line.get("integration_id") or None
    if status:
        account.workflow_state = status.lower()


def _term(campus: Campus, batch: Batch, line: Line) -> None:
    sis_id, name, status = line.get("term_id"), line.get("name"), line.get("status")
    if not sis_id:
        raise RowError("No term_id given for a term")
    _status(status, "active|deleted", f"term {sis_id}")
    if not name:
        raise RowError(f"No name given for term {sis_id}")
    term = campus.term(sis_id)
    if term is None:
        term = Term(campus.number())
        campus.terms[term.id] = term
        campus.give_sis_id(term, sis_id)
    _put(batch, term, "name", _short(name, "term"))
    term.integration_id = line.get("integration_id") or None
    term.workflow_state = status.lower()
    _dates(batch, term, line)


def _course(campus: Campus, batch: Batch, line: Line) -> None:
    _sound_course(line)
    sis_id = line.get("course_id")
    account = campus.account(line.get("account_id")) if line.get("account_id") else None
    if line.get("account_id") and account is None:
        raise RowError(f'Account not found "{line.get("account_id")}" for course {sis_id}')
    names = (_short(line.get("short_name"), "course"), _short(line.get("long_name"), "course"))
    course = campus.course(sis_id)
    if course is None:
        course = Course(campus.number())
        campus.courses[course.id] = course
        campus.give_sis_id(course, sis_id)
    # A term that is not there is passed over without a word.
    term = campus.term(line.get("term_id")) if line.get("term_id") else None
    if term is not None and term.workflow_state == "active":
        _put(batch, course, "enrollment_term_id", term.id)
    if account is not None and account.workflow_state == "active":
        _put(batch, course, "account_id", account.id)
    _put(batch, course, "course_code", names[0])
    _put(batch, course, "name", names[1])
    course.integration_id = line.get("integration_id") or None
    _course_format(course, line.get("course_format"))
    _course_state(batch, course, line.get("status").lower())
    _course_dates(batch, course, line)


def _sound_course(line: Line) -> None:
    sis_id, form = line.get("course_id"), line.get("course_format")
    if not sis_id:
        raise RowError("No course_id given for a course")
    for name in ("short_name", "long_name"):
        if not line.get(name):
            raise RowError(f"No {name} given for course {sis_id}")
    statuses = "active|deleted|completed|unpublished|published"
    _status(line.get("status"), statuses, f"course {sis_id}")
    if form and form not in ("online", "on_campus", "blended", "not_set"):
        raise RowError(f'Invalid course_format "{form}" for course {sis_id}')


def _course_format(course: Course, form: str) -> None:
    if form:
        course.course_format = None if form == "not_set" else form


def _course_state(batch: Batch, course: Course, status: str) -> None:
    if status in ("deleted", "completed"):
        _put(batch, course, "workflow_state", status)
        return
    meant = "available" if status == "published" else "claimed"
    became = {"completed": "available", "deleted": meant, "created": meant, "claimed": meant}
    _put(batch, course, "workflow_state", became.get(course.workflow_state, course.workflow_state))


def _course_dates(batch: Batch, course: Course, line: Line) -> None:
    if {"start_at", "conclude_at"} & course.stuck and not batch.on("override_sis_stickiness"):
        return
    for column, name in (("start_date", "start_at"), ("end_date", "conclude_at")):
        if line.get(column) == "<delete>":
            setattr(course, name, None)
        elif line.get(column):
            setattr(course, name, _instant(line.get(column)))


def _section(campus: Campus, batch: Batch, line: Line) -> None:
    sis_id, course_id = line.get("section_id"), line.get("course_id")
    _sound_section(line)
    course = campus.course(course_id)
    if course is None:
        raise RowError(f"Section {sis_id} references course {course_id} which doesn't exist")
    section = campus.section(sis_id)
    if not line.get("name") and (section is None or line.get("status").lower() == "active"):
        raise RowError(f"No name given for section {sis_id} in course {course_id}")
    name = _short(line.get("name"), "section")
    if section is None:
        section = Section(campus.number(), course.id)
        campus.sections[section.id] = section
        campus.give_sis_id(section, sis_id)
    if section.nonxlist_course_id is None:
        _put(batch, section, "course_id", course.id)
    if name:
        _put(batch, section, "name", name)
    section.integration_id = line.get("integration_id") or None
    section.workflow_state = line.get("status").lower()
    _dates(batch, section, line)
    if section.workflow_state == "deleted":
        for one in campus.enrollments_of(iter([section.id])):
            one.workflow_state = "deleted"


def _sound_section(line: Line) -> None:
    sis_id, course_id = line.get("section_id"), line.get("course_id")
    if not sis_id:
        raise RowError(f"No section_id given for a section in course {course_id}")
    if not course_id:
        raise RowError(f"No course_id given for a section {sis_id}")
    _status(line.get("status"), "active|deleted", f"section {sis_id} in course {course_id}")


def _enrollment(campus: Campus, batch: Batch, line: Line) -> str | None:
    user_id, course_id, section_id = (line.get(n) for n in ("user_id", "course_id", "section_id"))
    status = line.get("status").lower()
    if not course_id and not section_id:
        raise RowError("No course_id or section_id given for an enrollment")
    if not user_id:
        raise RowError("No user_id given for an enrollment")
    _status(status, "active|deleted|completed|inactive", "an enrollment")
    pseudonym = campus.pseudonym(user_id)
    if pseudonym is None:
        raise RowError(
            f"User not found for enrollment (User ID: {user_id}, Course ID: {course_id}, "
            f"Section ID: {section_id})"
        )
    section = _place(campus, user_id, course_id, section_id)
    role = line.get("role")
    kind = campus.roles.get(role) or TYPES.get(role.lower(), "")
    if not kind:
        raise RowError(f'Improper role "{role}" for an enrollment')
    name = role if role in campus.roles else kind
    enrollment = campus.enrolled(section, pseudonym.user_id, name)
    if enrollment is None:
        enrollment = campus.enroll(section, pseudonym, kind, name)
        enrollment.workflow_state = "creation_pending"
    said = None
    if status == "active" and pseudonym.workflow_state == "deleted":
        status = "deleted"
        said = f"Attempted enrolling of deleted user {user_id} in course {course_id}"
    enrollment.workflow_state = status
    if line.get("limit_section_privileges"):
        enrollment.limited = line.get("limit_section_privileges").lower() == "true"
    _dates(batch, enrollment, line)
    return said


def _place(campus: Campus, user_id: str, course_id: str, section_id: str) -> Section:
    course = campus.course(course_id) if course_id else None
    section = campus.section(section_id) if section_id else None
    if course is None and section is None:
        raise RowError(
            "Neither course nor section existed for user enrollment "
            f"(Course ID: {course_id}, Section ID: {section_id}, User ID: {user_id})"
        )
    if section_id and section is None:
        raise RowError(f"An enrollment referenced a non-existent section {section_id}")
    if course_id and course is None:
        raise RowError(f"An enrollment referenced a non-existent course {course_id}")
    if section is None:
        raise RowError("The small Canvas enrols into sections only")
    homes = (section.course_id, section.nonxlist_course_id)
    if course is not None and course.id not in homes:
        raise RowError(
            f"An enrollment listed a section ({section_id}) and a course ({course_id}) that are "
            f"unrelated for user ({user_id})"
        )
    return section


def _put(batch: Batch, thing: Thing, name: str, value: object) -> None:
    """Write a field, unless somebody changed it by hand."""
    override = batch.on("override_sis_stickiness")
    if name in thing.stuck and not override:
        return
    setattr(thing, name, value)
    if override and batch.on("clear_sis_stickiness"):
        thing.stuck.discard(name)


def _dates(batch: Batch, thing: Term | Section | Enrollment, line: Line) -> None:
    """Write both dates; an empty cell clears, as does a column that is not there."""
    if {"start_at", "end_at"} & thing.stuck and not batch.on("override_sis_stickiness"):
        return
    thing.start_at = _instant(line.get("start_date"))
    thing.end_at = _instant(line.get("end_date"))


def _instant(text: str) -> str | None:
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _status(status: str, allowed: str, what: str) -> None:
    if not re.match(rf"\A({allowed})", status, re.IGNORECASE):
        raise RowError(f'Improper status "{status}" for {what}')


def _short(name: str, what: str) -> str:
    if len(name) > _LONGEST:
        raise RowError(
            f"A {what} did not pass validation ({what}: {name}, error: Name is too long)"
        )
    return name
