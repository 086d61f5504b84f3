"""What a charter may say about a directory, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from matricula.connectors.ldap.settings import LdapSettings
from matricula.connectors.ldap.slapd import schema_lines

pytestmark = pytest.mark.any_database

_PEOPLE = {"kind": "people", "base": "ou=people,dc=example"}
_GROUPS = {"kind": "groups", "base": "ou=groups,dc=example"}


def settings(**over: Any) -> LdapSettings:
    return LdapSettings.model_validate(
        {
            "url": "ldaps://ldap.example",
            "bind_dn": "cn=matricula,dc=example",
            "password": "env:LDAP_PASSWORD",
            "resources": {"people": _PEOPLE},
            **over,
        }
    )


@pytest.mark.parametrize(
    ("over", "said"),
    [
        ({"url": "https://ldap.example"}, "ldaps://host"),
        ({"url": "ldaps://"}, "ldaps://host"),
        ({"url": "ldaps://ldap.example/ou=people"}, "ends with its host"),
        ({"url": "ldap://ldap.example", "starttls": False}, "this machine itself"),
        ({"password": "s3cret"}, "never as itself"),
        ({"bind_dn": "matricula"}, "distinguished name"),
        ({"bind_dn": ""}, "no branch"),
        ({"resources": {}}, "at least 1"),
        ({"resources": {"people": {**_PEOPLE, "suspend": {}}}}, "suspending needs"),
        ({"resources": {"g": {**_GROUPS, "suspend": {"lock": True}}}}, "only people"),
        ({"resources": {"p": {**_PEOPLE, "placeholder": "cn=x"}}}, "only groups"),
        ({"resources": {"g": _GROUPS, "g_members": _GROUPS}}, "members of a resource"),
        ({"resources": {"p": {**_PEOPLE, "filter": "(uid=*)"}}}, "Extra inputs"),
        ({"host": "x"}, "Extra inputs"),
    ],
)
def test_what_cannot_be_meant_is_refused(over: dict[str, Any], said: str):
    with pytest.raises(ValidationError, match=said) as caught:
        settings(**over)

    assert "s3cret" not in str(caught.value).replace("input_value='s3cret'", "")


@pytest.mark.parametrize("url", ["ldap://127.0.0.1:3890", "ldap://localhost", "ldap://[::1]:389"])
def test_in_the_clear_goes_only_what_stays_on_this_machine(url: str):
    assert settings(url=url, starttls=False).url == url


def test_an_account_of_active_directory_may_be_a_principal_name():
    assert settings(bind_dn="matricula@ad.example").bind_dn == "matricula@ad.example"


def test_a_branch_of_the_suspended_inside_the_branch_is_not_searched_twice():
    inside = {**_PEOPLE, "suspend": {"move_to": "ou=Old,OU=people,dc=example"}}
    outside = {**_PEOPLE, "suspend": {"move_to": "ou=old,dc=example"}}

    found = settings(resources={"a": inside, "b": outside}).resources

    assert found["a"].bases == ("ou=people,dc=example",)
    assert found["b"].bases == ("ou=people,dc=example", "ou=old,dc=example")


def test_a_schema_in_ldif_is_unfolded_for_the_configuration_file():
    lines = schema_lines(
        "# x\ndn: cn=a\nolcAttributeTypes: ( 1 NAME\n  'a' )\nolcObjectClasses: (2)\n"
    )

    assert lines == "attributetype ( 1 NAME 'a' )\nobjectclass (2)"
