"""Make a working folder for the Open University example; the data stays where it is.

    python prepare.py --data DIR --into WORK [--sql URL] [--scim URL] [--register]

Writes WORK/charter with the paths in it, WORK/support.db with the support teams' empty tables
(unless --sql names another database that has them), and the folders that targets need.
With --register it is the charter of a university whose students are in Matricula's register:
`matricula register import DIR --kind open-university` brings them in.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).parent
TABLES = """
CREATE TABLE students (id_student TEXT PRIMARY KEY, region TEXT, gender TEXT, disability TEXT);
CREATE TABLE presentations (code_module TEXT, code_presentation TEXT, days INTEGER,
    PRIMARY KEY (code_module, code_presentation));
CREATE TABLE registrations (code_module TEXT, code_presentation TEXT, id_student TEXT,
    registered_on_day INTEGER, left_on_day INTEGER, active BOOLEAN,
    PRIMARY KEY (code_module, code_presentation, id_student));
CREATE TABLE present (code_module TEXT, code_presentation TEXT, id_student TEXT,
    PRIMARY KEY (code_module, code_presentation, id_student));
CREATE TABLE results (id_assessment TEXT, id_student TEXT, day INTEGER, score NUMERIC(7, 3),
    is_banked BOOLEAN,
    PRIMARY KEY (id_assessment, id_student));
"""
NO_SCIM = "http://127.0.0.1:9/not-started/v2"


def prepare(
    data: Path, work: Path, *, sql: str = "", scim: str = "", register: bool = False
) -> Path:
    """Write the working folder and return the charter's folder in it.

    Args:
        data: The folder with the six files.
        work: A folder to make.
        sql: The support teams' database; a new SQLite file when empty.
        scim: Base address of the identity provider.
        register: Whether students are in Matricula's register and not in files.
    """
    for name in ("lms", "warehouse"):
        (work / name).mkdir(parents=True, exist_ok=True)
    if not sql:
        sql = f"sqlite:///{(work / 'support.db').absolute().as_posix()}"
        with closing(sqlite3.connect(work / "support.db")) as database:
            database.executescript(TABLES)
    charter = work / "charter"
    shutil.copytree(HERE / ("register" if register else "charter"), charter)
    systems = charter / "systems.yaml"
    text = systems.read_text(encoding="utf-8").partition("systems:\n")
    placed = (
        text[2]
        .replace('"DATA"', f'"{data.absolute().as_posix()}"')
        .replace('"SQL"', f'"{sql}"')
        .replace('"SCIM"', f'"{scim or NO_SCIM}"')
    )
    systems.write_text(text[1] + placed, encoding="utf-8")
    return charter


def main() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--sql", default="")
    parser.add_argument("--scim", default="")
    parser.add_argument("--register", action="store_true")
    words = parser.parse_args()
    charter = prepare(
        words.data, words.into, sql=words.sql, scim=words.scim, register=words.register
    )
    print(f"wrote {charter}; now `cd {words.into}` and `matricula check`")


if __name__ == "__main__":
    main()
