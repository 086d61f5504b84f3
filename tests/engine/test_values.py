from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from matricula.charter.model import ValueType
from matricula.engine import sql, values
from matricula.engine.workbench import Bench, open_workbench, register
from matricula.kernel.keys import join_key
from matricula.kernel.money import to_major, to_minor

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb

TEXT = ValueType("text")
GBP = ValueType("money", currency="GBP")


@pytest.fixture(scope="module")
def bench() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_workbench(Bench(small=True)) as opened:
        yield opened


def read_all(
    bench: duckdb.DuckDBPyConnection, column: pa.Array, kind: ValueType
) -> list[tuple[Any, bool]]:
    """What the engine makes of a column, as plans write it, and whether it is bad."""
    register(bench, "given", pa.table({"v": column}))
    raw = sql.column("v")
    value = values.plan_value(values.read_value(raw, column.type, kind), kind)
    query = exp.select(value, values.is_bad(raw, column.type, kind)).from_(sql.table("given"))
    return bench.execute(query.sql(dialect="duckdb")).fetchall()


def read_text(bench: duckdb.DuckDBPyConnection, text: str | None, kind: ValueType) -> Any:
    [(value, is_bad)] = read_all(bench, pa.array([text], pa.string()), kind)
    return "bad" if is_bad else value


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("integer", "12", 12),
        ("integer", "012", 12),
        ("integer", "+5", 5),
        ("integer", " -3 ", -3),
        ("integer", "999999999999999999", 999_999_999_999_999_999),
        ("integer", "12.7", "bad"),
        ("integer", "12.0", "bad"),
        ("integer", "1e3", "bad"),
        ("integer", "1_000", "bad"),
        ("integer", "0x1f", "bad"),
        ("integer", "١٢", "bad"),
        ("integer", "", "bad"),
        ("decimal", "1.500", "1.5"),
        ("decimal", "10", "10"),
        ("decimal", "100.000", "100"),
        ("decimal", "-0.000000001", "-0.000000001"),
        ("decimal", "0", "0"),
        ("decimal", ".5", "0.5"),
        ("decimal", "1e3", "bad"),
        ("decimal", "1.0000000001", "bad"),
        ("decimal", "1,5", "bad"),
        ("boolean", "TRUE", True),
        ("boolean", " n ", False),
        ("boolean", "maybe", "bad"),
        ("boolean", "2", "bad"),
        ("date", "2024-02-29", "2024-02-29"),
        ("date", " 2024-02-29 ", "2024-02-29"),
        ("date", "0044-03-15", "0044-03-15"),
        ("date", "2023-02-29", "bad"),
        ("date", "29/02/2024", "bad"),
        ("date", "2024-2-9", "bad"),
        ("date", "2024-02-29 10:00", "bad"),
        ("date", "0000-00-00", "bad"),
        ("date", "0000-01-01", "bad"),
        ("date", "10000-01-01", "bad"),
        ("date", "infinity", "bad"),
        ("date", "epoch", "bad"),
        ("instant", "2026-03-29T01:30:00Z", "2026-03-29T01:30:00.000000Z"),
        ("instant", "2026-03-29 01:30", "2026-03-29T01:30:00.000000Z"),
        ("instant", "2026-03-29T01:30:00.5+01:00", "2026-03-29T00:30:00.500000Z"),
        ("instant", "2026-03-29T01:30:00+0100", "2026-03-29T00:30:00.000000Z"),
        ("instant", "0099-12-31T23:59:59Z", "0099-12-31T23:59:59.000000Z"),
        ("instant", "2026-03-29T24:00:00Z", "bad"),
        ("instant", "2026-03-29", "bad"),
        ("instant", "2026-02-30T10:00:00Z", "bad"),
        ("instant", "now", "bad"),
        ("text", "  kept as it is \t", "  kept as it is \t"),
        ("text", "", ""),
        ("ref", "P1 ", "P1 "),
    ],
)
def test_text_is_read_strictly_and_nothing_is_repaired(
    bench: duckdb.DuckDBPyConnection, kind: Any, text: str, expected: Any
) -> None:
    assert read_text(bench, text, ValueType(kind)) == expected


@pytest.mark.parametrize(
    "kind", ["text", "integer", "decimal", "boolean", "date", "instant", "ref", "enum", "money"]
)
def test_an_absent_value_is_absent_and_not_bad(
    bench: duckdb.DuckDBPyConnection, kind: Any
) -> None:
    assert read_text(bench, None, ValueType(kind, values=("a",), currency="GBP")) is None


@pytest.mark.parametrize(
    ("currency", "text", "expected"),
    [
        ("GBP", "12.5", "12.50"),
        ("GBP", "12.500", "12.50"),
        ("GBP", "-0.01", "-0.01"),
        ("GBP", "999999999999999.99", "999999999999999.99"),
        ("GBP", "0.07", "0.07"),
        ("GBP", "12.505", "bad"),
        ("GBP", "£12", "bad"),
        ("GBP", "1,200.00", "bad"),
        ("GBP", "1234567890123456.00", "bad"),
        ("JPY", "1200", "1200"),
        ("JPY", "1200.5", "bad"),
        ("KWD", "1.2345", "bad"),
        ("KWD", "1.234", "1.234"),
    ],
)
def test_money_is_exact_or_refused(
    bench: duckdb.DuckDBPyConnection, currency: str, text: str, expected: str
) -> None:
    assert read_text(bench, text, ValueType("money", currency=currency)) == expected


@settings(max_examples=100, deadline=None, database=None)
@given(
    st.lists(st.integers(-(10**17) + 1, 10**17 - 1), min_size=1, max_size=50),
    st.sampled_from(["GBP", "JPY", "KWD"]),
)
def test_money_survives_reading_and_writing_to_the_last_penny(
    amounts: list[int], currency: str
) -> None:
    major = [to_major(amount, currency) for amount in amounts if len(str(abs(amount))) <= 15]

    with open_workbench(Bench(small=True)) as opened:
        found = read_all(
            opened, pa.array(major, pa.string()), ValueType("money", currency=currency)
        )

    assert [value for value, _ in found] == major
    assert [to_minor(value, currency) for value, _ in found] == [
        amount for amount in amounts if len(str(abs(amount))) <= 15
    ]


def test_only_the_words_of_an_enumeration_are_read(bench: duckdb.DuckDBPyConnection) -> None:
    kind = ValueType("enum", values=("active", "it's over"))

    assert read_text(bench, "it's over", kind) == "it's over"
    assert read_text(bench, "Active", kind) == "bad"
    assert read_text(bench, " active", kind) == "bad"


PLUS_TWO = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("column", "kind", "expected"),
    [
        (pa.array([7], pa.int64()), TEXT, ["7"]),
        (pa.array([7, -(2**63)], pa.int64()), ValueType("integer"), [7, -(2**63)]),
        (pa.array([2**64 - 1], pa.uint64()), ValueType("integer"), ["bad"]),
        (pa.array([7], pa.uint8()), ValueType("integer"), [7]),
        (pa.array([7.0, 7.5], pa.float64()), ValueType("integer"), [7, "bad"]),
        (pa.array([Decimal("7.00")], pa.decimal128(9, 2)), ValueType("integer"), [7]),
        (pa.array([True], pa.bool_()), ValueType("integer"), ["bad"]),
        (pa.array([1, 0, 2], pa.int8()), ValueType("boolean"), [True, False, "bad"]),
        (pa.array([True, False], pa.bool_()), ValueType("boolean"), [True, False]),
        (pa.array([12, 13], pa.int32()), GBP, ["12.00", "13.00"]),
        (pa.array([12.5, 0.1 + 0.2], pa.float64()), GBP, ["12.50", "bad"]),
        (pa.array([Decimal("12.5000")], pa.decimal128(12, 4)), GBP, ["12.50"]),
        (pa.array([Decimal("12.5050")], pa.decimal128(12, 4)), GBP, ["bad"]),
        (pa.array([Decimal("1.500000000")], pa.decimal128(30, 9)), ValueType("decimal"), ["1.5"]),
        (pa.array([0.1, float("nan")], pa.float64()), ValueType("decimal"), ["0.1", "bad"]),
        (pa.array([3], pa.int16()), ValueType("decimal"), ["3"]),
        (pa.array([date(2024, 2, 29)], pa.date32()), ValueType("date"), ["2024-02-29"]),
        (
            pa.array([datetime(2024, 2, 29), datetime(2024, 2, 29, 1)], pa.timestamp("us")),  # noqa: DTZ001 - a source without zones
            ValueType("date"),
            ["2024-02-29", "bad"],
        ),
        (
            pa.array([datetime(2026, 7, 1, 12, tzinfo=PLUS_TWO)], pa.timestamp("us", tz="+02:00")),
            ValueType("instant"),
            ["2026-07-01T10:00:00.000000Z"],
        ),
        (
            pa.array([datetime(2026, 7, 1, 12, tzinfo=UTC)], pa.timestamp("ns", tz="UTC")),
            ValueType("instant"),
            ["2026-07-01T12:00:00.000000Z"],
        ),
        (pa.array(["a", "b"]).dictionary_encode(), TEXT, ["a", "b"]),
        (pa.array(["12", "x"]).dictionary_encode(), ValueType("integer"), [12, "bad"]),
        (pa.array(["a", "b"]).dictionary_encode(), ValueType("enum", values=("a",)), ["a", "bad"]),
        (pa.array(["5"], pa.large_string()), ValueType("integer"), [5]),
        (pa.nulls(1), ValueType("date"), [None]),
        (pa.nulls(1), TEXT, [None]),
    ],
)  # fmt: skip
def test_typed_sources_are_read_for_what_they_say(
    bench: duckdb.DuckDBPyConnection, column: pa.Array, kind: ValueType, expected: list[Any]
) -> None:
    found = read_all(bench, column, kind)

    assert ["bad" if is_bad else value for value, is_bad in found] == expected


@pytest.mark.parametrize(
    ("expression", "kind", "expected"),
    [
        ("CAST(2 AS DOUBLE)", "integer", 2),
        ("100", "decimal", "100"),
        ("10 / 4", "decimal", "2.5"),
        ("TIMESTAMP '2026-01-02 00:00:00'", "date", "2026-01-02"),
        ("DATE '2026-01-02'", "instant", "2026-01-02T00:00:00.000000Z"),
        ("1", "boolean", True),
    ],
)
def test_an_expression_is_written_in_the_type_the_charter_gave_it(
    bench: duckdb.DuckDBPyConnection, expression: str, kind: Any, expected: Any
) -> None:
    value = exp.maybe_parse(expression, dialect="duckdb")

    written = exp.select(values.plan_value(value, ValueType(kind)))

    assert bench.execute(written.sql(dialect="duckdb")).fetchone() == (expected,)


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KEY_PARTS = st.one_of(ANY_TEXT, st.text(r"\|a", max_size=6))


@settings(max_examples=100, deadline=None, database=None)
@given(st.lists(st.tuples(KEY_PARTS, KEY_PARTS), min_size=1, max_size=30))
def test_sql_spells_keys_as_the_kernel_does(pairs: list[tuple[str, str]]) -> None:
    table = pa.table({"a": pa.array([a for a, _ in pairs], pa.string()),
                      "b": pa.array([b for _, b in pairs], pa.string())})  # fmt: skip
    spelled = exp.select(sql.key_of([sql.column("a"), sql.column("b")])).from_(sql.table("given"))

    with open_workbench(Bench(small=True)) as opened:
        register(opened, "given", table)
        found = opened.execute(spelled.sql(dialect="duckdb")).fetchall()

    assert sorted(row[0] for row in found) == sorted(join_key(pair) for pair in pairs)


@settings(max_examples=50, deadline=None, database=None)
@given(st.dictionaries(ANY_TEXT, ANY_TEXT, min_size=1, max_size=5))
def test_any_text_survives_as_name_and_as_value_of_a_document(members: dict[str, str]) -> None:
    document = sql.json_object([(name, sql.text(value)) for name, value in members.items()])
    parts = [sql.call("json_extract_string", document, sql.pointer(name)) for name in members]

    with open_workbench(Bench(small=True)) as opened:
        found = opened.execute(exp.select(*parts).sql(dialect="duckdb")).fetchone()

    assert found == tuple(members.values())
