"""Every answer is what the published OpenAPI files say it is: objects closed, nothing missing."""

from __future__ import annotations

import re
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.test import Client

from matricula.api.oneroster.operations import Operation, operations
from matricula.connectors.kit.oneroster.json_text import path_of
from matricula.connectors.kit.oneroster.objects import rest_tables, shapes
from tests.api.consumers import consumer, fill, put
from tests.api.schemas import FILES, assert_valid, described, folder_of, published, validator

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db
NAMED = {
    "school": "northfield", "class": "law101-a", "course": "law101", "term": "2026-autumn",
    "student": "S1", "teacher": "T1", "user": "S1", "lineItem": "essay",
}  # fmt: skip
# Of these there is one of the kind that the collection is for.
SINGLE = {
    "academicSessions": "2026-autumn", "classes": "law101-a", "courses": "law101",
    "demographics": "S1", "enrollments": "S1-law101-a", "gradingPeriods": "2026-autumn-1",
    "orgs": "law-school", "schools": "northfield", "students": "S1", "teachers": "T1",
    "terms": "2026-autumn", "users": "S1", "categories": "coursework", "lineItems": "essay",
    "results": "S1-essay", "scoreScales": "hundred", "resources": "book-1",
    "assessmentLineItems": "admission", "assessmentResults": "S1-admission",
}  # fmt: skip


@pytest.fixture
def standard(shared: Path) -> Path:
    return folder_of(shared)


def address(operation: Operation) -> str:
    named = {**NAMED, "sourcedId": SINGLE.get(operation.path.partition("/")[0], "")}
    path = re.sub(r"\{(\w+)\}", lambda found: named[found[1]], operation.path)
    return f"{path_of(operation.shape.service)}/{path}"


def test_every_operation_answers_as_its_published_schema_says(standard: Path):
    fill()
    asking = consumer()

    for operation in operations():
        answer = asking.get(address(operation))

        assert answer.status_code == 200, (operation.name, answer.content)
        assert_valid(answer.content, validator(standard, operation))
        (told,) = answer.json().values()
        assert told, operation.name


def test_every_reading_operation_of_the_standard_is_offered_under_its_address(standard: Path):
    offered = {
        (one.name, one.shape.service, "/" + re.sub(r"\{\w+\}", "{}", one.path))
        for one in operations()
    }

    wanted = {
        (path["get"]["operationId"], service, re.sub(r"\{\w+\}", "{}", address))
        for service, file in FILES.items()
        for address, path in published(standard / file)["paths"].items()
        if "get" in path
    }

    assert offered == wanted


def test_the_discovery_files_name_operations_as_the_published_ones_do(standard: Path):
    posted = 0
    for service, file in FILES.items():
        ours = Client().get(f"{path_of(service)}/discovery/{file}").json()
        wanted = published(standard / file)

        for address, path in ours["paths"].items():
            for method, told in path.items():
                there = wanted["paths"][address][method]
                assert told["operationId"] == there["operationId"]
                assert scopes_of(told) == scopes_of(there)
                assert [one["name"] for one in told["parameters"]] == [
                    one["name"] for one in there["parameters"]
                ]
        lacking = {
            told["operationId"]
            for address, path in wanted["paths"].items()
            for method, told in path.items()
            if method not in ours["paths"].get(address, {})
        }
        # Whoever puts needs no POST, whose lost answer asked again makes a second mark.
        assert all(one.startswith("post") for one in lacking)
        posted += len(lacking)

    assert posted == 4


def scopes_of(told: dict) -> set[str]:
    return {scope for one in told["security"] for scope in one["OAuth2CC"]}


def test_the_scopes_of_every_operation_are_those_of_the_standard(standard: Path):
    for operation in operations():
        security = described(standard, operation)["security"]

        assert {scope for one in security for scope in one["OAuth2CC"]} == operation.scopes


def told_in(value: object) -> list[str]:
    """Every value that stands anywhere in an answer."""
    if isinstance(value, dict):
        return [one for part in value.values() for one in told_in(part)]
    if isinstance(value, list):
        return [one for part in value for one in told_in(part)]
    return [f"{value:g}" if isinstance(value, float) else str(value)]


def test_what_has_left_is_still_valid_and_says_no_more_of_the_person(standard: Path):
    fill()
    asking = consumer()

    put("results", {"sourcedId": "S1-essay"}, kind="delete")
    put("assessmentResults", {"sourcedId": "S1-admission"}, kind="delete")
    put(
        "enrollments",
        *({"sourcedId": one} for one in ("S1-law101-a", "S1-bio101-a")),
        kind="delete",
    )
    put("demographics", {"sourcedId": "S1"}, kind="delete")
    put("users", {"sourcedId": "S1"}, kind="delete")

    for operation in operations():
        if operation.is_single:
            answer = asking.get(address(operation))
            assert_valid(answer.content, validator(standard, operation))
            assert b"amara" not in answer.content.lower()
            assert b"2004-02-29" not in answer.content
            # The mark of a learning objective stands inside the result, and leaves with it.
            assert not {"64.5", "71.5", "80", "good"} & set(told_in(answer.json())), operation.name
    left = asking.get("/ims/oneroster/rostering/v1p2/users/S1").json()["user"]
    assert left["status"] == "tobedeleted"
    assert left["roles"][0]["role"] == "student"


def test_refusals_have_the_published_form(standard: Path):
    fill()
    asking, stranger = consumer(), consumer("stranger", scopes=["resource"])
    users = next(one for one in operations() if one.name == "getAllUsers")
    user = next(one for one in operations() if one.name == "getUser")

    cases = [
        (stranger.get(address(users)), users, "403"),
        (asking.get(address(users), filter="x"), users, "400"),
        (asking.get(address(users), fields="x"), users, "400"),
        (asking.get(address(users), sort="roles"), users, "400"),
        (asking.get(address(users), limit="x"), users, "400"),
        (asking.get(address(user) + "9"), user, "404"),
    ]

    for answer, operation, status in cases:
        assert str(answer.status_code) == status
        assert_valid(answer.content, validator(standard, operation, status))


def test_the_words_of_every_list_are_those_of_the_published_schemas(standard: Path):
    seen = 0
    for table, shape in shapes().items():
        document = published(standard / FILES[shape.service])["components"]["schemas"]
        told = document[f"{shape.one[:1].upper()}{shape.one[1:]}DType"]
        for one in shape.properties:
            if not one.column or one.how not in {"text", "list"}:
                continue
            words, extensible = words_of(told["properties"][one.name])
            column = rest_tables()[table].column(one.column)
            known = ("true", "false") if column.kind == "boolean" else column.values
            assert (sorted(words), extensible) == (sorted(known), column.extensible), one
            seen += bool(words)
    roles = published(standard / FILES["rostering"])["components"]["schemas"]["RoleDType"]
    for name in ("role", "roleType"):
        column = rest_tables()["roles"].column(name)
        words, extensible = words_of(roles["properties"][name])
        assert (sorted(words), extensible) == (sorted(column.values), column.extensible)

    assert seen > 15


def words_of(schema: dict) -> tuple[list[str], bool]:
    """The words that a property may have, and whether there may be further ones."""
    schema = schema.get("items", schema)
    parts = [one for one in schema.get("anyOf", [schema]) if "enum" in one]
    return (parts[0]["enum"], "anyOf" in schema) if parts else ([], False)


def test_the_migrations_make_the_tables_that_the_standard_lists():
    said = StringIO()

    call_command("makemigrations", "oneroster_provider", "api", dry_run=True, stdout=said)

    assert said.getvalue().startswith("No changes detected")
