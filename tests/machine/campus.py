"""A campus for the state machine: owners and targets in memory, the real hub, a clock to set.

`Campus` is what one episode works on. Between episodes everything is put back as it was when
all copies stood as they should: the database row by row, the home by its files, and the places.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
from collections import Counter
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from django.apps import apps
from django.db import connection, transaction

from matricula.audit import guards
from matricula.charter.compile import compile_charter
from matricula.connectors.kit.protocol import FieldShape
from matricula.hub import charters, runs
from matricula.hub.desk import Desk
from matricula.hub.planning import Scope
from tests.machine.target import PLACES, Place, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from matricula.hub.runs import Done

BEGIN = datetime(2026, 9, 1, 6, tzinfo=UTC)
# These four stay, so that no reading looks as if everybody had been given a new number.
STAYING = ("A1", "A2", "A3", "A4")
COMING = ("V1", "V2", "V3", "V4")
EVERYBODY = (*STAYING, *COMING)
COURSES = ("LAW", "ART")
OWNERS, TARGETS = ("sis", "bursary"), ("lms", "library")
CHARTER = """
institution: Testing University
timezone: Europe/London
currency: GBP
stewards:
  registrar: {name: Registrar's Office, notify: registrar@example.org}
  bursar: {name: Bursary, notify: bursar@example.org}
  it: {name: Identity and Access, notify: it@example.org}
  library: {name: University Library, notify: library@example.org}
systems:
  sis: {connector: memory, steward: registrar, settings: {place: sis}}
  bursary: {connector: memory, steward: bursar, settings: {place: bursary}}
  lms: {connector: memory, steward: it, settings: {place: lms}}
  library: {connector: memory, steward: library, settings: {place: library}}
entities:
  student:
    key: number
    roster: sis.students
    found_by: {bursary.accounts: student}
    fields:
      number: {owner: sis.students, type: text}
      name: {owner: sis.students, type: text, class: personal}
      email: {owner: sis.students, type: text, class: personal}
      status: {owner: sis.students, type: [active, on_leave, withdrawn]}
      owed: {owner: bursary.accounts, type: integer, class: personal}
  enrolment:
    key: [student, course]
    roster: sis.enrolments
    fields:
      student: {owner: sis.enrolments, type: ref(student)}
      course: {owner: sis.enrolments, type: text}
flows:
  accounts:
    purpose: Students reach their course spaces.
    basis: contract with the student
    from: student
    to: lms.users
    match: {number: number}
    where: status in ('active', 'on_leave')
    fields:
      number: {is: number, because: the stable key}
      name: {is: name, because: classmates address the person}
      email: {is: email, because: notices reach the student}
    cadence: {on_change: true}
    on_exit: suspend
    on_drift: restore
    if_unavailable: {queue: true, alert_after: 2h}
    guard: {exits: {share: 100%}, creations: {share: 100%}, changes: {share: 100%}}
    errors_to: it
  seats:
    purpose: Students find the spaces of their courses.
    basis: contract with the student
    from: enrolment
    to: lms.seats
    match: {user: "link('accounts', student)", course: course}
    where: student.status in ('active', 'on_leave')
    fields:
      user: {is: "link('accounts', student)", because: who}
      course: {is: course, because: where}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true, alert_after: 2h}
    guard: {exits: {share: 100%}, creations: {share: 100%}, changes: {share: 100%}}
    errors_to: it
  cards:
    purpose: Students borrow books.
    basis: contract with the student
    from: student
    to: library.patrons
    match: {number: number}
    where: status = 'active'
    fields:
      number: {is: number, because: the stable key}
      name: {is: name, because: librarians greet the person}
      owed: {is: owed, because: who owes much borrows little}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: report
    if_unavailable: {queue: true, alert_after: 1d}
    guard: {exits: {share: 100%}, creations: {share: 100%}, changes: {share: 100%}}
    errors_to: library
"""
_TEXT = ("number", "name", "email", "status")
# What the operating system does to a file for good.
_ON_DISK = ("replace", "rename", "unlink", "remove", "link", "mkdir", "rmdir")


class Killed(BaseException):
    """The process ends here; no `Exception`, for nothing catches that and tells of it."""


@dataclass(slots=True)
class Fuse:
    """Counts the moments at which a process may die, and ends it at one of them.

    After that nothing it still does has any effect: no `finally` can hide that it died.

    Attributes:
        among: Which moments count: `call`, `books`, `disk`, or all of them when blank.
        left: How many of them are survived; any number when None.
    """

    among: str = ""
    left: int | None = None
    is_out: bool = False
    counted: int = 0

    def step(self, what: str) -> None:
        """Live through a moment, or die at it."""
        if self.is_out:
            raise Killed(what)
        self.counted += 1
        if self.left is None or self.among not in {"", what}:
            return
        self.left -= 1
        if self.left < 0:
            self.is_out = True
            raise Killed(what)

    def books(
        self, execute: Callable[..., Any], sql: str, params: Any, many: Any, context: Any
    ) -> Any:
        """Stand before every statement; what only takes back is the database's own doing."""
        word = sql.split(None, 1)[0].upper()
        if word not in {"ROLLBACK", "RELEASE"} and (self.is_out or word != "SELECT"):
            self.step("books")
        return execute(sql, params, many, context)


@dataclass(frozen=True, slots=True)
class Kept:
    """Everything as it stood when all copies were as they should be."""

    rows: dict[str, tuple[list[str], list[tuple[Any, ...]]]]
    home: Path
    places: dict[str, Place]
    at: datetime
    desk: Desk


@dataclass(slots=True)
class Campus:
    """One episode's world. `at` is its only clock, `chance` its only source of numbers."""

    desk: Desk
    places: dict[str, Place]
    at: datetime
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    fuse: Fuse = field(default_factory=Fuse)
    begun: datetime = BEGIN
    passes: int = 0
    deaths: int = 0

    def students(self) -> dict[str, dict[str, Any]]:
        """Give the roster as its owner holds it, by number."""
        return _by(self.places["sis"], "students", "number")

    def enrolments(self) -> set[tuple[str, str]]:
        """Give who is enrolled in what."""
        found = self.places["sis"].tables["enrolments"].records.values()
        return {(str(r.fields["student"]), str(r.fields["course"])) for r in found}

    def owed(self) -> dict[str, int]:
        """Give what the bursary says is owed."""
        return {
            n: row["owed"] for n, row in _by(self.places["bursary"], "accounts", "student").items()
        }

    def present(self) -> Desk:
        """Give the desk of this moment."""
        return replace(self.desk, at=self.at)

    def told(self) -> dict[str, int]:
        """Count what happened in this episode."""
        met = sum((place.met for place in self.places.values()), Counter())
        writes = sum(len(place.heard) for place in self.places.values())
        counted = {"passes": self.passes, "deaths": self.deaths, "writes": writes}
        return {**counted, **{f"fault {kind}": count for kind, count in met.items()}}

    def wait(self, how_long: timedelta) -> None:
        """Let time pass."""
        self.at += how_long

    def sync(self, *, full: bool = True, fuse: Fuse | None = None) -> Done | None:
        """Run one pass over all flows; None where its process died."""
        self.wait(timedelta(seconds=1))
        self.passes += 1
        self.fuse = fuse or Fuse()
        for place in self.places.values():
            place.step = self.fuse.step
        try:
            with self._alive():
                return runs.sync(self.present(), Scope(full=full))
        except Killed:
            self._bury()
            return None

    @contextmanager
    def _alive(self) -> Iterator[None]:
        """Let the fuse stand before every effect, and nothing come from elsewhere by chance."""
        with ExitStack() as stack:
            stack.enter_context(connection.execute_wrapper(self.fuse.books))
            for name in _ON_DISK:
                stack.enter_context(patch.object(os, name, self._on_disk(getattr(os, name))))
            stack.enter_context(patch.object(os, "urandom", self.chance.randbytes))
            stack.enter_context(patch.object(secrets, "token_hex", self._token))
            yield

    def _token(self, size: int = 16) -> str:
        return self.chance.randbytes(size).hex()

    def _on_disk(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*args: Any, **more: Any) -> Any:
            self.fuse.step("disk")
            return act(*args, **more)

        return stepped

    def _bury(self) -> None:
        """Close what a dead process had open, and let its leases run out."""
        self.deaths += 1
        connection.close()
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("UPDATE hub_lease SET until = 'epoch'")


def _by(place: Place, resource: str, key: str) -> dict[str, dict[str, Any]]:
    return {str(r.fields[key]): r.fields for r in place.tables[resource].records.values()}


def _fields(*names: str) -> list[FieldShape]:
    return [FieldShape(n, "integer" if n == "owed" else "text") for n in names]


def _places() -> dict[str, Place]:
    sis = {
        "students": table("students", _fields(*_TEXT)),
        "enrolments": table("enrolments", _fields("student", "course")),
    }
    lms = {
        "users": table("users", _fields("number", "name", "email"), unique=("email",)),
        "seats": table("seats", _fields("user", "course"), of=("user", "users")),
    }
    return {
        "sis": Place(sis),
        "bursary": Place({"accounts": table("accounts", _fields("student", "owed"))}),
        "lms": Place(lms),
        "library": Place({"patrons": table("patrons", _fields("number", "name", "owed"))}),
    }


def settle(folder: Path) -> Kept:
    """Make the campus and deliver everything; give what an episode begins with."""
    (folder / "charter").mkdir(parents=True)
    (folder / "charter" / "charter.yaml").write_text(CHARTER, encoding="utf-8")
    charter = compile_charter(folder / "charter", today=date(2026, 9, 1))
    desk = Desk(charter, charter.text, folder, folder / "home", "machine", BEGIN)
    campus = Campus(desk, _places(), BEGIN)
    PLACES.update(campus.places)
    for number in (*STAYING, *COMING[:2]):
        enter(campus, number)
        enrol(campus, number, COURSES[0])
    for steward in charter.stewards:
        charters.sign(replace(desk, at=BEGIN), steward=steward)
    done = campus.sync()
    assert done is not None
    assert done.is_whole
    assert campus.sync().plan.is_empty
    return Kept(rows(), folder / "home", campus.places, campus.at, desk)


def enter(campus: Campus, number: str) -> None:
    """Have a student at the owners, or make them active again."""
    known = campus.students().get(number)
    if known:
        known["status"] = "active"
        return
    told = {"number": number, "name": f"{number} 0", "email": f"{number}@0", "status": "active"}
    campus.places["sis"].tables["students"].add(told)
    if number not in campus.owed():
        campus.places["bursary"].tables["accounts"].add({"student": number, "owed": 0})


def enrol(campus: Campus, number: str, course: str) -> None:
    """Have somebody in a course."""
    if (number, course) not in campus.enrolments():
        campus.places["sis"].tables["enrolments"].add({"student": number, "course": course})


@contextmanager
def episode(kept: Kept, folder: Path) -> Iterator[Campus]:
    """Begin an episode where everything stands as it was kept, in a home of its own."""
    put_back(kept.rows)
    home = folder / "home"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(kept.home, home)
    campus = Campus(replace(kept.desk, home=home), deepcopy(kept.places), kept.at, begun=kept.at)
    PLACES.update(campus.places)
    yield campus


def _tables() -> list[str]:
    return [
        m._meta.db_table for app in ("hub", "audit") for m in apps.get_app_config(app).get_models()
    ]


def rows() -> dict[str, tuple[list[str], list[tuple[Any, ...]]]]:
    found = {}
    with connection.cursor() as cursor:
        for name in _tables():
            cursor.execute(f"SELECT * FROM {name} ORDER BY 1")  # noqa: S608 - our own names
            found[name] = [column[0] for column in cursor.description], cursor.fetchall()
    return found


def put_back(kept: dict[str, tuple[list[str], list[tuple[Any, ...]]]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        guards.remove(connection)
        for name in reversed(list(kept)):
            cursor.execute(f"DELETE FROM {name}")  # noqa: S608 - our own names
        for name, (columns, rows) in kept.items():
            marks = ", ".join(["%s"] * len(columns))
            if rows:
                cursor.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)  # noqa: S608
        guards.install(connection)


def ledger() -> dict[str, list[tuple[Any, ...]]]:
    """Give every row of ours, without the numbers that the database itself counts."""
    told = {}
    for name, (columns, found) in rows().items():
        keep = [at for at, column in enumerate(columns) if column not in {"id", "case_id"}]
        told[name] = [tuple(row[at] for at in keep) for row in found]
    return told
