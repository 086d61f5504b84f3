"""Wrong, expired, locked, lacking one right: what `check --live` asks, and what it is told."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.errors import GiveUp, SkipRow, Stop
from matricula.connectors.kit.protocol import Write
from matricula.connectors.ldap import slapd
from matricula.connectors.ldap.slapd import SUFFIX
from tests.connectors.ldap.conftest import Campus, create, person, update
from tests.counterparts.slapd_server import Door, Hand, branch_of, connected, door_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.connectors.kit.protocol import ResourceShape

pytestmark = pytest.mark.any_database

_ACCOUNTS = ("some-fields", "no-moves", "reads", "limited", "expired", "locked", "no-members")
_RIGHTS = """
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="{suffix}" filter=(employeeNumber=S-protected)
    by dn.exact="cn=some-fields,{suffix}" read by * break
access to dn.subtree="{suffix}" attrs=mail,pwdAccountLockedTime
    by dn.exact="cn=some-fields,{suffix}" read by * break
access to dn.subtree="{suffix}" attrs=children
    by dn.exact="cn=no-moves,{suffix}" read by * break
access to dn.subtree="{suffix}" attrs=member
    by dn.exact="cn=no-members,{suffix}" read by * break
access to dn.subtree="{suffix}"
    by dn.exact="cn=reads,{suffix}" read
    by dn.children="{suffix}" write by * none
limits dn.exact="cn=limited,{suffix}" size=3
limits dn.children="{suffix}" size=unlimited
"""
_OF_ACCOUNT = {
    "expired": """pwdPolicySubentry: cn=strict,ou=policies,{suffix}
pwdChangedTime: 20200101000000Z
""",
    "locked": "pwdAccountLockedTime: 000001010000Z\n",
}
_POLICY = """
dn: cn=strict,ou=policies,{suffix}
objectClass: device
objectClass: pwdPolicy
cn: strict
pwdAttribute: userPassword
pwdMaxAge: 60
"""


@pytest.fixture(scope="module")
def server() -> Iterator[slapd.DirectoryServer]:
    """A directory with accounts that each lack one right."""
    if slapd.binary() is None:
        pytest.skip(slapd.MISSING)
    accounts = "".join(
        f"\ndn: cn={name},{SUFFIX}\nobjectClass: person\ncn: {name}\nsn: {name}\n"
        f"userPassword: open-{name}\n{_OF_ACCOUNT.get(name, '').format(suffix=SUFFIX)}"
        for name in _ACCOUNTS
    )
    content = accounts + _POLICY.format(suffix=SUFFIX)
    with slapd.directory_server(slapd.Extras(_RIGHTS, content)) as running:
        yield running


@pytest.fixture
def branch(server: slapd.DirectoryServer) -> Iterator[str]:
    with branch_of(door_of(server)) as name:
        hand = Hand(door_of(server))
        for number, place in (("a", "people"), ("b", "people"), ("c", "suspended")):
            hand.add(
                f"uid={number},ou={place},{name}", objectClass="inetOrgPerson", uid=number, cn="A",
                sn="B", employeeNumber=f"S-{number}", mail=f"{number}@northfield.example",
            )  # fmt: skip
        hand.close()
        yield name


@contextmanager
def as_account(
    server: slapd.DirectoryServer, name: str, branch: str, password: str = "", **settings: object
) -> Iterator[Campus]:
    """The connector under an account, and a hand that may do everything."""
    own = door_of(server)
    way = replace(own, bind_dn=f"cn={name},{SUFFIX}", password=password or f"open-{name}")
    hand = Hand(own)
    with connected(branch, _plain(way), **settings) as connector:
        yield Campus(connector, branch, hand)
    hand.close()


def _plain(way: Door) -> Door:
    return replace(way, admin=("", ""))


def shape(campus: Campus, name: str = "people") -> ResourceShape:
    (found,) = (one for one in campus.connector.describe() if one.name == name)
    return found


def test_an_account_with_every_right_is_well(server: slapd.DirectoryServer, branch: str):
    with connected(branch, door_of(server)) as connector:
        health = connector.ping()
        shapes = {one.name: one.writes for one in connector.describe()}

    assert health.well, health.sentence
    assert shapes["people"] == {"create", "update", "suspend", "resume", "delete"}
    assert shapes["sections_members"] == {"create", "delete"}


def test_a_wrong_password_is_said_without_it(
    server: slapd.DirectoryServer, branch: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    with as_account(server, "reads", branch, "s3cret-and-wrong") as campus:
        with pytest.raises(Stop, match="M613") as caught:
            campus.connector.describe()
        health = campus.connector.ping()

    assert "bind_dn" in caught.value.cure
    assert "s3cret" not in f"{caught.value} {health} {caplog.text} {campus.connector!r}"


def test_a_missing_secret_is_said(
    server: slapd.DirectoryServer, branch: str, monkeypatch: pytest.MonkeyPatch
):
    with connected(branch, door_of(server), password="env:NOT_THERE_AT_ALL") as connector:
        health = connector.ping()
        # Nor is anything asked as nobody, over the connection that was made for it.
        for _ in ("at first", "again"):
            with pytest.raises(Stop, match="NOT_THERE_AT_ALL"):
                connector.find("people", [{"uid": "somebody"}])

    assert not health.well
    assert "NOT_THERE_AT_ALL" in health.sentence


@pytest.mark.parametrize(
    ("name", "said"), [("expired", "password has expired"), ("locked", "is locked")]
)
def test_an_account_that_has_expired_or_is_locked_is_said_to_be_so(
    server: slapd.DirectoryServer, branch: str, name: str, said: str
):
    with as_account(server, name, branch) as campus:
        health = campus.connector.ping()

    assert not health.well
    assert said in health.sentence


def test_fields_that_we_may_not_write_are_described_so(server: slapd.DirectoryServer, branch: str):
    with as_account(server, "some-fields", branch) as campus:
        people = shape(campus)
        health = campus.connector.ping()

    writable = {one.name: one.writable for one in people.fields}
    assert not writable["mail"]
    assert writable["displayName"]
    assert writable["eduPersonAffiliation"]
    assert people.writes == {"create", "update", "delete"}
    assert not health.well
    assert "pwdAccountLockedTime" in health.sentence


def test_an_account_that_may_add_and_move_nobody_is_told_where(
    server: slapd.DirectoryServer, branch: str
):
    with as_account(server, "no-moves", branch) as campus:
        health = campus.connector.ping()
        people = shape(campus)
        with pytest.raises(Stop) as caught:
            campus.write(create(person("new", "S-new")))

    assert not health.well
    assert f"below ou=people,{branch}" in health.sentence
    assert f"below ou=suspended,{branch}" in health.sentence
    assert people.writes == {"update"}
    assert "add entries" in caught.value.message
    assert "new" not in caught.value.message


def test_an_account_that_only_changes_what_others_make_is_well(
    server: slapd.DirectoryServer, branch: str
):
    people = {"kind": "people", "base": f"ou=people,{branch}", "creates": False}
    with as_account(server, "no-moves", branch, resources={"people": people}) as campus:
        health = campus.connector.ping()
        with pytest.raises(GiveUp, match="M607"):
            campus.write(create(person("new", "S-new")))

    assert health.well, health.sentence


def test_an_account_that_only_reads_is_well_where_nothing_is_to_be_written(
    server: slapd.DirectoryServer, branch: str
):
    with as_account(server, "reads", branch) as campus:
        assert not campus.connector.ping().well
    with as_account(server, "reads", branch, read_only=True) as campus:
        health = campus.connector.ping()
        writes = shape(campus).writes
        rows = campus.rows()
        with pytest.raises(GiveUp, match="M607"):
            campus.write(create(person("new", "S-new")))

    assert health.well, health.sentence
    assert not writes
    assert len(rows) == 3


def test_asking_what_we_may_do_changes_nothing(server: slapd.DirectoryServer, branch: str):
    hand = Hand(door_of(server))
    before = hand.look(branch)

    with connected(branch, door_of(server)) as connector:
        connector.ping()
        connector.describe()

    assert hand.look(branch) == before
    hand.close()


def test_one_protected_entry_is_set_aside_and_a_missing_right_stops_everything(
    server: slapd.DirectoryServer, branch: str
):
    hand = Hand(door_of(server))
    hand.change(f"uid=b,ou=people,{branch}", "replace", "employeeNumber", "S-protected")
    hand.close()
    with as_account(server, "some-fields", branch) as campus:
        ids = {row["uid"]: row["_id"] for row in campus.rows()}

        (alone,) = campus.write(update(ids["b"], displayName="B"))
        both = campus.connector.write(
            "people",
            [replace(update(ids[uid], displayName="B"), key=uid) for uid in "ab"],
            at=AT,
        )
        with pytest.raises(Stop) as caught:
            campus.write(update(ids["a"], mail="new@northfield.example"))

    assert isinstance(alone.error, SkipRow)
    assert alone.error.code == "M613"
    assert [type(one.error) for one in both] == [type(None), alone.error.__class__]
    assert "change mail" in caught.value.message
    assert "new@" not in str(caught.value)


def test_members_that_we_may_not_write_are_said(server: slapd.DirectoryServer, branch: str):
    with as_account(server, "no-members", branch) as campus:
        hand = campus.hand
        hand.add(
            f"cn=LAW101-A,ou=sections,{branch}", objectClass="groupOfNames", cn="LAW101-A",
            member=f"cn=nobody,ou=sections,{branch}",
        )  # fmt: skip
        health = campus.connector.ping()
        members = shape(campus, "sections_members")

    assert not health.well
    assert "write member" in health.sentence
    assert not members.writes


def test_a_limit_on_listings_is_refused_and_named(server: slapd.DirectoryServer, branch: str):
    with as_account(server, "limited", branch, page_size=2) as campus:
        hand = campus.hand
        for n in range(4):
            hand.add(
                f"uid=l{n},ou=people,{branch}", objectClass="inetOrgPerson", uid=f"l{n}", cn="A",
                sn="B",
            )  # fmt: skip
        with pytest.raises(GiveUp, match="M740") as caught:
            campus.rows()

    assert "size=unlimited" in caught.value.cure


def test_a_branch_that_is_not_there_is_named_and_the_others_go_on(
    server: slapd.DirectoryServer, branch: str
):
    resources = {
        "people": {"kind": "people", "base": f"ou=people,{branch}"},
        "visitors": {"kind": "people", "base": f"ou=visitors,{branch}"},
    }
    with connected(branch, door_of(server), resources=resources) as connector:
        health = connector.ping()
        shapes = [one.name for one in connector.describe()]
        with pytest.raises(GiveUp, match="M742"):
            connector.find("visitors", [{"uid": "a"}])

    assert not health.well
    assert f"ou=visitors,{branch}" in health.sentence
    assert shapes == ["people"]


def test_a_class_that_the_directory_does_not_know_is_named(
    server: slapd.DirectoryServer, branch: str
):
    people = {
        "kind": "people",
        "base": f"ou=people,{branch}",
        "object_classes": ["inetOrgPerson", "norEduPerson"],
    }
    with connected(branch, door_of(server), resources={"people": people}) as connector:
        health = connector.ping()

    assert not health.well
    assert "norEduPerson" in health.sentence


def test_a_lock_that_would_keep_nobody_out_is_said(server: slapd.DirectoryServer, branch: str):
    hand = Hand(door_of(server))
    policy = f"cn=default,ou=policies,{SUFFIX}"
    hand.change(policy, "replace", "pwdLockout", "FALSE")
    with connected(branch, door_of(server)) as connector:
        health = connector.ping()
    hand.change(policy, "replace", "pwdLockout", "TRUE")
    hand.close()

    assert not health.well
    assert "pwdLockout" in health.sentence


def test_passwords_are_no_fields_and_are_not_asked_for(server: slapd.DirectoryServer, branch: str):
    with connected(branch, door_of(server)) as connector:
        own = Campus(connector, branch, Hand(door_of(server)))
        people = shape(own)
        with pytest.raises(GiveUp, match="M603"):
            own.write(create(person("new", "S-new", userPassword="x")))
        shown = connector._resource("people").shown
        own.hand.close()

    names = {one.name for one in people.fields}
    assert not {"userPassword", "jpegPhoto", "userCertificate"} & names
    assert not {"userPassword", "*"} & set(shown)


def test_a_write_of_a_person_needs_no_more_than_the_key(
    server: slapd.DirectoryServer, branch: str
):
    with connected(branch, door_of(server)) as connector:
        own = Campus(connector, branch, Hand(door_of(server)))
        (outcome,) = own.write(Write("k", "suspend", own.row("a")["_id"], {}))
        own.hand.close()

    assert outcome.error is None
