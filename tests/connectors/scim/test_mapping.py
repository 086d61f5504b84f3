"""Flat rows to SCIM records and back, judged by the samples of RFC 7643 and RFC 7644."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from scim2_models import EnterpriseUser, Group, PatchOp, Schema, User

from matricula.connectors.kit.scim.attributes import Attribute, attributes_of
from matricula.connectors.kit.scim.values import Misfit
from matricula.connectors.scim import memberships
from matricula.connectors.scim.dialects import RFC, WHOLE, patch
from matricula.connectors.scim.mapping import (
    changed,
    differing,
    filter_for,
    flatten,
    holds,
    new_record,
    replacement,
)

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.connectors.kit.protocol import Value

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
FIELDS = {one.name: one for one in attributes_of(User.to_schema(), [EnterpriseUser.to_schema()])}


def by_name(**values: Value) -> dict[Attribute, Value]:
    return {FIELDS[name]: value for name, value in values.items()}


def of(values: dict[str, Value]) -> dict[Attribute, Value]:
    return {FIELDS[name]: value for name, value in values.items()}


@pytest.fixture
def sample(shared: Path) -> dict[str, Any]:
    folder = shared / "standards" / "scim-rfc7643-7644" / "samples"
    return json.loads((folder / "rfc7643-8.3-enterprise_user.json").read_text(encoding="utf-8"))


def test_the_rfcs_enterprise_user_reads_as_flat_fields(sample: dict[str, Any]):
    row, misfits = flatten(sample, FIELDS.values())

    assert misfits == []
    assert row["userName"] == "bjensen@example.com"
    assert row["externalId"] == "701984"
    assert row["name.givenName"] == "Barbara"
    assert row["emails"] == "bjensen@example.com"
    assert row["emails[home]"] == "babs@jensen.org"
    assert row["phoneNumbers[mobile]"] == "555-555-4444"
    assert row["addresses[work].locality"] == "Hollywood"
    assert row["addresses[home].postalCode"] == "91608"
    assert row["active"] is True
    assert row["employeeNumber"] == "701984"
    assert row["manager.value"] == "26118915-6090-4610-87e4-49d8ca9f808d"
    assert json.loads(str(row["groups"])) == sorted(one["value"] for one in sample["groups"])


def test_a_password_is_never_a_field(sample: dict[str, Any]):
    row, _ = flatten(sample, FIELDS.values())

    assert sample["password"]
    assert not any("password" in name for name in [*FIELDS, *row])


def test_the_rfcs_schemas_give_the_same_fields_as_the_librarys(shared: Path):
    folder = shared / "standards" / "scim-rfc7643-7644" / "samples"
    read = [
        Schema.model_validate_json((folder / f"rfc7643-8.7.1-schema-{name}.json").read_bytes())
        for name in ("user", "enterprise_user")
    ]

    assert {one.name for one in attributes_of(read[0], read[1:])} == set(FIELDS)


def test_a_new_record_is_a_valid_scim_user():
    record = new_record(
        USER,
        of(
            {
                "userName": "amara",
                "name.givenName": "Amara",
                "name.familyName": "Okafor",
                "emails[work]": "amara@northfield.example",
                "emails": "amara@northfield.example",
                "phoneNumbers[mobile]": "+44 1632 960001",
                "addresses[home].locality": "Northfield",
                "addresses[home].country": "GB",
                "active": True,
                "employeeNumber": "00000042",
                "roles": '["student", "resident"]',
                "title": None,
            }
        ),
    )

    assert User[EnterpriseUser].model_validate(record).user_name == "amara"
    assert record == {
        "schemas": [USER, ENTERPRISE],
        "userName": "amara",
        "name": {"givenName": "Amara", "familyName": "Okafor"},
        "emails": [{"value": "amara@northfield.example", "type": "work", "primary": True}],
        "phoneNumbers": [{"value": "+44 1632 960001", "type": "mobile"}],
        "addresses": [{"locality": "Northfield", "type": "home", "country": "GB"}],
        "active": True,
        ENTERPRISE: {"employeeNumber": "00000042"},
        "roles": [{"value": "resident"}, {"value": "student"}],
    }


def test_what_was_written_is_what_is_read():
    values = of(
        {
            "userName": "amara",
            "emails[work]": "amara@northfield.example",
            "emails": "amara@home.example",
            "addresses[work].formatted": "1 High Street\nNorthfield",
            "active": False,
            "roles": '["a", "b"]',
            "department": "  Law ",
        }
    )

    record = new_record(USER, values)

    assert differing(record, values) == []


def test_changing_one_entry_keeps_the_others(sample: dict[str, Any]):
    after = changed(sample, of({"emails[work]": "new@example.com"}))

    assert after["emails"] == [
        {"value": "new@example.com", "type": "work", "primary": True},
        {"value": "babs@jensen.org", "type": "home"},
    ]
    assert sample["emails"][0]["value"] == "bjensen@example.com"


def test_a_patch_names_only_what_changed(sample: dict[str, Any]):
    changes = of(
        {
            "title": "Guide",
            "nickName": None,
            "name.givenName": "Barb",
            "department": "Tours",
            "userType": "Employee",
        }
    )

    message = patch(sample, changed(sample, changes), changes, WHOLE)

    assert message["Operations"] == [
        {"op": "replace", "path": "title", "value": "Guide"},
        {"op": "remove", "path": "nickName"},
        {"op": "replace", "path": "name.givenName", "value": "Barb"},
        {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Tours"},
    ]


def test_a_patch_is_valid_and_leads_the_rfcs_user_to_the_wanted_values(sample: dict[str, Any]):
    changes = of(
        {
            "displayName": "Babs J",
            "emails[work]": "work@example.com",
            "addresses[home].locality": None,
            "phoneNumbers[pager]": "555-555-1111",
            "costCenter": None,
            "active": False,
        }
    )
    model = User[EnterpriseUser]
    user = model.model_validate(sample)

    message = patch(sample, changed(sample, changes), changes, WHOLE)
    PatchOp[model].model_validate(message).patch(user)

    assert differing(user.model_dump(mode="json"), changes) == []


def test_a_replacement_keeps_what_no_field_knows_and_drops_what_only_the_server_writes(
    sample: dict[str, Any],
):
    sample["urn:example:campus"] = {"card": "7"}

    whole = replacement(changed(sample, of({"title": "Guide"})), tuple(FIELDS.values()))

    assert whole["urn:example:campus"] == {"card": "7"}
    assert whole["title"] == "Guide"
    assert not {"groups", "meta"} & set(whole)


def test_the_manager_goes_with_its_address(sample: dict[str, Any]):
    after = changed(sample, of({"manager.value": None}))

    assert "manager" not in after[ENTERPRISE]
    assert after[ENTERPRISE]["department"] == "Tour Operations"


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("externalId", 'a"b\\c', 'externalId eq "a\\"b\\\\c"'),
        ("name.familyName", "Kovács", 'name.familyName eq "Kovács"'),
        ("emails[work]", "a@b.example", 'emails[type eq "work" and value eq "a@b.example"]'),
        ("emails", "a@b.example", 'emails.value eq "a@b.example"'),
        ("employeeNumber", "007", f'{ENTERPRISE}:employeeNumber eq "007"'),
        ("active", True, "active eq true"),
    ],
)
def test_a_filter_quotes_its_value(name: str, value: Value, wanted: str):
    assert filter_for(FIELDS[name], value) == wanted


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("active", "perhaps"),
        ("displayName", "half a \ud83d character"),
        ("displayName", True),
        ("roles", "student"),
        ("roles", "[1]"),
    ],
)
def test_a_value_without_a_place_is_refused_by_its_fields_name(name: str, value: Value):
    with pytest.raises(Misfit) as caught:
        new_record(USER, of({name: value}))

    assert caught.value.field == name
    assert str(value) not in str(caught.value)


def test_looking_up_follows_the_servers_idea_of_upper_and_lower_case(sample: dict[str, Any]):
    assert holds(sample, by_name(userName="BJENSEN@example.com"))
    assert not holds({"externalId": "a"}, by_name(externalId="A"))


def test_a_truth_value_written_as_text_is_understood():
    row, misfits = flatten({"active": "False"}, FIELDS.values())

    assert (row["active"], misfits) == (False, [])


def test_a_value_of_another_type_is_reported_and_not_guessed():
    row, misfits = flatten({"userName": "amara", "active": 3.5}, FIELDS.values())

    assert row == {"userName": "amara"}
    assert [one.field for one in misfits] == ["active"]


def test_the_rfcs_group_is_read_as_memberships(shared: Path):
    folder = shared / "standards" / "scim-rfc7643-7644" / "samples"
    group = json.loads((folder / "rfc7643-8.4-group.json").read_text(encoding="utf-8"))
    group["members"].append({"value": "a group inside", "type": "Group"})

    rows = memberships.rows_of(group)

    assert [row["user"] for row in rows] == [
        "2819c223-7f76-453a-919d-413861904646",
        "902c246b-6245-4190-8e05-00816be7344a",
    ]
    assert {row["group"] for row in rows} == {"e9e30dba-f08f-4109-8486-d5c6a331660a"}


def test_joining_and_leaving_is_one_valid_patch():
    message = memberships.message({"b", "a"}, {'c"d'}, [], RFC)

    assert PatchOp[Group].model_validate(message).operations is not None
    assert message["Operations"] == [
        {"op": "add", "path": "members", "value": [{"value": "a"}, {"value": "b"}]},
        {"op": "remove", "path": 'members[value eq "c\\"d"]'},
    ]


def test_a_server_without_types_of_address_has_one_field_for_the_first_entry():
    schema = User.to_schema()
    for attribute in schema.attributes:
        if attribute.name == "emails":
            kept = [part for part in attribute.sub_attributes if part.name == "value"]
            attribute.sub_attributes = kept
    fields = {one.name: one for one in attributes_of(schema, [])}
    record = {"emails": [{"value": "a@x.example"}, {"value": "b@x.example"}]}

    after = changed(record, {fields["emails"]: "c@x.example"})

    assert not any(name.startswith("emails[") for name in fields)
    assert flatten(record, fields.values())[0] == {"emails": "a@x.example"}
    assert after == {"emails": [{"value": "c@x.example"}, {"value": "b@x.example"}]}
    assert changed({}, {fields["emails"]: "c@x.example"}) == {"emails": [{"value": "c@x.example"}]}
