"""Have the database itself refuse to change what was recorded, on SQLite and on PostgreSQL.

Entries, batches, erasures and checkpoints stay as they are. The head moves forward. A
value is deleted only when an erasure names its entry, and is never changed. Whoever owns
the database can drop these triggers; the seals are what shows that somebody did.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper

_KEPT = ("audit_act", "audit_entry", "audit_batch", "audit_erasure", "audit_checkpoint")
_ALL = (*_KEPT, "audit_value", "audit_head")
_KEYS = {
    "audit_act": "number",
    "audit_entry": "seq",
    "audit_batch": "number",
    "audit_erasure": "seq",
    "audit_checkpoint": "id",
    "audit_value": "seq",
    "audit_head": "only",
}
_CODE = "M701"
_RULE = f"{_CODE}: the audit is append-only; record a new entry instead."
_ERASED = "EXISTS (SELECT 1 FROM audit_erasure WHERE seq = OLD.seq)"
_FORWARD = "NEW.only = OLD.only AND NEW.batch > OLD.batch AND NEW.last_seq > OLD.last_seq"


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the triggers; they must not be there yet."""
    _run(connection, _postgresql() if connection.vendor == "postgresql" else _sqlite())


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop the triggers, for the way back of a migration."""
    if connection.vendor == "postgresql":
        _run(
            connection,
            ["DROP FUNCTION IF EXISTS audit_refuse(), audit_refuse_unless_erased() CASCADE"],
        )
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit!_%' "
            "ESCAPE '!'"
        )
        names = [row[0] for row in cursor.fetchall()]
    _run(connection, [f"DROP TRIGGER {connection.ops.quote_name(name)}" for name in names])


def _run(connection: BaseDatabaseWrapper, statements: list[str] | Iterator[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _sqlite() -> Iterator[str]:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_RULE}'); END"
    for table in _ALL:
        forward = f"WHEN NOT ({_FORWARD}) " if table == "audit_head" else ""
        erased = f"WHEN NOT {_ERASED} " if table == "audit_value" else ""
        yield f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {forward}{refuse}"
        yield f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {erased}{refuse}"
        # INSERT OR REPLACE deletes the old row without asking the triggers for deletion.
        key = _KEYS[table]
        taken = f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608 - names written above
        yield f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} {taken} {refuse}"


def _postgresql() -> Iterator[str]:
    yield (
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{_RULE}' USING ERRCODE = 'integrity_constraint_violation'; "
        "END $$"
    )
    refuse = "EXECUTE FUNCTION audit_refuse()"
    for table in _KEPT:
        yield (
            f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            f"FOR EACH STATEMENT {refuse}"
        )
    yield (
        "CREATE TRIGGER audit_value_kept BEFORE UPDATE OR TRUNCATE ON audit_value "
        f"FOR EACH STATEMENT {refuse}"
    )
    yield (
        "CREATE FUNCTION audit_refuse_unless_erased() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN IF {_ERASED} THEN RETURN OLD; END IF; "
        f"RAISE EXCEPTION '{_RULE}' USING ERRCODE = 'integrity_constraint_violation'; "
        "END $$"
    )
    yield (
        "CREATE TRIGGER audit_value_erased BEFORE DELETE ON audit_value "
        "FOR EACH ROW EXECUTE FUNCTION audit_refuse_unless_erased()"
    )
    yield (
        "CREATE TRIGGER audit_head_kept BEFORE DELETE OR TRUNCATE ON audit_head "
        f"FOR EACH STATEMENT {refuse}"
    )
    yield (
        f"CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head FOR EACH ROW "
        f"WHEN (NOT ({_FORWARD})) {refuse}"
    )
