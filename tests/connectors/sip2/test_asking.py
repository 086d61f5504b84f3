"""What a library says of a person over SIP2, and what it does not say."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from matricula.connectors.kit.errors import GiveUp, TryAgain, Untrusted
from matricula.connectors.kit.protocol import Write
from matricula.connectors.sip2.settings import Sip2Settings
from matricula.connectors.sip2.simulator import Person

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.connectors.sip2.conftest import Library


def test_loans_holds_and_what_is_owed_are_asked_for(library: Library):
    ((found,),) = library.ask("S001")

    assert found.external_id == "S001"
    assert found.fields == {
        "cardnumber": "S001", "loans": 2, "overdue": 1, "holds": 3, "owed": "12.5",
        "currency": None, "access": "open",
    }  # fmt: skip


def test_whoever_is_blocked_says_so_and_not_why(library: Library):
    library.desk.people["S001"].is_blocked = True

    ((found,),) = library.ask("S001")

    assert found.fields["access"] == "blocked"


def test_an_unknown_person_is_nobody_though_the_answer_has_all_counts_at_nothing(library: Library):
    assert library.ask("S999") == [[]]


def test_a_card_number_that_is_another_persons_login_is_nobodys(library: Library):
    assert library.ask("amara", "s001") == [[], []]


@pytest.mark.parametrize("card", ["S0|01", "S001\r63", "S\n1"])
def test_a_card_number_cannot_smuggle_a_message(library: Library, card: str):
    assert library.ask(card) == [[]]
    assert library.desk.heard == []


def test_what_the_library_does_not_count_is_unknown_and_not_nothing(library: Library):
    library.desk.add(Person("S002", loans=None, overdue=12_000, waiting=None, owed=""))

    ((found,),) = library.ask("S002")

    named = ("loans", "overdue", "holds", "owed")
    assert [found.fields[name] for name in named] == [None, None, None, None]


@pytest.mark.parametrize(
    ("said", "read"),
    [("25", "25"), ("0", "0"), ("3,40", "3.4"), ("1,234.50", None), ("none", None), ("NaN", None)],
)
def test_an_amount_is_read_as_money_or_not_at_all(library: Library, said: str, read: str | None):
    library.desk.people["S001"].owed = said

    ((found,),) = library.ask("S001")

    assert found.fields["owed"] == read


def test_a_name_with_the_sign_between_fields_breaks_nothing(library: Library):
    library.desk.people["S001"].name = "Amara | BLN | Ökafor"

    assert len(library.ask("S001")[0]) == 1


def test_no_password_and_no_list_of_titles_is_asked_for(library: Library):
    library.ask("S001")

    question = library.desk.heard[-1]
    assert question.startswith("63")
    assert question[23:33] == " " * 10
    assert "|AD" not in question
    assert "|AC" not in question


def test_whom_the_settings_name_are_read_and_whom_the_library_does_not_know_is_counted(
    make_library: Callable[..., Library],
):
    library = make_library(patrons=["S001", "S002", "S001", "S003"])
    library.desk.add(Person("S001", owed="0.10"))
    library.desk.add(Person("S003", loans=1))

    with library.connector.read("clearance") as reading:
        rows = [row for batch in reading.batches for row in batch.to_pylist()]

    assert [(row["_id"], row["loans"], row["owed"]) for row in rows] == [
        ("S001", 0, Decimal("0.1")),
        ("S003", 1, Decimal(0)),
    ]
    (finding,) = reading.findings
    assert "does not know 1 of the 3 people" in finding.message
    assert "S002" not in str(finding)


def test_whom_to_ask_about_may_stand_in_a_file_that_a_flow_writes(
    make_library: Callable[..., Library], tmp_path: Path
):
    (tmp_path / "asked.csv").write_text('number,name\n"S001",x\n,y\n', encoding="utf-8")
    library = make_library(patrons_file={"file": "asked.csv", "column": "number"})
    library.desk.add(Person("S001"))

    assert [row["cardnumber"] for row in library.rows()] == ["S001"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, "M420"),
        ("card\nS1\n", "M426"),
        ("cardnumber\n", "M422"),
        ("cardnumber\n\xff", "M429"),
    ],
)
def test_a_broken_list_of_people_is_a_fault_and_not_nobody(
    make_library: Callable[..., Library], tmp_path: Path, text: str | None, code: str
):
    if text is not None:
        (tmp_path / "asked.csv").write_bytes(text.encode("latin-1"))
    library = make_library(patrons_file={"file": "asked.csv"})

    with pytest.raises(Untrusted, match=code):
        library.rows()


def test_a_list_whose_folder_is_gone_is_not_nobody_even_where_it_may_be_missing(
    make_library: Callable[..., Library], tmp_path: Path
):
    library = make_library(
        patrons_file={"file": "exchange/asked.csv", "missing_ok": True}, may_be_empty=True
    )
    with pytest.raises(TryAgain, match="M610"):
        library.rows()

    (tmp_path / "exchange").mkdir()

    assert library.rows() == []


def test_where_nobody_to_ask_about_is_normal_the_settings_say_so(
    make_library: Callable[..., Library], tmp_path: Path
):
    (tmp_path / "asked.csv").write_text("cardnumber\n", encoding="utf-8")
    library = make_library(patrons_file={"file": "asked.csv"}, may_be_empty=True)

    with library.connector.read("clearance") as reading:
        assert list(reading.batches) == []
        assert reading.may_be_empty


def test_without_a_list_of_people_a_whole_reading_is_refused_with_what_to_name(library: Library):
    with pytest.raises(GiveUp, match=r"M735.*patrons_file"):
        library.rows()
    assert library.connector.describe()[0].readable is False


def test_people_are_found_by_their_card_number_and_by_nothing_else(library: Library):
    with pytest.raises(GiveUp, match="M607"):
        library.connector.find("clearance", [{"loans": 0}])
    with pytest.raises(GiveUp, match="M603"):
        library.connector.find("clearance", [{"surname": "Okafor"}])
    ((wrong,),) = [library.connector.find("clearance", [{"cardnumber": "S001", "loans": 0}])]
    assert wrong == []


def test_nothing_is_ever_written(library: Library):
    with pytest.raises(GiveUp, match="M607"):
        library.connector.write("clearance", [Write("k", "delete", "S001", {})], at=None)
    assert library.desk.heard == []


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"host": "library.example", "tls": False}, "only lead to this machine"),
        ({"user": "env:X"}, "user and password"),
        ({"user": "term1", "password": "env:X"}, "never as itself"),
        ({"patrons": ["1"], "patrons_file": {"file": "x.csv"}}, "either patrons or patrons_file"),
        ({"port": 0}, "port"),
    ],
)
def test_settings_that_are_wrong_are_refused(given: dict[str, object], why: str):
    with pytest.raises(ValidationError, match=why):
        Sip2Settings.model_validate({"host": "library.example", **given})
