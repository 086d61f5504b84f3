"""A field changes hands when both offices have signed; nobody takes it by editing a file."""

from __future__ import annotations

import pytest

from matricula.audit.queries import acts_on

pytestmark = pytest.mark.django_db
FLOW = "warehouse-students"


@pytest.fixture
def moved(world):
    """A settled university whose charter now takes the fines from the library."""
    world.settle()
    world.sis("ALTER TABLE students ADD fines TEXT")
    world.sis("UPDATE students SET fines = (CAST(student_no AS INTEGER) - 1) || '.50'")
    world.sis("UPDATE students SET fines = '99.00' WHERE student_no = '00007'")
    world.edit_charter(
        "fines: {owner: library.patrons,", "fines: {owner: sis.students,", name="charter.yaml"
    )
    return world


def sign(world, *offices):
    for office in offices:
        assert world.run("sign", "--as", office).code == 0


def owners(field="student.fines"):
    return [entry.after["system"] for entry in acts_on("field", "own", [field])]


@pytest.mark.any_database
def test_who_owns_a_field_is_in_the_audit_from_the_first_delivery(world):
    world.settle()
    world.run("sync")

    assert owners() == ["library"]
    assert owners("student.name") == ["sis"]


@pytest.mark.any_database
def test_a_field_is_not_taken_without_the_office_that_gives_it_away(moved):
    sign(moved, "registrar", "planning", "it")

    said = moved.run("sync", "--flow", FLOW)

    assert said.code == 1
    assert "M520" in said.out
    assert "student.fines from library to sis, and library has not signed it over" in said.out
    assert owners() == ["library"]


@pytest.mark.any_database
def test_the_values_that_differ_today_are_shown_before_anybody_signs(moved):
    said = moved.run("plan", "--flow", FLOW)

    assert said.code == 2
    assert "00007" in said.out
    assert "99.00" in said.out
    assert moved.plan("--flow", FLOW)[FLOW]["update"] == 1


@pytest.mark.any_database
def test_the_field_passes_once_both_have_signed(moved):
    sign(moved, "registrar", "planning", "it", "library")

    said = moved.run("sync", "--flow", FLOW)

    assert said.code == 0, said.out
    assert owners() == ["library", "sis"]
    passed = acts_on("field", "own", ["student.fines"])[-1]
    assert passed.why == "it passes from library to sis"


@pytest.mark.any_database
def test_after_the_transfer_the_giver_is_asked_no_more(moved):
    sign(moved, "registrar", "planning", "it", "library")
    moved.run("sync", "--flow", FLOW)
    moved.edit_charter("debts are counted", "debts are added up")
    sign(moved, "registrar", "planning")

    assert moved.run("sync", "--flow", FLOW).code == 0


@pytest.mark.any_database
def test_an_office_cannot_be_struck_out_to_take_its_field(moved):
    path = moved.folder / "charter" / "charter.yaml"
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    begins = next(n for n, line in enumerate(lines) if line.startswith("  library:\n"))
    ends = next(n for n, line in enumerate(lines) if line.startswith("  lms:\n"))
    kept = [line for n, line in enumerate(lines) if not begins <= n < ends]
    text = "".join(line for line in kept if "University Library" not in line)
    path.write_text(text.replace("    found_by: {library.patrons: cardnumber}\n", ""), "utf-8")
    sign(moved, "registrar", "planning", "it")

    said = moved.run("sync", "--flow", FLOW)

    assert said.code == 1
    assert "Put library back under `stewards:`" in said.out


def test_status_names_the_office_that_is_waited_for(moved):
    sign(moved, "registrar", "planning", "it")

    assert "University Library: sign" in moved.run("status").out.replace("\n", " ")
