"""Appending, erasing and signing."""

# ruff: noqa: S608 - the statements are written here; nothing in them comes from elsewhere

from __future__ import annotations

import json
import re
import threading
from datetime import datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matricula.audit.actions import Entry, append, checkpoint, erase
from matricula.audit.models import Checkpoint
from matricula.audit.queries import entries, export, history
from matricula.audit.seal import ERASURE
from matricula.audit.verify import verify
from matricula.kernel.digests import canonical
from matricula.kernel.errors import AuditBroken
from tests.audit.witness import (
    AT,
    assert_both_name,
    assert_untouched,
    entry,
    record_ten,
    run_verifier,
    tamper,
)

pytestmark = pytest.mark.django_db
TABLES = ("act", "entry", "value", "batch", "head", "erasure", "checkpoint")


def test_entries_count_without_gaps_and_are_sealed_at_once(tmp_path):
    first = append([entry("amara"), entry("bela")], at=AT)
    second = append([entry("chidi")], at=AT)

    found = assert_untouched(tmp_path)

    assert (first.first_seq, first.last_seq, second.first_seq, second.last_seq) == (1, 2, 3, 3)
    assert (found.entries, found.batches, found.head) == (3, 2, second.chain)


def test_an_audit_without_entries_is_untouched(tmp_path):
    nothing = append([], at=AT)

    found = assert_untouched(tmp_path)

    assert (nothing.batches, found.entries, found.batches) == (0, 0, 0)


def test_more_entries_than_one_root_takes_are_sealed_in_several_batches(tmp_path):
    sealed = append([entry(f"s{number}") for number in range(10_001)], at=AT)

    found = assert_untouched(tmp_path)

    assert (sealed.last_seq, sealed.batches, found.batches) == (10_001, 2, 2)


def test_what_the_caller_takes_back_was_never_recorded():
    append([entry("amara")], at=AT)

    with transaction.atomic():
        append([entry("bela")], at=AT)
        transaction.set_rollback(True)

    assert verify().entries == 1
    assert history("student", "bela") == []


def test_an_instant_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        append([entry("amara")], at=datetime(2026, 9, 1, 8, 0))  # noqa: DTZ001 - that is the point


@pytest.mark.django_db(transaction=True)
def test_appenders_wait_for_one_another():
    def work(name: str) -> None:
        try:
            for number in range(5):
                append([entry(f"{name}{number}"), entry(name)], at=AT)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(f"worker{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (verify().entries, verify().batches) == (40, 20)


def test_a_records_history_is_told_newest_first_with_its_values():
    append([entry("amara", action="create"), entry("bela")], at=AT)
    append([entry("amara", action="update")], at=AT)

    told = history("student", "amara")

    assert [(one.seq, one.action) for one in told] == [(3, "update"), (1, "create")]
    assert told[0].before == {"mail": "amara@old.example"}
    assert told[0].at == "2026-09-01T08:00:00.000000Z"
    assert [one.seq for one in history("student", "amara", limit=1)] == [3]
    assert history("teacher", "amara") == []


def test_what_a_run_did_is_told_in_order():
    append([entry("amara", run="r1"), entry("bela", run="r2"), entry("chidi", run="r1")], at=AT)

    told = [(one.seq, one.key) for one in entries(run="r1")]

    assert told == [(1, "amara"), (3, "chidi")]


def test_values_given_as_text_and_as_a_mapping_are_the_same():
    after = {"name": 'Ægir "the" 渡辺\n', "credits": 30, "left": None}
    common = ("sync", "create", "student", "amara", "to open an account")

    append([Entry(*common, after=after), Entry(*common, after=canonical(after))], at=AT)

    assert [one.after for one in history("student", "amara")] == [after, after]
    assert [one.before for one in history("student", "amara")] == [None, None]


def test_an_erased_person_is_nowhere_in_the_audit_and_the_seals_hold(tmp_path):
    record_ten()
    append([entry("amara", entity="teacher")], at=AT)

    count = erase("student", "amara", actor="officer", why="asked to be forgotten", at=AT)

    found = assert_untouched(tmp_path)
    assert (count, found.entries, found.erased) == (2, 12, 2)
    assert history("student", "amara") == []
    assert len(history("teacher", "amara")) == 1
    assert [one.key for one in entries(run="r1")].count(None) == 2


def test_no_byte_of_an_erased_key_or_value_stays_in_any_table(tmp_path):
    record_ten()

    erase("student", "amara", actor="officer", why="asked to be forgotten", at=AT)
    export(tmp_path / "audit.jsonl")

    with connection.cursor() as cursor:
        left = []
        for table in TABLES:
            cursor.execute(f"SELECT * FROM audit_{table}")
            left += [str(row) for row in cursor.fetchall() if "amara" in str(row)]
    assert left == []
    assert "amara" not in (tmp_path / "audit.jsonl").read_text(encoding="utf-8")


def test_an_erasure_is_an_entry_that_names_the_entries_and_not_the_person():
    record_ten()

    erase("student", "amara", actor="officer", why="asked to be forgotten", at=AT)

    (told,) = [one for one in entries(run="") if one.action == "erase"]
    assert (told.seq, told.actor, told.why) == (11, "officer", "asked to be forgotten")
    assert told.after == {"entries": [1, 10]}
    assert told.key.startswith("erasure-")


def test_erasing_somebody_unknown_records_nothing():
    record_ten()

    count = erase("student", "nobody", actor="officer", why="asked to be forgotten", at=AT)

    assert (count, verify().entries) == (0, 10)


def test_a_person_who_returns_after_an_erasure_has_a_new_history(tmp_path):
    record_ten()
    erase("student", "amara", actor="officer", why="asked to be forgotten", at=AT)

    append([entry("amara", action="create")], at=AT)

    assert [one.action for one in history("student", "amara")] == ["create"]
    assert assert_untouched(tmp_path).erased == 2


def test_taking_away_the_erasures_own_record_is_found(tmp_path):
    record_ten()
    erase("student", "amara", actor="officer", why="asked to be forgotten", at=AT)

    tamper("DELETE FROM audit_value WHERE seq = 11")

    assert assert_both_name(1, tmp_path) == "M717"


def test_a_checkpoint_vouches_for_the_audit_and_for_everything_added_later(tmp_path):
    record_ten()
    key = Ed25519PrivateKey.generate()
    kept = tmp_path / "checkpoint.json"

    signed = checkpoint(at=AT, key=key)
    kept.write_text(signed.as_text())
    append([entry("chidi")], at=AT)

    found = assert_untouched(tmp_path, checkpoint=kept)
    assert (signed.last_seq, found.entries, found.checkpoints) == (10, 11, 2)
    assert json.loads(kept.read_text())["public_key"] == key.public_key().public_bytes_raw().hex()


def test_an_audit_that_does_not_verify_is_not_signed():
    record_ten()

    tamper("UPDATE audit_value SET key = 'another' WHERE seq = 2")

    with pytest.raises(AuditBroken, match=r"entry 2\b"):
        checkpoint(at=AT, key=Ed25519PrivateKey.generate())
    assert Checkpoint.objects.count() == 0


@pytest.mark.parametrize("name", ["batch", "last_seq", "chain", "at", "public_key", "signature"])
def test_an_altered_checkpoint_is_refused_by_both(tmp_path, name):
    record_ten()
    kept = tmp_path / "checkpoint.json"
    told = json.loads(checkpoint(at=AT, key=Ed25519PrivateKey.generate()).as_text())

    altered = told[name] - 1 if isinstance(told[name], int) else "0" + told[name][:-1]
    kept.write_text(json.dumps({**told, name: altered}))
    export(tmp_path / "audit.jsonl")

    with pytest.raises(AuditBroken, match="M718"):
        verify(checkpoint=kept)
    assert run_verifier(tmp_path / "audit.jsonl", "--checkpoint", kept)[0] == 1


def test_a_checkpoint_of_another_key_is_refused_where_one_key_counts(tmp_path):
    record_ten()
    checkpoint(at=AT, key=Ed25519PrivateKey.generate())
    ours = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    export(tmp_path / "audit.jsonl")

    code, told = run_verifier(tmp_path / "audit.jsonl", "--public-key", ours)

    assert (code, "another key" in told) == (1, True)
    with pytest.raises(AuditBroken, match="M718"):
        verify(public_key=ours)


@pytest.mark.parametrize("text", ["", "[]", "null", '{"format": "else"}', "\x00", '{"batch": 1'])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, text):
    (tmp_path / "checkpoint.json").write_text(text)
    export(tmp_path / "audit.jsonl")

    with pytest.raises(AuditBroken, match="M704"):
        verify(checkpoint=tmp_path / "checkpoint.json")
    told = run_verifier(tmp_path / "audit.jsonl", "--checkpoint", tmp_path / "checkpoint.json")
    assert (told[0], "is not a checkpoint" in told[1]) == (1, True)


def test_an_export_without_values_proves_the_order_and_tells_no_names(tmp_path):
    record_ten()
    erase("student", "bela", actor="officer", why="asked to be forgotten", at=AT)

    count = export(tmp_path / "audit.jsonl", values=False)

    code, told = run_verifier(tmp_path / "audit.jsonl")
    text = (tmp_path / "audit.jsonl").read_text(encoding="utf-8")
    assert (count, code) == (11, 0), told
    assert re.findall("amara|bela|chidi|dewi|example", text) == []


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=20)
# What only an erasure itself is recorded under.
ENTRIES = st.lists(
    st.builds(
        Entry, TEXT, TEXT, TEXT, TEXT, TEXT, flow=TEXT, run=TEXT,
        before=st.none() | st.dictionaries(TEXT, TEXT | st.integers() | st.none(), max_size=3),
        after=st.none() | st.dictionaries(TEXT, TEXT | st.booleans(), max_size=3),
    ),
    max_size=9,
).filter(lambda entries: all(entry.entity != ERASURE for entry in entries))  # fmt: skip


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(ENTRIES, max_size=4))
def test_whatever_is_appended_verifies_here_and_elsewhere(tmp_path, batches):
    with transaction.atomic():
        for batch in batches:
            append(batch, at=AT)
        export(tmp_path / "audit.jsonl")

        found = verify()

        transaction.set_rollback(True)
    assert found.entries == sum(map(len, batches))
    assert run_verifier(tmp_path / "audit.jsonl")[0] == 0
