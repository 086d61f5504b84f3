"""The counterparts of `bench/connectors.py`: each in a process of its own, 20 ms away.

Each is the simulator that comes with its connector; SCIM's is a server from the package index.
"""

from __future__ import annotations

import http.server
import json
import os
import secrets
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from matricula.connectors.registry import connector_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from matricula.connectors.kit.protocol import Connector

LATENCY_SECONDS = 0.02
SECRET = "open-sesame"  # noqa: S105 - of simulators that live for a minute
_REFERENCE = {"BENCH_SECRET": SECRET, "BENCH_USER": "matricula"}
_COURSES = 20
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried of one connector.

    Attributes:
        name: Of the connector.
        resource: Which of its resources.
        settings: Besides the address.
        row: The fields of record number so much.
        match: What a record is found by.
        change: What a change writes.
        weight: So many times as many records as where every one takes calls of its own.
        before: Resources that must be there first, each with how many and its rows.
        reads: Whether the resource is read as well.
    """

    name: str
    resource: str
    settings: Mapping[str, Any]
    row: Callable[[int], Fields]
    match: tuple[str, ...] = ()
    change: Fields = field(default_factory=dict)
    weight: int = 1
    before: tuple[tuple[str, int, Callable[[int], Fields]], ...] = ()
    reads: bool = True

    @property
    def writes(self) -> bool:
        """Whether the system is written to at all."""
        return bool(self.match)


def _moodle_user(n: int) -> Fields:
    return {
        "idnumber": f"S{n:07d}", "username": f"s{n:07d}", "firstname": "Amara",
        "lastname": f"Okafor {n}", "email": f"s{n}@northfield.example", "auth": "oauth2",
    }  # fmt: skip


def _moodle_course(n: int) -> Fields:
    return {"idnumber": f"C{n}", "shortname": f"C{n}", "fullname": f"C {n}", "categoryid": "1"}


def _enrolment(n: int) -> Fields:
    # The first course is the front page, and the first two accounts are Moodle's own.
    return {"courseid": str(2 + n % _COURSES), "userid": str(3 + n), "role": "student"}


def _patron(n: int) -> Fields:
    return {
        "cardnumber": f"S{n:07d}", "userid": f"s{n:07d}", "surname": f"Okafor {n}",
        "firstname": "Amara", "category_id": "ST", "library_id": "CPL",
        "expiry_date": "2031-09-30", "email": f"s{n}@northfield.example",
    }  # fmt: skip


def _alma_user(n: int) -> Fields:
    return {
        "primary_id": f"S{n:07d}", "last_name": f"Okafor {n}", "first_name": "Amara",
        "user_group": "UG", "status": "ACTIVE", "expiry_date": "2031-09-30",
        "email": f"s{n}@northfield.example",
    }  # fmt: skip


def _folio_user(n: int) -> Fields:
    return {
        "externalSystemId": f"S{n:07d}", "username": f"s{n:07d}", "patronGroup": "undergrad",
        "active": True, "lastName": f"Okafor {n}", "firstName": "Amara",
        "email": f"s{n}@northfield.example", "expirationDate": "2031-09-30",
    }  # fmt: skip


def _scim_user(n: int) -> Fields:
    return {
        "externalId": f"S{n:07d}", "userName": f"s{n:07d}", "name.familyName": f"Okafor {n}",
        "name.givenName": "Amara", "emails[work]": f"s{n}@northfield.example",
    }  # fmt: skip


def _canvas_user(n: int) -> Fields:
    return {
        "user_id": f"S{n:07d}", "login_id": f"s{n:07d}", "full_name": f"Amara Okafor {n}",
        "email": f"s{n}@northfield.example", "status": "active",
    }  # fmt: skip


def _roster_user(n: int) -> Fields:
    return {
        "sourcedId": f"S{n:07d}", "givenName": "Amara", "familyName": f"Okafor {n}",
        "enabledUser": "true", "username": f"s{n}", "identifier": f"{n:07d}",
    }  # fmt: skip


_TOKEN, _USER = "env:BENCH_SECRET", "env:BENCH_USER"
_MOODLE = {"token": _TOKEN, "batch_size": 50, "concurrency": 4}
TRIALS = (
    Trial("moodle", "users", _MOODLE, _moodle_user, ("idnumber",), {"department": "Law"}, 10),
    Trial(
        "moodle", "enrolments", _MOODLE, _enrolment, ("courseid", "userid", "role"), {}, 10,
        (("courses", _COURSES, _moodle_course), ("users", 0, _moodle_user)),
    ),
    Trial(
        "koha", "patrons", {"user": _USER, "password": _TOKEN}, _patron, ("cardnumber",),
        {"surname": "Ng"},
    ),
    Trial(
        "alma", "users", {"api_key": _TOKEN, "external_id": "SIS", "per_second": None},
        _alma_user, ("primary_id",), {"user_group": "PG"},
    ),
    Trial(
        "folio", "users", {"tenant": "campus", "user": _USER, "password": _TOKEN}, _folio_user,
        ("externalSystemId",), {"patronGroup": "graduate"}, 10,
    ),
    Trial("scim", "users", {"token": _TOKEN}, _scim_user, ("externalId",), {"title": "student"}),
    Trial(
        "canvas", "users", {"token": _TOKEN}, _canvas_user, ("user_id",), {"full_name": "A B"}, 2,
    ),
    Trial(
        "oneroster", "users", {"client_id": "matricula", "client_secret": _TOKEN}, _roster_user,
        weight=20,
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Far:
    """A counterpart that runs.

    Attributes:
        url: Its address, as the connector's settings have it.
        pid: Its process.
    """

    url: str
    pid: int

    def cpu(self) -> float:
        """Tell the CPU seconds that it has taken."""
        told = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    def connector(self, trial: Trial) -> Connector:
        """Make a connector on it."""
        from matricula.connectors.kit.protocol import Context

        os.environ.update(_REFERENCE)
        made = connector_class(trial.name)
        address = {"url": self.url}
        if trial.name == "oneroster":
            address["token_url"] = f"{self.url.removesuffix('/or')}/token"
        settings = made.Settings.model_validate({**address, **trial.settings})
        return made(settings, Context(trial.name, Path()))


@contextmanager
def elsewhere(trial: Trial, rows: int) -> Iterator[Far]:
    """Run a counterpart in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, __file__, trial.name, str(rows)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield Far(json.loads(process.stdout.readline()), process.pid)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _moodle(_: int) -> Iterator[str]:
    from matricula.connectors.moodle.simulator import serve

    with serve() as moodle:
        moodle.token = SECRET
        yield moodle.url


@contextmanager
def _koha(rows: int) -> Iterator[str]:
    from matricula.connectors.koha.simulator import koha

    with koha() as running:
        # Others, so that there is something to be read.
        for n in range(9 * rows):
            other = {"cardnumber": f"R{n:07d}", "userid": f"r{n:07d}"}
            running.library.add({**_patron(n), **other})
        yield running.url


@contextmanager
def _alma(_: int) -> Iterator[str]:
    from matricula.connectors.alma.simulator import alma

    with alma() as institution:
        yield institution.url


@contextmanager
def _folio(_: int) -> Iterator[str]:
    from matricula.connectors.folio.simulator import folio

    with folio() as tenant:
        yield tenant.url


@contextmanager
def _canvas(_: int) -> Iterator[str]:
    from matricula.connectors.canvas.simulator import running_canvas

    with running_canvas() as canvas:
        canvas.token = SECRET
        yield canvas.url


@contextmanager
def _oneroster(rows: int) -> Iterator[str]:
    from matricula.connectors.oneroster.simulator import provider
    from tests.connectors.oneroster.rosters import role, sent

    with provider() as running:
        running.client_secret = SECRET
        one = [role()]
        running.records["users"] = [sent("users", _roster_user(n), roles=one) for n in range(rows)]
        yield running.url


def _scim() -> None:
    from scim2_server.testserver import cli

    class Telling(cli.ThreadingWSGIServer):
        def server_activate(self) -> None:
            super().server_activate()
            print(json.dumps(f"http://127.0.0.1:{self.server_port}/v2"), flush=True)

    cli.ThreadingWSGIServer = Telling
    sys.argv = ["scim2-server", "--port", "0", f"--bearer-token={SECRET}"]
    # It writes a line for every call.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    cli.main()


def serve(name: str, rows: int) -> None:
    """Be a counterpart, as far away as a campus is, until the input ends."""
    handler = http.server.BaseHTTPRequestHandler
    read = handler.parse_request

    def later(self: http.server.BaseHTTPRequestHandler) -> bool:
        sound = read(self)
        time.sleep(LATENCY_SECONDS)
        return sound

    handler.parse_request = later  # type: ignore[method-assign]  # twenty milliseconds on the way
    # Whoever sends the same calls to another one has to be let in by the same tokens.
    secrets.token_hex = secrets.token_urlsafe = lambda _=0: SECRET  # type: ignore[assignment]
    if name == "scim":
        _scim()
    runs = {
        "moodle": _moodle, "koha": _koha, "alma": _alma, "folio": _folio, "canvas": _canvas,
        "oneroster": _oneroster,
    }  # fmt: skip
    with runs[name](rows) as url:
        print(json.dumps(url), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
