"""Whatever is written is read back the same, in every format, or was refused by name."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matricula.connectors.files.connector import FilesConnector
from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.protocol import Context, Write

AT = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
# Signs that mean something to a CSV file come up far more often than chance has them.
TEXTS = st.text(
    st.one_of(st.sampled_from(",;\t|\"\n\r \\'\0\ufeff\u2028éÃ©"), st.characters()), max_size=12
)
VALUES = st.one_of(st.none(), TEXTS, st.integers(-(2**63), 2**63 - 1), st.booleans())
ROWS = st.dictionaries(
    st.text("0123456789", min_size=1, max_size=6),
    st.fixed_dictionaries({"surname": VALUES, "note": VALUES}),
    min_size=1,
    max_size=8,
)


def connector(folder, file, **more):
    resource = {"file": file, "key": ["cardnumber"], "missing_ok": True, "may_be_empty": True}
    parsed = FilesConnector.Settings.model_validate(
        {"folder": str(folder), "resources": {"patrons": {**resource, **more}}}
    )
    return FilesConnector(parsed, Context("library", folder))


def as_text(value):
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def assert_survives(file, rows, **more):
    with tempfile.TemporaryDirectory() as folder:
        target = connector(Path(folder).resolve(), file, **more)
        writes = [
            Write(key, "create", None, {"cardnumber": key, **fields}, match={"cardnumber": key})
            for key, fields in rows.items()
        ]

        outcomes = target.write("patrons", writes, at=AT)

        stored = {}
        for outcome in outcomes:
            if outcome.error is None:
                stored[outcome.external_id] = rows[outcome.external_id]
            else:
                assert isinstance(outcome.error, SkipRow)
                assert {"surname", "note"} & set(outcome.error.message.split())
        with target.read("patrons") as reading:
            seen = {row["_id"]: row for batch in reading.batches for row in batch.to_pylist()}
        assert set(seen) == set(stored)
        for key, fields in stored.items():
            for name, value in fields.items():
                assert as_text(seen[key].get(name)) == as_text(value)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"delimiter": ";", "quote": "'"},
        {"delimiter": "\t", "encoding": "utf-16"},
        {"null": "\\N"},
    ],
    ids=["plain", "semicolon", "utf16-tab", "marked-null"],
)
@given(rows=ROWS)
@settings(max_examples=150, deadline=None)
def test_csv_values_survive_or_are_refused_by_name(more, rows):
    assert_survives("patrons.csv", rows, **more)


@given(rows=ROWS)
@settings(max_examples=150, deadline=None)
def test_western_values_survive_or_are_refused_by_name(rows):
    assert_survives("patrons.csv", rows, encoding="cp1252")


@given(rows=ROWS)
@settings(max_examples=150, deadline=None)
def test_json_values_survive_or_are_refused_by_name(rows):
    assert_survives("patrons.jsonl", rows)


@given(rows=ROWS)
@settings(max_examples=100, deadline=None)
def test_parquet_values_survive_or_are_refused_by_name(rows):
    assert_survives("patrons.parquet", rows)


PLAIN = st.text(
    st.characters(exclude_characters='",\r\n\0', exclude_categories=("Cs",)), max_size=8
)


@given(table=st.lists(st.tuples(PLAIN, PLAIN), min_size=1, max_size=20))
@settings(max_examples=200, deadline=None)
def test_the_quick_and_the_strict_way_of_reading_agree(table):
    plain, quoted = io.StringIO(), io.StringIO()
    for out, quoting in ((plain, csv.QUOTE_MINIMAL), (quoted, csv.QUOTE_ALL)):
        writer = csv.writer(out, lineterminator="\n", quoting=quoting)
        writer.writerow(("cardnumber", "surname", "note"))
        writer.writerows((n, *cells) for n, cells in enumerate(table))
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder).resolve()
        (base / "plain.csv").write_bytes(plain.getvalue().encode())
        (base / "quoted.csv").write_bytes(quoted.getvalue().encode())
        seen = []
        for file in ("plain.csv", "quoted.csv"):
            with connector(base, file).read("patrons") as reading:
                seen.append([row for batch in reading.batches for row in batch.to_pylist()])

    assert seen[0] == seen[1]
    assert [row["surname"] or "" for row in seen[0]] == [cells[0] for cells in table]
