"""Ways to whoever is told: a real mail server, a channel, subscribers, whoever tells us."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from os import environ
from typing import TYPE_CHECKING, Any

from matricula.site.mail import server
from tests.conformance.door import SECRET, VARIABLE, Door, Porter
from tests.counterparts.hook_receiver import receiver
from tests.counterparts.mail_server import mail_server

if TYPE_CHECKING:
    from collections.abc import Iterator

_SENDER = "matricula@example.org"
_KEY = "whsec_" + base64.b64encode(b"a key of thirty-two random bytes").decode()


@contextmanager
def _mail(_: Any) -> Iterator[Porter]:
    with mail_server({"matricula": SECRET}) as post:

        def prepare(settings: Any) -> None:
            url = f"smtp://matricula@127.0.0.1:{post.port}"
            settings.SMTP = server(url, password=environ[VARIABLE])
            settings.MAIL_FROM = _SENDER

        yield Porter({}, prepare=prepare, take=lambda _: post.barred.add(_SENDER))


@contextmanager
def _channel(_: Any) -> Iterator[Porter]:
    with receiver() as room:
        url = f"json://127.0.0.1:{room.port}/a-long-and-secret-word"
        yield Porter({}, {VARIABLE: url}, office={"channel": f"env:{VARIABLE}"})


@contextmanager
def _subscriber(_: Any) -> Iterator[Porter]:
    with receiver() as room:
        told = {
            "url": room.url, "secret": f"env:{VARIABLE}", "events": ["incident.opened"],
            "because": "the office has a desk of its own",
        }  # fmt: skip
        yield Porter({}, {VARIABLE: _KEY}, office={"subscribes": told})


@contextmanager
def _announcing(_: Any) -> Iterator[Porter]:
    yield Porter({}, {VARIABLE: _KEY}, announces={"announces": {"secret": f"env:{VARIABLE}"}})


DOORS = [
    Door(
        "mail by SMTP, name and password", "", "", "", _mail,
        wrong=("MATRICULA_SMTP_URL", "it refuses our account or its password (status 535)"),
        endless="a mail server answers 535 to a password that has ended, as to a wrong one",
        lacking=(f"send as {_SENDER}",),
    ),
    Door(
        "channel, Apprise URL", "", "", "", _channel,
        wrong=("stewards.it", f"env:{VARIABLE} holds is no Apprise URL"),
        endless="a service tells what it thinks of a URL only when something is said there: "
        "the first message that it refuses is an incident (M592)",
        unasked="Nothing is said there for a trial.",
    ),
    Door(
        "events to a subscriber, signing key", "", "", "", _subscriber,
        wrong=(f"env:{VARIABLE} is no key for webhooks",),
        endless="a key ends when both sides replace it; whoever has another refuses our posts, "
        "and that is an incident (M595)",
        unasked="A key permits one thing.",
    ),
    Door(
        "events to us, signing key", "", "", "", _announcing,
        wrong=(f"env:{VARIABLE} is no key for webhooks",),
        endless="a key ends when both sides replace it; what another has signed is answered "
        "with 401 and counted",
        unasked="A key permits one thing.",
    ),
]  # fmt: skip
