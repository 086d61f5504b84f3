"""A made-up university: the same people for the same seed, in every script we could think of."""

from __future__ import annotations

import csv
import hashlib
import random
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_GIVEN = [
    "Amara",
    "Bela",
    "Chidi",
    "Dewi",
    "Elif",
    "Farid",
    "Grace",
    "Hiroshi",
    "Ingrid",
    "José",
    "Kofi",
    "Lea",
    "Mehmet",
    "Ngozi",
    "Olga",
    "Priya",
    "Quentin",
    "Rosa",
    "Søren",
    "Thandiwe",
    "Umar",
    "Véronique",
    "Wei",
    "Ximena",
    "Yusuf",
    "Zoë",
    "Łukasz",
    "Ñusta",
    "Ömer",
    "Æsa",
    "Дарья",
    "Γεώργιος",
    "أمل",
    "שרה",
    "静香",
    "민준",
]
_FAMILY = [
    "Okafor",
    "Bartók",
    "Chukwu",
    "Wirawan",
    "Yılmaz",  # noqa: RUF001 - a Turkish letter
    "Haddad",
    "O'Brien",
    "Tanaka",
    "Sørensen",
    "García-López",
    "Mensah",
    "Müller",
    "Kaya",
    "Eze",
    "Petrova",
    "Sharma",
    "Dubois",
    "Rossi",
    "Kierkegaard",
    "Dlamini",
    "Farouk",
    "Lefèvre",
    "Zhang",
    "Hernández",
    "Rahman",
    "Åkesson",
    "Wójcik",
    "Quispe",
    "Öztürk",
    "Jónsdóttir",
    "Иванова",
    "Παπαδόπουλος",
    "حسن",
    "כהן",
    "佐藤",
    "김",
]
_PROGRAMMES = (
    ("LAW", "Law", "Society"), ("HIS", "History", "Humanities"),
    ("PHI", "Philosophy", "Humanities"),
    ("BIO", "Biology", "Science"), ("CHE", "Chemistry", "Science"), ("PHY", "Physics", "Science"),
    ("MAT", "Mathematics", "Science"), ("CSC", "Computer Science", "Engineering"),
    ("CIV", "Civil Engineering", "Engineering"), ("NUR", "Nursing", "Health"),
    ("ECO", "Economics", "Society"), ("MUS", "Music", "Humanities"),
)  # fmt: skip
_SECTIONS_EACH = 5
_TABLES = """
CREATE TABLE programmes (code TEXT PRIMARY KEY, title TEXT NOT NULL, faculty TEXT NOT NULL);
CREATE TABLE students (
    student_no TEXT PRIMARY KEY, given_name TEXT NOT NULL, family_name TEXT NOT NULL,
    display_name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, born_on DATE, status TEXT NOT NULL,
    programme TEXT NOT NULL REFERENCES programmes(code), intake_on DATE);
CREATE TABLE sections (
    section_code TEXT PRIMARY KEY, title TEXT NOT NULL,
    programme TEXT NOT NULL REFERENCES programmes(code), term TEXT NOT NULL);
CREATE TABLE enrolments (
    student_no TEXT NOT NULL REFERENCES students(student_no),
    section_code TEXT NOT NULL REFERENCES sections(section_code),
    status TEXT NOT NULL, enrolled_on DATE, PRIMARY KEY (student_no, section_code));
CREATE TABLE clearance (
    student_no TEXT PRIMARY KEY, overdue INTEGER, fines NUMERIC(12, 2), is_clear BOOLEAN);
"""


@dataclass(frozen=True, slots=True)
class University:
    """How large it turned out."""

    students: int
    programmes: int
    sections: int
    enrolments: int
    patrons: int


def build(folder: Path, *, students: int, seed: int) -> University:
    """Make the student system (`sis.db`) and the library's export (`drop/patrons.csv`).

    Args:
        folder: An empty folder.
        students: How many.
        seed: The same seed makes the same university.
    """
    dice = random.Random(seed)  # noqa: S311 - made-up people, not secrets
    people = [_student(dice, place) for place in range(1, students + 1)]
    sections = [
        (f"{code}{100 + place}", f"{title} {place + 1}", code, "autumn-2026")
        for code, title, _ in _PROGRAMMES
        for place in range(_SECTIONS_EACH)
    ]
    enrolments = [row for person in people for row in _enrolments(dice, person)]
    with closing(sqlite3.connect(folder / "sis.db")) as database, database:
        database.executescript(_TABLES)
        database.executemany("INSERT INTO programmes VALUES (?, ?, ?)", _PROGRAMMES)
        database.executemany("INSERT INTO students VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", people)
        database.executemany("INSERT INTO sections VALUES (?, ?, ?, ?)", sections)
        database.executemany("INSERT INTO enrolments VALUES (?, ?, ?, ?)", enrolments)
    patrons = _patrons(dice, people)
    write_patrons(folder / "drop" / "patrons.csv", patrons)
    return University(len(people), len(_PROGRAMMES), len(sections), len(enrolments), len(patrons))


def _student(dice: random.Random, place: int) -> tuple[str, ...]:
    number = f"{place:08d}"
    given, family = dice.choice(_GIVEN), dice.choice(_FAMILY)
    born = date(1998, 1, 1) + timedelta(days=dice.randrange(3650))
    status = dice.choices(("active", "on_leave", "suspended", "withdrawn"), (93, 4, 1, 2))[0]
    intake = date(2026 - dice.randrange(3), 9, 1)
    return (
        number, given, family, f"{given} {family}", f"s{number}@northfield.example",
        born.isoformat(), status, dice.choice(_PROGRAMMES)[0], intake.isoformat(),
    )  # fmt: skip


def _enrolments(dice: random.Random, person: tuple[str, ...]) -> list[tuple[str, str, str, str]]:
    number, programme = person[0], person[7]
    taken = dice.sample(range(_SECTIONS_EACH), 4)
    return [
        (number, f"{programme}{100 + place}", dice.choices(("enrolled", "dropped"), (97, 3))[0],
         "2026-09-01")
        for place in sorted(taken)
    ]  # fmt: skip


def _patrons(dice: random.Random, people: list[tuple[str, ...]]) -> list[tuple[str, str, str]]:
    rows = []
    for person in people:
        if dice.random() < 0.2:  # noqa: PLR2004 - one in five never visits
            continue
        overdue = dice.choices((0, 1, 2, 3), (90, 6, 3, 1))[0]
        rows.append((person[0], str(overdue), f"{overdue * dice.randrange(1, 20) * 0.5:.2f}"))
    return rows


def write_patrons(path: Path, patrons: list[tuple[str, str, str]]) -> None:
    """Write the library's export and its control file, as the library does every night."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("cardnumber", "overdue", "fines"))
        writer.writerows(patrons)
    seal = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".control").write_text(f"rows={len(patrons)}\nsha256={seal}\n")
