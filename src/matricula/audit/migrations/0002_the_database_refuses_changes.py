"""Triggers: what was written stays as it was written, whoever holds the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.apps.registry import Apps
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_KEPT = ("audit_auditentry", "audit_auditbatch", "audit_auditcheckpoint", "audit_auditerasure")
_REFUSAL = "the audit is append-only"


def _sqlite() -> Iterator[str]:
    for table in _KEPT:
        for verb in ("UPDATE", "DELETE"):
            yield (
                f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
    erased = {
        "audit_auditsubject": "OLD.token",
        "audit_auditvalue": "(SELECT subject FROM audit_auditentry WHERE seq = OLD.seq)",
    }
    for table, token in erased.items():
        yield (
            f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )
        yield (
            f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} "
            f"WHEN NOT EXISTS (SELECT 1 FROM audit_auditerasure WHERE token = {token}) "
            f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        )
    yield (
        "CREATE TRIGGER audit_audithead_update BEFORE UPDATE ON audit_audithead "
        "WHEN NEW.last_seq <= OLD.last_seq "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    )
    yield (
        "CREATE TRIGGER audit_audithead_delete BEFORE DELETE ON audit_audithead "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    )


def _postgresql() -> Iterator[str]:
    yield f"""
        CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$
    """
    yield f"""
        CREATE FUNCTION audit_refuse_unless_erased() RETURNS trigger LANGUAGE plpgsql AS
        $$ DECLARE whose text;
        BEGIN
            IF TG_TABLE_NAME = 'audit_auditsubject' THEN whose := OLD.token;
            ELSE SELECT subject INTO whose FROM audit_auditentry
                 WHERE seq = (to_jsonb(OLD) ->> 'seq')::bigint;
            END IF;
            IF NOT EXISTS (SELECT 1 FROM audit_auditerasure WHERE token = whose) THEN
                RAISE EXCEPTION '{_REFUSAL}';
            END IF;
            RETURN OLD;
        END $$
    """
    yield f"""
        CREATE FUNCTION audit_forward_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN
            IF NEW.last_seq <= OLD.last_seq THEN RAISE EXCEPTION '{_REFUSAL}'; END IF;
            RETURN NEW;
        END $$
    """
    every = (*_KEPT, "audit_auditsubject", "audit_auditvalue", "audit_audithead")
    for table in every:
        yield (
            f"CREATE TRIGGER {table}_truncate BEFORE TRUNCATE ON {table} "
            "EXECUTE FUNCTION audit_refuse()"
        )
    for table in _KEPT:
        yield (
            f"CREATE TRIGGER {table}_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
        )
    for table in ("audit_auditsubject", "audit_auditvalue"):
        yield (
            f"CREATE TRIGGER {table}_update BEFORE UPDATE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
        )
        yield (
            f"CREATE TRIGGER {table}_delete BEFORE DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION audit_refuse_unless_erased()"
        )
    yield (
        "CREATE TRIGGER audit_audithead_update BEFORE UPDATE ON audit_audithead "
        "FOR EACH ROW EXECUTE FUNCTION audit_forward_only()"
    )
    yield (
        "CREATE TRIGGER audit_audithead_delete BEFORE DELETE ON audit_audithead "
        "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
    )


def guard_tables(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    del apps
    statements = _postgresql() if schema_editor.connection.vendor == "postgresql" else _sqlite()
    for statement in statements:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_entries_are_kept_in_sealed_batches")]
    operations = [migrations.RunPython(guard_tables, elidable=False)]
