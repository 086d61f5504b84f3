"""A small university served to two consumers, and how a test asks for what it is served."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.test import Client
from django.utils import timezone

from matricula.api import actions
from matricula.api.rules import SCOPES
from matricula.connectors.kit.protocol import Context, Write
from matricula.connectors.oneroster_provider.connector import OneRosterProviderConnector

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matricula.connectors.kit.protocol import Outcome, Value, WriteKind

AT = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
ROSTERING = "/ims/oneroster/rostering/v1p2"
GRADEBOOK = "/ims/oneroster/gradebook/v1p2"
RESOURCES = "/ims/oneroster/resources/v1p2"
# In the order of references.
WORLD: Mapping[str, tuple[dict[str, Value], ...]] = {
    "orgs": (
        {"sourcedId": "northfield", "name": "Northfield University", "type": "school",
         "identifier": "NF"},
        {"sourcedId": "law-school", "name": "Law", "type": "department", "identifier": "NF-L",
         "parentSourcedId": "northfield"},
    ),
    "academicSessions": (
        {"sourcedId": "2026-autumn", "title": "Autumn", "type": "term", "startDate": "2026-09-01",
         "endDate": "2027-01-15", "schoolYear": "2027"},
        {"sourcedId": "2026-autumn-1", "title": "First half", "type": "gradingPeriod",
         "startDate": "2026-09-01", "endDate": "2026-10-31", "schoolYear": "2027",
         "parentSourcedId": "2026-autumn"},
    ),
    "courses": (
        {"sourcedId": "law101", "title": "Contracts", "courseCode": "LAW101",
         "orgSourcedId": "northfield", "subjects": "law,contracts"},
        {"sourcedId": "bio101", "title": "Cells", "courseCode": "BIO101",
         "orgSourcedId": "northfield"},
    ),
    "classes": (
        {"sourcedId": "law101-a", "title": "Contracts A", "classCode": "LAW101-A",
         "classType": "scheduled", "courseSourcedId": "law101", "schoolSourcedId": "northfield",
         "termSourcedIds": "2026-autumn"},
        {"sourcedId": "bio101-a", "title": "Cells A", "courseSourcedId": "bio101",
         "schoolSourcedId": "northfield", "termSourcedIds": "2026-autumn"},
    ),
    "resources": (
        {"sourcedId": "book-1", "title": "Contracts", "vendorResourceId": "v-1",
         "roles": "student,teacher", "importance": "primary"},
    ),
    "classResources": (
        {"sourcedId": "law101-a-book", "classSourcedId": "law101-a",
         "resourceSourcedId": "book-1"},
    ),
    "courseResources": (
        {"sourcedId": "law101-book", "courseSourcedId": "law101", "resourceSourcedId": "book-1"},
    ),
    "users": (
        {"sourcedId": "S1", "username": "amara", "givenName": "Amara", "familyName": "Ngô",
         "email": "amara@northfield.example", "enabledUser": True, "identifier": "0001",
         "userIds": "{card:77},{login:amara}", "preferredGivenName": "Ama",
         "primaryOrgSourcedId": "northfield"},
        {"sourcedId": "S2", "username": "bela", "givenName": "Bela", "familyName": "O'Brien",
         "enabledUser": True, "identifier": "0002"},
        {"sourcedId": "S3", "username": "chidi", "givenName": "Chidi", "familyName": "Okafor",
         "enabledUser": False, "identifier": "0003"},
        {"sourcedId": "T1", "username": "dewi", "givenName": "Dewi", "familyName": "Jones",
         "enabledUser": True, "identifier": "0009"},
    ),
    "userProfiles": (
        {"sourcedId": "S1-vle", "userSourcedId": "S1", "profileType": "vle", "vendorId": "north",
         "credentialType": "saml", "username": "amara"},
    ),
    "roles": (
        *({"sourcedId": f"{one}-student", "userSourcedId": one, "roleType": "primary",
           "role": "student", "orgSourcedId": "northfield"} for one in ("S1", "S2", "S3")),
        {"sourcedId": "T1-teacher", "userSourcedId": "T1", "roleType": "primary",
         "role": "teacher", "orgSourcedId": "northfield"},
        {"sourcedId": "S1-aide", "userSourcedId": "S1", "roleType": "secondary", "role": "aide",
         "orgSourcedId": "law-school", "beginDate": "2026-09-01",
         "userProfileSourcedId": "S1-vle"},
    ),
    "userResources": (
        {"sourcedId": "S1-book", "userSourcedId": "S1", "resourceSourcedId": "book-1"},
    ),
    "demographics": (
        {"sourcedId": "S1", "birthDate": "2004-02-29", "sex": "female"},
    ),
    "enrollments": (
        *({"sourcedId": f"{one}-law101-a", "classSourcedId": "law101-a", "userSourcedId": one,
           "schoolSourcedId": "northfield", "role": "student", "beginDate": "2026-09-01"}
          for one in ("S1", "S2", "S3")),
        {"sourcedId": "T1-law101-a", "classSourcedId": "law101-a", "userSourcedId": "T1",
         "schoolSourcedId": "northfield", "role": "teacher", "primary": True},
        {"sourcedId": "S1-bio101-a", "classSourcedId": "bio101-a", "userSourcedId": "S1",
         "schoolSourcedId": "northfield", "role": "student"},
    ),
    "categories": ({"sourcedId": "coursework", "title": "Coursework", "weight": 40},),
    "scoreScales": (
        {"sourcedId": "hundred", "title": "Percent", "type": "ordinal",
         "classSourcedId": "law101-a", "courseSourcedId": "law101", "orgSourcedId": "northfield",
         "scoreScaleValue": "{0:fail},{40:pass}"},
    ),
    "lineItems": (
        {"sourcedId": "essay", "title": "Essay", "assignDate": "2026-10-01",
         "dueDate": "2026-10-31", "classSourcedId": "law101-a", "categorySourcedId": "coursework",
         "schoolSourcedId": "northfield", "academicSessionSourcedId": "2026-autumn",
         "resultValueMin": "0", "resultValueMax": "100"},
    ),
    "results": (
        {"sourcedId": "S1-essay", "lineItemSourcedId": "essay", "studentSourcedId": "S1",
         "scoreStatus": "fully graded", "score": "71.5", "scoreDate": "2026-11-05",
         "comment": "Well argued.\nDo cite.", "late": False, "classSourcedId": "law101-a"},
        {"sourcedId": "S2-essay", "lineItemSourcedId": "essay", "studentSourcedId": "S2",
         "scoreStatus": "submitted", "scoreDate": "2026-11-05"},
    ),
    "lineItemScoreScales": (
        {"sourcedId": "essay-hundred", "lineItemSourcedId": "essay",
         "scoreScaleSourcedId": "hundred"},
    ),
    "lineItemLearningObjectiveIds": (
        {"sourcedId": "essay-a", "lineItemSourcedId": "essay", "source": "case",
         "learningObjectiveId": "argue"},
        {"sourcedId": "essay-b", "lineItemSourcedId": "essay", "source": "case",
         "learningObjectiveId": "cite"},
        {"sourcedId": "essay-c", "lineItemSourcedId": "essay", "source": "unknown",
         "learningObjectiveId": "write"},
    ),
    "resultScoreScales": (
        {"sourcedId": "S1-essay-hundred", "resultSourcedId": "S1-essay",
         "scoreScaleSourcedId": "hundred"},
    ),
    "resultLearningObjectiveIds": (
        {"sourcedId": "S1-essay-a", "resultSourcedId": "S1-essay", "source": "case",
         "learningObjectiveId": "argue", "score": "80"},
        {"sourcedId": "S1-essay-b", "resultSourcedId": "S1-essay", "source": "case",
         "learningObjectiveId": "cite", "textScore": "good"},
    ),
    "assessmentLineItems": (
        {"sourcedId": "admission", "title": "Admission test", "description": "Two\nparts.",
         "classSourcedId": "law101-a", "scoreScaleSourcedId": "hundred",
         "resultValueMin": "0", "resultValueMax": "100"},
        {"sourcedId": "admission-1", "title": "Reading",
         "parentAssessmentLineItemSourcedId": "admission"},
    ),
    "assessmentLineItemLearningObjectiveIds": (
        {"sourcedId": "admission-a", "assessmentLineItemSourcedId": "admission",
         "source": "unknown", "learningObjectiveId": "read"},
    ),
    "assessmentResults": (
        {"sourcedId": "S1-admission", "assessmentLineItemSourcedId": "admission",
         "studentSourcedId": "S1", "scoreStatus": "fully graded", "score": "64.5",
         "scorePercentile": "81", "scoreDate": "2026-09-02", "scoreScaleSourcedId": "hundred",
         "comment": "Well read.", "missing": False},
    ),
    "assessmentResultLearningObjectiveIds": (
        {"sourcedId": "S1-admission-a", "assessmentResultSourcedId": "S1-admission",
         "source": "unknown", "learningObjectiveId": "read", "score": "64.5"},
    ),
}  # fmt: skip


def served(system: str = "vle", **settings: object) -> OneRosterProviderConnector:
    """A connector for a system that is served."""
    told = OneRosterProviderConnector.Settings.model_validate(settings)
    return OneRosterProviderConnector(told, Context(system, Path()))


def put(
    table: str,
    *rows: Mapping[str, Value],
    system: str = "vle",
    kind: WriteKind = "create",
    **settings: object,
) -> list[Outcome]:
    """Have rows flow to a served system; none may be refused."""
    writes = [
        Write(
            str(row["sourcedId"]), kind, None if kind == "create" else str(row["sourcedId"]),
            row, frozenset(row), {"sourcedId": row["sourcedId"]},
        )
        for row in rows
    ]  # fmt: skip
    with closing(served(system, **settings)) as connector:
        outcomes = connector.write(table, writes, at=AT)
    assert [one.error for one in outcomes if one.error] == []
    return outcomes


def fill(system: str = "vle", tables: Iterable[str] = WORLD) -> None:
    """Have the whole small university served."""
    for table in tables:
        put(table, *WORLD[table], system=system)


def let_in(name: str = "moodle", system: str = "vle", scopes: Iterable[str] = SCOPES) -> str:
    """Let a client in; its secret."""
    doing = actions.Doing("olga", "the term begins", timezone.now())
    return actions.let_in(doing, name, system=system, scopes=list(scopes))


@dataclass
class Consumer:
    """A consumer with a token."""

    token: str

    def get(self, path: str, **query: str | int) -> Any:
        """Ask for something."""
        header = {"HTTP_AUTHORIZATION": f"Bearer {self.token}"} if self.token else {}
        return Client(raise_request_exception=False).get(path, query, **header)

    def ids(self, path: str, **query: str | int) -> list[str]:
        """Ask for a listing under rostering; the identifiers on the page."""
        answer = self.get(path if path.startswith("/") else f"{ROSTERING}/{path}", **query)
        assert answer.status_code == 200, answer.content
        (records,) = answer.json().values()
        return [record["sourcedId"] for record in records]


def consumer(
    name: str = "moodle", system: str = "vle", scopes: Iterable[str] = SCOPES
) -> Consumer:
    """Let a client in and give it a token."""
    secret = let_in(name, system, scopes)
    return Consumer(actions.issue(name, secret, scopes=[], at=timezone.now()).token)
