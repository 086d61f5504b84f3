"""The database itself refuses to change what was recorded."""

# ruff: noqa: S608 - the statements are written here; nothing in them comes from elsewhere

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import IntegrityError, connection, transaction

from matricula.audit.actions import checkpoint, erase
from tests.audit.witness import AT, assert_untouched, record_ten

pytestmark = pytest.mark.django_db

CHANGED = {
    "audit_act": "why = 'another'",
    "audit_entry": "act = 2",
    "audit_value": "after = 'another'",
    "audit_batch": "root = 'another'",
    "audit_erasure": "erased_by = 1",
    "audit_checkpoint": "chain = 'another'",
    "audit_head": "chain = 'another'",
}
# Where a row of this key is there already, SQLite would delete it without a word.
REPLACED = {
    "audit_act": "(1, '', '', '', '', '', '', '', '')",
    "audit_entry": "(1, 1, '', '')",
    "audit_value": "(2, '', '', '', '')",
    "audit_batch": "(1, 1, 1, '', '', '', '')",
    "audit_erasure": "(1, 2)",
    "audit_checkpoint": "(1, 1, '', '', '', '', '')",
    "audit_head": "(1, 99, 99, '')",
}


def _record_everything() -> None:
    record_ten()
    erase("student", "amara", actor="officer", why="asked to be forgotten", at=AT)
    checkpoint(at=AT, key=Ed25519PrivateKey.generate())


def assert_refused(statement: str) -> None:
    with (
        pytest.raises(IntegrityError, match="M701: the audit is append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize("table", CHANGED)
def test_nothing_recorded_is_changed(tmp_path, table):
    _record_everything()

    assert_refused(f"UPDATE {table} SET {CHANGED[table]}")

    assert_untouched(tmp_path)


@pytest.mark.parametrize("table", CHANGED)
def test_nothing_recorded_is_deleted(tmp_path, table):
    _record_everything()

    assert_refused(f"DELETE FROM {table}")

    assert_untouched(tmp_path)


@pytest.mark.parametrize("table", CHANGED)
def test_nothing_recorded_is_emptied_or_replaced_in_one_stroke(tmp_path, table):
    _record_everything()

    if connection.vendor == "postgresql":
        assert_refused(f"TRUNCATE {table}")
    else:
        number = "(SELECT min(id) FROM audit_checkpoint)"
        row = REPLACED[table]
        row = row.replace("(1,", f"({number},", 1) if table == "audit_checkpoint" else row
        assert_refused(f"INSERT OR REPLACE INTO {table} VALUES {row}")

    assert_untouched(tmp_path)


@pytest.mark.parametrize(
    "change", ["batch = 1, last_seq = 4", "batch = batch + 1", "last_seq = last_seq + 1"]
)
def test_the_head_moves_forward_only_and_whole(tmp_path, change):
    _record_everything()

    assert_refused(f"UPDATE audit_head SET {change}")

    assert_untouched(tmp_path)


def test_a_value_goes_only_when_an_erasure_names_its_entry():
    record_ten()

    assert_refused("DELETE FROM audit_value WHERE seq = 2")
    erased = erase("student", "bela", actor="officer", why="asked to be forgotten", at=AT)

    assert erased == 1
    assert_refused("DELETE FROM audit_value WHERE seq = 3")
