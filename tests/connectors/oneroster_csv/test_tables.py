from __future__ import annotations

import pytest

from matricula.connectors.kit.oneroster.tables import VERSIONS, referrers, tables


def test_version_1_1_has_thirteen_data_files_and_1_2_has_twenty_one():
    counts = {version: len(tables(version)) for version in VERSIONS}

    assert counts == {"1.1": 13, "1.2": 21}


HEADERS = [
    (
        "1.1",
        "users",
        (
            "sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,userIds,"
            "givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades,"
            "password"
        ),
    ),
    (
        "1.2",
        "users",
        (
            "sourcedId,status,dateLastModified,enabledUser,username,userIds,givenName,familyName,"
            "middleName,identifier,email,sms,phone,agentSourcedIds,grades,password,"
            "userMasterIdentifier,preferredGivenName,preferredMiddleName,preferredFamilyName,"
            "primaryOrgSourcedId,pronouns"
        ),
    ),
    (
        "1.1",
        "enrollments",
        (
            "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,"
            "primary,beginDate,endDate"
        ),
    ),
    (
        "1.1",
        "lineItems",
        (
            "sourcedId,status,dateLastModified,title,description,assignDate,dueDate,"
            "classSourcedId,categorySourcedId,gradingPeriodSourcedId,resultValueMin,resultValueMax"
        ),
    ),
    (
        "1.2",
        "lineItems",
        (
            "sourcedId,status,dateLastModified,title,description,assignDate,dueDate,"
            "classSourcedId,categorySourcedId,academicSessionSourcedId,resultValueMin,"
            "resultValueMax,schoolSourcedId"
        ),
    ),
    (
        "1.2",
        "results",
        (
            "sourcedId,status,dateLastModified,lineItemSourcedId,studentSourcedId,scoreStatus,"
            "score,scoreDate,comment,textScore,classSourcedId,inProgress,incomplete,late,missing"
        ),
    ),
    (
        "1.2",
        "roles",
        (
            "sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,"
            "orgSourcedId,userProfileSourcedId"
        ),
    ),
]


@pytest.mark.parametrize(("version", "file", "header"), HEADERS)
def test_columns_stand_in_the_order_of_the_standard(version, file, header):
    assert ",".join(tables(version)[file].header) == header


def test_words_may_be_extended_in_1_2_and_not_in_1_1():
    role_1_1 = tables("1.1")["enrollments"].column("role")
    role_1_2 = tables("1.2")["enrollments"].column("role")

    assert (role_1_1.extensible, role_1_2.extensible) == (False, True)


def test_a_score_is_required_in_1_1_and_optional_in_1_2():
    required = [tables(version)["results"].column("score").required for version in VERSIONS]

    assert required == [True, False]


def test_demographics_are_named_by_the_user_they_describe():
    names = [table for table, _ in referrers("1.2", "users")]

    assert "demographics" in names


def test_a_metadata_column_is_text_that_nothing_is_known_of():
    column = tables("1.2")["users"].column("metadata.programme")

    assert (column.kind, column.required, column.refers) == ("text", False, "")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_reference_names_a_file_of_the_same_version(version):
    known = tables(version)

    named = {column.refers for table in known.values() for column in table.columns}

    assert named - {""} <= set(known)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_file_begins_with_identifier_status_and_date(version):
    starts = {table.header[:3] for table in tables(version).values()}

    assert starts == {("sourcedId", "status", "dateLastModified")}
