"""A real directory through the hub: who comes, leaves, returns; edits by hand; grace; groups."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.counterparts.slapd_server import Hand, branch_of, door
from tests.scenarios.college import NUMBERS, add_to_charter, build
from tests.scenarios.test_bad_files import instead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.scenarios.college import College

_SYSTEM = """
  directory2:
    connector: ldap
    steward: it
    settings:
      url: "URL"
      starttls: TLS
      bind_dn: "ACCOUNT"
      password: env:COLLEGE_LDAP_PASSWORD
      resources:
        people:
          kind: people
          base: "ou=people,BRANCH"
          object_classes: [inetOrgPerson, eduPerson]
          suspend: {lock: true, move_to: "ou=suspended,BRANCH"}
        classes: {kind: groups, base: "ou=intakes,BRANCH", groups_by: name}
"""
_FLOWS = """
  ldap-people:
    purpose: Services know who is a student.
    basis: contract with the student
    from: student
    to: directory2.people
    match: {employeeNumber: student_no}
    where: status <> 'withdrawn'
    fields:
      employeeNumber: {is: student_no, because: the key}
      uid: {initially: student_no, because: a first login}
      cn: {is: name, because: required}
      sn: {is: name, because: required}
      mail: {is: email, because: letters}
      eduPersonAffiliation:
        is: >-
          case when status = 'on_leave' and date_diff('day', joined_on, as_of()) > 20
            then '["affiliate"]' else '["member", "student"]' end
        because: services admit by affiliation
    cadence: {on_change: true}
    on_exit: suspend
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 90%}}
    errors_to: it
  ldap-classes:
    purpose: Services know who is in a class.
    basis: contract with the student
    from: enrolment
    to: directory2.classes_members
    match: {group: code, member: "link('ldap-people', student_no)"}
    fields:
      group: {is: code, because: the class}
      member: {is: "link('ldap-people', student_no)", because: who is in it}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 90%}}
    errors_to: it
"""


@dataclass
class Directory:
    """The college's branch, as somebody sees it who looks by hand."""

    branch: str
    hand: Hand

    def person(self, number: str) -> tuple[str, Mapping[str, list[str]]]:
        return self.hand.one(self.branch, employeeNumber=number)

    def place(self, number: str) -> str:
        return self.person(number)[0].split(",")[1]

    def members(self, code: str) -> set[str]:
        _, found = self.hand.one(f"ou=intakes,{self.branch}", cn=code)
        return {one for one in found["member"] if not one.startswith("cn=nobody")}


@pytest.fixture(scope="module")
def directory() -> Iterator[Directory]:
    with ExitStack() as stack:
        branch = stack.enter_context(branch_of(door()))
        hand = Hand(door())
        stack.callback(hand.close)
        yield Directory(branch, hand)


@pytest.fixture(scope="module")
def make_college(directory: Directory) -> Callable[[Path], College]:
    way = door()
    os.environ["COLLEGE_LDAP_PASSWORD"] = way.password
    words = {
        "URL": way.url, "ACCOUNT": way.bind_dn, "BRANCH": directory.branch,
        "TLS": str(way.starttls).lower(),
    }  # fmt: skip
    system = _SYSTEM
    for word, value in words.items():
        system = system.replace(word, value)

    def make(folder: Path) -> College:
        college = build(folder)
        add_to_charter(college, systems=system, flows=_FLOWS)
        return college

    return make


def _sync(college: College) -> str:
    said = college.run("sync")
    assert said.code == 0, said.out + said.err
    return said.out


def _change(college: College, old: str, new: str) -> None:
    college.rewrite(college.students, instead(old.encode(), new.encode()))


def test_a_directory_is_filled_follows_and_is_put_right(college: College, directory: Directory):
    live = college.run("check", "--live")
    assert live.code == 0, live.out + live.err
    name, found = directory.person("00001")
    assert name == f"uid=00001,ou=people,{directory.branch}"
    assert found["eduPersonAffiliation"] == ["member", "student"]
    assert len(directory.members("LAW1")) == len(NUMBERS)

    # Somebody edits a copy, and takes somebody out of a class, by hand.
    directory.hand.change(name, "replace", "mail", "wrong@example.org")
    directory.hand.change(f"cn=LAW1,ou=intakes,{directory.branch}", "delete", "member", name)
    _sync(college)
    assert directory.person("00001")[1]["mail"] == ["s00001@example.org"]
    assert name in directory.members("LAW1")

    # One withdraws, one takes leave; the one who comes back finds everything.
    _change(college, "s00001@example.org,active", "s00001@example.org,withdrawn")
    _change(college, "s00002@example.org,active", "s00002@example.org,on_leave")
    _sync(college)
    assert directory.place("00001") == "ou=suspended"
    assert directory.person("00001")[1]["pwdAccountLockedTime"] == ["000001010000Z"]
    assert directory.person("00002")[1]["eduPersonAffiliation"] == ["affiliate"]
    _change(college, "s00001@example.org,withdrawn", "s00001@example.org,active")
    _sync(college)
    assert directory.place("00001") == "ou=people"
    assert name in directory.members("LAW1")

    # Who is gone from a class is gone from its group, and nobody else is.
    college.campus("DELETE FROM enrolments WHERE student_no = '00003' AND code = 'LAW1'")
    _sync(college)
    assert len(directory.members("LAW1")) == len(NUMBERS) - 1
    assert college.incidents() == []


def test_what_a_connector_says_in_a_code_of_its_own_is_over_when_it_is(
    college: College, directory: Directory
):
    branch = f"ou=intakes,{directory.branch}"
    directory.hand.move(branch, "ou=elsewhere")
    college.run("sync")
    while_it_was_away = [(i["code"], i["place"]) for i in college.incidents()]
    directory.hand.move(f"ou=elsewhere,{directory.branch}", "ou=intakes")
    _sync(college)

    assert while_it_was_away == [("M742", "directory2.classes_members")]
    assert college.incidents() == []
