"""Ten ways in which an owner is wrong about everybody at once, and who is to hear of it.

They are those of the mass-change matrix: each is tried on every route by which a change can
go out, by one worker and by two.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.scenarios.college import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.scenarios.college import College

# Five departments of twelve; the number says which. Everybody is in five sections, half of
# them in a class of thirty beside, which is less than a tenth of the flow.
DEPARTMENTS = ("AR", "BI", "CH", "DE", "EC")
NUMBERS = tuple(f"{name}-{n:03d}" for name in DEPARTMENTS for n in range(12))
CLASS = "LATIN1"


def departments(folder: Path) -> College:
    """Make a college of five departments, with a class of thirty in its own right."""
    college = build(folder, numbers=NUMBERS)
    path = college.folder / "charter" / "charter.yaml"
    text = path.read_text(encoding="utf-8")
    old = "guard: {exits: {share: 10%}}\n    errors_to: academics"
    assert old in text
    path.write_text(text.replace(old, old.replace("10%", "10%, count: 25")), encoding="utf-8")
    with closing(sqlite3.connect(folder / "campus.db")) as database, database:
        for code in ("LAW2", "ART2", "BIO2"):
            database.execute("INSERT INTO enrolments SELECT student_no, ? FROM advisers", [code])
        rows = [(number, CLASS) for number in NUMBERS[::2]]
        database.executemany("INSERT INTO enrolments VALUES (?, ?)", rows)
    return college


@dataclass(frozen=True, slots=True)
class Broken:
    """One way of being wrong.

    Attributes:
        breaks: Does it.
        code: What is said of it.
        place: Where.
        steward: To which office.
    """

    breaks: Callable[[College], None]
    code: str
    place: str = "register.students"
    steward: str = "registrar"


def _file(change: Callable[[bytes], bytes]) -> Callable[[College], None]:
    return lambda college: college.rewrite(college.students, change)


def _lines(change: Callable[[list[bytes]], Iterable[bytes]]) -> Callable[[College], None]:
    """Change the rows below the header."""

    def changed(content: bytes) -> bytes:
        header, *rows = content.splitlines(keepends=True)
        return b"".join([header, *change(rows)])

    return _file(changed)


def _a_year_ago(row: bytes) -> bytes:
    """Put somebody else in every sixth place, as it was in another year."""
    return row.replace(b"-00", b"-90", 1) if row[4:6] in (b"00", b"06") else row


MATRIX = {
    "has a header and nothing else": Broken(_lines(lambda _: []), "M422"),
    "is truncated": Broken(_file(lambda content: content[:-25]), "M423"),
    "is half": Broken(_lines(lambda rows: rows[: len(rows) // 2]), "M501"),
    "is of another term": Broken(_lines(lambda rows: map(_a_year_ago, rows)), "M501"),
    "is in another encoding": Broken(
        _file(lambda content: content.decode().encode("utf-16")), "M424"
    ),
    "has its key column renamed": Broken(
        _file(lambda content: content.replace(b"student_no", b"StudentNo")), "M426"
    ),
    "has all identifiers re-issued": Broken(
        _lines(lambda rows: (b"27" + row for row in rows)), "M407"
    ),
    "lacks one department": Broken(
        _lines(lambda rows: (row for row in rows if not row.startswith(b"CH"))), "M501"
    ),
    "empties a class of thirty": Broken(
        lambda college: college.campus("DELETE FROM enrolments WHERE code = ?", CLASS),
        "M501", "campus.enrolments", "academics",
    ),
    "updates everybody": Broken(
        _lines(lambda rows: (row.replace(b",", b",The ", 1) for row in rows)), "M503"
    ),
}  # fmt: skip
