from __future__ import annotations

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

REFS = """  enrolment:
    key: [student_no, code]
    roster: sis.enrolments
    refs:
      colleague: {to: enrolment, by: [student_no, code]}
    expects:
      student-is-active:
        that: student_no.status = 'active'
        because: nobody on leave takes a section
      section-is-real:
        that: colleague.code <> 'GHOST'
        because: a section has a name
"""


def expecting(world):
    world.edit_charter(
        "  enrolment:\n    key: [student_no, code]\n    roster: sis.enrolments\n", REFS,
        "charter.yaml",
    )  # fmt: skip


def test_a_breach_is_told_with_its_count_and_holds_nothing_back(world):
    expecting(world)
    world.sis("UPDATE students SET status = 'on_leave' WHERE student_no IN ('00001', '00002')")
    world.sign_all()

    said = world.run("sync", "--json")

    assert said.code == 0
    assert [(f["place"], f["code"], f["keys"]) for f in said.json["findings"]] == [
        ("sis.enrolments.student-is-active", "M414", 4)
    ]
    assert len(world.in_lms("SELECT userid FROM enrolments")) == 80


def test_a_breach_is_an_incident_of_the_rosters_steward_until_it_holds_again(world):
    expecting(world)
    world.sis("UPDATE students SET status = 'on_leave' WHERE student_no = '00001'")
    world.settle()
    opened = world.run("incidents", "--json").json
    world.run("sync", "--changed")
    still = world.run("incidents", "--json").json
    world.sis("UPDATE students SET status = 'active' WHERE student_no = '00001'")

    world.run("sync")

    assert [(i["code"], i["steward"]) for i in opened] == [("M414", "registrar")]
    assert len(still) == 1
    assert world.run("incidents", "--json").json == []
