"""Parquet and JSON Lines: formats that carry their own types."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from matricula.connectors.kit.errors import Untrusted


def refusal_of(drop, file, **more):
    with pytest.raises(Untrusted) as refusal:
        drop.rows(file, **more)
    return refusal.value


def put_parquet(drop, **columns):
    path = drop.folder / "patrons.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_values_keep_their_types(drop):
    put_parquet(
        drop,
        cardnumber=pa.array([7]),
        fine=pa.array([Decimal("1.50")]),
        born_on=pa.array([dt.date(2001, 2, 3)]),
        tags=pa.array([["b", "a"]]),
        branch=pa.array(["main"]).dictionary_encode(),
    )

    assert drop.rows("patrons.parquet") == [
        {
            "_id": "7",
            "cardnumber": 7,
            "fine": Decimal("1.50"),
            "born_on": dt.date(2001, 2, 3),
            "tags": '["b","a"]',
            "branch": "main",
        }
    ]


def test_a_parquet_resource_is_described_with_its_types(drop):
    put_parquet(drop, cardnumber=["1"], loans=[3], active=[True])

    (shape,) = drop.connector("patrons.parquet").describe()

    assert {f.name: f.type for f in shape.fields} == {
        "cardnumber": "text",
        "loans": "integer",
        "active": "boolean",
    }


def test_a_parquet_file_cut_anywhere_is_refused(drop):
    whole = put_parquet(drop, cardnumber=[str(n) for n in range(1000)]).read_bytes()

    for share in (0.1, 0.5, 0.99):
        drop.put("patrons.parquet", whole[: int(len(whole) * share)])
        assert refusal_of(drop, "patrons.parquet").code == "M429"


def test_an_empty_parquet_file_and_one_without_rows_are_refused(drop):
    drop.put("patrons.parquet", b"")
    assert refusal_of(drop, "patrons.parquet").code == "M421"

    put_parquet(drop, cardnumber=pa.array([], pa.string()))
    assert refusal_of(drop, "patrons.parquet").code == "M422"


def test_parquet_keys_are_judged_like_all_others(drop):
    put_parquet(drop, cardnumber=[1, 1, 2])
    assert refusal_of(drop, "patrons.parquet").code == "M431"

    put_parquet(drop, cardnumber=[1, None, 2])
    assert refusal_of(drop, "patrons.parquet").code == "M432"

    put_parquet(drop, card_no=[1])
    assert "nearest is card_no" in refusal_of(drop, "patrons.parquet").message


def test_json_lines_keep_integers_and_truth_and_write_the_rest_as_text(drop):
    drop.put(
        "patrons.jsonl",
        '{"cardnumber": "1", "loans": 3, "active": true, "fine": 1.50, "tags": ["b", {"a": 1}]}\n'
        '{"cardnumber": "2", "active": null, "nickname": "Zoë"}\n',
    )

    assert drop.rows("patrons.jsonl") == [
        {
            "_id": "1",
            "cardnumber": "1",
            "loans": 3,
            "active": True,
            "fine": "1.50",
            "tags": '["b",{"a":1}]',
            "nickname": None,
        },
        {
            "_id": "2",
            "cardnumber": "2",
            "loans": None,
            "active": None,
            "fine": None,
            "tags": None,
            "nickname": "Zoë",
        },
    ]


def test_a_json_column_of_several_kinds_is_text(drop):
    drop.put("patrons.jsonl", '{"cardnumber": 1, "x": 1}\n{"cardnumber": 2, "x": "01"}\n')

    assert [row["x"] for row in drop.rows("patrons.jsonl")] == ["1", "01"]


def test_text_that_looks_like_a_date_stays_text(drop):
    drop.put("patrons.jsonl", '{"cardnumber": "1", "band": "2026-01-01"}\n')

    assert drop.rows("patrons.jsonl")[0]["band"] == "2026-01-01"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "M421"),
        (b'{"cardnumber": "1"}\n{"cardnumber": "2"', "M423"),
        (b'{"cardnumber": "1"}\n{"cardnumber": "2"\n', "M429"),
        (b'{"cardnumber": "1", "cardnumber": "2"}\n', "M429"),
        (b'["1"]\n', "M429"),
        (b'{"cardnumber": NaN}\n', "M429"),
        (b'{"card_number": "1"}\n', "M426"),
        (b'{"cardnumber": "1"}\n{"surname": "x"}\n', "M432"),
        (b'{"cardnumber": "1"}\n{"cardnumber": "1"}\n', "M431"),
        (b'{"cardnumber": "\xff"}\n', "M424"),
    ],
)
def test_json_lines_that_cannot_be_trusted_are_refused(drop, content, code):
    drop.put("patrons.jsonl", content)

    assert refusal_of(drop, "patrons.jsonl").code == code


def test_a_json_file_cut_at_any_byte_of_its_last_record_is_refused(drop):
    whole = b'{"cardnumber": "1"}\n{"cardnumber": "22"}\n'

    for end in range(21, len(whole) - 1):
        drop.put("patrons.jsonl", whole[:end])
        assert refusal_of(drop, "patrons.jsonl").code == "M423"
