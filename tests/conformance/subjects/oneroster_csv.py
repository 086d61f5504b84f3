"""The OneRoster connector's subjects: users and enrolments of bundles in both versions."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import Subject
from matricula.connectors.kit.protocol import Context
from matricula.connectors.oneroster_csv.connector import OneRosterCsvConnector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from matricula.connectors.kit.protocol import Connector, Value

ORGS = [{"sourcedId": "northfield", "name": "Northfield University", "type": "school"}]
TERMS = [
    {
        "sourcedId": "2026-autumn",
        "title": "Autumn 2026",
        "type": "term",
        "startDate": "2026-09-01",
        "endDate": "2027-01-15",
        "schoolYear": "2027",
    }
]
COURSES = [{"sourcedId": "bio", "title": "Biology", "orgSourcedId": "northfield"}]
CLASSES = [
    {
        "sourcedId": "bio-1",
        "title": "Biology 1",
        "courseSourcedId": "bio",
        "classType": "scheduled",
        "schoolSourcedId": "northfield",
        "termSourcedIds": "2026-autumn",
    }
]
AMARA = {
    "sourcedId": "amara",
    "enabledUser": "true",
    "username": "amara",
    "givenName": "Amara",
    "familyName": "Okafor",
}


def _user(n: int) -> Mapping[str, Value]:
    return {
        "sourcedId": f"s{n:07d}",
        "username": f"user{n}",
        "givenName": "Bela",
        "familyName": f"Ngô {n}",
        "middleName": "first, \"second\"; 'third'",
        "email": f"user{n}@northfield.example",
        "identifier": f"{n:07d}",
    }


def _user_of_1_1(n: int) -> Mapping[str, Value]:
    return {**_user(n), "role": "student", "orgSourcedIds": "northfield"}


def _enrollment(n: int) -> Mapping[str, Value]:
    return {
        "sourcedId": f"amara-{n}",
        "classSourcedId": "bio-1",
        "schoolSourcedId": "northfield",
        "userSourcedId": "amara",
        "role": "student",
        "beginDate": "2026-09-07",
        "metadata.note": f"place {n}",
    }


def _maker(
    *, there: bool = True, **more: object
) -> Callable[[Path], AbstractContextManager[Connector]]:
    @contextmanager
    def make(folder: Path) -> Iterator[Connector]:
        if there:
            (folder / "drop").mkdir()
        stated = {"file": "drop/bundle.zip", "missing_ok": True, **more}
        settings = OneRosterCsvConnector.Settings.model_validate(stated)
        connector = OneRosterCsvConnector(settings, Context("vle", folder))
        yield connector
        connector.close()

    return make


def _users(name: str, row: Callable[[int], Mapping[str, Value]], **more: object) -> Subject:
    return Subject(
        name=name,
        make=_maker(**more),
        resource="users",
        row=row,
        match=("sourcedId",),
        change=("email", "changed@northfield.example"),
        text="identifier",
        clears="middleName",
        identity="sourcedId",
        refused={"givenName": None},
        away=_maker(there=False, **more),
    )


_ENROLLED = {
    "static": {
        "orgs": ORGS,
        "academicSessions": TERMS,
        "courses": COURSES,
        "classes": CLASSES,
        "users": [AMARA],
    },
    "metadata": {"enrollments": ["metadata.note"]},
}

SUBJECTS = (
    _users("oneroster-users-1.2", _user),
    _users("oneroster-users-1.1", _user_of_1_1, version="1.1", static={"orgs": ORGS}),
    _users("oneroster-users-delta", _user, mode="delta"),
    Subject(
        name="oneroster-enrollments",
        make=_maker(**_ENROLLED),
        resource="enrollments",
        row=_enrollment,
        match=("sourcedId",),
        change=("beginDate", "2026-10-01"),
        text="metadata.note",
        clears="beginDate",
        writes=frozenset({"create", "update", "delete"}),
        identity="sourcedId",
        refused={"userSourcedId": "nobody"},
        away=_maker(there=False, **_ENROLLED),
    ),
)
