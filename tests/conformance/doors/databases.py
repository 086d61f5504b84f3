"""Ways into databases, on a PostgreSQL server with an account of the tests' own."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.conformance.door import SECRET, VARIABLE, Door, Porter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TABLE = "CREATE TABLE students (id serial PRIMARY KEY, number text UNIQUE)"


class Database:
    """A database and an account in it, seen by whoever may do everything."""

    def __init__(self, place: str) -> None:
        self._place = place
        self.account = f"door_{secrets.token_hex(6)}"
        parts = urlsplit(place)
        self.url = f"postgresql://{self.account}@127.0.0.1:{parts.port}{parts.path}"

    def do(self, statement: str) -> None:
        """Do something as its administrator; `{me}` is the account."""
        told = sql.SQL(statement).format(me=sql.Identifier(self.account), secret=SECRET)
        with psycopg.connect(self._place, autocommit=True) as connection:
            connection.execute(told)


def _open(*before: str, take: Callable[[Database, str], None], **more: Any) -> Any:
    @contextmanager
    def opened(request: Any) -> Iterator[Porter]:
        database = Database(request.getfixturevalue("postgres_database"))
        for statement in ("CREATE ROLE {me} LOGIN PASSWORD {secret}", *before):
            database.do(statement)
        settings = {"url": database.url, "password": f"env:{VARIABLE}", **more}

        def expire() -> None:
            database.do("ALTER ROLE {me} VALID UNTIL '2020-01-01'")

        try:
            yield Porter(settings, expire=expire, take=lambda right: take(database, right))
        finally:
            database.do("DROP OWNED BY {me}")
            database.do("DROP ROLE {me}")

    return opened


def _take(database: Database, right: str) -> None:
    verb, _, rest = right.partition(" on ")
    what = "SEQUENCE students_id_seq" if "sequence" in rest else "students"
    database.do(f"REVOKE {verb} ON {what} FROM {{me}}")


def _close_schema(database: Database, right: str) -> None:
    if right == "CREATE on the database":
        database.do("DROP SCHEMA reports")
        return
    database.do(f"REVOKE {right.partition(' ')[0]} ON SCHEMA reports FROM {{me}}")


_STUDENTS = {"students": {"table": "students", "key": ["number"], "external_id": "id"}}
_NOT_LET_IN = ("The database does not let us in", "Check the account, its password")
DOORS = [
    Door(
        "SQL on PostgreSQL, password, read", "sql", "students", "number",
        _open(_TABLE, "GRANT SELECT ON students TO {me}", take=_take, resources=_STUDENTS),
        wrong=_NOT_LET_IN,
        expired=_NOT_LET_IN,
        lacking=("SELECT on students",),
    ),
    Door(
        "SQL on PostgreSQL, password, written", "sql", "students", "number",
        _open(
            _TABLE, "GRANT SELECT, INSERT, UPDATE, DELETE ON students TO {me}",
            "GRANT USAGE ON SEQUENCE students_id_seq TO {me}", take=_take, resources=_STUDENTS,
        ),
        wrong=_NOT_LET_IN,
        expired=_NOT_LET_IN,
        lacking=(
            "SELECT on students", "INSERT on students", "UPDATE on students",
            "DELETE on students", "USAGE on the sequence that numbers students",
        ),
        writes=True,
        exits="delete",
    ),
    Door(
        "warehouse on PostgreSQL, password", "warehouse", "students", "number",
        _open(
            "CREATE SCHEMA reports", "GRANT CREATE, USAGE ON SCHEMA reports TO {me}",
            take=_close_schema, schema="reports",
        ),
        wrong=_NOT_LET_IN,
        expired=_NOT_LET_IN,
        lacking=("CREATE on schema reports", "USAGE on schema reports", "CREATE on the database"),
        writes=True,
    ),
]  # fmt: skip
