"""Landing a reading: whole or not at all."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.landing import ROW_GROUP_ROWS, land
from matricula.connectors.kit.protocol import Reading

SCHEMA = pa.schema([("_id", pa.string()), ("surname", pa.string())])


def batch(start, count):
    ids = [str(n) for n in range(start, start + count)]
    return pa.RecordBatch.from_pydict({"_id": ids, "surname": ["Ng"] * count}, schema=SCHEMA)


def test_every_row_lands_with_its_count_and_digest(tmp_path):
    reading = Reading(SCHEMA, iter([batch(0, 3), batch(3, 2)]))

    landed = land(reading, tmp_path / "snapshots" / "patrons.parquet")

    assert landed.rows == 5
    assert pq.read_table(landed.path)["_id"].to_pylist() == ["0", "1", "2", "3", "4"]
    assert landed.digest == hashlib.sha256(landed.path.read_bytes()).hexdigest()


def test_small_batches_share_row_groups_and_large_ones_are_divided(tmp_path):
    many = (batch(n, 1000) for n in range(0, 250_000, 1000))

    landed = land(Reading(SCHEMA, many), tmp_path / "p.parquet")

    file = pq.ParquetFile(landed.path)
    groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
    assert groups == [ROW_GROUP_ROWS, ROW_GROUP_ROWS, 50_000]
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"


def test_no_rows_land_as_a_table_with_its_columns(tmp_path):
    landed = land(Reading(SCHEMA, iter(())), tmp_path / "p.parquet")

    assert landed.rows == 0
    assert pq.read_schema(landed.path).names == ["_id", "surname"]


def test_a_reading_that_turns_out_broken_leaves_nothing_behind(tmp_path):
    def broken():
        yield batch(0, 10)
        raise Untrusted("cut off", code="M423", cure="Export again.")

    with pytest.raises(Untrusted):
        land(Reading(SCHEMA, broken()), tmp_path / "p.parquet")

    assert list(tmp_path.iterdir()) == []


def test_a_broken_reading_leaves_yesterdays_snapshot_in_place(tmp_path):
    path = tmp_path / "p.parquet"
    land(Reading(SCHEMA, iter([batch(0, 2)])), path)

    def broken():
        yield batch(0, 1)
        raise Untrusted("cut off", code="M423", cure="Export again.")

    with pytest.raises(Untrusted):
        land(Reading(SCHEMA, broken()), path)

    assert pq.read_table(path).num_rows == 2
    assert [one.name for one in tmp_path.iterdir()] == ["p.parquet"]


def test_fewer_rows_than_the_source_declares_are_refused(tmp_path):
    reading = Reading(SCHEMA, iter([batch(0, 2)]), declared_rows=3)

    with pytest.raises(Untrusted) as refusal:
        land(reading, tmp_path / "p.parquet")

    assert (refusal.value.code, list(tmp_path.iterdir())) == ("M430", [])


def test_a_total_that_is_only_known_at_the_end_counts_too(tmp_path):
    def counted():
        yield batch(0, 2)
        reading.declared_rows = 7

    reading = Reading(SCHEMA, counted())

    with pytest.raises(Untrusted) as refusal:
        land(reading, tmp_path / "p.parquet")

    assert "7 rows and 2 arrived" in refusal.value.message


def test_the_same_rows_land_with_the_same_digest(tmp_path):
    first = land(Reading(SCHEMA, iter([batch(0, 9)])), tmp_path / "a.parquet")
    second = land(Reading(SCHEMA, iter([batch(0, 4), batch(4, 5)])), tmp_path / "b.parquet")

    assert first.digest == second.digest
