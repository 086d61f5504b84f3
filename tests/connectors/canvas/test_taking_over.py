"""Whose record is it: by SIS ID, by login where the flow says so, and never by chance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import SkipRow
from tests.connectors.canvas.conftest import AMARA, BELA, GROUP_A, LAW, create, seat, seat_id

if TYPE_CHECKING:
    from tests.connectors.canvas.conftest import Lms


def _by_hand(lms: Lms, login: str) -> int:
    user = lms.canvas.campus.add_user("Made by hand", "old@northfield.example")
    made = lms.canvas.campus.add_pseudonym(user.id, login)
    made.authentication_provider_id = "7"
    return user.id


def test_a_user_whom_somebody_made_in_canvas_is_not_taken_over_for_the_login_alone(lms: Lms):
    number = _by_hand(lms, "amara")

    (outcome,) = lms.write("users", create("users", AMARA))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
    assert f"canvas:{number}" in outcome.error.message
    assert lms.imports() == []


def test_a_user_whom_somebody_made_is_taken_over_where_the_flow_matches_by_login(lms: Lms):
    number = _by_hand(lms, "amara")

    (outcome,) = lms.write("users", create("users", AMARA, login_id="amara"))

    assert outcome.error is None
    assert (outcome.external_id, outcome.adopted) == ("S001", True)
    login = lms.canvas.campus.pseudonym("S001")
    assert login is not None
    assert login.user_id == number
    assert login.authentication_provider_id == "7"


def test_a_user_whom_another_key_holds_is_not_taken_over(lms: Lms):
    number = _by_hand(lms, "amara")
    write = create("users", AMARA, login_id="amara")

    (outcome,) = lms.write("users", replace(write, spared=frozenset({f"canvas:{number}"})))

    assert isinstance(outcome.error, SkipRow)


def test_one_whom_somebody_made_becomes_one_record_and_not_two(lms: Lms):
    _by_hand(lms, "amara")
    first = create("users", AMARA, login_id="amara")
    second = create("users", {**AMARA, "user_id": "S009"}, login_id="amara")

    done, refused = lms.write("users", first, second)

    assert done.error is None
    assert isinstance(refused.error, SkipRow)
    assert refused.error.code == "M606"
    assert len(lms.imports()) == 1


def test_the_login_of_somebody_else_is_never_taken(lms: Lms):
    lms.create("users", AMARA)

    (outcome,) = lms.write(
        "users", create("users", {**BELA, "login_id": "Amara"}, login_id="Amara")
    )

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
    assert set(lms.rows("users")) == {"S001"}


def test_a_match_that_finds_another_record_is_refused(lms: Lms):
    lms.create("courses", {**LAW, "integration_id": "c-1"})
    other = {**LAW, "course_id": "LAW102", "integration_id": "c-1"}

    (outcome,) = lms.write("courses", create("courses", other, integration_id="c-1"))

    assert isinstance(outcome.error, SkipRow)
    assert "LAW101" in outcome.error.message


def test_a_user_gets_another_number_and_the_enrolments_go_along(term: Lms):
    outcome = term.change("users", "S001", user_id="S901", full_name="Amara Okafor")

    assert (outcome.error, outcome.external_id) == (None, "S901")
    assert set(term.rows("users")) == {"S901", "S002"}
    assert term.rows("users")["S901"]["full_name"] == "Amara Okafor"
    assert set(term.rows("enrollments")) == {seat_id("S901"), seat_id("S002")}


def test_an_enrolment_of_a_renumbered_user_is_found_under_the_new_number(term: Lms):
    term.change("users", "S001", user_id="S901")

    outcome = term.change("enrollments", seat_id("S001"), **seat("S901"))

    assert (outcome.error, outcome.external_id) == (None, seat_id("S901"))
    assert set(term.rows("enrollments")) == {seat_id("S901"), seat_id("S002")}


def test_nobody_gets_a_number_that_another_has(term: Lms):
    outcome = term.change("users", "S001", user_id="S002")

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
    assert set(term.rows("users")) == {"S001", "S002"}


def test_a_section_gets_another_number(lms: Lms):
    lms.create("courses", LAW)
    lms.create("sections", GROUP_A)

    outcome = lms.change("sections", "LAW101-A", section_id="LAW101 / evening")

    assert (outcome.error, outcome.external_id) == (None, "LAW101 / evening")
    assert set(lms.rows("sections")) == {"LAW101 / evening"}


def test_an_enrolment_does_not_move_to_another_section(term: Lms):
    outcome = term.change("enrollments", seat_id("S001"), section_id="LAW101-B", user_id="S001")

    assert isinstance(outcome.error, SkipRow)
    assert seat_id("S001") in term.rows("enrollments")


def test_a_record_without_sis_id_is_found_and_cannot_be_written(lms: Lms):
    number = _by_hand(lms, "amara")

    (found,) = lms.connector.find("users", [{"login_id": "AMARA"}])
    outcome = lms.change("users", f"canvas:{number}", full_name="Amara Okafor")

    assert [one.external_id for one in found] == [f"canvas:{number}"]
    assert lms.rows("users") == {}
    assert isinstance(outcome.error, SkipRow)
    assert "no SIS ID" in outcome.error.message
