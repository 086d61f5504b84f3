"""Answers over the Open University's data are what the published schemas say.

Of some students, or of all of them where MATRICULA_TEST_WHOLE is set.
"""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING

import pytest

from matricula.api.oneroster.operations import operations
from matricula.connectors.kit.oneroster.json_text import path_of
from tests.api.consumers import consumer, put
from tests.api.schemas import assert_valid, folder_of, validator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(1500)]
SOME = 10**9 if os.environ.get("MATRICULA_TEST_WHOLE") else 150
STARTS = {"B": "02-01", "J": "10-01"}


def rows(data: Path, name: str) -> Iterator[dict[str, str]]:
    with (data / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def class_of(one: dict[str, str]) -> str:
    return f"{one['code_module']}-{one['code_presentation']}"


def load(data: Path) -> None:
    """Have the Open University served: presentations, some students, what they were marked."""
    put(
        "orgs",
        {"sourcedId": "ou", "name": "Open University", "type": "school", "identifier": "OU"},
    )
    courses = list(rows(data, "courses"))
    terms = {one["code_presentation"] for one in courses}
    put(
        "academicSessions",
        *(
            {
                "sourcedId": term,
                "title": term,
                "type": "term",
                "startDate": f"{term[:4]}-{STARTS[term[4]]}",
                "endDate": f"{int(term[:4]) + 1}-12-31",
                "schoolYear": term[:4],
            }
            for term in sorted(terms)
        ),
    )
    modules = sorted({one["code_module"] for one in courses})
    put(
        "courses",
        *({"sourcedId": m, "title": m, "courseCode": m, "orgSourcedId": "ou"} for m in modules),
    )
    put(
        "classes",
        *(
            {
                "sourcedId": class_of(one),
                "title": f"{one['code_module']} {one['code_presentation']}",
                "classType": "scheduled",
                "courseSourcedId": one["code_module"],
                "schoolSourcedId": "ou",
                "termSourcedIds": one["code_presentation"],
            }
            for one in courses
        ),
    )
    people = dict.fromkeys(one["id_student"] for one in rows(data, "studentInfo"))
    chosen = set(list(people)[:SOME])
    put(
        "users",
        *(
            {
                "sourcedId": one,
                "givenName": "Student",
                "familyName": one,
                "enabledUser": True,
                "identifier": one,
            }
            for one in people
            if one in chosen
        ),
    )
    put(
        "roles",
        *(
            {
                "sourcedId": f"{one}-student",
                "userSourcedId": one,
                "roleType": "primary",
                "role": "student",
                "orgSourcedId": "ou",
            }
            for one in people
            if one in chosen
        ),
    )
    put(
        "demographics",
        *(
            {"sourcedId": one["id_student"], "sex": {"M": "male", "F": "female"}[one["gender"]]}
            for one in {o["id_student"]: o for o in rows(data, "studentInfo")}.values()
            if one["id_student"] in chosen
        ),
    )
    put(
        "enrollments",
        *(
            {
                "sourcedId": f"{one['id_student']}-{class_of(one)}",
                "classSourcedId": class_of(one),
                "userSourcedId": one["id_student"],
                "schoolSourcedId": "ou",
                "role": "student",
            }
            for one in rows(data, "studentInfo")
            if one["id_student"] in chosen
        ),
    )
    _load_marks(data, chosen)


def _load_marks(data: Path, chosen: set[str]) -> None:
    put("categories", *({"sourcedId": kind, "title": kind} for kind in ("TMA", "CMA", "Exam")))
    put(
        "lineItems",
        *(
            {
                "sourcedId": one["id_assessment"],
                "title": one["assessment_type"],
                "assignDate": f"{one['code_presentation'][:4]}-10-01",
                "dueDate": f"{one['code_presentation'][:4]}-12-01",
                "resultValueMax": "100",
                "classSourcedId": class_of(one),
                "categorySourcedId": one["assessment_type"],
                "schoolSourcedId": "ou",
            }
            for one in rows(data, "assessments")
        ),
    )
    put(
        "results",
        *(
            {
                "sourcedId": f"{one['id_student']}-{one['id_assessment']}",
                "lineItemSourcedId": one["id_assessment"],
                "studentSourcedId": one["id_student"],
                "scoreStatus": "fully graded" if one["score"] else "exempt",
                "score": one["score"] or None,
                "scoreDate": "2013-12-01",
            }
            for one in rows(data, "studentAssessment")
            if one["id_student"] in chosen
        ),
    )


def test_every_page_of_every_collection_over_the_open_university_is_valid(shared: Path):
    folder = folder_of(shared)
    load(shared / "data" / "oulad")
    asking = consumer()
    seen = {}

    for operation in operations():
        if "{" in operation.path:
            continue
        offset, total = 0, 1
        while offset < total:
            path = f"{path_of(operation.shape.service)}/{operation.path}"
            answer = asking.get(path, limit=500, offset=offset)
            assert_valid(answer.content, validator(folder, operation))
            offset, total = offset + 500, int(answer["X-Total-Count"])
        seen[operation.path] = total

    assert seen["students"] == seen["users"] >= 150
    assert seen["enrollments"] >= seen["users"]
    assert seen["results"] > 500
