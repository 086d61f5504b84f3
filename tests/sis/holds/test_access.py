"""Whose hold is whose: an office releases its own, and holds for what is its business."""

from __future__ import annotations

import pytest

from matricula.sis.holds import access, rules

pytestmark = pytest.mark.any_database


@pytest.mark.parametrize(
    ("role", "desks"),
    [
        ("bursar", {"bursary"}),
        ("librarian", {"library"}),
        ("registrar", {"registry"}),
        ("exams officer", {"exams"}),
        ("student", set()),
        ("operator", set()),
        ("auditor", set()),
    ],
)
def test_a_role_releases_the_holds_of_its_own_office_and_of_no_other(role, desks):
    mine = {
        desk for desk in rules.OFFICES if role in access.ALLOWED[f"release a hold of the {desk}"]
    }

    assert mine == desks


def test_an_office_holds_for_what_is_its_business_and_health_is_not_the_bursars():
    causes = {desk: set(office.causes) for desk, office in rules.OFFICES.items()}

    assert causes["bursary"] == {"tuition", "ancillary"}
    assert causes["library"] == {"ancillary"}
    assert causes["exams"] == {"academic"}
    assert {"document", "academic", "identity"} <= causes["registry"]
