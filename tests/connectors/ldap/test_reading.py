"""Reads of a real directory: whole, in the system's own words, members as pairs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from matricula.connectors.kit.protocol import Write
from tests.connectors.ldap.conftest import Campus, create, person, update

pytestmark = pytest.mark.any_database


def member(campus: Campus, group: str, identifier: str, kind: str = "create", key: str = "m"):
    fields = {"group": group, "member": identifier}
    if kind == "create":
        return Write(key, "create", None, fields, match=fields)
    return Write(key, "delete", f"{group}|{identifier}", fields)


def test_typed_values_arrive_typed_and_lists_as_sorted_json(campus: Campus):
    campus.make(
        person(
            schacGender=2, schacExpiryDate="2029-06-30T02:00:00+02:00",
            eduPersonAffiliation='["student", "member", "student"]',
            eduPersonEntitlement='["urn:mace:dir:entitlement:common-lib-terms"]',
        )
    )  # fmt: skip

    row = campus.row("ango")

    assert row["schacGender"] == 2
    assert row["schacExpiryDate"] == datetime(2029, 6, 30, tzinfo=UTC)
    assert row["eduPersonAffiliation"] == '["member", "student"]'
    assert row["eduPersonEntitlement"] == '["urn:mace:dir:entitlement:common-lib-terms"]'


def test_several_values_where_one_is_usual_read_as_a_list_and_are_restored_to_one(
    campus: Campus,
):
    (identifier,) = campus.make(person(mail="a@northfield.example"))
    dn = f"uid=ango,ou=people,{campus.branch}"

    campus.hand.change(dn, "add", "mail", "b@northfield.example")

    assert campus.row("ango")["mail"] == '["a@northfield.example", "b@northfield.example"]'
    campus.write(update(identifier, mail="a@northfield.example"))
    assert campus.row("ango")["mail"] == "a@northfield.example"


def test_a_name_in_another_language_is_neither_read_nor_lost(campus: Campus):
    (identifier,) = campus.make(person())
    dn = f"uid=ango,ou=people,{campus.branch}"
    campus.hand.change(dn, "add", "cn;lang-ja", "アマラ")

    campus.write(update(identifier, cn="Amara N."))

    assert campus.row("ango")["cn"] == "Amara N."
    _, found = campus.hand.one(campus.branch, uid="ango")
    assert found["cn;lang-ja"] == ["アマラ"]


def test_only_entries_of_the_first_class_below_the_branch_are_records(campus: Campus):
    campus.make(person())
    campus.hand.add(f"cn=printer,ou=people,{campus.branch}", objectClass="device", cn="printer")
    campus.hand.add(
        f"ou=law,ou=people,{campus.branch}", objectClass="organizationalUnit", ou="law"
    )
    campus.hand.add(
        f"uid=deep,ou=law,ou=people,{campus.branch}", objectClass="inetOrgPerson", uid="deep",
        cn="A", sn="B",
    )  # fmt: skip

    assert {row["uid"] for row in campus.rows()} == {"ango", "deep"}


def test_look_ups_compare_as_the_directory_does_and_many_go_together(campus: Campus):
    ids = campus.make(
        *(person(f"p{n}", f"S{n}", mail=f"P{n}@Northfield.example") for n in range(250))
    )

    found = campus.connector.find(
        "people", [{"mail": f"p{n}@northfield.EXAMPLE"} for n in range(250)]
    )

    assert [[one.external_id for one in some] for some in found] == [[one] for one in ids]


def test_any_of_several_values_is_found(campus: Campus):
    (identifier,) = campus.make(person(eduPersonAffiliation='["member", "student"]'))

    found = campus.connector.find(
        "people",
        [
            {"eduPersonAffiliation": '["student"]'},
            {"eduPersonAffiliation": '["staff"]'},
            {"eduPersonAffiliation": '["student"]', "employeeNumber": "s000001"},
            {"schacGender": "no number"},
        ],
    )

    assert [[one.external_id for one in some] for some in found] == [
        [identifier], [], [identifier], [],
    ]  # fmt: skip


def test_parts_that_lie_in_another_directory_are_told_and_not_followed(campus: Campus):
    campus.make(person())
    campus.hand.add(
        f"ou=abroad,ou=people,{campus.branch}", objectClass=["referral", "extensibleObject"],
        ou="abroad", ref="ldap://169.254.0.1/dc=elsewhere",
    )  # fmt: skip

    with campus.connector.read("people") as reading:
        rows = [row for batch in reading.batches for row in batch.to_pylist()]

    assert len(rows) == 1
    assert [one.code for one in reading.findings] == ["M744"]


def test_members_are_pairs_and_strangers_in_a_group_stay(campus: Campus):
    amara, bela = campus.make(person(), person("bela", "S000002"))
    (group,) = campus.make({"cn": "LAW101-A"}, resource="sections")
    stranger = f"cn=service,{campus.branch}"
    name = f"cn=LAW101-A,ou=sections,{campus.branch}"
    campus.hand.change(name, "add", "member", stranger)

    both = [member(campus, group, one, key=one) for one in (amara, bela)]
    assert [one.error for one in campus.write(*both, resource="sections_members")] == [None, None]
    again = campus.write(*both, resource="sections_members")
    assert [one.error for one in again] == [None, None]
    rows = campus.rows("sections_members")
    assert {(row["group"], row["member"]) for row in rows} == {(group, amara), (group, bela)}
    mixed = [
        member(campus, group, amara, "delete", "out"),
        member(campus, group, "00000000-0000-4000-8000-000000000000", key="nobody"),
        member(campus, "00000000-0000-4000-8000-000000000000", bela, key="nowhere"),
    ]
    out, nobody, nowhere = campus.write(*mixed, resource="sections_members")
    assert out.error is None
    assert [one.error.code for one in (nobody, nowhere) if one.error] == ["M605", "M605"]
    _, found = campus.hand.one(f"ou=sections,{campus.branch}", cn="LAW101-A")
    assert stranger in found["member"]


def test_the_last_member_leaves_a_group_that_was_made_by_hand(campus: Campus):
    (identifier,) = campus.make(person())
    campus.hand.add(
        f"cn=old,ou=sections,{campus.branch}", objectClass="groupOfNames", cn="old",
        member=f"uid=ango,ou=people,{campus.branch}",
    )  # fmt: skip
    (row,) = campus.rows("sections_members")
    leave = Write("m", "delete", row["_id"], {"group": row["group"], "member": identifier})

    (outcome,) = campus.write(leave, resource="sections_members")

    assert outcome.error is None
    assert campus.rows("sections_members") == []
    _, found = campus.hand.one(f"ou=sections,{campus.branch}", cn="old")
    assert found["member"] == [f"cn=nobody,ou=sections,{campus.branch}"]


def test_a_group_that_is_called_by_its_name_is_made_with_its_first_member(campus: Campus):
    amara, bela = campus.make(person(), person("bela", "S000002"))

    outcomes = campus.write(
        *(member(campus, "2026, autumn", one, key=one) for one in (amara, bela)),
        resource="intakes_members",
    )

    assert [one.error for one in outcomes] == [None, None]
    (group,) = campus.hand.look(f"ou=intakes,{campus.branch}", objectClass="groupOfNames")
    assert len(group.attributes["member"]) == 3
    rows = campus.rows("intakes_members")
    assert {(row["group"], row["member"]) for row in rows} == {
        ("2026, autumn", amara), ("2026, autumn", bela),
    }  # fmt: skip
    found = campus.connector.find(
        "intakes_members",
        [{"member": bela}, {"group": "2026, autumn"}, {"group": "2025", "member": bela}],
    )
    assert [len(some) for some in found] == [1, 2, 0]


def test_a_suspended_person_may_be_a_member_all_the_same(campus: Campus):
    (identifier,) = campus.make(person())
    campus.write(Write("key", "suspend", identifier, person()))
    (group,) = campus.make({"cn": "LAW101-A"}, resource="sections")

    (outcome,) = campus.write(member(campus, group, identifier), resource="sections_members")

    assert outcome.error is None
    assert len(campus.rows("sections_members")) == 1


def test_creating_twice_in_two_batches_is_one_entry(campus: Campus):
    first = campus.write(create(person()))

    (again,) = campus.write(create(person()))

    assert again.external_id == first[0].external_id
    assert again.adopted
