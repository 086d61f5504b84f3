"""Two of ours meet: what one Matricula serves, another reads, field by field, over the wire."""

from __future__ import annotations

import os
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from matricula.cli.serving import Server, place_of
from matricula.connectors.kit.protocol import Context
from matricula.connectors.oneroster.connector import OneRosterConnector
from matricula.kernel.errors import SettingMissing
from tests.api.consumers import GRADEBOOK, ROSTERING, WORLD, fill, let_in, put

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "MATRICULA_TRIAL_SERVED_SECRET"


@contextmanager
def answering() -> Iterator[str]:
    """Our own server on a free port; its address."""
    from django.db import connections

    from matricula.site.wsgi import application

    def closes(environ, start):
        try:
            return application(environ, start)
        finally:
            # The test database goes before the threads do.
            connections.close_all()

    with Server(("127.0.0.1", 0), closes) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def reading(address: str, secret: str) -> Iterator[OneRosterConnector]:
    os.environ[SECRET] = secret
    settings = OneRosterConnector.Settings.model_validate(
        {"url": address + ROSTERING, "gradebook_url": address + GRADEBOOK, "page_size": 2,
         "token_url": f"{address}/oauth/token", "client_id": "moodle",
         "client_secret": f"env:{SECRET}", "demographics": True}
    )  # fmt: skip
    with closing(OneRosterConnector(settings, Context("sims", Path()))) as connector:
        yield connector


@pytest.mark.django_db(transaction=True)
def test_what_is_served_is_read_as_it_flowed_in():
    fill()
    secret = let_in()

    with answering() as address, reading(address, secret) as connector:
        health = connector.ping()
        told = {}
        for table in ("orgs", "academicSessions", "courses", "classes", "users", "enrollments",
                      "demographics", "categories", "lineItems", "results"):  # fmt: skip
            with connector.read(table) as found:
                told[table] = [row for batch in found.batches for row in batch.to_pylist()]
            odd = [one.message for one in found.findings]
            assert odd == []
        (found,) = connector.find("users", [{"familyName": "Okafor"}])

    assert health.well, health.sentence
    assert [one.external_id for one in found] == ["S3"]
    for table, rows in told.items():
        assert len(rows) == len(WORLD[table])
        for row, wanted in zip(rows, WORLD[table], strict=True):
            for name, value in wanted.items():
                text = str(value).lower() if isinstance(value, bool) else str(value)
                assert str(row[name]) in {text, text.removesuffix(".0")}, (table, name)


@pytest.mark.django_db(transaction=True)
def test_a_client_that_lacks_a_scope_is_told_which_by_the_one_who_reads():
    fill()
    secret = let_in(scopes=["roster-core"])

    with answering() as address, reading(address, secret) as connector:
        health = connector.ping()

    assert not health.well
    assert "demographics" in health.sentence
    assert "roster-demographics.readonly" in health.sentence
    assert secret not in health.sentence


@pytest.mark.django_db(transaction=True)
def test_who_leaves_here_has_left_there():
    fill()
    secret = let_in()
    put("enrollments", {"sourcedId": "S2-law101-a"}, kind="delete")

    with answering() as address, reading(address, secret) as connector:
        with connector.read("enrollments") as found:
            ids = [one for batch in found.batches for one in batch["_id"].to_pylist()]
        (gone,) = connector.find("enrollments", [{"_id": "S2-law101-a"}])

    assert "S2-law101-a" not in ids
    assert gone == []
    assert any("tobedeleted" in one.message for one in found.findings)


@pytest.mark.parametrize("where", ["0.0.0.0:8440", "roster.example:443", "127.0.0.1", "::1:x"])
def test_nothing_is_answered_where_other_machines_reach(where: str):
    with pytest.raises(SettingMissing, match="M759"):
        place_of(where)
