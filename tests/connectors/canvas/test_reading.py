"""Reading back: every page, every state, and nothing that only looks whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.connectors.canvas import lookup
from matricula.connectors.kit.errors import GiveUp, Stop, TryAgain
from tests.connectors.canvas.conftest import (
    AMARA,
    BELA,
    CHIDI,
    GROUP_A,
    LAW,
    create,
    fill,
    seat,
    seat_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.canvas.conftest import Lms


def test_every_page_of_every_list_is_read(make_lms: Callable[..., Lms]):
    lms = make_lms(page_size=1)
    fill(lms)

    assert set(lms.rows("users")) == {"S001", "S002"}
    assert set(lms.rows("sections")) == {"LAW101-A", "LAW101-B"}
    assert set(lms.rows("enrollments")) == {seat_id("S001"), seat_id("S002")}


def test_who_is_inactive_or_completed_is_read_and_who_was_deleted_is_not(term: Lms):
    term.create("users", CHIDI)
    term.create("enrollments", seat("S003"))
    term.change("enrollments", seat_id("S001"), "suspend")
    term.change("enrollments", seat_id("S002"), status="completed")
    term.change("enrollments", seat_id("S003"), "delete")

    rows = term.rows("enrollments")

    assert {key: row["status"] for key, row in rows.items()} == {
        seat_id("S001"): "inactive",
        seat_id("S002"): "completed",
    }


def test_somebody_may_be_student_and_assistant_in_one_section(term: Lms):
    term.create("enrollments", seat("S001", role="ta"))

    assert seat_id("S001", role="ta") in term.rows("enrollments")
    assert seat_id("S001") in term.rows("enrollments")


def test_a_role_of_the_institutions_own_keeps_its_name(term: Lms):
    term.canvas.campus.roles["Course Auditor"] = "StudentEnrollment"

    term.create("enrollments", seat("S001", role="Course Auditor"))

    assert seat_id("S001", role="Course%20Auditor") in term.rows("enrollments")


def test_a_teachers_test_student_is_nobody(term: Lms):
    campus = term.canvas.campus
    section = campus.section("LAW101-A")
    assert section is not None
    ghost = campus.add_user("Test Student")
    login = campus.add_pseudonym(ghost.id, "ghost", "GHOST")
    campus.enroll(section, login, "StudentViewEnrollment", "StudentViewEnrollment")

    assert set(term.rows("enrollments")) == {seat_id("S001"), seat_id("S002")}


def test_a_parent_who_observes_two_students_of_a_section_is_no_roster(term: Lms):
    campus = term.canvas.campus
    section = campus.section("LAW101-A")
    assert section is not None
    parent = campus.add_pseudonym(campus.add_user("A parent").id, "parent", "P1")
    for number, student in enumerate(("S001", "S002")):
        login = campus.pseudonym(student)
        assert login is not None
        seen = campus.enroll(section, parent, "ObserverEnrollment", f"ObserverEnrollment{number}")
        seen.role, seen.associated_user_id = "ObserverEnrollment", login.user_id

    assert set(term.rows("enrollments")) == {seat_id("S001"), seat_id("S002")}


@pytest.mark.parametrize("name", ["S/1", "S.1", "Ŝ ünal", "a|b", "50%", "hex:x"])
def test_any_sis_id_can_be_looked_up(lms: Lms, name: str):
    lms.create("users", {**AMARA, "user_id": name}, BELA)
    lms.create("courses", LAW)
    lms.create("sections", GROUP_A)
    (made,) = lms.create("enrollments", seat(name))

    (by_id,) = lms.connector.find("users", [{"_id": name}])
    (seats,) = lms.connector.find("enrollments", [{"_id": made.external_id}])

    assert [one.fields["login_id"] for one in by_id] == ["amara"]
    assert [one.fields["user_id"] for one in seats] == [name]


def test_a_user_with_several_logins_is_found_under_each_of_their_numbers(lms: Lms):
    lms.create("users", AMARA)
    lms.create("logins", {"user_id": "A0", "login_id": "amara2", "existing_user_id": "S001"})

    found = lms.connector.find("users", [{"user_id": "S001"}, {"user_id": "A0"}])

    assert [[one.fields["login_id"] for one in some] for some in found] == [["amara"], ["amara2"]]


def test_many_users_are_looked_up_off_the_list_and_few_one_by_one(
    lms: Lms, monkeypatch: pytest.MonkeyPatch
):
    lms.create("users", AMARA, BELA, CHIDI)
    monkeypatch.setattr(lookup, "MANY", 2)
    lms.canvas.calls.clear()

    outcomes = lms.write("users", *(create("users", {**one}) for one in (AMARA, BELA, CHIDI)))

    assert all(one.error is None and one.adopted for one in outcomes)
    assert any("/users?" in path for _, path in lms.canvas.calls)


def test_marks_are_read_as_canvas_has_computed_them(term: Lms):
    for one in term.canvas.campus.enrollments.values():
        one.scores = {"current_score": 71.25, "final_score": 64.0, "final_grade": "2:2"}

    rows = term.rows("grades")

    row = rows[seat_id("S001")]
    assert (row["current_score"], row["final_score"], row["final_grade"]) == (
        "71.25",
        "64.0",
        "2:2",
    )
    assert row["override_score"] is None
    assert (row["section_id"], row["user_id"]) == ("LAW101-A", "S001")


def test_marks_that_the_token_may_not_see_are_not_read_as_none(term: Lms):
    term.canvas.granted.discard("view_all_grades")
    term.connector.describe()

    with pytest.raises(GiveUp, match="view_all_grades"):
        term.rows("grades")

    assert set(term.rows("users")) == {"S001", "S002"}


def test_without_sis_ids_nothing_is_read(term: Lms):
    term.canvas.granted -= {"read_sis", "manage_sis"}
    term.connector.describe()

    with pytest.raises(Stop, match="read_sis"):
        term.rows("users")


@pytest.mark.parametrize("status", [403, 429])
def test_a_reading_goes_on_when_canvas_has_had_enough_for_a_moment(term: Lms, status: int):
    term.canvas.throttle_status = status
    term.canvas.throttled = 2

    assert set(term.rows("users")) == {"S001", "S002"}


@pytest.mark.parametrize("status", [403, 429])
def test_a_reading_gives_way_when_canvas_has_had_enough_for_long(term: Lms, status: int):
    term.connector.describe()
    term.canvas.throttle_status = status
    term.canvas.throttled = 1000

    with pytest.raises(TryAgain) as caught:
        term.rows("users")

    assert caught.value.code == "M611"


def test_an_upload_that_is_too_fast_did_not_happen(lms: Lms):
    lms.connector.describe()
    number = 1000

    class Counting(list):
        """Says "too fast" to the first upload."""

        def append(self, call: tuple[str, str]) -> None:
            super().append(call)
            lms.canvas.throttled = number if call[0] == "POST" else 0

    lms.canvas.calls = Counting()

    with pytest.raises(TryAgain) as caught:
        lms.write("users", create("users", AMARA))

    assert caught.value.code == "M611"
    assert caught.value.after_seconds > 0
    assert lms.canvas.batches == {}


def test_an_enrolment_filter_that_canvas_ignores_finds_nobody_else(term: Lms):
    absent = seat_id("S003")
    term.canvas.ignored = {"sis_user_id[]"}

    found = term.connector.find(
        "enrollments", [{"_id": absent}, {"user_id": "S001", "section_id": "LAW101-A"}]
    )

    assert [len(one) for one in found] == [0, 1]


def test_an_unknown_field_is_no_question(lms: Lms):
    with pytest.raises(GiveUp, match="shoe_size"):
        lms.connector.find("users", [{"shoe_size": "44"}])
