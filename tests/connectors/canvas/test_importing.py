"""One import for a batch, and every row of it settled by itself."""

from __future__ import annotations

import io
import time
import zipfile
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.canvas import package
from matricula.connectors.kit.errors import GiveUp, ReadBack, SkipRow, TryAgain
from tests.connectors.canvas.conftest import (
    AMARA,
    BELA,
    CHIDI,
    GROUP_A,
    LAW,
    create,
    seat,
    seat_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.canvas.conftest import Lms


def test_a_batch_of_writes_is_one_import(lms: Lms):
    lms.create("users", AMARA, BELA, CHIDI)

    assert len(lms.imports()) == 1
    assert set(lms.rows("users")) == {"S001", "S002", "S003"}


def test_no_import_asks_for_batch_mode_or_is_compared_with_an_earlier_one(lms: Lms):
    lms.create("users", AMARA, BELA)
    lms.create("users", CHIDI)

    first, second = (batch.options for batch in lms.canvas.batches.values())
    assert "batch_mode" not in first | second
    assert first["diffing_remaster_data_set"] == second["diffing_remaster_data_set"] == "true"
    assert first["diffing_data_set_identifier"] != second["diffing_data_set_identifier"]
    assert first["skip_deletes"] == "true"
    assert set(lms.rows("users")) == {"S001", "S002", "S003"}


def test_a_refused_row_is_told_by_its_field_and_the_others_are_done(lms: Lms):
    lms.create("users", AMARA)
    thief = {**BELA, "email": "not an address"}
    stranger = {**CHIDI, "authentication_provider_id": "404"}

    first, second, third = lms.write(
        "users", create("users", thief), create("users", stranger),
        create("users", {**CHIDI, "user_id": "S004", "login_id": "dewi"}),
    )  # fmt: skip

    assert isinstance(first.error, SkipRow)
    assert first.error.message == "Email is refused (line 2 of users.csv, import 2)."
    assert isinstance(second.error, SkipRow)
    assert "Authentication_provider_id names nothing (line 3" in second.error.message
    assert third.error is None
    assert "not an address" not in str(first.error)


def test_two_of_a_batch_who_want_one_login_end_as_one_user_and_one_refusal(lms: Lms):
    twin = {**BELA, "login_id": "AMARA"}

    first, second = lms.write("users", create("users", AMARA), create("users", twin))

    assert first.error is None
    assert isinstance(second.error, SkipRow)
    assert second.error.code == "M606"
    assert "amara" not in str(second.error).lower()
    assert set(lms.rows("users")) == {"S001"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (seat("nobody"), "User_id names nobody"),
        (seat("S001", "LAW999-A"), "Section_id names nothing"),
        (seat("S001", role="jester"), "Role is none that the institution has"),
        ({**seat("S001"), "course_id": "LAW999"}, "Course_id names nothing"),
    ],
    ids=["user", "section", "role", "course"],
)
def test_a_reference_to_nothing_is_refused_by_its_name(term: Lms, row: dict, words: str):
    row = {**row, "role": row["role"] if row["role"] != "student" else "ta"}

    (outcome,) = term.write("enrollments", create("enrollments", row))

    assert isinstance(outcome.error, SkipRow)
    assert words in outcome.error.message


def test_an_unknown_term_which_canvas_would_pass_over_in_silence_is_refused(lms: Lms):
    (outcome,) = lms.write("courses", create("courses", {**LAW, "term_id": "2099-1"}))

    assert isinstance(outcome.error, SkipRow)
    assert "term_id names nothing" in outcome.error.message
    assert lms.imports() == []


def test_a_section_of_a_course_that_is_not_there_is_refused(lms: Lms):
    (outcome,) = lms.write("sections", create("sections", GROUP_A))

    assert isinstance(outcome.error, SkipRow)
    assert "Course_id names nothing" in outcome.error.message


def test_an_upload_whose_answer_is_lost_is_found_by_its_name_and_settled(lms: Lms):
    lms.canvas.lost_answers = 1

    (outcome,) = lms.write("users", create("users", AMARA))

    assert outcome.error is None
    assert len(lms.imports()) == 1


def test_an_upload_without_a_name_whose_answer_is_lost_is_unknown_and_found_by_looking(
    make_lms: Callable[..., Lms],
):
    lms = make_lms(label_imports=False)
    lms.canvas.lost_answers = 1

    (outcome,) = lms.write("users", create("users", AMARA))

    assert isinstance(outcome.error, ReadBack)
    assert len(lms.imports()) == 1
    until = time.monotonic() + 5
    while lms.canvas.batches[1].state != "imported":
        assert time.monotonic() < until
    (found,) = lms.connector.find("users", [{"user_id": "S001"}])
    assert found[0].fields["login_id"] == "amara"


def test_an_import_that_is_not_over_by_the_deadline_is_unknown(make_lms: Callable[..., Lms]):
    lms = make_lms(import_deadline_seconds=0.6)
    lms.canvas.stalled.set()

    (outcome,) = lms.write("users", create("users", AMARA))

    assert isinstance(outcome.error, ReadBack)
    assert outcome.error.code == "M612"
    with pytest.raises(TryAgain, match="still under way"):
        lms.connector.find("users", [{"user_id": "S001"}])


def test_an_import_of_somebody_elses_keeps_nobody_from_looking(lms: Lms):
    lms.canvas.stalled.set()
    lms.canvas.take(b"", {"diffing_data_set_identifier": "payroll"})

    assert lms.connector.find("users", [{"user_id": "S001"}]) == [[]]


def test_an_import_that_breaks_down_leaves_the_rows_before_it_done_and_the_others_for_later(
    lms: Lms,
):
    lms.canvas.broken_at = 2

    first, second, third = lms.write(
        "users", create("users", AMARA), create("users", BELA), create("users", CHIDI)
    )

    assert first.error is None
    for outcome in (second, third):
        assert isinstance(outcome.error, TryAgain)
        assert outcome.error.code == "M746"
    assert set(lms.rows("users")) == {"S001"}


def test_a_canvas_that_cannot_be_looked_at_after_an_import_leaves_its_rows_unknown(lms: Lms):
    lms.canvas.revoked_by_imports = {"read_roster"}

    (outcome,) = lms.write("users", create("users", AMARA))

    assert isinstance(outcome.error, ReadBack)


def test_a_token_that_ends_while_an_import_runs_leaves_its_rows_unknown(lms: Lms):
    lms.canvas.revoked_by_imports = {"import_sis", "manage_sis"}

    (outcome,) = lms.write("users", create("users", AMARA))

    assert isinstance(outcome.error, ReadBack)
    assert "Import 1 was handed over" in outcome.error.message


def test_a_canvas_that_is_away_is_for_later_and_nothing_is_sent(lms: Lms):
    lms.connector.describe()
    lms.canvas.away.set()

    with pytest.raises(TryAgain) as caught:
        lms.write("users", create("users", AMARA))

    assert caught.value.code == "M610"
    lms.canvas.away.clear()
    assert lms.rows("users") == {}


def test_a_parent_account_stands_before_what_is_below_it(lms: Lms):
    below = {"account_id": "LAW", "name": "School of Law", "parent_account_id": "SOC"}
    above = {"account_id": "SOC", "name": "Social Sciences"}

    lms.create("accounts", below, above)

    assert lms.rows("accounts")["LAW"]["parent_account_id"] == "SOC"


def test_a_field_that_nobody_knows_is_named(lms: Lms):
    with pytest.raises(GiveUp, match="shoe_size"):
        lms.write("users", create("users", {**AMARA, "shoe_size": "44"}))

    assert lms.imports() == []


def test_marks_are_read_and_never_written(lms: Lms):
    with pytest.raises(GiveUp) as caught:
        lms.change("grades", seat_id("S001"), current_score="70")

    assert caught.value.code == "M607"


def test_a_package_is_the_same_for_the_same_rows_and_never_denser_than_canvas_allows():
    rows = package.csv_of(["user_id", "note"], [{"user_id": "1", "note": "x" * 200}] * 5000)

    packed = package.zip_of({"users.csv": rows})

    assert packed == package.zip_of({"users.csv": rows})
    assert len(rows) < 100 * len(packed)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == ["users.csv"]
