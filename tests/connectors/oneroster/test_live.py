"""A provider of another maker is read whole, where one is named in the environment.

MATRICULA_TEST_ONEROSTER_URL is what stands before `/users`; with it belong
MATRICULA_TEST_ONEROSTER_TOKEN_URL, MATRICULA_TEST_ONEROSTER_CLIENT,
MATRICULA_TEST_ONEROSTER_SECRET, and MATRICULA_TEST_ONEROSTER_VERSION where it is not 1.2.
"""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from matricula.connectors.kit.protocol import Context
from matricula.connectors.oneroster.connector import OneRosterConnector
from tests.connectors.oneroster.rosters import read

URL = "MATRICULA_TEST_ONEROSTER_URL"
pytestmark = [
    pytest.mark.any_database,
    pytest.mark.skipif(not os.environ.get(URL), reason=f"no live provider: {URL} is not set"),
]


@pytest.fixture
def live():
    version = os.environ.get("MATRICULA_TEST_ONEROSTER_VERSION", "1.2")
    settings = OneRosterConnector.Settings.model_validate(
        {"url": os.environ[URL], "version": version,
         "token_url": os.environ["MATRICULA_TEST_ONEROSTER_TOKEN_URL"],
         "client_id": os.environ["MATRICULA_TEST_ONEROSTER_CLIENT"],
         "client_secret": "env:MATRICULA_TEST_ONEROSTER_SECRET", "page_size": 50}
    )  # fmt: skip
    with closing(OneRosterConnector(settings, Context("live", Path()))) as connector:
        yield connector


def test_a_live_provider_lets_us_in_and_is_read_the_same_twice(live):
    health = live.ping()
    assert health.well, health.sentence

    for shape in live.describe():
        first, _ = read(live, shape.name)
        again, _ = read(live, shape.name)

        assert {row["_id"] for row in first} == {row["_id"] for row in again}


def test_a_live_provider_answers_a_look_up_with_that_record(live):
    orgs, _ = read(live, "orgs")

    (by_id, nobody) = live.find("orgs", [{"_id": orgs[0]["_id"]}, {"_id": "no-such-record"}])

    assert [one.external_id for one in by_id] == [orgs[0]["_id"]]
    assert nobody == []
