"""What somebody changed in Canvas itself: kept, told, and overridden only where it is granted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from matricula.connectors.canvas.settings import CanvasSettings
from matricula.connectors.kit.errors import SkipRow
from tests.connectors.canvas.conftest import AMARA, BELA, GROUP_A, GROUP_B, LAW, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.canvas.conftest import Lms

GRANTED = {"users": ["full_name", "status"]}


def test_a_name_that_was_changed_in_canvas_stays_and_the_row_says_so(lms: Lms):
    lms.create("users", AMARA)
    lms.canvas.campus.edit_user("S001", name="Ama")

    outcome = lms.change("users", "S001", full_name="Amara Okafor")

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M745"
    assert "full_name" in outcome.error.message
    assert lms.rows("users")["S001"]["full_name"] == "Ama"
    assert "override_sis_stickiness" not in lms.canvas.batches[2].options


def test_a_name_that_the_charter_grants_is_written_over_a_change_in_canvas(
    make_lms: Callable[..., Lms],
):
    lms = make_lms(override_sis_stickiness=GRANTED)
    lms.create("users", AMARA)
    lms.canvas.campus.edit_user("S001", name="Ama")

    outcome = lms.change("users", "S001", full_name="Amara Okafor")

    assert outcome.error is None
    assert lms.rows("users")["S001"]["full_name"] == "Amara Okafor"


def test_overriding_one_field_leaves_the_other_changes_of_canvas_alone(
    make_lms: Callable[..., Lms],
):
    lms = make_lms(override_sis_stickiness=GRANTED)
    lms.create("users", AMARA)
    lms.canvas.campus.edit_user("S001", short_name="Am", unique_id="amara.n")

    outcome = lms.change("users", "S001", full_name="Amara Okafor")

    assert outcome.error is None
    row = lms.rows("users")["S001"]
    assert (row["short_name"], row["login_id"]) == ("Am", "amara.n")


def test_what_may_be_overridden_and_what_may_not_go_in_two_imports(make_lms: Callable[..., Lms]):
    lms = make_lms(override_sis_stickiness=GRANTED)
    lms.create("users", AMARA, BELA)
    lms.canvas.campus.edit_user("S001", name="Ama")
    lms.canvas.campus.edit_user("S002", short_name="B.")
    first = create("users", {**AMARA, "full_name": "Amara Okafor"})
    second = create("users", {**BELA, "short_name": "Bel"})

    outcomes = lms.write("users", first, second)

    assert [type(one.error) for one in outcomes] == [type(None), SkipRow]
    told = [batch.options.get("override_sis_stickiness") for batch in lms.canvas.batches.values()]
    assert told[1:] == [None, "true"]


def test_an_override_takes_the_mark_of_a_change_away_where_asked(make_lms: Callable[..., Lms]):
    lms = make_lms(override_sis_stickiness=GRANTED, clear_sis_stickiness=True)
    lms.create("users", AMARA)
    lms.canvas.campus.edit_user("S001", name="Ama")

    lms.change("users", "S001", full_name="Amara Okafor")

    login = lms.canvas.campus.pseudonym("S001")
    assert login is not None
    assert lms.canvas.campus.users[login.user_id].stuck == set()


def test_a_suspension_that_canvas_does_not_take_is_told(lms: Lms):
    lms.create("users", AMARA)
    lms.canvas.campus.edit_user("S001", workflow_state="active")

    outcome = lms.change("users", "S001", "suspend")

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M745"
    assert "status" in outcome.error.message


def test_a_deletion_that_canvas_does_not_take_is_told(lms: Lms):
    lms.create("courses", LAW)
    course = lms.canvas.campus.course("LAW101")
    assert course is not None
    lms.canvas.campus.edit(course, workflow_state="available")

    outcome = lms.change("courses", "LAW101", "delete")

    assert isinstance(outcome.error, SkipRow)
    assert set(lms.rows("courses")) == {"LAW101"}


def test_what_was_not_changed_in_canvas_is_written_as_ever(lms: Lms):
    lms.create("users", AMARA)
    lms.canvas.campus.edit_user("S001", short_name="Am")

    outcome = lms.change("users", "S001", full_name="Amara Okafor")

    assert outcome.error is None
    assert lms.rows("users")["S001"]["short_name"] == "Am"


def test_a_section_that_a_teacher_cross_listed_is_left_in_the_other_course(lms: Lms):
    lms.create("courses", LAW, {**LAW, "course_id": "LAW102", "short_name": "LAW102"})
    lms.create("sections", GROUP_A, GROUP_B)
    campus = lms.canvas.campus
    section, course = campus.section("LAW101-A"), campus.course("LAW102")
    assert section is not None
    assert course is not None
    campus.cross_list(section, course)

    outcome = lms.change("sections", "LAW101-A", name="Evening group")

    assert outcome.error is None
    assert section.course_id == course.id
    # It belongs where it came from, and so no difference is seen.
    assert lms.rows("sections")["LAW101-A"]["course_id"] == "LAW101"
    (found,) = lms.connector.find("sections", [{"section_id": "LAW101-A"}])
    assert found[0].fields["course_id"] == "LAW101"


@pytest.mark.parametrize(
    "granted", [{"users": ["email"]}, {"grades": ["current_score"]}, {"people": ["name"]}]
)
def test_only_what_can_stick_can_be_overridden(granted: dict[str, list[str]]):
    with pytest.raises(ValidationError):
        CanvasSettings.model_validate(
            {"url": "https://canvas.example", "token": "env:T", "override_sis_stickiness": granted}
        )
