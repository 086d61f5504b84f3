from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from matricula.engine.workbench import Bench, open_workbench, register

if TYPE_CHECKING:
    from pathlib import Path

within_reach = pa.table({"secret": ["a Python variable"]})


SMALL = Bench(small=True)
either = pytest.mark.parametrize("kind", [Bench(), SMALL], ids=["any", "small"])


@either
@pytest.mark.parametrize(
    "order",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/*')",
        "COPY (SELECT 1) TO '/tmp/matricula-must-not-be.csv'",
        "ATTACH '/tmp/matricula-must-not-be.duckdb'",
        "EXPORT DATABASE '/tmp/matricula-must-not-be'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_parquet('https://127.0.0.1/x.parquet')",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET lock_configuration",
        "SET temp_directory = '/tmp'",
        "SET memory_limit = '1TB'",
        "SET python_enable_replacements = true",
        "SELECT * FROM within_reach",
        "SELECT getenv('HOME')",
    ],
)
def test_nothing_outside_is_within_reach(order: str, kind: Bench) -> None:
    with open_workbench(kind) as bench, pytest.raises(duckdb.Error):
        bench.execute(order).fetchall()


@either
def test_what_is_registered_can_be_read(kind: Bench) -> None:
    with open_workbench(kind) as bench:
        register(bench, "given", within_reach)

        assert bench.execute("SELECT secret FROM given").fetchall() == [("a Python variable",)]


def test_files_are_read_through_arrow_column_by_column_and_more_than_once(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": list(range(1000)), "b": ["x"] * 1000}), tmp_path / "a.parquet")

    with open_workbench() as bench:
        register(bench, "given", ds.dataset(tmp_path / "a.parquet"))
        sums = [bench.execute("SELECT sum(a) FROM given").fetchall() for _ in range(2)]
        some = bench.execute("SELECT count(*) FROM given WHERE a < 10 AND b = 'x'").fetchall()

    assert sums == [[(499_500,)], [(499_500,)]]
    assert some == [(10,)]


def test_it_spills_into_its_folder_and_keeps_to_its_memory(tmp_path: Path) -> None:
    with open_workbench(Bench(tmp_path, memory_mb=64, threads=1)) as bench:
        bench.execute("CREATE TABLE t AS SELECT i, md5(i::VARCHAR) AS m FROM range(2000000) r(i)")
        rows = bench.execute("SELECT count(DISTINCT m) FROM t").fetchall()
        settings = bench.execute("SELECT current_setting('memory_limit')").fetchall()

    assert rows == [(2_000_000,)]
    assert settings == [("64.0 MiB",)]


def test_without_a_folder_it_writes_nothing_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with open_workbench(Bench(memory_mb=32, threads=1)) as bench, pytest.raises(duckdb.Error):
        bench.execute("CREATE TABLE t AS SELECT md5(i::VARCHAR) FROM range(3000000) r(i)")

    assert list(tmp_path.iterdir()) == []


@either
def test_it_is_closed_when_the_work_fails(kind: Bench) -> None:
    with pytest.raises(ZeroDivisionError), open_workbench(kind) as bench:
        raise ZeroDivisionError

    with pytest.raises(duckdb.ConnectionException):
        bench.execute("SELECT 1")


@either
def test_instants_are_reckoned_in_utc_and_nothing_spills(kind: Bench) -> None:
    with open_workbench(kind) as bench:
        found = bench.execute(
            "SELECT current_setting('TimeZone'), current_setting('temp_directory')"
        ).fetchall()

    assert found == [("UTC", "")]


def test_two_small_passes_at_once_or_in_turn_see_nothing_of_each_other() -> None:
    with open_workbench(SMALL) as one, open_workbench(SMALL) as other:
        register(one, "given", within_reach)
        one.execute("CREATE TABLE mine AS SELECT secret FROM given")
        for name in ("mine", "given"):
            with pytest.raises(duckdb.CatalogException):
                other.execute(f"SELECT * FROM {name}")  # noqa: S608 - our own words
    with open_workbench(SMALL) as after:
        left = after.execute("SELECT database_name FROM duckdb_databases() WHERE NOT internal")
        assert len(left.fetchall()) == 2  # the instance's own, which stays empty, and this one
        assert after.execute("SELECT * FROM duckdb_tables()").fetchall() == []


def test_after_a_small_pass_failed_the_next_begins_anew() -> None:
    with pytest.raises(duckdb.Error), open_workbench(SMALL) as bench:
        bench.execute("CREATE TABLE mine AS SELECT 1 AS n; SELECT error('it breaks')").fetchall()

    with open_workbench(SMALL) as bench:
        assert bench.execute("SELECT * FROM duckdb_tables()").fetchall() == []


def test_texts_that_repeat_are_read_as_any_others(tmp_path: Path) -> None:
    rows = 3_000
    told = pa.table(
        {
            "key": [f"k{n}" for n in range(rows)],
            "status": [("active", "left", None)[n % 3] for n in range(rows)],
            "a.b": ["yes" if n % 2 else "no" for n in range(rows)],
            "marks": pa.array([["a"]] * rows, pa.list_(pa.string())),
            "nothing": pa.nulls(rows, pa.string()),
        }
    )
    pq.write_table(told, tmp_path / "one.parquet", row_group_size=1_000)
    pq.write_table(told, tmp_path / "other.parquet", use_dictionary=False)
    rare = "status = 'left' AND \"a.b\" = 'yes' AND nothing IS NULL AND marks = ['a']"

    with open_workbench() as bench:
        register(bench, "told", ds.dataset(tmp_path, schema=told.schema))
        found = bench.execute(f"SELECT key, typeof(status) FROM told WHERE {rare}").fetchall()  # noqa: S608 - our own words
        counts = bench.execute("SELECT status, count(*) FROM told GROUP BY ALL ORDER BY ALL")
        counts = counts.fetchall()

    assert sorted(set(found)) == sorted({(f"k{n}", "VARCHAR") for n in range(1, rows, 6)})
    assert counts == [("active", 2_000), ("left", 2_000), (None, 2_000)]


def test_files_of_another_kind_are_read_whole(tmp_path: Path) -> None:
    told = pa.table({"key": ["1", "2"], "status": ["active", None], "mark": [7, 8]})
    for name in ("one.arrow", "other.arrow"):
        ds.write_dataset(told, tmp_path / name, format="ipc")
    files = ds.dataset(
        [next((tmp_path / name).iterdir()) for name in ("one.arrow", "other.arrow")], format="ipc"
    )

    with open_workbench() as bench:
        register(bench, "told", files)
        found = bench.execute("SELECT mark, key FROM told WHERE status IS NULL").fetchall()

    assert found == [(8, "2"), (8, "2")]


def test_of_a_file_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    rows, place = 400_000, tmp_path / "told.parquet"
    pq.write_table(pa.table({"n": pa.array(range(rows))}), place, row_group_size=1_000)
    before = pa.system_memory_pool().bytes_allocated()

    with open_workbench(Bench(threads=1)) as bench:
        register(bench, "told", ds.dataset(place))
        reader = bench.sql("SELECT n FROM told").to_arrow_reader(1_000)
        first = reader.read_next_batch()
        sleep(0.2)
        held = pa.system_memory_pool().bytes_allocated() - before

    assert first["n"].to_pylist() == list(range(1_000))
    assert held < rows * 8 / 4
