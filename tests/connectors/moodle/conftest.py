"""A connector on a simulator of its own; contract tests also on a real Moodle, where one is."""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.protocol import Context
from matricula.connectors.moodle.connector import MoodleConnector
from matricula.connectors.moodle.simulator import Site, serve
from tests.connectors.moodle.campus import Campus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REAL_URL, REAL_TOKEN = "MATRICULA_TEST_MOODLE_URL", "MATRICULA_TEST_MOODLE_TOKEN"


@contextmanager
def _campus(url: str, token: str, **settings: object) -> Iterator[Campus]:
    given = {"url": url, "token": token, "auth": "oauth2", "attempts": 1, **settings}
    checked = MoodleConnector.Settings.model_validate(given)
    connector = MoodleConnector(checked, Context("lms", Path()))
    # A second client would read the certificates of the whole world once more.
    yield Campus(connector, connector._wire, mark=secrets.token_hex(4))
    connector.close()


@contextmanager
def _simulated(folder: Path, site: Site, **settings: object) -> Iterator[Campus]:
    with serve(site) as moodle:
        place = folder / f"token-{moodle.url.rpartition(':')[2]}"
        place.write_text(moodle.token, encoding="utf-8")
        with _campus(moodle.url, f"file:{place}", **settings) as campus:
            campus.moodle = moodle
            yield campus


@pytest.fixture
def make_campus(tmp_path: Path) -> Iterator[Callable[..., Campus]]:
    """Make connectors, each on a simulator of its own, with settings of its own."""
    with ExitStack() as stack:

        def make(site: Site | None = None, **settings: object) -> Campus:
            return stack.enter_context(_simulated(tmp_path, site or Site(), **settings))

        yield make


@pytest.fixture
def campus(make_campus: Callable[..., Campus]) -> Campus:
    """A connector on a simulator."""
    return make_campus()


@pytest.fixture(params=["simulator", "real"])
def either(request: pytest.FixtureRequest, make_campus: Callable[..., Campus]) -> Iterator[Campus]:
    """A connector on the simulator, and then on the real Moodle that the environment names."""
    if request.param == "simulator":
        yield make_campus()
        return
    if not {REAL_URL, REAL_TOKEN} <= set(os.environ):
        pytest.skip(f"no real Moodle: set {REAL_URL} and {REAL_TOKEN}, on a site made for tests")
    with _campus(os.environ[REAL_URL], f"env:{REAL_TOKEN}") as campus:
        yield campus
