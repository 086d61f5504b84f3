"""A small university for tests: a student system, a library's export, two targets.

Everything is real: SQLite files behind the sql connector, a folder of files, a warehouse.
`World.run` speaks to Matricula the way a person does, through its commands.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matricula.cli import main
from tests import settled

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

STEWARDS = ("registrar", "library", "it", "planning")

CHARTER = """
institution: Testing University
timezone: Europe/London
currency: GBP
stewards:
  registrar: {name: Registrar's Office, notify: registrar@example.org}
  library: {name: University Library, notify: library@example.org}
  it: {name: Identity and Access, notify: it@example.org}
  planning: {name: Planning Office, notify: planning@example.org}
systems:
  sis:
    connector: sql
    steward: registrar
    settings:
      url: "sqlite:///sis.db"
      resources:
        students: {table: students, key: [student_no]}
        sections: {table: sections, key: [code]}
        enrolments: {table: enrolments, key: [student_no, code]}
  library:
    connector: files
    steward: library
    settings:
      folder: drop
      resources:
        patrons: {file: patrons.csv, key: [cardnumber]}
  lms:
    connector: sql
    steward: it
    settings:
      url: "sqlite:///lms.db"
      resources:
        users:
          table: users
          key: [idnumber]
          external_id: id
          suspend: {column: suspended, value: 1, resume_value: 0}
        courses: {table: courses, key: [code], external_id: id}
        enrolments: {table: enrolments, key: [userid, courseid]}
  warehouse:
    connector: warehouse
    steward: planning
    settings: {folder: warehouse}
entities:
  student:
    key: student_no
    roster: sis.students
    found_by: {library.patrons: cardnumber}
    fields:
      student_no: {owner: sis.students, type: text}
      name: {owner: sis.students, type: text, class: personal}
      email: {owner: sis.students, type: text, class: personal}
      status: {owner: sis.students, type: [active, on_leave, withdrawn]}
      fines: {owner: library.patrons, type: money, class: personal}
  section:
    key: code
    roster: sis.sections
    fields:
      code: {owner: sis.sections, type: text}
      title: {owner: sis.sections, type: text}
  enrolment:
    key: [student_no, code]
    roster: sis.enrolments
    fields:
      student_no: {owner: sis.enrolments, type: ref(student)}
      code: {owner: sis.enrolments, type: ref(section)}
"""

FLOWS = """
flows:
  lms-accounts:
    purpose: Students reach their course spaces.
    basis: contract with the student
    from: student
    to: lms.users
    match: {idnumber: student_no}
    where: status in ('active', 'on_leave')
    fields:
      idnumber: {is: student_no, because: the stable key}
      fullname: {is: name, because: classmates address the person}
      email: {is: email, because: notices reach the student}
      username: {initially: lower(email), because: a first login}
    cadence: {on_change: true, full: "02:00"}
    on_exit: suspend
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 10%}, creations: {share: 50%}, changes: {share: 75%}}
    errors_to: it
  lms-courses:
    purpose: Sections have course spaces.
    from: section
    to: lms.courses
    match: {code: code}
    fields:
      code: {is: code, because: the stable key}
      title: {is: title, because: students look for it}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: report
    if_unavailable: {queue: true}
    guard: {exits: {share: 10%}}
    errors_to: it
  lms-enrolments:
    purpose: Students find the spaces of their sections.
    basis: contract with the student
    from: enrolment
    to: lms.enrolments
    match: {userid: "link('lms-accounts', student_no)", courseid: "link('lms-courses', code)"}
    where: student_no.status in ('active', 'on_leave')
    fields:
      userid: {is: "link('lms-accounts', student_no)", because: who}
      courseid: {is: "link('lms-courses', code)", because: where}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 10%}}
    errors_to: it
  warehouse-students:
    purpose: The Planning Office counts students.
    basis: public task
    from: student
    to: warehouse.students
    match: {student_no: student_no}
    fields:
      student_no: {is: student_no, because: records are told apart}
      status: {is: status, because: counts are by status}
      fines: {is: fines, because: debts are counted}
    cadence: {on_change: true}
    on_exit: suspend
    on_drift: report
    if_unavailable: {queue: true}
    guard: {exits: {share: 10%}}
    errors_to: planning
"""

_SIS = """
CREATE TABLE students (student_no TEXT PRIMARY KEY, name TEXT, email TEXT, status TEXT);
CREATE TABLE sections (code TEXT PRIMARY KEY, title TEXT);
CREATE TABLE enrolments (student_no TEXT, code TEXT, PRIMARY KEY (student_no, code));
"""
_LMS = """
CREATE TABLE users (id INTEGER PRIMARY KEY, idnumber TEXT UNIQUE, fullname VARCHAR(60) NOT NULL,
    email TEXT, username TEXT, suspended INTEGER NOT NULL DEFAULT 0);
CREATE TABLE courses (id INTEGER PRIMARY KEY, code TEXT UNIQUE, title TEXT);
CREATE TABLE enrolments (userid TEXT, courseid TEXT, PRIMARY KEY (userid, courseid));
"""
PEOPLE = ("Amara Okafor", "Bela Bartók", "Chidi Eze", "Dewi Wirawan", "Elif Yılmaz")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command answered: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value on standard output."""
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class World:
    """The university at work."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    def run(self, *words: str) -> Said:
        """Run a command as a person would type it after `matricula`."""
        self.capture.readouterr()
        code = main.run(["--charter", str(self.folder / "charter"), *words])
        told = self.capture.readouterr()
        return Said(code, told.out, told.err)

    def plan(self, *words: str) -> dict[str, Any]:
        """Plan, and give the flows by name."""
        return {flow["flow"]: flow for flow in self.run("plan", "--json", *words).json["flows"]}

    def sign_all(self) -> None:
        """Have every office sign what concerns it."""
        for steward in STEWARDS:
            assert self.run("sign", "--as", steward).code == 0

    def settle(self) -> None:
        """Sign and load everything, so that every target holds what it should."""
        settled.bring(self.folder, self._settle)

    def _settle(self) -> None:
        self.sign_all()
        said = self.run("sync")
        assert said.code == 0, said.out + said.err

    def sis(self, statement: str, *values: object) -> None:
        """Change the student system."""
        self._change("sis.db", statement, values)

    def lms(self, statement: str, *values: object) -> None:
        """Change the learning management system behind Matricula's back."""
        self._change("lms.db", statement, values)

    def _change(self, name: str, statement: str, values: tuple[object, ...]) -> None:
        with closing(sqlite3.connect(self.folder / name)) as database, database:
            database.execute(statement, values)

    def in_lms(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the learning management system itself."""
        with closing(sqlite3.connect(self.folder / "lms.db")) as database:
            return database.execute(query).fetchall()

    def everything_in_lms(self) -> list[list[tuple[Any, ...]]]:
        """Give all that the learning management system holds."""
        tables = ("users", "courses", "enrolments")
        return [self.in_lms(f"SELECT * FROM {name} ORDER BY 1, 2") for name in tables]  # noqa: S608 - our own names

    def write_patrons(self, text: str) -> None:
        """Replace the library's export."""
        (self.folder / "drop" / "patrons.csv").write_bytes(text.encode())

    def edit_charter(self, old: str, new: str, name: str = "flows.yaml") -> None:
        """Change the charter's text."""
        path = self.folder / "charter" / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


def build(folder: Path, capture: pytest.CaptureFixture[str], *, students: int = 40) -> World:
    """Make the university: `students` students, three sections, everybody in two of them."""
    for name in ("charter", "drop", "warehouse"):
        (folder / name).mkdir(parents=True)
    (folder / "charter" / "charter.yaml").write_text(CHARTER, encoding="utf-8")
    (folder / "charter" / "flows.yaml").write_text(FLOWS, encoding="utf-8")
    numbers = [f"{n:05d}" for n in range(1, students + 1)]
    with closing(sqlite3.connect(folder / "sis.db")) as database, database:
        database.executescript(_SIS)
        database.executemany(
            "INSERT INTO students VALUES (?, ?, ?, 'active')",
            [
                (number, PEOPLE[place % len(PEOPLE)], f"s{number}@example.org")
                for place, number in enumerate(numbers)
            ],
        )
        database.executemany(
            "INSERT INTO sections VALUES (?, ?)",
            [("LAW1", "Law"), ("ART1", "Art"), ("BIO1", "Biology")],
        )
        database.executemany(
            "INSERT INTO enrolments VALUES (?, ?)",
            [(number, code) for number in numbers for code in ("LAW1", "ART1")],
        )
    with closing(sqlite3.connect(folder / "lms.db")) as database, database:
        database.executescript(_LMS)
    world = World(folder, capture)
    rows = "".join(f"{number},{place}.50\n" for place, number in enumerate(numbers))
    world.write_patrons(f"cardnumber,fines\n{rows}")
    return world
