"""Leaving, and coming back: suspended before deleted, and never more than one means."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import GiveUp, SkipRow
from matricula.connectors.kit.protocol import Write
from tests.connectors.canvas.conftest import AMARA, create, seat, seat_id

if TYPE_CHECKING:
    from matricula.connectors.kit.protocol import WriteKind
    from tests.connectors.canvas.conftest import Lms


def test_a_suspended_user_keeps_the_enrolments(term: Lms):
    assert term.change("users", "S001", "suspend").error is None

    assert term.rows("users")["S001"]["_suspended"] is True
    assert term.rows("enrollments")[seat_id("S001")]["status"] == "active"


def test_a_suspended_user_stays_suspended_when_the_name_changes(term: Lms):
    term.change("users", "S001", "suspend")

    assert term.change("users", "S001", full_name="Amara Okafor").error is None

    assert term.rows("users")["S001"]["status"] == "suspended"


@pytest.mark.parametrize("verb", ["suspend", "delete"])
def test_nobody_stays_for_a_value_that_canvas_would_refuse(term: Lms, verb: WriteKind):
    fields = {**AMARA, "full_name": "x" * 300, "short_name": " A "}

    (outcome,) = term.write("users", Write("k", verb, "S001", fields))

    assert outcome.error is None
    assert term.rows("users").get("S001", {"status": None})["status"] != "active"


def test_a_deleted_user_takes_the_enrolments_along_which_is_why_it_is_asked_for(term: Lms):
    assert term.change("users", "S001", "delete").error is None

    assert set(term.rows("users")) == {"S002"}
    assert set(term.rows("enrollments")) == {seat_id("S002")}


def test_a_deleted_user_comes_back_under_the_same_number(term: Lms):
    term.change("users", "S001", "delete")

    term.create("users", AMARA)

    assert set(term.rows("users")) == {"S001", "S002"}


def test_a_user_with_a_second_login_is_not_deleted(term: Lms):
    # instructure/canvas-lms#1402: the deletion of a duplicate un-enrolled an active student.
    term.create("logins", {"user_id": "X9", "login_id": "amara2", "existing_user_id": "S001"})

    outcome = term.change("users", "S001", "delete")

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
    assert seat_id("S001") in term.rows("enrollments")


def test_a_further_login_goes_and_its_owner_stays_enrolled(term: Lms):
    term.create("logins", {"user_id": "X9", "login_id": "amara2", "existing_user_id": "S001"})

    assert term.change("logins", "X9", "delete").error is None

    assert term.rows("logins") == {}
    assert seat_id("S001") in term.rows("enrollments")


@pytest.mark.parametrize(("verb", "status"), [("suspend", "inactive"), ("delete", None)])
def test_an_enrolment_ends_as_the_flow_says(term: Lms, verb: str, status: str | None):
    outcome = term.change("enrollments", seat_id("S001"), verb)  # type: ignore[arg-type]  # a verb

    assert outcome.error is None
    assert term.rows("enrollments").get(seat_id("S001"), {}).get("status") == status
    assert term.rows("enrollments")[seat_id("S002")]["status"] == "active"


def test_an_enrolment_is_completed_where_the_flow_grants_its_status(term: Lms):
    assert term.change("enrollments", seat_id("S001"), status="completed").error is None

    row = term.rows("enrollments")[seat_id("S001")]
    assert (row["status"], row["_suspended"]) == ("completed", False)


def test_a_deleted_enrolment_comes_back(term: Lms):
    term.change("enrollments", seat_id("S001"), "delete")

    term.create("enrollments", seat("S001"))

    assert term.rows("enrollments")[seat_id("S001")]["status"] == "active"


def test_one_who_was_inactive_and_is_enrolled_anew_is_active(term: Lms):
    term.change("enrollments", seat_id("S001"), "suspend")

    (outcome,) = term.write("enrollments", create("enrollments", seat("S001")))

    assert outcome.adopted
    assert term.rows("enrollments")[seat_id("S001")]["status"] == "active"


def test_the_owner_of_the_token_does_not_delete_itself(lms: Lms):
    campus = lms.canvas.campus
    campus.give_sis_id(campus.logins_of(campus.owner)[0], "ADMIN")

    outcome = lms.change("users", "ADMIN", "delete")

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M607"


def test_a_term_cannot_be_suspended(lms: Lms):
    with pytest.raises(GiveUp) as caught:
        lms.change("terms", "2026-1", "suspend")

    assert caught.value.code == "M607"
