"""The published OpenAPI files, and whether an answer is what they say."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.api.oneroster.operations import Operation

jsonschema = pytest.importorskip(
    "jsonschema", reason="jsonschema is not installed; answers are not checked against schemas"
)
FILES = {
    "rostering": "onerosterv1p2rostersservice_openapi3_v1p0.json",
    "gradebook": "onerosterv1p2gradebookservice_openapi3_v1p0.json",
    "resources": "onerosterv1p2resourcesservice_openapi3_v1p0.json",
}


def folder_of(shared: Path) -> Path:
    """Where the published files are; the test is left out where they are not."""
    folder = shared / "standards" / "oneroster-1.2-openapi"
    if not folder.is_dir():
        pytest.skip(f"the OneRoster schemas are not at {folder}")
    return folder


@cache
def published(path: Path) -> dict[str, Any]:
    """A published file."""
    return json.loads(path.read_text(encoding="utf-8"))


def described(folder: Path, operation: Operation) -> dict[str, Any]:
    """What a published file says of an operation."""
    return described_as(folder, operation.name, operation.shape.service)


def described_as(folder: Path, name: str, service: str) -> dict[str, Any]:
    """What a published file says of an operation, by its name there."""
    (found,) = [
        one
        for path in published(folder / FILES[service])["paths"].values()
        for one in path.values()
        if isinstance(one, dict) and one.get("operationId") == name
    ]
    return found


def validator(folder: Path, operation: Operation, status: str = "200") -> Any:
    """What judges an answer of an operation, by its status."""
    return validator_of(folder, operation.name, operation.shape.service, status)


@cache
def validator_of(folder: Path, name: str, service: str = "gradebook", status: str = "200") -> Any:
    """What judges an answer of an operation, by its name."""
    told = described_as(folder, name, service)["responses"][status]["content"]["application/json"]
    document = published(folder / FILES[service])
    schema = {**told["schema"], "components": document["components"]}
    checker = jsonschema.Draft4Validator.FORMAT_CHECKER
    return jsonschema.Draft4Validator(schema, format_checker=checker)


def assert_valid(answer: bytes, judge: Any) -> None:
    """Fail with every breach of the schema."""
    wrong = [
        f"{list(one.absolute_path)}: {one.message}"
        for one in judge.iter_errors(json.loads(answer))
    ]
    assert wrong == []
