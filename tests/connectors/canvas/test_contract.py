"""What Canvas is taken to do: tried on the small Canvas, and on a real one where there is one.

A real one is tried where `MATRICULA_TEST_CANVAS_URL` and `MATRICULA_TEST_CANVAS_TOKEN` name it
(and `MATRICULA_TEST_CANVAS_ACCOUNT` its root account; `self` otherwise): a test instance, whose
token may import. Everything that is made there has a number of its own for the run, and is
deleted again.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.canvas.connector import CanvasConnector
from matricula.connectors.canvas.simulator import running_canvas
from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.protocol import Context, Outcome, Value, Write
from tests.connectors.canvas.conftest import HASTY, create

if TYPE_CHECKING:
    from collections.abc import Iterator

URL, TOKEN, ACCOUNT = (f"MATRICULA_TEST_CANVAS_{name}" for name in ("URL", "TOKEN", "ACCOUNT"))


@dataclass
class Tried:
    """A connector, and what the records of this run are called."""

    connector: CanvasConnector
    run: str

    def name(self, what: str) -> str:
        return f"{self.run}-{what}"

    def write(self, resource: str, *writes: Write) -> list[Outcome]:
        return self.connector.write(resource, writes, at=AT)

    def make(self, resource: str, *rows: dict[str, Value]) -> None:
        outcomes = self.write(resource, *(create(resource, row) for row in rows))
        assert [one.error for one in outcomes] == [None] * len(rows)

    def change(self, resource: str, external_id: str, kind: str, **values: Value) -> Outcome:
        write = Write("key", kind, external_id, values, frozenset(values))  # type: ignore[arg-type]  # a verb
        return self.write(resource, write)[0]

    def seen(self, resource: str, external_id: str) -> dict[str, Value]:
        (found,) = self.connector.find(resource, [{"_id": external_id}])
        assert len(found) == 1
        return dict(found[0].fields)

    def user(self, who: str) -> dict[str, Value]:
        name = self.name(who)
        return {"user_id": name, "login_id": f"{name}@example.com", "full_name": f"{who} Ngô 王"}


@pytest.fixture(params=["small", "real"])
def tried(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tried]:
    if request.param == "real":
        if not (os.environ.get(URL) and os.environ.get(TOKEN)):
            pytest.skip(f"no Canvas to try: set {URL} and {TOKEN}")
        account = os.environ.get(ACCOUNT, "self")
        with _connected(os.environ[URL], TOKEN, account=account) as real:
            yield real
        return
    with running_canvas() as canvas:
        monkeypatch.setenv("MATRICULA_TEST_SMALL_CANVAS_TOKEN", canvas.token)
        with _connected(canvas.url, "MATRICULA_TEST_SMALL_CANVAS_TOKEN", small=True) as small:
            yield small


@contextmanager
def _connected(
    url: str, token: str, *, account: str = "self", small: bool = False
) -> Iterator[Tried]:
    settings = CanvasConnector.Settings.model_validate(
        {"url": url, "token": f"env:{token}", "account": account}
    )
    connector = CanvasConnector(settings, Context("lms", Path()), HASTY if small else None)
    tried = Tried(connector, f"matricula-{secrets.token_hex(4)}")
    tried.make("courses", {"course_id": tried.name("C"), "short_name": "C", "long_name": "Course"})
    tried.make(
        "sections",
        {"section_id": tried.name("A"), "course_id": tried.name("C"), "name": "Group A",
         "start_date": "2026-09-01T00:00:00Z", "end_date": "2026-12-20T17:30:00Z"},
    )  # fmt: skip
    tried.make("users", tried.user("Amara"), tried.user("Bela"))
    yield tried
    for who in ("Amara", "Bela"):
        tried.change("users", tried.name(who), "delete")
    tried.change("courses", tried.name("C"), "delete")
    connector.close()


def test_the_token_is_let_in_with_every_permission(tried: Tried):
    health = tried.connector.ping()

    assert health.well, health.sentence


def test_names_in_any_script_are_kept(tried: Tried):
    assert tried.seen("users", tried.name("Amara"))["full_name"] == "Amara Ngô 王"


def test_a_suspended_user_is_shown_as_such_and_comes_back(tried: Tried):
    name = tried.name("Amara")

    assert tried.change("users", name, "suspend").error is None
    assert tried.seen("users", name)["status"] == "suspended"
    assert tried.change("users", name, "resume").error is None

    assert tried.seen("users", name)["status"] == "active"


def test_renaming_a_section_keeps_its_dates(tried: Tried):
    name = tried.name("A")
    before = tried.seen("sections", name)

    assert tried.change("sections", name, "update", name="Evening group").error is None

    assert tried.seen("sections", name) == {**before, "name": "Evening group"}


def test_an_enrolment_is_made_inactive_and_ended(tried: Tried):
    row = {"section_id": tried.name("A"), "user_id": tried.name("Amara"), "role": "student"}
    seat = "|".join(str(value) for value in row.values())
    tried.make("enrollments", row)

    assert tried.change("enrollments", seat, "suspend").error is None
    assert tried.seen("enrollments", seat)["status"] == "inactive"
    assert tried.change("enrollments", seat, "delete").error is None

    assert tried.connector.find("enrollments", [{"_id": seat}]) == [[]]


def test_a_row_that_refers_to_nothing_is_refused_and_the_others_are_done(tried: Tried):
    good = {"section_id": tried.name("A"), "user_id": tried.name("Bela"), "role": "student"}
    bad = {**good, "user_id": tried.name("nobody")}

    first, second = tried.write(
        "enrollments", create("enrollments", bad), create("enrollments", good)
    )

    assert isinstance(first.error, SkipRow)
    assert "User_id names nobody" in first.error.message
    assert second.error is None


def test_a_login_that_another_has_is_refused(tried: Tried):
    thief = {**tried.user("Chidi"), "login_id": tried.user("Amara")["login_id"]}

    (outcome,) = tried.write("users", create("users", thief))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"


def test_a_user_gets_another_number(tried: Tried):
    old, new = tried.name("Bela"), tried.name("Bela 2")

    outcome = tried.change("users", old, "update", user_id=new)

    assert (outcome.error, outcome.external_id) == (None, new)
    assert tried.seen("users", new)["login_id"] == tried.user("Bela")["login_id"]
    assert tried.change("users", new, "update", user_id=old).error is None
