"""Whoever can write to the database cannot do so unnoticed."""

# ruff: noqa: S608 - the statements are written here; nothing in them comes from elsewhere

from __future__ import annotations

from dataclasses import asdict

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from matricula.audit import rows, seal, sets
from matricula.audit.actions import append, checkpoint, erase
from matricula.audit.checkpoints import sign
from matricula.audit.queries import export, history
from matricula.audit.verify import verify
from matricula.kernel.errors import AuditBroken
from tests.audit.witness import (
    AT,
    assert_both_name,
    assert_both_say,
    assert_untouched,
    entry,
    record_ten,
    tamper,
)

pytestmark = pytest.mark.django_db

TABLES = (
    "audit_act",
    "audit_entry",
    "audit_value",
    "audit_batch",
    "audit_head",
    "audit_checkpoint",
)


def _flip(table: str, column: str, where: str) -> str:
    return f"UPDATE {table} SET {column} = 'ÿ' || substr({column}, 2) WHERE {where}"


@pytest.mark.parametrize(
    "column", ["at", "actor", "action", "entity", "why", "flow", "charter_version", "run"]
)
def test_a_changed_character_in_what_was_done_is_found_at_the_first_entry(tmp_path, column):
    record_ten()

    tamper(_flip("audit_act", column, "number = 2"))

    assert assert_both_name(5, tmp_path) == "M710"


@pytest.mark.parametrize("column", ["values_digest", "leaf"])
def test_a_changed_character_in_an_entry_is_found_and_the_entry_named(tmp_path, column):
    record_ten()

    tamper(_flip("audit_entry", column, "seq = 6"))

    assert assert_both_name(6, tmp_path) == "M710"


@pytest.mark.parametrize("act", [99, 4])
def test_an_entry_that_points_to_another_act_or_to_none_is_found(tmp_path, act):
    record_ten()
    append([entry("amara", action="delete")], at=AT)

    tamper(f"UPDATE audit_entry SET act = {act} WHERE seq = 6")

    assert assert_both_name(6, tmp_path) == "M710"


@pytest.mark.parametrize("column", ["salt", "key", "before", "after"])
def test_a_changed_value_or_another_persons_key_is_found(tmp_path, column):
    record_ten()

    tamper(_flip("audit_value", column, "seq = 6"))

    assert assert_both_name(6, tmp_path) == "M716"


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps to the columns' types")
@pytest.mark.parametrize("odd", ["x'00ff'", "17", "x'7b7d'"])
@pytest.mark.parametrize("column", ["salt", "key", "before", "after"])
def test_a_value_that_is_no_text_is_named_by_verification_and_by_export(tmp_path, column, odd):
    record_ten()

    tamper(f"UPDATE audit_value SET {column} = CAST({odd} AS BLOB) WHERE seq = 6")

    with pytest.raises(AuditBroken, match="entry 6") as verified:
        verify()
    with pytest.raises(AuditBroken, match="entry 6") as exported:
        export(tmp_path / "audit.jsonl")
    assert (verified.value.code, exported.value.code) == ("M716", "M716")
    assert history("student", "amara") is not None


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps to the columns' types")
@pytest.mark.parametrize(
    "change", ["sealed_at = x'00'", "last_seq = 'many'", "root = x'00'", "chain = x'00'"]
)
def test_a_seal_that_is_no_text_is_refused_and_its_place_named(change):
    record_ten()

    tamper(f"UPDATE audit_batch SET {change} WHERE number = 2")

    with pytest.raises(AuditBroken, match="M713"):
        verify()


@pytest.mark.parametrize(
    "change",
    ["root = 'ÿ'", "previous = 'ÿ'", "chain = 'ÿ'", "sealed_at = 'ÿ'", "first_seq = 6",
     "last_seq = 7"],
)  # fmt: skip
def test_a_changed_seal_is_found_and_its_first_entry_named(tmp_path, change):
    record_ten()

    tamper(f"UPDATE audit_batch SET {change} WHERE number = 2")

    assert assert_both_name(5, tmp_path) == "M713"


def test_a_missing_seal_is_found(tmp_path):
    record_ten()

    tamper("DELETE FROM audit_batch WHERE number = 2")

    assert assert_both_name(5, tmp_path) == "M713"


def test_a_removed_entry_is_named(tmp_path):
    record_ten()

    tamper("DELETE FROM audit_value WHERE seq = 6", "DELETE FROM audit_entry WHERE seq = 6")

    assert assert_both_name(6, tmp_path) == "M711"


def test_closing_the_gap_does_not_hide_a_removed_entry(tmp_path):
    record_ten()

    tamper(
        *[f"DELETE FROM {table} WHERE seq = 6" for table in ("audit_entry", "audit_value")],
        *[
            f"UPDATE {table} SET seq = {seq - 1} WHERE seq = {seq}"
            for seq in (7, 8, 9, 10)
            for table in ("audit_entry", "audit_value")
        ],
        "UPDATE audit_batch SET last_seq = 7 WHERE number = 2",
        "UPDATE audit_batch SET first_seq = 8, last_seq = 9 WHERE number = 3",
        "UPDATE audit_head SET last_seq = 9",
    )

    assert assert_both_name(6, tmp_path) == "M710"


def test_two_entries_that_changed_places_are_found(tmp_path):
    record_ten()

    tamper(
        *[
            f"UPDATE {table} SET seq = {to} WHERE seq = {seq}"
            for seq, to in ((6, 600), (7, 6), (600, 7))
            for table in ("audit_entry", "audit_value")
        ]
    )

    assert assert_both_name(6, tmp_path) == "M710"


def test_an_entry_added_by_hand_stands_outside_the_seals(tmp_path):
    record_ten()

    tamper(
        "INSERT INTO audit_entry (seq, act, values_digest, leaf) "
        "SELECT 11, act, values_digest, leaf FROM audit_entry WHERE seq = 10"
    )

    assert assert_both_name(11, tmp_path) == "M712"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (
            "INSERT INTO audit_entry SELECT 0, act, values_digest, leaf FROM audit_entry LIMIT 1",
            "Entry 0 stands outside every batch",
        ),
        (
            "INSERT INTO audit_batch SELECT -1, 1, 4, 'r', 'p', 'c', 'now'",
            "Batch -1 was not sealed by an append",
        ),
        (
            "INSERT INTO audit_batch SELECT 4, 11, 11, 'r', 'p', 'c', 'now'",
            "Batch 4 was not sealed by an append",
        ),
        (
            "INSERT INTO audit_value VALUES (-5, 'salt', 'dewi', '', '')",
            "Values stand beside entry -5,",
        ),
        (
            "INSERT INTO audit_value VALUES (11, 'salt', 'dewi', '', '')",
            "Values stand beside entry 11,",
        ),
        (
            "INSERT INTO audit_act VALUES (99, '', '', '', '', '', '', '', '')",
            "What act 99 says was done to no entry",
        ),
        ("INSERT INTO audit_erasure VALUES (6, 10)", "The values of entry 6 are there"),
        ("INSERT INTO audit_erasure VALUES (60, 10)", "The erasure of entry 60 is not recorded"),
        ("INSERT INTO audit_erasure VALUES (60, 77)", "The erasure of entry 60 is not recorded"),
    ],
)
def test_what_stands_beside_the_seals_is_found_and_named_by_both(tmp_path, statement, named):
    record_ten()

    tamper(statement)

    assert_both_say(named, tmp_path, code="M712")


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DELETE FROM audit_erasure WHERE seq = 2", "The erasure of entry 2 is not recorded"),
        ("UPDATE audit_erasure SET erased_by = 9 WHERE seq = 2", "The erasure of entry 2 is not"),
        (
            "INSERT INTO audit_value VALUES (2, 'salt', 'bela', '', '')",
            "entry 2 are not what was sealed",
        ),
    ],
)
def test_an_erasure_that_was_tampered_with_is_found(tmp_path, statement, named):
    record_ten()
    erase("student", "bela", actor="officer", why="asked to be forgotten", at=AT)

    tamper(statement)

    assert_both_say(named, tmp_path)


def test_values_that_were_erased_and_put_back_are_found(tmp_path):
    record_ten()
    kept = rows.fetch("SELECT salt, key, before, after FROM audit_value WHERE seq = 2")[0]
    erase("student", "bela", actor="officer", why="asked to be forgotten", at=AT)

    sets.insert("audit_value", rows.VALUE, [(2, *kept)])

    assert_both_say("The values of entry 2 are there", tmp_path, code="M712")


@pytest.mark.parametrize("spelt", ["upper(signature)", "' ' || signature", "signature || ' '"])
def test_a_signature_counts_in_one_spelling_alone(tmp_path, spelt):
    record_ten()
    checkpoint(at=AT, key=Ed25519PrivateKey.generate())

    tamper(f"UPDATE audit_checkpoint SET signature = {spelt}")

    with pytest.raises(AuditBroken, match="M718"):
        verify()
    with pytest.raises(AuditBroken, match="M718"):
        export(tmp_path / "audit.jsonl")


def test_a_checkpoint_of_a_batch_that_cannot_be_is_refused():
    record_ten()
    impossible = sign(
        Ed25519PrivateKey.generate(), batch=-1, last_seq=-1, chain=seal.GENESIS, at="now"
    )

    sets.insert(
        "audit_checkpoint", tuple(asdict(impossible)), [tuple(asdict(impossible).values())]
    )

    with pytest.raises(AuditBroken, match="M715"):
        verify()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps to the columns' types")
@pytest.mark.parametrize("odd", ["x'00ff'", "CAST(x'ff' AS TEXT)"])
@pytest.mark.parametrize(
    ("table", "column", "code"),
    [
        *[("audit_checkpoint", name, "M718") for name in ("batch", "last_seq", "chain", "at")],
        *[("audit_checkpoint", name, "M718") for name in ("public_key", "signature")],
        *[("audit_batch", name, "M713") for name in ("first_seq", "last_seq", "root", "chain")],
        *[("audit_head", name, "M713") for name in ("batch", "last_seq", "chain")],
        ("audit_entry", "act", "M713"),
    ],
)
def test_bytes_in_place_of_a_number_or_a_text_are_a_finding(tmp_path, table, column, code, odd):
    record_ten()
    checkpoint(at=AT, key=Ed25519PrivateKey.generate())

    where = "WHERE seq = 6" if table == "audit_entry" else ""
    tamper(f"UPDATE {table} SET {column} = {odd} {where}")

    with pytest.raises(AuditBroken) as verified:
        verify()
    with pytest.raises(AuditBroken) as exported:
        export(tmp_path / "audit.jsonl")
    assert {verified.value.code, exported.value.code} <= {code, "M710"}


def test_a_tail_cut_off_is_found_by_the_head(tmp_path):
    record_ten()

    tamper(
        "DELETE FROM audit_value WHERE seq > 8",
        "DELETE FROM audit_entry WHERE seq > 8",
        "DELETE FROM audit_batch WHERE number > 2",
    )

    assert assert_both_name(9, tmp_path) == "M714"


def test_a_tail_cut_off_together_with_the_head_is_found_by_a_checkpoint_handed_out(tmp_path):
    record_ten()
    kept = tmp_path / "checkpoint.json"
    kept.write_text(checkpoint(at=AT, key=Ed25519PrivateKey.generate()).as_text())

    tamper(
        "DELETE FROM audit_value WHERE seq > 8",
        "DELETE FROM audit_entry WHERE seq > 8",
        "DELETE FROM audit_batch WHERE number > 2",
        "DELETE FROM audit_act WHERE number > 2",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_head SET batch = 2, last_seq = 8, "
        "chain = (SELECT chain FROM audit_batch WHERE number = 2)",
    )

    assert_untouched(tmp_path)
    assert assert_both_name(9, tmp_path, checkpoint=kept) == "M714"


def test_a_tail_cut_off_together_with_the_head_is_found_by_a_checkpoint_left_in_place(tmp_path):
    record_ten()
    checkpoint(at=AT, key=Ed25519PrivateKey.generate())

    tamper(
        "DELETE FROM audit_value WHERE seq > 8",
        "DELETE FROM audit_entry WHERE seq > 8",
        "DELETE FROM audit_batch WHERE number > 2",
        "UPDATE audit_head SET batch = 2, last_seq = 8, "
        "chain = (SELECT chain FROM audit_batch WHERE number = 2)",
    )

    assert assert_both_name(9, tmp_path) == "M714"


def test_a_history_rebuilt_from_nothing_is_found_by_a_checkpoint_handed_out(tmp_path):
    record_ten()
    kept = tmp_path / "checkpoint.json"
    kept.write_text(checkpoint(at=AT, key=Ed25519PrivateKey.generate()).as_text())

    tamper(*[f"DELETE FROM {table}" for table in TABLES])
    for keys in (["amara", "bela", "chidi", "dewi"], ["s5", "s6", "s7", "s8"], ["s9", "bela"]):
        append([entry(key) for key in keys], at=AT)

    assert_untouched(tmp_path)
    assert assert_both_name(10, tmp_path, checkpoint=kept) == "M715"


def test_a_history_rebuilt_from_nothing_is_found_by_a_checkpoint_left_in_place(tmp_path):
    record_ten()
    checkpoint(at=AT, key=Ed25519PrivateKey.generate())

    tamper(*[f"DELETE FROM {table}" for table in TABLES if table != "audit_checkpoint"])
    record_ten()

    assert assert_both_name(10, tmp_path) == "M715"


def test_an_entry_resealed_by_itself_does_not_fit_its_batch(tmp_path):
    record_ten()
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM audit_act WHERE number = 2")
        act = cursor.fetchone()[1:]
        cursor.execute("SELECT values_digest FROM audit_entry WHERE seq = 5")
        (digest,) = cursor.fetchone()

    forged = (act[0], "somebody-else", *act[2:])
    tamper(
        "INSERT INTO audit_act SELECT 99, at, 'somebody-else', action, entity, why, flow, "
        "charter_version, run FROM audit_act WHERE number = 2",
        f"UPDATE audit_entry SET act = 99, leaf = '{seal.leaf(5, forged, digest).hex()}' "
        "WHERE seq = 5",
    )

    assert assert_both_name(5, tmp_path) == "M713"


def test_a_value_taken_away_without_an_erasure_is_found(tmp_path):
    record_ten()

    tamper("DELETE FROM audit_value WHERE seq = 6")

    assert assert_both_name(6, tmp_path) == "M717"


def test_a_forged_permission_lets_a_value_go_but_not_unnoticed(tmp_path):
    record_ten()

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO audit_erasure VALUES (6, 10)")
        cursor.execute("DELETE FROM audit_value WHERE seq = 6")

    assert assert_both_name(6, tmp_path) == "M717"


def test_a_head_that_carries_another_chain_is_found(tmp_path):
    record_ten()

    tamper("UPDATE audit_head SET chain = 'ÿ'")

    assert assert_both_name(10, tmp_path) == "M713"


def test_bytes_that_are_no_text_are_found_though_the_database_cannot_read_them():
    record_ten()
    if connection.vendor == "postgresql":
        tamper("UPDATE audit_act SET why = '' WHERE number = 2")
    else:
        tamper("UPDATE audit_act SET why = CAST(x'ff' AS TEXT) WHERE number = 2")

    with pytest.raises(AuditBroken, match=r"M710: Entry 5\b"):
        verify()
