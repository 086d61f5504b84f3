"""The same promises on the simulator and on a real library behind SIP2.

A real one is named by `MATRICULA_TEST_SIP2`, written `host:port,user,password`. It may be asked
without encryption where the host is this machine. `MATRICULA_TEST_SIP2_CARD` is the card number
of somebody whom it knows.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import Stop
from matricula.connectors.kit.protocol import Context
from matricula.connectors.sip2.connector import Sip2Connector
from matricula.connectors.sip2.simulator import Person, sip2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_NAME = "MATRICULA_TEST_SIP2"


@pytest.fixture(params=["simulator", "real"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Sip2Connector]]:
    """Make connectors to a library that knows the person of `card`."""
    if request.param == "simulator":
        with sip2() as desk:
            desk.add(Person("S001", loans=1, owed="2.5"))
            yield _maker(tmp_path, f"127.0.0.1:{desk.port},{desk.user},{desk.password}")
        return
    stated = os.environ.get(_NAME)
    if not stated:
        pytest.skip(f"no real library behind SIP2: set {_NAME} to host:port,user,password")
    yield _maker(tmp_path, stated)


def _maker(folder: Path, stated: str) -> Callable[..., Sip2Connector]:
    place, user, password = stated.split(",")
    host, _, port = place.rpartition(":")

    def make(password: str = password) -> Sip2Connector:
        for name, secret in (("user", user), ("password", password)):
            (folder / name).write_text(secret, encoding="utf-8")
        settings = Sip2Connector.Settings.model_validate(
            {
                "host": host,
                "port": int(port),
                "tls": host not in ("127.0.0.1", "localhost"),
                "user": f"file:{folder}/user",
                "password": f"file:{folder}/password",
            }
        )
        return Sip2Connector(settings, Context("library", folder))

    return make


def _card(request: pytest.FixtureRequest) -> str:
    if request.node.callspec.params["make"] == "simulator":
        return "S001"
    card = os.environ.get(f"{_NAME}_CARD")
    if not card:
        pytest.skip(f"nobody to ask about: set {_NAME}_CARD")
    return card


def test_it_lets_us_in_and_is_well(make: Callable[..., Sip2Connector]):
    connector = make()

    health = connector.ping()
    connector.close()

    assert health.well, health.sentence


def test_a_wrong_password_is_refused(make: Callable[..., Sip2Connector]):
    connector = make("surely-not-this")

    with pytest.raises(Stop, match="M613"):
        connector.describe()
    connector.close()


def test_nobody_is_nobody(make: Callable[..., Sip2Connector]):
    connector = make()

    found = connector.find("clearance", [{"cardnumber": "no-such-card-at-all"}])
    connector.close()

    assert found == [[]]


def test_somebody_is_known_with_their_loans_and_what_they_owe(
    make: Callable[..., Sip2Connector], request: pytest.FixtureRequest
):
    card = _card(request)
    connector = make()

    ((found,),) = connector.find("clearance", [{"cardnumber": card}])
    connector.close()

    assert found.external_id == card
    assert isinstance(found.fields["loans"], int)
    assert found.fields["owed"] is not None
