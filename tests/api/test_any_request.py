"""Whatever the published description lets be sent, or does not, the answer is as it says.

A property-based tester makes requests from the published OpenAPI files, right ones and wrong
ones, and judges every answer by them. A few for each operation; many where
MATRICULA_TEST_WHOLE is set. Every right one is sent once more to records that are there.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings

from tests.api.consumers import consumer, fill
from tests.api.schemas import FILES, folder_of, published
from tests.api.test_receiving import receiving_charter
from tests.api.test_schemas import NAMED, SINGLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(3000)]
# Right ones, wrong ones; for each operation.
RIGHT, WRONG = (50, 50) if os.environ.get("MATRICULA_TEST_WHOLE") else (2, 1)
EVERYTHING = (
    "[categories, lineItems, results, scoreScales, assessmentLineItems, assessmentResults]"
)
# What references of these types lead to, where it is not named otherwise.
HOME = {
    "academicSession": "2026-autumn", "assessmentLineItem": "admission", "category": "coursework",
    "class": "law101-a", "course": "law101", "lineItem": "essay", "org": "northfield",
    "scoreScale": "hundred", "user": "S2",
}  # fmt: skip


@pytest.fixture
def application() -> Iterator[Any]:
    """Our WSGI application, within the test's own transaction."""
    from matricula.site.wsgi import application

    signals = (request_started, request_finished)
    for one in signals:
        one.disconnect(close_old_connections)
    yield application
    for one in signals:
        one.connect(close_old_connections)


def brought_home(case: Any) -> Any:
    """Turn a request to records that are there: in its address, its question and its body."""
    collection = case.path.strip("/").partition("/")[0]
    named = {f"{word}SourcedId": one for word, one in NAMED.items()}
    named |= {"sourcedId": SINGLE.get(collection, ""), "academicSessionSourcedId": "2026-autumn"}
    case.path_parameters = {name: named[name] for name in case.path_parameters or {}}
    for name in ("filter", "sort", "fields"):
        if case.query and name in case.query:
            case.query[name] = {
                "filter": "dateLastModified>='2026-01-01T00:00:00Z' AND status='active'",
                "sort": "dateLastModified", "fields": ["sourcedId", "status"],
            }[name]  # fmt: skip
    if isinstance(case.body, dict):
        for told in case.body.values():
            if isinstance(told, dict):
                told["sourcedId"] = case.path_parameters.get("sourcedId", "any")
                told["status"] = "active"
                told.pop("metadata", None)
                led_home(told)
    return case


def led_home(told: dict[str, Any]) -> None:
    for value in told.values():
        if isinstance(value, dict) and value.get("type") in HOME:
            value["sourcedId"] = HOME[value["type"]]


@pytest.mark.parametrize("service", FILES)
def test_every_answer_is_what_the_published_description_says(
    service: str, shared: Path, tmp_path, settings, application
):
    receiving_charter(tmp_path, settings, receives=EVERYTHING)
    fill()
    seen = Counter(said_of(service, folder_of(shared), application, consumer().token))

    # The tester reached what there is, and not only the door.
    assert seen["GET", 200] > 5
    assert seen["GET", 400] > 5
    assert not {status for _, status in seen if status >= 500}
    if service == "gradebook":
        assert seen["PUT", 201] >= 1
        assert seen["PUT", 422] > 5
        assert seen["DELETE", 204] >= 1


def said_of(service: str, folder: Path, application: Any, token: str) -> list[tuple[str, int]]:
    """Send requests for every operation of a service: the methods and what was answered."""
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import (
        positive_data_acceptance,
        response_schema_conformance,
    )

    address = f"http://testserver/ims/oneroster/{service}/v1p2"
    document = {**published(folder / FILES[service]), "servers": [{"url": address}]}
    schema = schemathesis.openapi.from_dict(document)
    schema.app = application
    seen: list[tuple[str, int]] = []

    def send(case: Any) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {token}"})
        seen.append((case.method, answer.status_code))
        # A text that is no filter is one to the description, and not to us; and it cannot say
        # that of an object only what was selected is given.
        left_out = [positive_data_acceptance]
        left_out += [response_schema_conformance] if "fields" in (case.query or {}) else []
        case.validate_response(answer, excluded_checks=left_out)

    def send_twice(case: Any) -> None:
        send(case)
        send(brought_home(case))

    for found in schema.get_all_operations():
        operation = found.ok()
        right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
        repeated(RIGHT, send_twice, right)
        # There is no wrong identifier to delete by: each is a text.
        if operation.method != "delete":
            wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
            repeated(WRONG, send, wrong)
    return seen


def repeated(times: int, test: Any, strategy: Any) -> None:
    """Try a few examples, always the same ones."""
    settings(
        max_examples=times, deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )(given(strategy)(test))()  # fmt: skip
