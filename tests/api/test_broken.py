"""What nobody foresaw is told to who runs it, and to the consumer in no word of ours."""

from __future__ import annotations

import logging

import pytest
from django.db import OperationalError
from django.test import Client

from matricula.cli.serving import Unforeseen
from matricula.connectors.oneroster_provider import queries
from tests.api.consumers import ROSTERING, consumer, fill

pytestmark = pytest.mark.django_db


def test_an_error_of_ours_is_answered_without_a_word_of_it_and_its_trace_is_kept(
    monkeypatch, tmp_path, capsys
):
    fill()
    asking = consumer()
    monkeypatch.setenv("MATRICULA_HOME", str(tmp_path))
    monkeypatch.setattr(queries, "page", _fails)
    told = Unforeseen()
    logging.getLogger("django.request").addHandler(told)
    try:
        answer = asking.get(f"{ROSTERING}/users")
    finally:
        logging.getLogger("django.request").removeHandler(told)

    assert answer.status_code == 500
    assert "internal_server_error" in answer.content.decode()
    assert "Amara" not in answer.content.decode()
    assert "M899" in capsys.readouterr().err
    assert len(list((tmp_path / "errors").iterdir())) == 1


def _fails(*_: object) -> None:
    message = "Amara was not foreseen"
    raise RuntimeError(message)


def test_a_database_that_is_away_is_busy_and_says_when_to_come_back(monkeypatch):
    fill()
    asking = consumer()

    def away(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(queries, "page", away)

    answer = asking.get(f"{ROSTERING}/users")

    assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert "server_busy" in answer.content.decode()


def test_a_head_has_the_headers_of_its_get_and_no_body():
    fill()
    token = f"Bearer {consumer().token}"

    head = Client().head(f"{ROSTERING}/users", HTTP_AUTHORIZATION=token)
    got = Client().get(f"{ROSTERING}/users", HTTP_AUTHORIZATION=token)

    assert head["X-Total-Count"] == got["X-Total-Count"] == "4"
    assert head["Content-Length"] == str(len(got.content))
    assert head.content == b""
