"""The Canvas connector's subjects, each on a small Canvas of its own, empty but for its owner."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.canvas.connector import CanvasConnector
from matricula.connectors.canvas.simulator import running_canvas
from matricula.connectors.kit.conformance import AT, Subject
from matricula.connectors.kit.http import Clock
from matricula.connectors.kit.protocol import Context, Write
from tests.counterparts.authority import authority_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from matricula.connectors.canvas.simulator import Simulator
    from matricula.connectors.kit.protocol import Connector, Value

_SECTIONS = 3
_PEOPLE = 30
# Imports are over in a moment here, so that waiting for half a second would be the test.
_CLOCK = Clock(sleep=lambda seconds: time.sleep(min(seconds, 0.002)))


@contextmanager
def _connected(canvas: Simulator, folder: Path, url: str = "") -> Iterator[CanvasConnector]:
    (folder / "token").write_text(canvas.token, encoding="utf-8")
    settings = CanvasConnector.Settings.model_validate(
        {
            "url": url or canvas.url,
            "token": f"file:{folder / 'token'}",
            "ca_file": authority_in(folder),
            "page_size": 10,
        }
    )
    connector = CanvasConnector(settings, Context("lms", folder), _CLOCK)
    yield connector
    connector.close()


@contextmanager
def _make(folder: Path) -> Iterator[Connector]:
    with running_canvas() as canvas, _connected(canvas, folder) as connector:
        yield connector


@contextmanager
def _away(folder: Path) -> Iterator[Connector]:
    # Port 9 ("discard") is privileged, and nothing of ours ever listens there.
    with running_canvas() as canvas, _connected(canvas, folder, "http://127.0.0.1:9") as connector:
        yield connector


@contextmanager
def _make_with_people(folder: Path) -> Iterator[Connector]:
    with running_canvas() as canvas, _connected(canvas, folder) as connector:
        _create(connector, "users", [_user(n) for n in range(_PEOPLE)], "user_id")
        yield connector


@contextmanager
def _make_with_courses(folder: Path) -> Iterator[Connector]:
    with running_canvas() as canvas, _connected(canvas, folder) as connector:
        _create(connector, "courses", [_course(n) for n in range(_SECTIONS)], "course_id")
        yield connector


@contextmanager
def _make_with_sections(folder: Path) -> Iterator[Connector]:
    with _make_with_courses(folder) as connector:
        _create(connector, "users", [_user(n) for n in range(_PEOPLE)], "user_id")
        _create(connector, "sections", [_section(n) for n in range(_SECTIONS)], "section_id")
        yield connector


def _create(
    connector: Connector, resource: str, rows: list[Mapping[str, Value]], match: str
) -> None:
    writes = [
        Write(str(n), "create", None, row, frozenset(row), {match: row[match]})
        for n, row in enumerate(rows)
    ]
    for outcome in connector.write(resource, writes, at=AT):
        assert outcome.error is None, outcome.error


def _user(n: int) -> Mapping[str, Value]:
    return {
        "user_id": f"S{n:06d}",
        "login_id": f"student{n}",
        "full_name": f'Amara "the first" Ngô {n}',
        "sortable_name": f"Ngô {n}, Amara",
        "short_name": f"Amara {n}",
        "email": f"student{n}@northfield.example",
        "integration_id": f"urn:northfield:{n:06d}",
        "authentication_provider_id": "7",
        "declared_user_type": "student",
        "status": "active",
    }


def _login(n: int) -> Mapping[str, Value]:
    return {
        "user_id": f"T{n:06d}",
        "login_id": f"tutor{n}",
        "existing_user_id": f"S{n % _PEOPLE:06d}",
        "authentication_provider_id": "7",
    }


def _account(n: int) -> Mapping[str, Value]:
    return {"account_id": f"FAC/{n}", "name": f"Faculty {n}", "integration_id": f"f{n}"}


def _term(n: int) -> Mapping[str, Value]:
    return {
        "term_id": f"2026-{n}",
        "name": f"Term {n}",
        "start_date": "2026-09-01T00:00:00Z",
        "end_date": "2026-12-20T17:30:00Z",
    }


def _course(n: int) -> Mapping[str, Value]:
    return {
        "course_id": f"LAW10{n}.2026",
        "short_name": f"LAW10{n}",
        "long_name": f"Law, an introduction, {n}",
        "start_date": "2026-09-01T00:00:00Z",
        "end_date": "2026-12-20T17:30:00Z",
        "course_format": "on_campus",
        "integration_id": f"c{n}",
        "status": "active",
    }


def _section(n: int) -> Mapping[str, Value]:
    return {
        "section_id": f"LAW10{n % _SECTIONS}.2026 group {n}",
        "course_id": f"LAW10{n % _SECTIONS}.2026",
        "name": f"Group {n}",
        "start_date": "2026-09-01T00:00:00Z",
        "end_date": "2026-12-20T17:30:00Z",
        "integration_id": f"s{n}",
    }


def _enrollment(n: int) -> Mapping[str, Value]:
    section = _section(n % _SECTIONS)
    return {
        "section_id": section["section_id"],
        "user_id": f"S{n % _PEOPLE:06d}",
        "role": "student" if n < _PEOPLE else "teacher",
        "course_id": section["course_id"],
        "start_date": "2026-09-01T00:00:00Z",
        "end_date": "2026-12-20T17:30:00Z",
        "limit_section_privileges": True,
        "status": "active",
    }


USERS = Subject(
    name="canvas-users",
    make=_make,
    resource="users",
    row=_user,
    match=("user_id",),
    change=("full_name", "Amara Okafor"),
    text="full_name",
    clears="declared_user_type",
    identity="user_id",
    refused={"authentication_provider_id": "404"},
    many=25,
    away=_away,
)
LOGINS = Subject(
    name="canvas-logins",
    make=_make_with_people,
    resource="logins",
    row=_login,
    match=("user_id",),
    identity="user_id",
    refused={"existing_user_id": "nobody"},
    writes=frozenset({"create", "delete"}),
    many=25,
    away=_away,
)
ACCOUNTS = Subject(
    name="canvas-accounts",
    make=_make,
    resource="accounts",
    row=_account,
    match=("account_id",),
    change=("name", "School of Law"),
    text="name",
    clears="integration_id",
    identity="account_id",
    refused={"parent_account_id": "nowhere"},
    writes=frozenset({"create", "update", "delete"}),
    many=25,
    away=_away,
)
TERMS = Subject(
    name="canvas-terms",
    make=_make,
    resource="terms",
    row=_term,
    match=("term_id",),
    change=("name", "Michaelmas"),
    clears="end_date",
    identity="term_id",
    refused={"name": None},
    writes=frozenset({"create", "update", "delete"}),
    many=25,
    away=_away,
)
COURSES = Subject(
    name="canvas-courses",
    make=_make,
    resource="courses",
    row=_course,
    match=("course_id",),
    change=("long_name", "Law for beginners"),
    text="long_name",
    clears="end_date",
    identity="course_id",
    refused={"account_id": "nowhere"},
    writes=frozenset({"create", "update", "delete"}),
    many=25,
    away=_away,
)
SECTIONS = Subject(
    name="canvas-sections",
    make=_make_with_courses,
    resource="sections",
    row=_section,
    match=("section_id",),
    change=("name", "Evening group"),
    clears="end_date",
    identity="section_id",
    refused={"course_id": "nowhere"},
    writes=frozenset({"create", "update", "delete"}),
    many=25,
    away=_away,
)
ENROLLMENTS = Subject(
    name="canvas-enrollments",
    make=_make_with_sections,
    resource="enrollments",
    row=_enrollment,
    match=("section_id", "user_id", "role"),
    change=("limit_section_privileges", False),
    clears="end_date",
    refused={"user_id": "nobody"},
    many=25,
    away=_away,
)
SUBJECTS = [USERS, LOGINS, ACCOUNTS, TERMS, COURSES, SECTIONS, ENROLLMENTS]
