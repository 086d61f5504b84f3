"""What is told of a failure holds no name, no address, no login and no secret."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.canvas import refusals
from matricula.connectors.kit.errors import ConnectorError
from tests.connectors.canvas.conftest import AMARA, BELA, LAW, create, seat

if TYPE_CHECKING:
    from tests.connectors.canvas.conftest import Lms

SECRETS = ("Amara", "amara", "Ngô", "northfield.example", "Bela", "bela", "Ünal", "small-canvas")


def test_no_failure_tells_who_it_is_about(lms: Lms, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    lms.create("courses", LAW)
    lms.create("users", AMARA)
    lms.canvas.campus.edit_user("S001", name="Amara by hand")
    told = [
        *lms.write("users", create("users", {**BELA, "login_id": "amara"})),
        *lms.write("users", create("users", {**BELA, "email": "bela at northfield.example"})),
        *lms.write("users", create("users", {**BELA, "full_name": " Bela"})),
        *lms.write("enrollments", create("enrollments", seat("S002", "nowhere"))),
        lms.change("users", "S001", full_name="Amara Ngô-Eze"),
        lms.change("users", "S009", full_name="Amara Ngô-Eze"),
        lms.change("users", "S001", email=None),
    ]
    lms.canvas.broken_at = 1
    told += lms.write("users", create("users", {**BELA, "user_id": "S010", "login_id": "bela10"}))

    messages = [str(one.error) for one in told]

    assert all(isinstance(one.error, ConnectorError) for one in told)
    assert [m for m in messages if any(secret in m for secret in SECRETS)] == []
    logged = " ".join(record.getMessage() for record in caplog.records)
    assert [secret for secret in SECRETS if secret in logged] == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("SIS ID S1 has already claimed S2's user_id requested login information", "M606"),
        ("User not found for enrollment (User ID: S1, Course ID: C, Section ID: A)", "M604"),
        ("Section A references course C which doesn't exist", "M604"),
        ("The email address associated with user 'S1' is invalid (email: 'x')", "M604"),
        ("Can't remove yourself user_id 'S1'", "M607"),
        ("Something that no version has said yet about Amara", "M604"),
    ],
)
def test_canvass_words_become_ours_and_quote_nothing(said: str, code: str):
    found, words = refusals.meaning(said)

    assert found == code
    assert not any(part in words for part in ("S1", "S2", "Amara"))
