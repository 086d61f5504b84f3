"""A consumer pulls exactly what the charter grants: through plan, signature, gate and ledger."""

from __future__ import annotations

import pytest

from tests.api.consumers import ROSTERING, Consumer, consumer

pytestmark = pytest.mark.django_db
ROSTER = """
systems:
  roster:
    connector: oneroster_provider
    steward: it
    settings:
      static:
        orgs: [{sourcedId: tu, name: Testing University, type: school, identifier: TU}]
        academicSessions:
          - {sourcedId: t1, title: Autumn, type: term, startDate: "2026-09-01",
             endDate: "2027-01-15", schoolYear: "2027"}
flows:
  roster-courses:
    purpose: Sections have a course.
    from: section
    to: roster.courses
    match: {sourcedId: code}
    fields:
      sourcedId: {is: code, because: the stable key}
      title: {is: title, because: students look for it}
      courseCode: {is: code, because: the standard asks for it}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 90%}}
    errors_to: it
  roster-classes:
    purpose: Sections have course spaces.
    from: section
    to: roster.classes
    match: {sourcedId: code}
    fields:
      sourcedId: {is: code, because: the stable key}
      title: {is: title, because: students look for it}
      courseSourcedId: {is: "link('roster-courses', code)", because: a space stands under it}
      schoolSourcedId: {is: "'tu'", because: the standard asks for it}
      termSourcedIds: {is: "'t1'", because: the standard asks for it}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 90%}}
    errors_to: it
  roster-users:
    purpose: Students reach their course spaces.
    basis: contract with the student
    from: student
    to: roster.users
    match: {sourcedId: student_no}
    where: status in ('active', 'on_leave')
    fields:
      sourcedId: {is: student_no, because: the stable key}
      givenName: {is: "split_part(name, ' ', 1)", because: classmates address the person}
      familyName: {is: "split_part(name, ' ', -1)", because: classmates address the person}
      enabledUser: {is: "status = 'active'", because: who is on leave cannot enter}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 90%}}
    errors_to: it
  roster-roles:
    purpose: A student enters as a student.
    basis: contract with the student
    from: student
    to: roster.roles
    match: {sourcedId: student_no}
    where: status in ('active', 'on_leave')
    fields:
      sourcedId: {is: student_no, because: one role for each student}
      userSourcedId: {is: "link('roster-users', student_no)", because: whose role it is}
      roleType: {is: "'primary'", because: it is the only one}
      role: {is: "'student'", because: rights follow it}
      orgSourcedId: {is: "'tu'", because: roles hold within an organisation}
    cadence: {on_change: true}
    on_exit: leave
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 90%}}
    errors_to: it
  roster-enrolments:
    purpose: Students find the spaces of their sections.
    basis: contract with the student
    from: enrolment
    to: roster.enrollments
    match: {sourcedId: "student_no || '-' || code"}
    where: student_no.status in ('active', 'on_leave')
    fields:
      sourcedId: {is: "student_no || '-' || code", because: one place for each section}
      classSourcedId: {is: "link('roster-classes', code)", because: which space}
      schoolSourcedId: {is: "'tu'", because: the standard asks for it}
      userSourcedId: {is: "link('roster-users', student_no)", because: who}
      role: {is: "'student'", because: rights follow it}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 90%}}
    errors_to: it
"""


@pytest.fixture
def served(world):
    (world.folder / "charter" / "roster.yaml").write_text(ROSTER, encoding="utf-8")
    # The other targets are other stories.
    (world.folder / "charter" / "flows.yaml").unlink()
    return world


def total(asking: Consumer, collection: str) -> int:
    return int(asking.get(f"{ROSTERING}/{collection}", limit=1)["X-Total-Count"])


def test_nothing_is_served_before_it_is_signed_and_everything_that_is_granted_after(served):
    asking = consumer(system="roster")
    said = served.run("sync")
    assert said.code == 1
    assert total(asking, "users") == 0

    served.sign_all()
    assert served.run("sync").code == 0

    assert {
        name: total(asking, name) for name in ("orgs", "classes", "students", "enrollments")
    } == {"orgs": 1, "classes": 3, "students": 40, "enrollments": 80}
    told = asking.get(f"{ROSTERING}/users/00001").json()["user"]
    assert (told["givenName"], told["familyName"]) == ("Amara", "Okafor")
    # The record has an address; no flow grants it to this system.
    assert "email" not in told
    again = served.run("plan", "--json").json["flows"]
    assert all(not flow["create"] and not flow["update"] for flow in again)


def test_who_withdraws_is_served_as_gone_without_a_name_and_comes_back_with_it(served):
    served.sign_all()
    assert served.run("sync").code == 0
    asking = consumer(system="roster")
    seen = asking.get(f"{ROSTERING}/users/00002").json()["user"]["dateLastModified"]

    served.sis("UPDATE students SET status = 'withdrawn' WHERE student_no = '00002'")
    assert served.run("sync").code == 0
    # What a user's enrolments kept in place leaves with the next run.
    served.run("sync")

    gone = asking.get(f"{ROSTERING}/users", filter=f"dateLastModified>'{seen}'").json()["users"]
    assert [(u["sourcedId"], u["status"], u["familyName"]) for u in gone] == [
        ("00002", "tobedeleted", "")
    ]
    assert asking.ids("classes/LAW1/students", limit=100).count("00002") == 0
    served.sis("UPDATE students SET status = 'active' WHERE student_no = '00002'")
    served.run("sync")
    served.run("sync")
    back = asking.get(f"{ROSTERING}/users/00002").json()["user"]
    assert (back["status"], back["familyName"]) == ("active", "Bartók")


def test_an_edit_behind_the_gate_is_drift_and_is_put_back(served):
    from matricula.connectors.oneroster_provider.models import SERVED

    served.sign_all()
    assert served.run("sync").code == 0
    rows = SERVED["users"]._default_manager.filter(sourcedId="00003")
    rows.update(familyName="Edited")

    served.run("sync")

    assert (
        consumer(system="roster").get(f"{ROSTERING}/users/00003").json()["user"]["familyName"]
        == "Eze"
    )


def test_a_live_check_finds_a_field_that_is_not_served(served):
    served.edit_charter("courseCode: {is: code", "wizardry: {is: code", "roster.yaml")

    said = served.run("check", "--live")

    assert said.code == 1
    assert "wizardry" in said.out + said.err
