"""What a database's error means for us: the next move, and words that are safe to show.

A database's own message may quote the row it refused, so it is never passed on. What is
kept is the error's number and the names of columns, looked up in the table's own list.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import adbc_driver_manager
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from matricula.connectors.kit.errors import (
    ConnectorError,
    GiveUp,
    ReadBack,
    SkipRow,
    Stop,
    TryAgain,
    not_begun,
)

if TYPE_CHECKING:
    from matricula.connectors.sql.tables import Mirror

Failure = SQLAlchemyError | adbc_driver_manager.Error
FAILURES = (SQLAlchemyError, adbc_driver_manager.Error)

_AWAY = "The database does not answer"
_NOT_LET_IN = "The database does not let us in"
_LATER = "Nothing to do by hand unless it lasts: it is tried again."
# https://www.postgresql.org/docs/15/errcodes-appendix.html and https://sqlite.org/rescode.html
_ROW = ("22", "23", "44", "P0", "SQLITE_CONSTRAINT", "SQLITE_MISMATCH", "SQLITE_TOOBIG")
_NO_ENTRY = ("28", "3D000", "SQLITE_READONLY", "SQLITE_NOTADB", "SQLITE_AUTH", "SQLITE_PERM")
_NO_TABLE = ("42",)
_ROLLED_BACK = ("40", "55P03", "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL")
# A refused connection has no number: only its words tell a wrong password from a server
# that is away. The words of PostgreSQL, MySQL and SQL Server, in this order.
_WORDS_OF_NO_ENTRY = re.compile(
    r"authentication failed|no password supplied|pg_hba\.conf|role .* does not exist"
    r"|database .* does not exist|is not permitted to log in|permission denied for database"
    r"|Access denied for user|Unknown database|Login failed for user|Cannot open database",
    re.IGNORECASE,
)
# PostgreSQL names what is closed to us, and quotes no value.
_DENIED = re.compile(r"permission denied for ((?:table|view|schema|sequence|function) \S+)")
_KINDS = (
    (("23502", "SQLITE_CONSTRAINT_NOTNULL"), "must not be empty"),
    (("23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"),
     "has a value that another record has already"),
    (("23503", "SQLITE_CONSTRAINT_FOREIGNKEY"), "names a record that is not there"),
    (("23514", "SQLITE_CONSTRAINT_CHECK"), "breaks a rule of the table"),
    (("22001",), "is too long"),
)  # fmt: skip


def is_about_a_row(error: SQLAlchemyError) -> bool:
    """Say whether the database refused a value rather than us or the statement."""
    number = number_of(error)
    if number:
        return number.startswith(_ROW)
    return isinstance(error, IntegrityError | DataError) or not isinstance(error, DBAPIError)


def row_refused(mirror: Mirror, key: str, error: SQLAlchemyError) -> SkipRow:
    """Say which column the database refused, and by which rule, without any value."""
    number = number_of(error)
    columns = _columns(mirror, error)
    what = next((words for numbers, words in _KINDS if number in numbers), "")
    named = " and ".join(columns) or "one of its fields"
    if not what:
        what = f"is refused by the database (error {number or type(error).__name__})"
    return SkipRow(
        f"{mirror.name} {key}: {named} {what}.",
        code="M604",
        cure="Correct the value at its owner, or ask the system's office about the rule.",
    )


def explained(error: Failure) -> ConnectorError:
    """Translate any other failure into the kit's words."""
    number = number_of(error)
    if number.startswith(_NO_ENTRY) or _WORDS_OF_NO_ENTRY.search(str(_origin(error))):
        return Stop(
            f"{_NOT_LET_IN}{_numbered(number)}.",
            code="M613",
            cure="Check the account, its password and its rights on this database.",
        )
    if number == "42501":
        what = _DENIED.search(str(_origin(error)))
        return GiveUp(
            f"The account may not do this to {what[1] if what else 'the table'} (error 42501).",
            code="M613",
            cure="Have the rights granted that the connector's page lists.",
        )
    if number == "25006":
        return GiveUp(
            "What is read calls something that writes, and the database refused it (error 25006).",
            code="M624",
            cure="Correct `query:`, or the view, so that it only reads.",
        )
    if number == "42601":
        return GiveUp(
            "The database does not understand the query of a resource (error 42601).",
            code="M624",
            cure="Correct `query:`, or have a view made of it and name that with `table:`.",
        )
    if number.startswith(_NO_TABLE) or _is_missing_in_sqlite(error):
        return GiveUp(
            f"The database does not know a table or a column any more{_numbered(number)}.",
            code="M602",
            cure="Ask the system's office what was renamed, and correct the settings.",
        )
    return TryAgain(f"{_AWAY}{_numbered(number)}.", code="M610", cure=_LATER)


def after_commit(error: SQLAlchemyError) -> ConnectorError:
    """Say what is known when a commit fails: rolled back, or nobody knows."""
    number = number_of(error)
    if number.startswith(_ROLLED_BACK):
        return TryAgain(f"{_AWAY}{_numbered(number)}.", code="M610", cure=_LATER)
    return ReadBack(
        f"The connection was lost while the batch was committed{_numbered(number)}.",
        code="M612",
        cure="Nothing to do by hand: the records are read back before anything else.",
    )


def not_sent(error: ConnectorError) -> TryAgain:
    """Say of records that were kept back, because those before them failed, that they wait."""
    if isinstance(error, ReadBack):
        return TryAgain(f"{_AWAY}.", code="M610", cure=_LATER)
    return not_begun(error)


def number_of(error: BaseException) -> str:
    """Find the error's number: SQLSTATE, or SQLite's name for it; empty when it has none."""
    origin = _origin(error)
    for name in ("sqlstate", "pgcode", "sqlite_errorname"):
        number = getattr(origin, name, None)
        if isinstance(number, str) and number.strip("\x00"):
            return number
    return ""


def _origin(error: BaseException) -> BaseException:
    origin = getattr(error, "orig", None)
    return origin if isinstance(origin, BaseException) else error


def _numbered(number: str) -> str:
    return f" (error {number})" if number else ""


def _is_missing_in_sqlite(error: BaseException) -> bool:
    words = str(_origin(error))
    return bool(re.match(r"no such (table|column)|table .* has no column named", words))


def _columns(mirror: Mirror, error: SQLAlchemyError) -> list[str]:
    origin = _origin(error)
    diagnosis = getattr(origin, "diag", None)
    named = getattr(diagnosis, "column_name", None)
    if named in mirror.columns:
        return [str(named)]
    constraint = getattr(diagnosis, "constraint_name", None)
    if constraint:
        return list(mirror.constraints.get(constraint, ()))
    if number_of(error).startswith("SQLITE_CONSTRAINT"):
        # `UNIQUE constraint failed: students.email` names columns and never quotes values.
        words = set(re.findall(r"\w+", str(origin).partition(": ")[2]))
        return [name for name in mirror.columns if name in words]
    return []
