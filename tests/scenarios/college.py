"""A small college for the scenarios: a register's file, a campus database, a library's file.

Students stand in a CSV file, their enrolments in a SQL database, their fines in another CSV
file. A SQL database, a folder of files and a warehouse receive copies. Everything is real
and small; commands are spoken in process, as in `tests.world`.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sqlite3
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matricula.cli import main
from tests.world import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

STEWARDS = ("registrar", "academics", "library", "it", "planning")
HEADER = "student_no,name,email,status,joined_on,credits"
# Numbers of two makes: with leading zeros, and such as a spreadsheet takes for a date.
NUMBERS = (*(f"{n:05d}" for n in range(1, 15)), "10-20", "11-03")
PEOPLE = ("Amara Okafor", "Béla Bartók", "Chidi Eze", "Dewi Wirawan", "Elif Yılmaz")
FLOWS = ("lms-accounts", "lms-enrolments", "directory-people", "warehouse-students")

_CHARTER = """
institution: Testing College
timezone: Europe/London
currency: GBP
stewards:
  registrar: {name: Registrar's Office, notify: registrar@example.org}
  academics: {name: Academic Services, notify: academics@example.org}
  library: {name: University Library, notify: library@example.org}
  it: {name: Identity and Access, notify: it@example.org}
  planning: {name: Planning Office, notify: planning@example.org}
systems:
  register:
    connector: files
    steward: registrar
    settings:
      folder: register
      resources:
        students: {file: students.csv, key: [student_no]}
  campus:
    connector: sql
    steward: academics
    settings:
      url: "sqlite:///PLACE/campus.db"
      resources:
        enrolments: {table: enrolments, key: [student_no, code]}
        advisers: {table: advisers, key: [student_no]}
  library:
    connector: files
    steward: library
    settings:
      folder: library
      resources:
        patrons: {file: patrons.csv, key: [cardnumber], control: {file: "{file}.total"}}
  lms:
    connector: sql
    steward: it
    settings:
      url: "sqlite:///PLACE/targets/lms.db"
      resources:
        users:
          table: users
          key: [idnumber]
          external_id: id
          suspend: {column: suspended, value: 1, resume_value: 0}
        enrolments: {table: enrolments, key: [userid, code]}
  directory:
    connector: files
    steward: it
    settings:
      folder: targets/directory
      resources:
        people: {file: people.csv, key: [number], missing_ok: true}
  warehouse:
    connector: warehouse
    steward: planning
    settings: {folder: targets/warehouse}
entities:
  student:
    key: student_no
    roster: register.students
    found_by: {library.patrons: cardnumber, campus.advisers: student_no}
    fields:
      student_no: {owner: register.students, type: text}
      name: {owner: register.students, type: text, class: personal}
      email: {owner: register.students, type: text, class: personal}
      status: {owner: register.students, type: [active, on_leave, withdrawn]}
      joined_on: {owner: register.students, type: date, class: personal}
      credits: {owner: register.students, type: integer}
      fines: {owner: library.patrons, type: money, class: personal}
      adviser: {owner: campus.advisers, type: text}
  enrolment:
    key: [student_no, code]
    roster: campus.enrolments
    fields:
      student_no: {owner: campus.enrolments, type: ref(student)}
      code: {owner: campus.enrolments, type: text}
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
      credits: {is: credits, because: courses open with them}
      adviser: {is: adviser, because: students find their adviser}
    cadence: {on_change: true, full: "02:00"}
    on_exit: suspend
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 10%}, creations: {share: 50%}, changes: {share: 50%}}
    errors_to: it
  lms-enrolments:
    purpose: Students find the spaces of their sections.
    basis: contract with the student
    from: enrolment
    to: lms.enrolments
    match: {userid: "link('lms-accounts', student_no)", code: code}
    where: student_no.status in ('active', 'on_leave')
    fields:
      userid: {is: "link('lms-accounts', student_no)", because: who}
      code: {is: code, because: where}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 10%}}
    errors_to: academics
  directory-people:
    purpose: Staff find students.
    basis: public task
    from: student
    to: directory.people
    match: {number: student_no}
    fields:
      number: {is: student_no, because: records are told apart}
      called: {is: name, because: staff ask for people by name}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: report
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
      joined_on: {is: joined_on, because: counts are by intake}
      fines: {is: fines, because: debts are counted}
    cadence: {on_change: true}
    on_exit: suspend
    on_drift: report
    if_unavailable: {queue: true}
    guard: {exits: {share: 10%}, changes: {share: 25%}}
    errors_to: planning
"""
_IDP_SYSTEM = """
  idp:
    connector: scim
    steward: it
    settings: {url: "SCIM", token: "env:COLLEGE_TOKEN"MORE}
"""
_IDP_FLOW = """
  idp-accounts:
    purpose: Students sign in.
    basis: contract with the student
    from: student
    to: idp.users
    match: {externalId: student_no}
    where: status in ('active', 'on_leave')
    fields:
      externalId: {is: student_no, because: the key that never changes}
      userName: {initially: lower(email), because: a first login}
      displayName: {is: name, because: people are addressed by their name}
      title: {is: adviser, because: the directory shows it}
    cadence: {on_change: true}
    on_exit: suspend
    on_drift: restore
    if_unavailable: {queue: true}
    errors_to: it
"""
_CAMPUS = """
CREATE TABLE enrolments (student_no TEXT, code TEXT, PRIMARY KEY (student_no, code));
CREATE TABLE advisers (student_no TEXT PRIMARY KEY, adviser TEXT);
"""
_LMS = """
CREATE TABLE users (id INTEGER PRIMARY KEY, idnumber TEXT UNIQUE, fullname TEXT NOT NULL,
    email TEXT, credits INTEGER, adviser TEXT, suspended INTEGER NOT NULL DEFAULT 0);
CREATE TABLE enrolments (userid TEXT, code TEXT, PRIMARY KEY (userid, code));
"""


@dataclass(frozen=True, slots=True)
class College:
    """The college at work, in a folder of its own."""

    folder: Path

    @property
    def students(self) -> Path:
        """The register's file."""
        return self.folder / "register" / "students.csv"

    @property
    def patrons(self) -> Path:
        """The library's file."""
        return self.folder / "library" / "patrons.csv"

    def run(self, *words: str) -> Said:
        """Run a command as a person would type it after `matricula`."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main.run(["--charter", str(self.folder / "charter"), *words])
        return Said(code, out.getvalue(), err.getvalue())

    def incidents(self) -> list[dict[str, Any]]:
        """List the open incidents."""
        found: list[dict[str, Any]] = json.loads(self.run("incidents", "--json").out)
        return found

    def settle(self) -> None:
        """Sign and load everything, so that every target holds what it should."""
        for steward in STEWARDS:
            assert self.run("sign", "--as", steward).code == 0
        said = self.run("sync")
        assert said.code == 0, said.out + said.err

    def targets(self) -> dict[str, str]:
        """Fingerprint every byte that every target holds, by file."""
        files = sorted(p for p in (self.folder / "targets").rglob("*") if p.is_file())
        place = self.folder / "targets"
        return {
            str(p.relative_to(place)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files
        }

    def everything(self) -> list[object]:
        """Give what the targets hold, apart from how their files lay it out."""
        people = self.folder / "targets" / "directory" / "people.csv"
        tables = ("users", "enrolments")
        held = [self.in_lms(f"SELECT * FROM {name} ORDER BY 1, 2") for name in tables]  # noqa: S608 - our own names
        return [*held, sorted(people.read_text(encoding="utf-8").splitlines())]

    def rewrite(self, path: Path, change: Callable[[bytes], bytes]) -> None:
        """Replace a file, as a whole, by what a change makes of it."""
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_bytes(change(path.read_bytes()))
        fresh.replace(path)

    def write_students(self, rows: Iterable[str]) -> None:
        """Replace the register's file."""
        self.students.write_text("".join(f"{row}\n" for row in (HEADER, *rows)), encoding="utf-8")

    def campus(self, statement: str, *values: object) -> None:
        """Change the campus database."""
        with closing(sqlite3.connect(self.folder / "campus.db")) as database, database:
            database.execute(statement, values)

    def lms(self, statement: str, *values: object) -> None:
        """Change the learning management system behind Matricula's back."""
        with closing(sqlite3.connect(self.folder / "targets" / "lms.db")) as database, database:
            database.execute(statement, values)

    def in_lms(self, query: str) -> list[tuple[Any, ...]]:
        """Ask the learning management system itself."""
        with closing(sqlite3.connect(self.folder / "targets" / "lms.db")) as database:
            return database.execute(query).fetchall()


def student(number: str, place: int = 0, **fields: str) -> str:
    """Write one row of the register's file."""
    told = {
        "name": PEOPLE[place % len(PEOPLE)],
        "email": f"s{number}@example.org",
        "status": "active",
        "joined_on": f"2026-09-{place % 28 + 1:02d}",
        "credits": str(place * 10),
        **fields,
    }
    return ",".join([number, *told.values()])


def build(folder: Path, *, numbers: Iterable[str] = NUMBERS) -> College:
    """Make the college: its students, one or two enrolments each, an adviser, a fine."""
    numbers = tuple(numbers)
    for name in ("charter", "register", "library", "targets/directory", "targets/warehouse"):
        (folder / name).mkdir(parents=True)
    text = _CHARTER.replace("PLACE", folder.as_posix())
    (folder / "charter" / "charter.yaml").write_text(text, encoding="utf-8")
    college = College(folder)
    college.write_students(student(number, place) for place, number in enumerate(numbers))
    fines = "".join(f"{number},{place}.50\n" for place, number in enumerate(numbers))
    college.patrons.write_text(f"cardnumber,fines\n{fines}", encoding="utf-8")
    college.patrons.with_name("patrons.csv.total").write_text(f"rows={len(numbers)}\n", "ascii")
    with closing(sqlite3.connect(folder / "campus.db")) as database, database:
        database.executescript(_CAMPUS)
        database.executemany(
            "INSERT INTO enrolments VALUES (?, ?)",
            [(number, code) for number in numbers for code in ("LAW1", "ART1")],
        )
        database.executemany(
            "INSERT INTO advisers VALUES (?, ?)", [(number, "Dr Who") for number in numbers]
        )
    with closing(sqlite3.connect(folder / "targets" / "lms.db")) as database, database:
        database.executescript(_LMS)
    return college


def add_to_charter(college: College, *, systems: str, flows: str) -> None:
    """Name more systems and grant more flows."""
    path = college.folder / "charter" / "charter.yaml"
    text = path.read_text(encoding="utf-8").replace("\nentities:\n", f"{systems}entities:\n", 1)
    path.write_text((text + flows).replace("PLACE", college.folder.as_posix()), encoding="utf-8")


def add_identity_provider(college: College, url: str, *, more: str = "") -> None:
    """Connect a SCIM server, whose token is looked for in `COLLEGE_TOKEN`.

    Args:
        college: Whose charter names it then.
        url: Its base address.
        more: Settings, each after a comma.
    """
    add_to_charter(
        college, systems=_IDP_SYSTEM.replace("MORE", more).replace("SCIM", url), flows=_IDP_FLOW
    )


def copy_of(college: College, place: Path) -> None:
    """Keep everything in the college's folder, to come back to it."""
    shutil.copytree(college.folder, place)


def return_to(college: College, place: Path) -> None:
    """Put everything in the college's folder back as it was kept."""
    shutil.rmtree(college.folder)
    shutil.copytree(place, college.folder)
