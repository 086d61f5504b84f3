"""A row says all that Canvas would otherwise clear, and nothing that it would otherwise keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.protocol import Write
from tests.connectors.canvas.conftest import AMARA, GROUP_A, LAW, seat_id

if TYPE_CHECKING:
    from matricula.connectors.kit.protocol import Value
    from tests.connectors.canvas.conftest import Lms


def test_renaming_a_section_keeps_its_dates_and_its_other_number(lms: Lms):
    lms.create("courses", LAW)
    lms.create("sections", {**GROUP_A, "integration_id": "a-17"})
    before = lms.rows("sections")["LAW101-A"]

    assert lms.change("sections", "LAW101-A", name="Evening group").error is None

    assert lms.rows("sections")["LAW101-A"] == {**before, "name": "Evening group"}


def test_a_date_goes_when_it_is_emptied_and_the_other_stays(lms: Lms):
    lms.create("courses", LAW)
    lms.create("sections", GROUP_A)

    assert lms.change("sections", "LAW101-A", end_date=None).error is None

    row = lms.rows("sections")["LAW101-A"]
    assert row["end_date"] is None
    assert row["start_date"] is not None


def test_a_course_loses_a_date_only_by_canvass_own_word_for_it(lms: Lms):
    lms.create("courses", LAW)

    assert lms.change("courses", "LAW101", long_name="Law").error is None
    assert lms.rows("courses")["LAW101"]["start_date"] is not None
    assert lms.change("courses", "LAW101", start_date=None).error is None

    assert lms.rows("courses")["LAW101"]["start_date"] is None


def test_a_user_keeps_the_way_of_signing_in_when_the_name_changes(lms: Lms):
    lms.create("users", {**AMARA, "authentication_provider_id": "7"})

    assert lms.change("users", "S001", full_name="Amara Okafor").error is None

    assert lms.rows("users")["S001"]["authentication_provider_id"] == "7"


def test_a_sortable_name_that_the_flow_grants_stays_and_one_that_it_does_not_follows(lms: Lms):
    lms.create("users", AMARA)
    fields = {**AMARA, "full_name": "Amara Okafor"}

    lms.write("users", Write("k", "update", "S001", fields, frozenset({"full_name"})))
    assert lms.rows("users")["S001"]["sortable_name"] == "Ngô, Amara"
    lms.change("users", "S001", full_name="Amara Eze")

    assert lms.rows("users")["S001"]["sortable_name"] == "Eze, Amara"


def test_a_way_of_signing_in_is_named_by_its_number_which_is_what_canvas_shows(lms: Lms):
    lms.create("users", AMARA)

    outcome = lms.change("users", "S001", authentication_provider_id="saml")

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.message.startswith("authentication_provider_id must be a number")


def test_the_other_number_of_a_term_which_canvas_does_not_show_is_not_cleared(lms: Lms):
    row: dict[str, Value] = {"term_id": "2026-1", "name": "Autumn", "integration_id": "t-1"}
    lms.create("terms", row)
    fields = {**row, "name": "Michaelmas"}

    (outcome,) = lms.write("terms", Write("k", "update", "2026-1", fields, frozenset({"name"})))

    assert outcome.error is None
    term = lms.canvas.campus.term("2026-1")
    assert term is not None
    assert (term.name, term.integration_id) == ("Michaelmas", "t-1")


def test_an_account_stays_where_it_is_when_its_name_changes(lms: Lms):
    lms.create("accounts", {"account_id": "SOC", "name": "Social Sciences"})
    lms.create("accounts", {"account_id": "LAW", "name": "Law", "parent_account_id": "SOC"})

    assert lms.change("accounts", "LAW", name="School of Law").error is None

    assert lms.rows("accounts")["LAW"]["parent_account_id"] == "SOC"


def test_a_concluded_course_stays_concluded_when_its_name_changes(lms: Lms):
    lms.create("courses", LAW)
    lms.change("courses", "LAW101", status="completed")

    assert lms.change("courses", "LAW101", long_name="Law").error is None

    assert lms.rows("courses")["LAW101"]["status"] == "completed"


def test_an_enrolment_keeps_its_state_when_its_dates_change(term: Lms):
    term.change("enrollments", seat_id("S001"), status="completed")

    changed = term.change(
        "enrollments", seat_id("S001"), start_date="2026-09-01", end_date="2026-10-01"
    )

    assert changed.error is None
    assert term.rows("enrollments")[seat_id("S001")]["status"] == "completed"


def test_what_is_there_already_makes_no_import(lms: Lms):
    lms.create("users", AMARA)

    outcome = lms.change("users", "S001", full_name=AMARA["full_name"], status="active")

    assert outcome.error is None
    assert len(lms.imports()) == 1


@pytest.mark.parametrize("name", ["short_name", "email", "integration_id"])
def test_a_field_that_no_import_can_empty_is_named(lms: Lms, name: str):
    lms.create("users", {**AMARA, "integration_id": "i-1"})

    outcome = lms.change("users", "S001", **{name: None})

    assert isinstance(outcome.error, SkipRow)
    assert f"{name} cannot be emptied" in outcome.error.message


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (" Amara", "begins or ends with a blank"),
        ("Amara\tNgô", "steers a machine"),
        ("Amara\nNgô", "line break"),
        ("x" * 256, "longer than 255"),
        ("\u00a0\u2003", "nothing but blanks"),
        ("<delete>", "the word by which"),
    ],
)
def test_a_value_that_canvas_would_change_is_refused_by_its_field(lms: Lms, value: str, why: str):
    lms.create("users", AMARA)

    outcome = lms.change("users", "S001", full_name=value)

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.message.startswith("full_name")
    assert why in outcome.error.message
    assert len(lms.imports()) == 1
