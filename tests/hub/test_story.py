from __future__ import annotations

import pytest

from matricula.connectors.sql.connector import SqlConnector

pytestmark = pytest.mark.django_db


@pytest.mark.any_database
def test_a_first_plan_creates_everything_and_an_unsigned_flow_is_held(world):
    flows = world.plan()

    assert {name: flow["create"] for name, flow in flows.items()} == {
        "lms-accounts": 40, "lms-courses": 3, "lms-enrolments": 80, "warehouse-students": 40,
    }  # fmt: skip
    assert all(flow["held"] == flow["create"] for flow in flows.values())
    assert any("M510" in reason for reason in flows["lms-accounts"]["reasons"])


@pytest.mark.any_database
def test_an_unsigned_flow_plans_but_applies_nothing(world):
    planned = world.run("plan", "--json")

    applied = world.run("apply", planned.json["digest"])

    assert planned.code == 2
    assert applied.code == 1
    assert world.everything_in_lms() == [[], [], []]


@pytest.mark.any_database
def test_what_is_applied_is_there_and_a_second_plan_has_nothing_to_do(world):
    world.sign_all()
    planned = world.run("plan", "--json")

    applied = world.run("apply", planned.json["digest"][:12])

    assert applied.code == 0
    users, courses, enrolments = world.everything_in_lms()
    assert users[0] == (1, "00001", "Amara Okafor", "s00001@example.org", "s00001@example.org", 0)
    assert (len(users), len(courses), len(enrolments)) == (40, 3, 80)
    assert {user for user, _ in enrolments} == {str(user[0]) for user in users}
    again = world.run("plan", "--json")
    assert again.code == 0
    assert all(flow["create"] == flow["update"] == 0 for flow in again.json["flows"])


@pytest.mark.any_database
def test_a_plan_applied_twice_is_refused(world):
    world.sign_all()
    digest = world.run("plan", "--json").json["digest"]
    world.run("apply", digest)

    again = world.run("apply", digest)

    assert again.code == 1
    assert "M512" in again.err


@pytest.mark.any_database
def test_a_plan_whose_basis_moved_is_refused_with_the_rows_that_moved(world):
    world.sign_all()
    digest = world.run("plan", "--json").json["digest"]
    world.sis("UPDATE students SET name = 'Amara Hughes' WHERE student_no = '00001'")

    applied = world.run("apply", digest)

    assert applied.code == 1
    assert "M511" in applied.err
    assert "lms-accounts 00001" in applied.err
    assert world.everything_in_lms() == [[], [], []]


@pytest.mark.any_database
def test_a_changed_flow_must_be_signed_again_before_it_applies(world):
    world.settle()
    world.edit_charter("is: name,", "is: upper(name),")

    flows = world.plan()
    applied = world.run("sync")

    assert any("M510" in reason for reason in flows["lms-accounts"]["reasons"])
    assert flows["lms-accounts"]["update"] == 40
    assert applied.code == 1
    assert world.in_lms("SELECT fullname FROM users WHERE idnumber = '00001'") == [
        ("Amara Okafor",)
    ]


@pytest.mark.any_database
def test_a_record_changed_at_its_owner_arrives_and_nothing_else_moves(world):
    world.settle()
    world.sis("UPDATE students SET name = 'Amara Hughes' WHERE student_no = '00001'")

    said = world.run("sync", "--changed", "--json")

    assert said.code == 0
    assert [*said.json["delivered"]] == ["lms-accounts"]
    assert said.json["delivered"]["lms-accounts"]["answered"] == 1
    names = dict(world.in_lms("SELECT idnumber, fullname FROM users"))
    assert names["00001"] == "Amara Hughes"
    assert names["00002"] == "Bela Bartók"


@pytest.mark.any_database
def test_a_leaver_is_suspended_and_keeps_the_account_and_returns_to_the_same_one(world):
    world.settle()
    before = world.in_lms("SELECT id FROM users WHERE idnumber = '00003'")
    world.sis("UPDATE students SET status = 'withdrawn' WHERE student_no = '00003'")
    world.run("sync")
    left = world.in_lms("SELECT id, suspended FROM users WHERE idnumber = '00003'")
    world.sis("UPDATE students SET status = 'active' WHERE student_no = '00003'")

    world.run("sync")

    assert left == [(before[0][0], 1)]
    assert world.in_lms("SELECT id, suspended FROM users WHERE idnumber = '00003'") == [
        (before[0][0], 0)
    ]


@pytest.mark.any_database
def test_a_copy_that_was_there_before_is_found_and_not_made_twice(world):
    world.lms(
        "INSERT INTO users (id, idnumber, fullname, username) "
        "VALUES (77, '00004', 'D. W.', 'dewi')"
    )

    world.settle()

    assert world.in_lms("SELECT id, fullname, username FROM users WHERE idnumber = '00004'") == [
        (77, "Dewi Wirawan", "dewi")
    ]


@pytest.mark.any_database
def test_an_edited_copy_is_named_with_three_values_and_put_back(world):
    world.settle()
    world.lms("UPDATE users SET fullname = 'Somebody Else' WHERE idnumber = '00002'")

    flows = world.plan()
    drift = world.run("drift", "--json").json
    world.run("sync")

    assert flows["lms-accounts"]["restore"] == 1
    assert [(d["key"], d["field"], d["owner"], d["delivered"], d["found"]) for d in drift] == [
        ("00002", "fullname", "sis.students.name", "Bela Bartók", "Somebody Else")
    ]
    assert world.in_lms("SELECT fullname FROM users WHERE idnumber = '00002'") == [
        ("Bela Bartók",)
    ]
    assert (
        world.run("drift", "--json").json != drift or world.plan()["lms-accounts"]["drifted"] == 0
    )


@pytest.mark.any_database
def test_a_flow_that_reports_names_an_edit_and_leaves_it(world):
    world.settle()
    world.lms("UPDATE courses SET title = 'Lore' WHERE code = 'LAW1'")

    said = world.run("sync")
    incidents = world.run("incidents", "--json").json

    assert said.code == 0
    assert world.in_lms("SELECT title FROM courses WHERE code = 'LAW1'") == [("Lore",)]
    assert [(i["code"], i["place"], i["steward"]) for i in incidents] == [
        ("M660", "lms-courses", "it")
    ]


@pytest.mark.any_database
def test_a_value_that_the_target_proposed_to_own_is_never_put_back(world):
    world.settle()
    world.lms("UPDATE users SET username = 'her-own-choice' WHERE idnumber = '00001'")

    flows = world.plan()

    assert flows["lms-accounts"]["drifted"] == 0
    assert flows["lms-accounts"]["restore"] == 0


@pytest.mark.any_database
def test_a_copy_deleted_behind_our_back_is_made_again_under_its_own_grant(world):
    world.settle()
    world.lms("DELETE FROM users WHERE idnumber = '00005'")

    world.run("sync")

    assert len(world.in_lms("SELECT id FROM users WHERE idnumber = '00005'")) == 1


@pytest.mark.any_database
def test_too_many_exits_hold_the_flow_and_name_its_office(world):
    world.settle()
    world.sis("UPDATE students SET status = 'withdrawn' WHERE student_no <= '00005'")

    said = world.run("sync")

    assert said.code == 1
    assert world.in_lms("SELECT count(*) FROM users WHERE suspended = 1") == [(0,)]
    incidents = world.run("incidents", "--json").json
    # One cause, one incident: the roster's office is told which flows it stops.
    assert [(i["code"], i["place"], i["steward"]) for i in incidents] == [
        ("M501", "sis.students", "registrar")
    ]
    assert "lms-accounts: 5 exits of 40 copies" in incidents[0]["message"]


def test_a_refused_record_is_set_aside_and_tried_again_when_its_owner_corrects_it(world):
    world.sis("UPDATE students SET name = ? WHERE student_no = '00001'", "A" * 61)
    world.sign_all()

    first = world.run("sync", "--json")
    incidents = world.run("incidents", "--json").json
    world.sis("UPDATE students SET name = 'Amara Okafor' WHERE student_no = '00001'")
    world.run("sync")

    assert first.json["delivered"]["lms-accounts"]["refused"] == 1
    assert first.json["delivered"]["lms-accounts"]["answered"] == 39
    assert [(i["key"], i["steward"]) for i in incidents] == [("00001", "it")]
    assert len(world.in_lms("SELECT id FROM users")) == 40
    assert len(world.in_lms("SELECT userid FROM enrolments")) == 80


def test_explain_answers_for_a_value_in_every_target(world):
    world.settle()
    for system, field, value in (
        ("lms", "fullname", "Amara Okafor"), ("warehouse", "fines", "0.50"),
    ):  # fmt: skip
        said = world.run("explain", "student", "00001", "--in", system, "--field", field, "--json")
        copy = said.json["copies"][0]
        assert said.code == 0
        assert copy["value"] == value
        assert copy["purpose"]
        assert copy["signed_by"]
        assert copy["confirmed_at"]
        assert copy["set_by"]


def test_everything_done_stands_in_an_audit_that_verifies(world):
    world.settle()

    said = world.run("audit", "verify", "--json")

    # Three offices signed flows one by one or together; 163 copies; one run.
    assert said.code == 0
    assert said.json["entries"] >= 163 + 1


@pytest.mark.any_database
def test_status_says_who_acts_next(world):
    before = world.run("status", "--json").json
    world.settle()
    after = world.run("status", "--json").json

    assert before["flows"][0]["next"].endswith("sign")
    assert {flow["flow"]: flow["confirmed"] for flow in after["flows"]} == {
        "lms-accounts": 40, "lms-courses": 3, "lms-enrolments": 80, "warehouse-students": 40,
    }  # fmt: skip
    assert {flow["next"] for flow in after["flows"]} == {"nobody"}


@pytest.mark.any_database
def test_what_depends_on_a_leaver_leaves_before_it(world):
    world.edit_charter("guard: {exits: {share: 10%}}", "guard: {exits: {share: 50%}}")
    world.settle()
    sent = []
    real = SqlConnector.write

    def spy(self, resource, writes, *, at):
        sent.extend((resource, write.kind) for write in writes)
        return real(self, resource, writes, at=at)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqlConnector, "write", spy)
        world.sis("DELETE FROM enrolments WHERE code = 'ART1' AND student_no < '00003'")
        world.sis("DELETE FROM sections WHERE code = 'ART1'")
        world.run("sync")

    kinds = [resource for resource, kind in sent if kind == "delete"]
    assert kinds == sorted(kinds, key=["enrolments", "courses"].index)
    assert set(kinds) == {"enrolments", "courses"}
