"""Who is let in, what is missing by name, and that no secret is ever told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from matricula.connectors.canvas.connector import CanvasConnector
from matricula.connectors.canvas.settings import CanvasSettings
from matricula.connectors.kit.errors import GiveUp, Stop
from matricula.connectors.kit.protocol import Context
from tests.connectors.canvas.conftest import AMARA, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.canvas.conftest import Lms


def test_a_canvas_that_lets_us_do_everything_is_well(lms: Lms):
    health = lms.connector.ping()

    assert health.well
    assert health.sentence == "Root account 1 lets us in."


@pytest.mark.parametrize(
    "permission",
    [
        "read_roster",
        "read_course_list",
        "view_all_grades",
        "manage_user_logins",
    ],
)
def test_a_missing_permission_is_named(lms: Lms, permission: str):
    lms.canvas.granted.discard(permission)

    health = lms.connector.ping()

    assert not health.well
    assert permission in health.sentence


@pytest.mark.parametrize("permission", ["read_sis", "import_sis"])
def test_managing_sis_is_as_good_as_reading_and_importing(lms: Lms, permission: str):
    lms.canvas.granted.discard(permission)
    assert lms.connector.ping().well

    lms.canvas.granted.discard("manage_sis")

    assert permission in lms.connector.ping().sentence


def test_an_account_without_imports_says_so_and_nothing_of_it_can_be_written(lms: Lms):
    lms.canvas.imports_enabled = False

    assert "SIS imports are not enabled" in lms.connector.ping().sentence
    assert {shape.writes for shape in lms.connector.describe()} == {frozenset()}
    with pytest.raises(Stop):
        lms.write("users", create("users", AMARA))


@pytest.mark.parametrize("how", ["wrong", "expired"])
def test_a_token_that_is_not_good_stops_everything(
    lms: Lms, how: str, monkeypatch: pytest.MonkeyPatch
):
    if how == "expired":
        lms.canvas.expired.add(lms.canvas.token)
    monkeypatch.setenv(
        "MATRICULA_TEST_SMALL_CANVAS_TOKEN", lms.canvas.token if how == "expired" else "s3cret"
    )

    with pytest.raises(Stop) as caught:
        lms.write("users", create("users", AMARA))

    assert caught.value.code == "M613"
    assert "token" in str(caught.value)
    health = lms.connector.ping()
    assert not health.well
    assert "s3cret" not in str(caught.value) + health.sentence
    assert lms.canvas.token not in str(caught.value) + health.sentence


def test_a_token_that_ends_after_a_batch_stops_the_next(lms: Lms):
    lms.create("users", AMARA)
    lms.canvas.expired.add(lms.canvas.token)

    with pytest.raises(Stop):
        lms.change("users", "S001", full_name="Amara Okafor")


def test_a_reader_of_marks_needs_no_permission_to_import(make_lms: Callable[..., Lms]):
    lms = make_lms(read_only=True)
    lms.canvas.granted.clear()
    lms.canvas.granted.update({"read_sis", "read_roster", "read_course_list", "view_all_grades"})

    assert lms.connector.ping().well
    assert {shape.writes for shape in lms.connector.describe()} == {frozenset()}
    with pytest.raises(GiveUp):
        lms.write("users", create("users", AMARA))


def test_marks_that_nobody_reads_need_no_permission(make_lms: Callable[..., Lms]):
    lms = make_lms(grades=False)
    lms.canvas.granted.discard("view_all_grades")

    assert lms.connector.ping().well
    assert "grades" not in {shape.name for shape in lms.connector.describe()}
    with pytest.raises(GiveUp):
        lms.rows("grades")


def test_an_account_that_is_not_there_is_said(lms: Lms):
    settings = CanvasSettings.model_validate(
        {"url": lms.canvas.url, "token": "env:MATRICULA_TEST_SMALL_CANVAS_TOKEN", "account": "77"}
    )
    connector = CanvasConnector(settings, Context("lms", Path()))

    health = connector.ping()

    assert not health.well
    assert "no such account" in health.sentence
    connector.close()


def test_certificates_that_are_not_there_are_said(make_lms: Callable[..., Lms]):
    lms = make_lms(ca_file="nowhere.pem")

    health = lms.connector.ping()

    assert not health.well
    assert "ca_file" in health.sentence


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://canvas.northfield.example"},
        {"url": "https://user@canvas.northfield.example"},
        {"token": "7~written-out"},
        {"account": "../users"},
        {"page_size": 500},
    ],
)
def test_settings_that_would_not_be_safe_are_refused(wrong: dict[str, object]):
    good = {"url": "https://canvas.northfield.example/", "token": "env:CANVAS_TOKEN"}

    assert CanvasSettings.model_validate(good).url == "https://canvas.northfield.example"
    with pytest.raises(ValidationError):
        CanvasSettings.model_validate({**good, **wrong})
