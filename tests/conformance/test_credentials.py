"""Wrong, expired, lacking one permission: it is said by name, and no secret is ever told."""

from __future__ import annotations

import base64
import html
import json
import logging
import sqlite3
import traceback
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from django.db import connection

from matricula.cli import main, sitting
from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.errors import ConnectorError
from matricula.connectors.kit.protocol import Write
from matricula.hub import letters, webhooks
from matricula.hub.systems import connected
from tests.conformance.door import SECRET, VARIABLE, WRONG, Door, Porter, doors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from matricula.connectors.kit.protocol import Connector

EVERY = doors()
# What the counterparts log themselves, which run in this process.
_OF_COUNTERPARTS = ("mail.log", "aiosmtpd")


def marks(door: Door) -> pytest.MarkDecorator:
    """How a door's tests use our database."""
    return pytest.mark.django_db(transaction=door.commits)


def params(some: Iterable[Door]) -> list[Any]:
    """Make a test for each door."""
    return [pytest.param(door, id=door.name, marks=marks(door)) for door in some]


class Everything(logging.Handler):
    """Keeps whatever anybody logs, at any level, with its traces."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(_OF_COUNTERPARTS):
            self.said.append(f"{record.name} {self.format(record)}")


@contextmanager
def listening() -> Iterator[list[str]]:
    """Hear every log at its most talkative, as somebody has it who looks for a fault."""
    everything, root = Everything(), logging.getLogger()
    known = [root, *(logging.getLogger(name) for name in logging.root.manager.loggerDict)]
    before = [(log, log.level) for log in known]
    for log in known:
        log.setLevel(logging.DEBUG)
    root.addHandler(everything)
    try:
        yield everything.said
    finally:
        root.removeHandler(everything)
        for log, level in before:
            log.setLevel(level)


@dataclass(frozen=True)
class Place:
    """A university with one system, and all that is said and kept there."""

    door: Door
    folder: Path
    capture: pytest.CaptureFixture[str]
    porter: Porter
    settings: Any
    logged: list[str]

    def run(self, *words: str) -> tuple[int, str]:
        """Run a command; its exit code and all that it said."""
        charter = self.door.charter(self.porter)
        (self.folder / "charter" / "charter.yaml").write_text(charter, encoding="utf-8")
        self.porter.prepare(self.settings)
        self.capture.readouterr()
        code = main.run(["--charter", str(self.folder / "charter"), *words])
        told = self.capture.readouterr()
        return code, told.out + told.err

    def tell_the_offices(self) -> None:
        """Write to the offices and post events, as a worker does in each round."""
        self.porter.prepare(self.settings)
        desk = sitting.sit_down(self.folder / "charter")
        letters.send_due(desk)
        webhooks.tell_due(desk)

    def raised(self, door: Door) -> list[str]:
        """Try every verb past the commands; the traces of what they raise."""
        if not door.connector:
            return []
        found = []
        with connected(sitting.sit_down(self.folder / "charter")) as systems:
            connector, match = systems["campus"], {door.column: "S001"}
            write = Write("S001", "create", None, match, frozenset(match), match)
            for verb in (
                connector.describe,
                lambda: list(_read(connector, door.resource)),
                lambda: connector.find(door.resource, [match]),
                lambda: connector.write(door.resource, [write], at=AT),
            ):
                try:
                    found.append(repr(verb()))
                except ConnectorError as error:
                    found += traceback.format_exception(error)
        return found

    def must_hold_no_secret(self, *said: str) -> None:
        """Look for every form of every secret in all that was said, logged and kept."""
        secrets = [*self.porter.secrets.values(), *self.porter.handed_out(), SECRET, WRONG]
        kept = [path.read_bytes() for path in self.folder.rglob("*") if path.is_file()]
        places = {
            "output": [one.encode() for one in said],
            "logs": [one.encode() for one in self.logged],
            "files": kept,
            "database": list(rows()),
        }
        for form in forms(secrets):
            for place, texts in places.items():
                assert not any(form in text for text in texts), f"a secret stands in the {place}"


def _read(connector: Connector, resource: str) -> Iterator[object]:
    with connector.read(resource) as reading:
        yield from reading.batches


def forms(secrets: Iterable[str]) -> Iterator[bytes]:
    """Write secrets in every way in which one is written down somewhere."""
    for secret in secrets:
        # A name is no secret, and short words stand everywhere.
        if len(secret) < 8 or secret == "matricula":
            continue
        pair = f"matricula:{secret}"
        words = [
            secret, quote(secret), quote(secret, safe=""), quote_plus(secret),
            html.escape(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1],
        ]  # fmt: skip
        yield from {word.encode() for word in words}
        for text in (secret, pair, f"key:{secret}", f"\0matricula\0{secret}"):
            for write in (base64.b64encode, base64.urlsafe_b64encode):
                yield write(text.encode()).rstrip(b"=")


def rows() -> Iterator[bytes]:
    """Give every row of every table of our own database."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - our own names
            for row in cursor.fetchall():
                yield from (
                    bytes(one) if isinstance(one, bytes | memoryview) else str(one).encode()
                    for one in row
                )


@contextmanager
def university(
    door: Door, request: pytest.FixtureRequest, tmp_path: Path, settings: Any
) -> Iterator[Place]:
    """A university whose system is let into by a door."""
    capture = request.getfixturevalue("capsys")
    patch = request.getfixturevalue("monkeypatch")
    folder = tmp_path / "university"
    (folder / "charter").mkdir(parents=True)
    settings.HOME = folder / "home"
    patch.setenv("MATRICULA_HOME", str(settings.HOME))
    with closing(sqlite3.connect(folder / "sis.db")) as database, database:
        database.execute("CREATE TABLE students (number TEXT PRIMARY KEY)")
        database.execute("INSERT INTO students VALUES ('S001')")
    with door.open(request) as porter, listening() as logged:
        for name, value in porter.secrets.items():
            patch.setenv(name, value)
        yield Place(door, folder, capture, porter, settings, logged)


def must_say(said: str, words: Iterable[str]) -> None:
    """Find words in what was said, wherever its lines were broken."""
    for word in words:
        assert word in flat(said), flat(said)


def flat(said: str) -> str:
    """Undo the lines in which something was said."""
    return " ".join(said.split())


@pytest.mark.parametrize("door", params(EVERY))
def test_whoever_has_everything_is_let_in(door: Door, request, tmp_path, settings):
    with university(door, request, tmp_path, settings) as place:
        code, said = place.run("check", "--live")

        assert code == 0, said
        place.must_hold_no_secret(said)


@pytest.mark.parametrize("door", params(EVERY))
def test_a_wrong_credential_is_said_and_told_nobody(
    door: Door, request, tmp_path, settings, monkeypatch
):
    with university(door, request, tmp_path, settings) as place:
        monkeypatch.setenv(VARIABLE, WRONG)

        code, said = place.run("check", "--live")
        _, signed = place.run("sign", "--as", "it")
        _, done = place.run("sync")
        place.tell_the_offices()
        raised = place.raised(door)
        _, shown = place.run("incidents")

        assert code == 1
        must_say(said, door.wrong)
        if door.connector:
            must_say(said, ("campus",))
            must_say(shown, ("campus", "M613"))
        place.must_hold_no_secret(said, signed, done, shown, *raised)


# As they come out of files and shells that were meant well.
STRANGE = {"a line end within": f"{WRONG}\n{WRONG}", "no ASCII": f"{WRONG}Ωmega"}


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize("door", params(EVERY))
def test_a_credential_of_strange_letters_is_only_a_wrong_one(
    door: Door, strange: str, request, settings, monkeypatch
):
    tmp_path = request.getfixturevalue("tmp_path")
    with university(door, request, tmp_path, settings) as place:
        monkeypatch.setenv(VARIABLE, STRANGE[strange])

        code, said = place.run("check", "--live")

        assert code == 1
        for wrong in ("M899", "tried again", "cannot be reached"):
            assert wrong not in flat(said)
        place.must_hold_no_secret(said)


ENDING = [door for door in EVERY if door.expired]


@pytest.mark.parametrize("door", params(ENDING))
def test_a_credential_that_has_ended_is_said(door: Door, request, tmp_path, settings):
    with university(door, request, tmp_path, settings) as place:
        place.porter.expire()

        code, said = place.run("check", "--live")

        assert code == 1
        must_say(said, door.expired)
        place.must_hold_no_secret(said)


LACKING = [
    pytest.param(door, lacking, id=f"{door.name}-{lacking}", marks=marks(door))
    for door in EVERY
    for lacking in door.lacking
]


@pytest.mark.parametrize(("door", "lacking"), LACKING)
def test_a_permission_that_is_lacking_is_named(
    door: Door, lacking: str, request, tmp_path, settings
):
    with university(door, request, tmp_path, settings) as place:
        place.porter.take(lacking)

        code, said = place.run("check", "--live")

        assert code == 1, said
        must_say(said, ("campus", lacking) if door.connector else (lacking,))
        place.must_hold_no_secret(said)


@pytest.mark.parametrize("door", params(EVERY))
def test_every_door_says_what_ends_and_what_may_be_lacking_there(door: Door):
    assert bool(door.expired) is not bool(door.endless)
    assert bool(door.lacking) is not bool(door.unasked)
