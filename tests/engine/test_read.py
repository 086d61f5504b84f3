from __future__ import annotations

import pyarrow as pa
import pytest

from matricula.engine import read, resolve
from matricula.engine.workbench import open_workbench
from tests.engine.campus import CARDS, PEOPLE, campus, cards, codes, people, take_in, texts

ONE = people(("1", "Amara", "active"))


def test_a_sound_snapshot_is_trusted_and_counted() -> None:
    verdicts = take_in(campus(), {PEOPLE: ONE, CARDS: cards(("1", "2.50"))})

    assert verdicts[PEOPLE].is_trusted
    assert verdicts[PEOPLE].rows == 1
    assert verdicts[PEOPLE].findings == ()


def test_an_empty_source_is_a_fault_and_no_order_to_remove_everybody() -> None:
    verdict = take_in(campus(), {PEOPLE: people()})[PEOPLE]

    assert codes(verdict) == ["M401"]
    assert "nothing was changed" in verdict.faults[0].cure


@pytest.mark.parametrize(("declared", "found"), [(1, []), (2, ["M402"]), (0, ["M402"])])
def test_a_control_total_must_be_what_arrived(declared: int, found: list[str]) -> None:
    verdict = take_in(campus(), {PEOPLE: ONE}, declared={PEOPLE: declared})[PEOPLE]

    assert codes(verdict) == found


def test_a_renamed_column_is_named() -> None:
    renamed = ONE.rename_columns(["_id", "n_no", "NAME", "n_status"])

    verdict = take_in(campus(), {PEOPLE: renamed})[PEOPLE]

    assert codes(verdict) == ["M403"]
    assert "sis.people has no field n_name" in verdict.faults[0].message


def test_a_key_on_two_records_of_the_roster_is_named() -> None:
    twice = people(("1", "Amara", "active"), ("1", "Bela", "active"), ("2", "Chidi", "active"))

    verdict = take_in(campus(), {PEOPLE: twice})[PEOPLE]

    assert codes(verdict) == ["M404"]
    assert verdict.faults[0].keys == ("1",)


@pytest.mark.parametrize("blank", [None, ""])
def test_a_record_of_the_roster_without_its_key_is_a_fault(blank: str | None) -> None:
    rows = people(("1", "Amara", "active"), (blank, "Bela", "active"))

    verdict = take_in(campus(), {PEOPLE: rows})[PEOPLE]

    assert codes(verdict) == ["M405"]


def test_two_columns_that_differ_by_capitals_alone_are_refused() -> None:
    both = ONE.append_column("N_NAME", pa.array(["somebody else"]))

    verdict = take_in(campus(), {PEOPLE: both})[PEOPLE]

    assert codes(verdict) == ["M406"]
    assert "n_name" in verdict.faults[0].message


def test_columns_that_nobody_reads_may_be_called_alike() -> None:
    both = ONE.append_column("Note", pa.array(["a"])).append_column("note", pa.array(["b"]))

    assert take_in(campus(), {PEOPLE: both})[PEOPLE].is_trusted


def test_a_value_not_of_its_type_is_a_finding_that_names_the_records_and_no_value() -> None:
    rows = people(("1", "Amara", "active"), ("2", "Bela", "gone fishing"), ("3", "Chidi", ""))

    verdict = take_in(campus(), {PEOPLE: rows})[PEOPLE]

    assert verdict.is_trusted
    assert [(f.code, f.resource, f.keys) for f in verdict.findings] == [
        ("M410", "sis.people.n_status", ("r1", "r2"))
    ]
    assert "fishing" not in verdict.findings[0].message


def test_two_records_of_one_card_are_a_match_case_and_the_rest_is_trusted() -> None:
    tables = {PEOPLE: ONE, CARDS: cards(("1", "1.00"), ("1", "2.00"), ("9", "3.00"))}

    verdict = take_in(campus(), tables)[CARDS]

    assert verdict.is_trusted
    assert [(f.code, f.keys) for f in verdict.findings] == [("M412", ("1",))]


def test_cards_without_a_number_are_not_one_anothers_double() -> None:
    tables = {PEOPLE: ONE, CARDS: cards((None, "1.00"), (None, "2.00"))}

    assert take_in(campus(), tables)[CARDS].findings == ()


def test_all_that_is_wrong_with_the_keys_is_told_at_once() -> None:
    rows = people((None, "Amara", "active"), ("2", "Bela", "x"), ("2", "Chidi", "active"))

    verdict = take_in(campus(), {PEOPLE: rows})[PEOPLE]

    assert codes(verdict) == ["M405", "M404"]
    assert [f.code for f in verdict.findings] == ["M410"]


def test_a_snapshot_split_into_many_batches_reads_the_same() -> None:
    many = pa.concat_tables([people((str(n), "x", "active")) for n in range(5)])

    assert take_in(campus(), {PEOPLE: many})[PEOPLE].rows == 5


def test_a_column_of_nothing_but_nulls_is_absent_values_and_not_bad_ones() -> None:
    nothing = pa.table({"_id": ["r0"], "n_no": ["1"], "n_name": ["x"], "n_status": pa.nulls(1)})

    assert take_in(campus(), {PEOPLE: nothing})[PEOPLE].findings == ()


def test_odd_column_names_are_only_names() -> None:
    rows = texts(
        ["n_no", "n_name", "n_status", 'a"; DROP TABLE x; --'], [("1", "A", "active", "")]
    )

    assert take_in(campus(), {PEOPLE: rows})[PEOPLE].is_trusted


def test_two_keys_that_only_hash_alike_are_looked_at_closer_and_let_be() -> None:
    made = campus()

    with open_workbench() as bench:
        for resource, rows in {PEOPLE: ONE, CARDS: cards(("1", "2.50"))}.items():
            read.load(bench, made, read.Snapshot(resource, rows))
        counted = {key: {"blank person": 0, "twice person": 1} for key in (PEOPLE, CARDS)}
        faults = resolve.resolve(bench, made, made.entities["person"], counted=counted)

    assert faults == ()
