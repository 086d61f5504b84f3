"""A Canvas connector on a small Canvas of its own, with the switches of its failures."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from matricula.connectors.canvas.connector import CanvasConnector
from matricula.connectors.canvas.simulator import Simulator, running_canvas
from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.http import Clock
from matricula.connectors.kit.protocol import Context, Outcome, Value, Write, WriteKind
from tests.counterparts.authority import authority_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TOKEN = "env:MATRICULA_TEST_SMALL_CANVAS_TOKEN"
# Imports of a small Canvas are over in a moment, and what is waited for is not time.
HASTY = Clock(sleep=lambda seconds: time.sleep(min(seconds, 0.002)))


@dataclass
class Lms:
    """A connector, and the small Canvas behind it."""

    connector: CanvasConnector
    canvas: Simulator

    def write(self, resource: str, *writes: Write) -> list[Outcome]:
        return self.connector.write(resource, writes, at=AT)

    def create(self, resource: str, *rows: dict[str, Value]) -> list[Outcome]:
        """Create records that must be made, one write each; keys are their SIS IDs."""
        outcomes = self.write(resource, *(create(resource, row) for row in rows))
        assert [one.error for one in outcomes] == [None] * len(rows)
        return outcomes

    def change(
        self, resource: str, external_id: str | None, kind: WriteKind = "update", **values: Value
    ) -> Outcome:
        """Change a record of which a flow grants these values only."""
        write = Write("key", kind, external_id, values, frozenset(values))
        (outcome,) = self.write(resource, write)
        return outcome

    def rows(self, resource: str) -> dict[str, dict[str, Any]]:
        with self.connector.read(resource) as reading:
            found = [row for batch in reading.batches for row in batch.to_pylist()]
        return {row["_id"]: row for row in found}

    def imports(self) -> list[str]:
        """The query of every upload."""
        return [path for method, path in self.canvas.calls if method == "POST"]


def create(resource: str, row: dict[str, Value], **match: Value) -> Write:
    """Intend to create a record, found by its SIS IDs unless said otherwise."""
    names = {
        "users": ("user_id",), "logins": ("user_id",), "accounts": ("account_id",),
        "terms": ("term_id",), "courses": ("course_id",), "sections": ("section_id",),
        "enrollments": ("section_id", "user_id", "role"),
    }[resource]  # fmt: skip
    found_by = match or {name: row[name] for name in names}
    key = "|".join(str(row[name]) for name in names)
    return Write(key, "create", None, row, frozenset(row), found_by)


@pytest.fixture
def make_lms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Lms]]:
    """Make connectors, each on a small Canvas of its own, with settings of its own."""
    with ExitStack() as stack:

        def make(**settings: object) -> Lms:
            return stack.enter_context(_lms(monkeypatch, tmp_path, settings))

        yield make


@pytest.fixture
def lms(make_lms: Callable[..., Lms]) -> Lms:
    """A connector on an empty Canvas."""
    return make_lms()


@pytest.fixture
def term(make_lms: Callable[..., Lms]) -> Lms:
    """A connector on a Canvas with a course, two sections, and Amara and Bela in one of them."""
    lms = make_lms()
    fill(lms)
    return lms


def fill(lms: Lms) -> None:
    """Make a course, two sections, and Amara and Bela in one of them."""
    lms.create("courses", LAW)
    lms.create("sections", GROUP_A, GROUP_B)
    lms.create("users", AMARA, BELA)
    lms.create("enrollments", seat("S001"), seat("S002"))


@contextmanager
def _lms(
    monkeypatch: pytest.MonkeyPatch, folder: Path, settings: dict[str, object]
) -> Iterator[Lms]:
    with running_canvas() as canvas:
        monkeypatch.setenv(TOKEN.removeprefix("env:"), canvas.token)
        given = {"url": canvas.url, "token": TOKEN, "ca_file": authority_in(folder), **settings}
        connector = CanvasConnector(
            CanvasConnector.Settings.model_validate(given), Context("lms", Path()), HASTY
        )
        yield Lms(connector, canvas)
        connector.close()


AMARA: dict[str, Value] = {
    "user_id": "S001",
    "login_id": "amara",
    "full_name": "Amara Ngô",
    "sortable_name": "Ngô, Amara",
    "short_name": "Amara",
    "email": "amara@northfield.example",
}
BELA: dict[str, Value] = {
    "user_id": "S002",
    "login_id": "bela",
    "full_name": "Bela Ünal",
    "sortable_name": "Ünal, Bela",
    "short_name": "Bela",
    "email": "bela@northfield.example",
}
CHIDI: dict[str, Value] = {"user_id": "S003", "login_id": "chidi", "full_name": "Chidi Eze"}
LAW: dict[str, Value] = {
    "course_id": "LAW101",
    "short_name": "LAW101",
    "long_name": "Introduction to Law",
    "start_date": "2026-09-01T00:00:00Z",
}
GROUP_A: dict[str, Value] = {
    "section_id": "LAW101-A",
    "course_id": "LAW101",
    "name": "Group A",
    "start_date": "2026-09-01T00:00:00Z",
    "end_date": "2026-12-20T17:30:00Z",
}
GROUP_B: dict[str, Value] = {**GROUP_A, "section_id": "LAW101-B", "name": "Group B"}


def seat(user_id: str, section_id: str = "LAW101-A", role: str = "student") -> dict[str, Value]:
    """An enrolment."""
    return {"section_id": section_id, "user_id": user_id, "role": role}


def seat_id(user_id: str, section_id: str = "LAW101-A", role: str = "student") -> str:
    """How an enrolment is named."""
    return f"{section_id}|{user_id}|{role}"
