"""A OneRoster bundle, of either version, becomes a bundle of the register's own tables."""

from __future__ import annotations

from datetime import date

import pytest

from matricula.cli.loading import oneroster
from matricula.kernel.errors import Refused

TODAY = date(2026, 10, 14)
BOTH = {
    "orgs": "sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId\n"
    "sch,active,2026-09-01T00:00:00.000Z,Northfield,school,,\n"
    "sci,active,2026-09-01T00:00:00.000Z,Science,department,,sch\n",
    "academicSessions": "sourcedId,status,dateLastModified,title,type,startDate,endDate,"
    "parentSourcedId,schoolYear\n"
    "t1,active,2026-09-01T00:00:00.000Z,Autumn,term,2026-09-01,2026-12-14,,2026\n",
    "courses": "sourcedId,status,dateLastModified,schoolYearSourcedId,title,courseCode,grades,"
    "orgSourcedId,subjects,subjectCodes\n"
    "c1,active,2026-09-01T00:00:00.000Z,,Cells,BIO101,,sci,,\n",
    "classes": "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,"
    "classType,location,schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\n"
    "k1,active,2026-09-01T00:00:00.000Z,Cells A,,c1,BIO101-A,scheduled,,sch,t1,,,\n"
    "k2,active,2026-09-01T00:00:00.000Z,Cells B,,c1,BIO101-B,scheduled,,sch,t1,,,\n",
    "enrollments": "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,"
    "userSourcedId,role,primary,beginDate,endDate\n"
    "e1,active,2026-09-01T00:00:00.000Z,k1,sch,u1,student,,,\n"
    "e2,active,2026-09-01T00:00:00.000Z,k2,sch,u1,student,,2026-09-03,2026-09-30\n"
    "e3,active,2026-09-01T00:00:00.000Z,k1,sch,u2,teacher,true,,\n"
    "e4,active,2026-09-01T00:00:00.000Z,k2,sch,u2,teacher,false,,\n"
    "e5,active,2026-09-01T00:00:00.000Z,k1,sch,u3,proctor,,,\n"
    "e6,tobedeleted,2026-09-01T00:00:00.000Z,k1,sch,u3,student,,,\n",
}  # fmt: skip
USERS = {
    "1.1": {
        "users": "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,"
        "userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,"
        "grades,password\n"
        "u1,active,2026-09-01T00:00:00.000Z,true,sch,student,amara,,Amara,Okafor,,S-1,"
        "amara@example.org,,,,,\n"
        "u2,active,2026-09-01T00:00:00.000Z,true,sch,teacher,ewan,,Ewan,Bell,,,,,,,,\n"
        "u3,active,2026-09-01T00:00:00.000Z,true,sch,guardian,gus,,Gus,Okafor,,,,,,,,\n",
    },
    "1.2": {
        "users": "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,"
        "familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,"
        "userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,"
        "primaryOrgSourcedId,pronouns\n"
        "u1,active,2026-09-01T00:00:00.000Z,true,amara,,Amara,Okafor,,S-1,amara@example.org,"
        ",,,,,,Ama,,,,\n"
        "u2,active,2026-09-01T00:00:00.000Z,true,ewan,,Ewan,Bell,,,,,,,,,,,,,,\n"
        "u3,active,2026-09-01T00:00:00.000Z,true,gus,,Gus,Okafor,,,,,,,,,,,,,,\n",
        "roles": "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,"
        "endDate,orgSourcedId,userProfileSourcedId\n"
        "r1,active,2026-09-01T00:00:00.000Z,u1,primary,student,,,sch,\n"
        "r2,active,2026-09-01T00:00:00.000Z,u2,primary,teacher,,,sch,\n"
        "r3,active,2026-09-01T00:00:00.000Z,u3,primary,guardian,,,sch,\n",
    },
}  # fmt: skip


def bundle(folder, version="1.1", **files):
    """Write a bundle as a folder."""
    held = {**BOTH, **USERS[version], **files}
    folder.mkdir(exist_ok=True)
    lines = ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}"]
    lines += [f"file.{name},bulk" for name in held]
    lines += ["source.systemName,Old SIS", "source.systemCode,oldsis"]
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, text in held.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def _read(folder, **told):
    given = oneroster.read(folder, programme="BIO", today=TODAY, zone="Europe/London", **told)
    rows = {}
    for name, table in given.pieces:
        rows.setdefault(name, []).extend(table.to_pylist())
    return given, rows


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_users_in_classes_are_students_and_staff_with_their_numbers(tmp_path, version):
    given, rows = _read(bundle(tmp_path / "b", version))

    assert given.source == "oldsis"
    assert [one["person"] for one in rows["persons"]] == ["u1", "u2"]
    numbers = {tuple(one[n] for n in ("person", "system", "kind", "value"))
               for one in rows["numbers"]}  # fmt: skip
    assert numbers == {
        ("u1", "oldsis", "sourcedId", "u1"), ("u1", "oldsis", "identifier", "S-1"),
        ("u2", "oldsis", "sourcedId", "u2"),
    }  # fmt: skip
    assert [one["person"] for one in rows["students"]] == ["u1"]
    assert [one["person"] for one in rows["staff"]] == ["u2"]


def test_classes_are_sections_under_the_codes_that_people_know(tmp_path):
    _, rows = _read(bundle(tmp_path / "b"))

    assert [(one["section"], one["module"], one["capacity"]) for one in rows["sections"]] == [
        ("BIO101-A", "BIO101", 1), ("BIO101-B", "BIO101", 1),
    ]  # fmt: skip
    assert [(one["section"], one["duty"]) for one in rows["teaching"]] == [
        ("BIO101-A", "lead"), ("BIO101-B", "lecturer"),
    ]  # fmt: skip


def test_codes_that_are_not_each_its_own_give_way_to_the_keys(tmp_path):
    same = BOTH["classes"].replace("BIO101-B", "BIO101-A")

    _, rows = _read(bundle(tmp_path / "b", classes=same))

    assert [one["section"] for one in rows["sections"]] == ["k1", "k2"]


def test_whoever_is_out_of_a_class_early_withdrew_on_the_day_after_the_last(tmp_path):
    _, rows = _read(bundle(tmp_path / "b"))

    told = [
        (one["section"], one["action"], str(one["effective_on"]))
        for one in rows["enrolment_events"]
    ]
    assert told == [
        ("BIO101-A", "enrol", "2026-09-01"), ("BIO101-B", "enrol", "2026-09-03"),
        ("BIO101-B", "withdraw", "2026-10-01"),
    ]  # fmt: skip


def test_a_preferred_name_is_what_somebody_is_called_and_the_given_one_is_on_the_document(
    tmp_path,
):
    _, rows = _read(bundle(tmp_path / "b", "1.2"))

    amara = rows["persons"][0]
    assert (amara["given"], amara["display_given"], amara["display_family"]) == (
        "Amara", "Ama", "Okafor",
    )  # fmt: skip


def test_every_row_that_is_not_of_the_record_is_named(tmp_path):
    given, _ = _read(bundle(tmp_path / "b"))

    told = {(one.place, one.code) for one in given.findings}
    assert {
        ("users.csv:4", "M992"), ("enrollments.csv:6", "M992"), ("enrollments.csv:7", "M992"),
        ("courses.csv", "M996"),
    } <= told  # fmt: skip


def test_a_bundle_without_a_file_that_is_needed_is_refused(tmp_path):
    folder = bundle(tmp_path / "b")
    (folder / "classes.csv").unlink()

    with pytest.raises(Refused, match=r"classes\.csv") as refused:
        _read(folder)

    assert refused.value.code == "M991"
