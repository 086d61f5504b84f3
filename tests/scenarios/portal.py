"""A student portal for the scenarios: a table in PostgreSQL that notes whatever is done to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from tests.scenarios.college import add_to_charter

if TYPE_CHECKING:
    from tests.scenarios.college import College

_SYSTEM = """
  portal:
    connector: sql
    steward: library
    settings:
      url: "env:PORTAL_URL"
      resources: {people: {table: people, key: [number], external_id: id}}
"""
_FLOW = """
  portal-people:
    purpose: Students see what is asked of them.
    basis: contract with the student
    from: student
    to: portal.people
    match: {number: student_no}
    where: status in ('active', 'on_leave')
    fields:
      number: {is: student_no, because: the stable key}
      called: {is: name, because: the page greets them}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    errors_to: library
"""
_TABLES = """
CREATE TABLE people (id SERIAL PRIMARY KEY, number TEXT UNIQUE, called TEXT);
CREATE TABLE log (n SERIAL PRIMARY KEY, act TEXT, number TEXT, called TEXT);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO log (act, number, called)
        VALUES (TG_OP, coalesce(new.number, old.number), new.called);
    RETURN NULL; END $$;
CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON people
    FOR EACH ROW EXECUTE FUNCTION note();
"""


@dataclass(frozen=True, slots=True)
class Portal:
    """The portal's database, asked by its own driver."""

    url: str

    def build(self) -> None:
        """Make its tables."""
        self.rows(_TABLES)

    def connect(self, college: College) -> None:
        """Name it in a college's charter; its address is looked for in `PORTAL_URL`."""
        add_to_charter(college, systems=_SYSTEM, flows=_FLOW)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask or change it."""
        with psycopg.connect(self.url, autocommit=True) as database:
            cursor = database.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def people(self) -> dict[str, str]:
        """Whom it holds, and what they are called."""
        return dict(self.rows("SELECT number, called FROM people"))

    def told(self) -> list[tuple[str, str, str | None]]:
        """What was done to it, in order, and forget it."""
        found = self.rows("SELECT act, number, called FROM log ORDER BY n")
        self.rows("DELETE FROM log")
        return found
