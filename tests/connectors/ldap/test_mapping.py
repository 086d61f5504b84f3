"""Names, values, messages, schemas and the two layouts, without any directory."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.ldap import ber, mapping, messages, names, refusals, values
from matricula.connectors.ldap.layouts import LAYOUTS, AccountControlLock
from matricula.connectors.ldap.messages import Answer, Change, Entry
from matricula.connectors.ldap.pairs import _range_of
from matricula.connectors.ldap.permissions import computed_rights
from matricula.connectors.ldap.resources import Resource, _resource
from matricula.connectors.ldap.schema import read_schema
from matricula.connectors.ldap.settings import LdapSettings

pytestmark = pytest.mark.any_database

# As Active Directory publishes its schema: names and syntaxes, no equality rules.
_AD_TYPES = [
    "( 2.5.4.3 NAME 'cn' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' SINGLE-VALUE )",
    (
        "( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' "
        "SINGLE-VALUE )"
    ),
    (
        "( 1.2.840.113556.1.4.656 NAME 'userPrincipalName' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' "
        "SINGLE-VALUE )"
    ),
    (
        "( 1.2.840.113556.1.4.8 NAME 'userAccountControl' SYNTAX '1.3.6.1.4.1.1466.115.121.1.27' "
        "SINGLE-VALUE )"
    ),
    (
        "( 1.2.840.113556.1.4.2 NAME 'objectGUID' SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' "
        "SINGLE-VALUE NO-USER-MODIFICATION )"
    ),
    (
        "( 1.2.840.113556.1.4.90 NAME 'unicodePwd' SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' "
        "SINGLE-VALUE )"
    ),
    "( 1.2.840.113556.1.4.96 NAME 'pwdLastSet' SYNTAX '1.2.840.113556.1.4.906' SINGLE-VALUE )",
    (
        "( 2.16.840.1.113730.3.1.35 NAME 'employeeID' SYNTAX '1.3.6.1.4.1.1466.115.121.1.15' "
        "SINGLE-VALUE )"
    ),
    "( 2.5.4.31 NAME 'member' SYNTAX '1.3.6.1.4.1.1466.115.121.1.12' )",
    (
        "( 1.2.840.113556.1.2.281 NAME 'nTSecurityDescriptor' SYNTAX '1.2.840.113556.1.4.907' "
        "SINGLE-VALUE )"
    ),
    "( 2.5.4.0 NAME 'objectClass' SYNTAX '1.3.6.1.4.1.1466.115.121.1.38' NO-USER-MODIFICATION )",
]
_AD_CLASSES = [
    (
        "( 2.5.6.0 NAME 'top' ABSTRACT MUST (objectClass $ nTSecurityDescriptor ) "
        "MAY (cn $ objectGUID ) )"
    ),
    "( 2.5.6.6 NAME 'person' SUP top STRUCTURAL MUST (cn ) )",
    (
        "( 1.2.840.113556.1.5.9 NAME 'user' SUP person STRUCTURAL MAY (sAMAccountName $ "
        "userPrincipalName $ userAccountControl $ unicodePwd $ pwdLastSet $ employeeID ) )"
    ),
    "( 1.2.840.113556.1.5.8 NAME 'group' SUP top STRUCTURAL MAY (member $ sAMAccountName ) )",
]
_GUID = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")


def ad(name: str = "people", **over: Any) -> Resource:
    place: dict[str, Any] = {"kind": "people", "base": "ou=people,dc=ad,dc=northfield,dc=example"}
    if name == "groups":
        place = {"kind": "groups", "base": "ou=groups,dc=ad,dc=northfield,dc=example"}
    settings = LdapSettings.model_validate(
        {
            "url": "ldaps://ad.northfield.example",
            "bind_dn": "cn=matricula,dc=ad,dc=northfield,dc=example",
            "password": "env:X",
            "layout": "active_directory",
            "resources": {name: {**place, **over}},
        }
    )
    schema = read_schema(_AD_TYPES, _AD_CLASSES)
    return _resource(name, settings.resources[name], settings, schema)


# RFC 4514 section 4, and names that are the same however they are spelt.
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("UID=jsmith,DC=example,DC=net", "uid=JSmith, dc=example, dc=net"),
        ("OU=Sales+CN=J.  Smith,DC=example", "cn=j.  smith+ou=sales,dc=example"),
        (
            r"CN=James \"Jim\" Smith\, III,DC=example",
            r"cn=James \22Jim\22 Smith\2c III,dc=example",
        ),
        (r"CN=Before\0dAfter,DC=example", "cn=Before\\\rAfter,dc=example"),
        (r"CN=Lu\C4\8Di\C4\87", "cn=Lučić"),
        (r"cn=\ space\ ", r"cn=\20space\20"),
        ("cn=a=b", r"cn=a\=b"),
    ],
)
def test_names_are_compared_as_names(one: str, other: str):
    assert names.parse(one) == names.parse(other)


@pytest.mark.parametrize("text", ["", "people", "ou=", "=x", "ou=a,,ou=b", "ou=a,", 'ou="a"'])
def test_what_is_no_name_is_said(text: str):
    if text == "ou=":
        assert names.parse(text)
        return
    if not text:
        assert names.parse(text) == ()
        return
    with pytest.raises(names.Unnamed):
        names.parse(text)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_value_can_name_an_entry(value: str):
    dn = names.below("ou=people,dc=example", "uid", value)

    parsed = names.parse(dn)

    assert len(parsed) == 3
    assert names.lies_below(parsed, names.parse("ou=people,dc=example"))
    assert names.parent(dn) == "ou=people,dc=example"
    assert names.first_part(dn) == names.part("uid", value)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading_of_messages(data: bytes):
    try:
        message = messages.read_message(data, 0, len(data))
    except ber.Malformed:
        return
    assert isinstance(message.number, int)


@given(st.integers(0, 2**31 - 1), st.binary(max_size=300))
def test_what_is_written_can_be_read(number: int, content: bytes):
    whole = ber.sequence(ber.integer(number), ber.octets(content))

    _, at, end = ber.element(whole, 0, len(whole))
    first, second = ber.elements(whole, at, end)

    assert ber.size_of(whole, 0) == len(whole)
    assert ber.number(whole[first[1] : first[2]]) == number
    assert whole[second[1] : second[2]] == content


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        (b"20290630000000Z", "2029-06-30T00:00:00Z"),
        (b"202906300200+0200", "2029-06-30T00:00:00Z"),
        (b"2029063002-05", "2029-06-30T07:00:00Z"),
        (b"20290630000000.25Z", "2029-06-30T00:00:00.250000Z"),
    ],
)
def test_times_are_read_in_every_form_of_their_syntax(text: bytes, reads: str):
    assert values.from_bytes("instant", [text], is_list=False) == reads


@pytest.mark.parametrize("text", [b"", b"2029", b"20291330000000Z", b"00000101000000+0100"])
def test_what_is_no_time_is_a_misfit(text: bytes):
    with pytest.raises(values.Misfit):
        values.from_bytes("instant", [text], is_list=False)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [("integer", b"x"), ("integer", b"9" * 30), ("boolean", b"yes"), ("text", b"\xff")],
)
def test_a_value_that_is_not_what_its_syntax_says_is_a_misfit(kind: Any, raw: bytes):
    with pytest.raises(values.Misfit):
        values.from_bytes(kind, [raw], is_list=False)


def test_truth_values_go_both_ways():
    assert values.to_bytes("boolean", True, is_list=False) == [b"TRUE"]
    assert values.from_bytes("boolean", [b"FALSE"], is_list=False) is False
    with pytest.raises(values.Misfit):
        values.to_bytes("text", True, is_list=False)
    with pytest.raises(values.Misfit):
        values.to_bytes("boolean", "perhaps", is_list=False)


def test_active_directory_identifies_by_guid_and_shows_no_secret():
    people = ad()
    entry = Entry("CN=Amara,OU=people,DC=ad", {"objectGUID": [_GUID.bytes_le], "cn": [b"Amara"]})

    row, _ = mapping.row_of(people, entry)

    assert row["_id"] == str(_GUID)
    assert people.layout.raw_identifier(str(_GUID)) == _GUID.bytes_le
    assert people.layout.raw_identifier("x") is None
    assert "unicodePwd" not in {*people.fields, *people.shown}
    assert "userAccountControl" not in people.fields
    assert {one.name for one in people.fields.values() if one.required} == {"cn"}


def test_a_new_account_of_active_directory_is_disabled_for_it_has_no_password():
    people = ad()
    given = mapping.wanted(
        people, {"cn": "Ngô, Amara", "sAMAccountName": "ango", "employeeID": "1"}
    )

    dn, attributes = mapping.new_entry(people, given)

    assert dn == r"cn=Ngô\, Amara,ou=people,dc=ad,dc=northfield,dc=example"
    assert attributes["userAccountControl"] == [b"514"]
    assert attributes["objectClass"] == [b"user"]
    assert "unicodePwd" not in attributes


def test_a_new_group_of_active_directory_may_be_empty():
    groups = ad("groups")

    _, attributes = mapping.new_entry(groups, mapping.wanted(groups, {"cn": "LAW101-A"}))

    assert "member" not in attributes
    assert "member" not in groups.fields


@pytest.mark.parametrize(
    ("flags", "locked", "changes"),
    [
        (b"512", True, [(b"512", b"514")]),
        (b"66050", False, [(b"66050", b"66048")]),
        (b"514", True, []),
        (b"512", False, []),
        (b"nonsense", True, [(b"0", b"2")]),
    ],
)
def test_disabling_in_active_directory_turns_one_bit_and_names_what_it_saw(
    flags: bytes, locked: bool, changes: list[tuple[bytes, bytes]]
):
    lock = AccountControlLock()

    found = lock.changes({"userAccountControl": [flags]}, locked=locked)

    assert found == [
        change
        for old, new in changes
        for change in (
            Change("delete", "userAccountControl", [old]),
            Change("add", "userAccountControl", [new]),
        )
    ]


def test_who_is_disabled_in_active_directory_is_suspended():
    people = ad(suspend={"lock": True})
    entry = Entry(
        "CN=A,OU=people", {"objectGUID": [_GUID.bytes_le], "userAccountControl": [b"514"]}
    )

    row, _ = mapping.row_of(people, entry)

    assert row["_suspended"] is True


def test_what_active_directory_computes_for_us_says_what_we_may_do():
    people = ad(suspend={"lock": True})
    branch = Answer(entries=[Entry("OU=people", {"allowedChildClassesEffective": [b"User"]})])
    sample = Entry("CN=A", {"allowedAttributesEffective": [b"cn", b"SAMACCOUNTNAME"]})

    rights = computed_rights(people, branch, sample)

    assert rights.closed_branches == ()
    assert rights.closed_lock == "userAccountControl"
    assert rights.closed_fields >= {"employeeID", "userPrincipalName"}
    assert not rights.closed_fields & {"cn", "sAMAccountName"}
    assert rights.closed_verbs == {"suspend", "resume"}
    assert computed_rights(people, Answer(), None).closed_branches == (people.place.base,)


def test_members_beyond_the_first_range_are_known_to_be_missing():
    group = Entry("CN=g", {"member": [], "member;range=0-1499": [b"cn=a", b"cn=b"]})

    assert _range_of(group, "member") == ("member;range=0-1499", [b"cn=a", b"cn=b"])
    assert _range_of(Entry("CN=g", {"member": [b"cn=a"]}), "member") is None


@pytest.mark.parametrize(
    ("data", "said"),
    [("532", "expired"), ("533", "disabled"), ("775", "locked"), ("52e", "refuses our account")],
)
def test_active_directory_says_why_nobody_is_let_in(data: str, said: str):
    answer = Answer(49, f"80090308: LdapErr: DSID-0C090447, comment: x, data {data}, v4563\x00")

    assert said in refusals.of_sign_in(answer).message


def test_a_directorys_own_words_are_never_repeated():
    answer = Answer(19, "mail: amara@northfield.example violates constraint")

    error = refusals.of_write(answer, ("mail", "cn"), "ou=people")

    assert isinstance(error, SkipRow)
    assert "mail" in error.message
    assert "amara" not in str(error)


@pytest.mark.parametrize(
    ("code", "said"),
    [(8, "M613"), (13, "M613"), (51, "M611"), (49, "M613")],
)
def test_every_refusal_of_a_sign_in_has_its_move(code: int, said: str):
    assert refusals.of_sign_in(Answer(code)).code == said


@pytest.mark.parametrize(
    ("code", "said"),
    [(3, "M740"), (11, "M740"), (12, "M607"), (32, "M742"), (50, "M613"), (51, "M611"),
     (52, "M610"), (1, "M615")],
)  # fmt: skip
def test_every_refusal_of_a_listing_has_its_move(code: int, said: str):
    assert refusals.of_search(code, "ou=people").code == said


@pytest.mark.parametrize(
    ("code", "said"),
    [(10, "M741"), (32, "M742"), (53, "M604"), (65, "M604"), (66, "M607"), (80, "M612"),
     (71, "M607"), (17, "M604"), (2, "M604")],
)  # fmt: skip
def test_every_refusal_of_a_write_has_its_move(code: int, said: str):
    assert refusals.of_write(Answer(code), (), "ou=people").code == said


def test_a_directory_in_maintenance_is_busy_and_not_at_odds_with_a_record():
    error = refusals.of_write(Answer(53, "operation restricted"), (), "ou=people")

    assert error.code == "M611"


def test_a_schema_is_read_with_what_its_attributes_inherit():
    schema = read_schema(
        [
            (
                "( 2.5.4.41 NAME 'name' EQUALITY caseIgnoreMatch SYNTAX "
                "1.3.6.1.4.1.1466.115.121.1.15{32768} )"
            ),
            "( 2.5.4.4 NAME ( 'sn' 'surname' ) DESC 'it''s (a) $ name' SUP name )",
            "( 1.1 NAME 'loop' SUP loop )",
            "( 1.2 )",
            (
                "( 1.3 NAME 'pin' SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE "
                "NO-USER-MODIFICATION USAGE directoryOperation X-ORIGIN 'us' )"
            ),
        ],
        ["( 9.1 NAME 'thing' SUP ( top $ other ) AUXILIARY MUST sn MAY ( pin $ loop ) )"],
    )

    sn, pin = schema.attributes["surname"], schema.attributes["pin"]
    assert (sn.name, sn.type, sn.exact) == ("sn", "text", False)
    assert (pin.type, pin.single, pin.fixed, pin.operational) == ("integer", True, True, True)
    assert [one.name for one in schema.required(["thing"])] == ["sn"]
    assert [one.name for one in schema.fields(["THING"])] == ["loop", "pin", "sn"]
    assert schema.is_auxiliary("thing")
    assert schema.missing(["thing", "nothing"]) == ["nothing"]


def test_layouts_are_those_that_the_settings_know():
    assert set(LAYOUTS) == {"openldap", "active_directory"}
