"""Writes to a real directory: whose entry it is, what stays, where the suspended go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import GiveUp, SkipRow
from matricula.connectors.kit.protocol import Write
from matricula.connectors.ldap import messages
from matricula.connectors.ldap.slapd import SUFFIX
from matricula.connectors.ldap.wire import Wire
from tests.connectors.ldap.conftest import Campus, create, person, update
from tests.counterparts.slapd_server import connected, door

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = pytest.mark.any_database


def test_a_person_who_stands_there_without_our_classes_is_taken_over_and_given_them(
    campus: Campus,
):
    dn = f"uid=by.hand,ou=people,{campus.branch}"
    campus.hand.add(
        dn, objectClass="inetOrgPerson", uid="by.hand", cn="A", sn="B", employeeNumber="S000001",
        telephoneNumber="+44 1632 960001",
    )  # fmt: skip

    (outcome,) = campus.write(create(person("by.hand", eduPersonAffiliation='["student"]')))

    assert outcome.adopted
    assert outcome.error is None
    name, found = campus.hand.one(campus.branch, employeeNumber="S000001")
    assert name == dn
    assert "eduPerson" in found["objectClass"]
    assert found["eduPersonAffiliation"] == ["student"]
    assert found["telephoneNumber"] == ["+44 1632 960001"]


def test_a_proposed_value_does_not_replace_what_stands_there(campus: Campus):
    campus.make(person(description="hers"))
    row = person(description="proposed", departmentNumber="Law")
    again = Write("other", "create", None, row, frozenset({"employeeNumber", "sn"}),
                  {"employeeNumber": "S000001"})  # fmt: skip

    (outcome,) = campus.write(again)

    assert outcome.adopted
    assert campus.row("ango")["description"] == "hers"
    assert campus.row("ango")["departmentNumber"] == "Law"


def test_a_name_that_another_entry_has_is_not_taken_for_the_same_person(campus: Campus):
    campus.make(person("ango", "S000001"))

    (outcome,) = campus.write(create(person("ango", "S000002")))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
    assert "uid" in outcome.error.message
    assert "ango" not in str(outcome.error)


def test_two_entries_that_answer_to_one_match_are_an_incident(campus: Campus):
    for uid in ("a", "b"):
        campus.hand.add(
            f"uid={uid},ou=people,{campus.branch}", objectClass="inetOrgPerson", uid=uid, cn="A",
            sn="B", employeeNumber="S000001",
        )  # fmt: skip

    (outcome,) = campus.write(create(person("c")))

    assert outcome.error is not None
    assert outcome.error.code == "M606"
    assert len(campus.rows()) == 2


def test_of_two_keys_with_one_number_in_a_batch_the_second_is_refused(campus: Campus):
    first, second = create(person("a")), create(person("b"))

    outcomes = campus.write(
        first, Write("twin", "create", None, second.fields, match=second.match)
    )

    assert outcomes[0].error is None
    assert isinstance(outcomes[1].error, SkipRow)
    assert outcomes[1].error.code == "M606"
    assert len(campus.rows()) == 1


def test_a_name_is_written_so_that_no_value_is_taken_for_syntax(campus: Campus):
    names = ["a,b", "c+d", '"quoted"', "#hash", " space ", "x=y;z", "back\\slash", "<ü>", "王小明"]

    ids = campus.make(*(person(uid, f"S{n}") for n, uid in enumerate(names)))

    assert {row["uid"] for row in campus.rows()} == set(names)
    campus.write(*(Write(i, "suspend", i, {}) for i in ids))
    assert {row["uid"] for row in campus.rows() if row["_suspended"]} == set(names)


def test_a_new_login_renames_the_entry_and_groups_follow(campus: Campus):
    (identifier,) = campus.make(person(description="d"))
    (group,) = campus.make({"cn": "LAW101-A"}, resource="sections")
    pair = {"group": group, "member": identifier}
    campus.write(Write("m", "create", None, pair, match=pair), resource="sections_members")

    (outcome,) = campus.write(update(identifier, uid="amara.ngo", description="e"))

    assert outcome.error is None
    assert outcome.external_id == identifier
    name, found = campus.hand.one(campus.branch, uid="amara.ngo")
    assert name == f"uid=amara.ngo,ou=people,{campus.branch}"
    assert found["description"] == ["e"]
    _, members = campus.hand.one(f"ou=sections,{campus.branch}", cn="LAW101-A")
    assert name in members["member"]
    assert not any("uid=ango," in one for one in members["member"])


def test_a_second_login_beside_the_one_in_the_name_is_taken_away(campus: Campus):
    (identifier,) = campus.make(person())
    dn = f"uid=ango,ou=people,{campus.branch}"
    campus.hand.change(dn, "add", "uid", "another")

    (outcome,) = campus.write(update(identifier, uid="Ango"))

    assert outcome.error is None
    name, found = campus.hand.one(campus.branch, employeeNumber="S000001")
    assert (name, found["uid"]) == (dn, ["Ango"])


def test_somebody_elses_edit_between_look_and_write_is_seen(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
):
    (identifier,) = campus.make(person(title="a"))
    dn = f"uid=ango,ou=people,{campus.branch}"
    true_ask, edits = Wire.ask, ["x", "y"]

    def ask(self: Wire, coming: Iterable[messages.Request]) -> object:
        requests = list(coming)
        if edits and any(one.writes for one in requests):
            campus.hand.change(dn, "replace", "description", edits.pop())
        return true_ask(self, requests)

    monkeypatch.setattr(campus.connector._wire.__class__, "ask", ask)
    campus.hand._wire.ask = true_ask.__get__(campus.hand._wire)  # type: ignore[method-assign]  # the hand is not interrupted
    (outcome,) = campus.write(update(identifier, title="b"))

    assert outcome.error is None
    assert campus.row("ango")["title"] == "b"
    assert campus.row("ango")["description"] == "x"
    assert edits == []


def test_an_entry_that_never_holds_still_is_for_later(
    campus: Campus, monkeypatch: pytest.MonkeyPatch
):
    (identifier,) = campus.make(person())
    refuses = messages.Answer(122)
    true_ask = Wire.ask

    def ask(self: Wire, coming: Iterable[messages.Request]) -> object:
        requests = list(coming)
        if any(one.writes for one in requests):
            return [refuses] * len(requests)
        return true_ask(self, requests)

    monkeypatch.setattr(Wire, "ask", ask)
    (outcome,) = campus.write(update(identifier, title="b"))

    assert outcome.error is not None
    assert outcome.error.code == "M633"


def test_whoever_is_suspended_moves_is_locked_and_comes_back(campus: Campus):
    ids = campus.make(person(title="a"), person("bela", "S000002"))
    (group,) = campus.make({"cn": "LAW101-A"}, resource="sections")
    pair = {"group": group, "member": ids[0]}
    campus.write(Write("m", "create", None, pair, match=pair), resource="sections_members")

    (outcome,) = campus.write(Write("key", "suspend", ids[0], person()))

    assert outcome.error is None
    name, found = campus.hand.one(campus.branch, uid="ango")
    assert name == f"uid=ango,ou=suspended,{campus.branch}"
    assert found["pwdAccountLockedTime"] == ["000001010000Z"]
    assert found["title"] == ["a"]
    assert {row["uid"]: row["_suspended"] for row in campus.rows()} == {
        "ango": True, "bela": False,
    }  # fmt: skip
    assert [row["member"] for row in campus.rows("sections_members")] == [ids[0]]
    changed = {**person(), "title": "b"}
    (outcome,) = campus.write(Write("key", "resume", ids[0], changed, frozenset({"title"})))
    assert outcome.error is None
    name, found = campus.hand.one(campus.branch, uid="ango")
    assert name == f"uid=ango,ou=people,{campus.branch}"
    assert "pwdAccountLockedTime" not in found
    assert found["title"] == ["b"]
    assert [row["member"] for row in campus.rows("sections_members")] == [ids[0]]


def test_a_locked_account_cannot_sign_in(campus: Campus):
    if not door().is_ours:
        pytest.skip("a password is set only in a server of our own")
    (identifier,) = campus.make(person())
    dn = f"uid=ango,ou=people,{campus.branch}"
    campus.hand.change(dn, "replace", "userPassword", "hers-alone")
    signs_in = messages.bind(dn, "hers-alone")
    before = _sign_in(campus, signs_in)

    campus.write(Write("key", "suspend", identifier, person()))

    moved = messages.bind(f"uid=ango,ou=suspended,{campus.branch}", "hers-alone")
    assert (before, _sign_in(campus, moved)) == (0, 49)


def _sign_in(campus: Campus, request: messages.Request) -> int:
    wire = Wire(campus.connector._settings)
    try:
        return wire.one(request).code
    finally:
        wire.close()


def test_half_of_a_suspension_does_not_read_as_the_whole(campus: Campus):
    (identifier,) = campus.make(person())
    campus.hand.move(
        f"uid=ango,ou=people,{campus.branch}", "uid=ango", f"ou=suspended,{campus.branch}"
    )

    assert campus.row("ango")["_suspended"] is False
    campus.write(Write("key", "suspend", identifier, person()))
    assert campus.row("ango")["_suspended"] is True


def test_a_lock_that_passes_by_itself_is_no_suspension(campus: Campus):
    campus.make(person())
    dn = f"uid=ango,ou=people,{campus.branch}"

    campus.hand.change(dn, "replace", "pwdAccountLockedTime", "20261126070000Z")

    assert campus.row("ango")["_suspended"] is False


def test_the_branch_alone_says_who_is_suspended_where_nobody_is_locked(make_campus):
    outer: Campus = make_campus()
    resources = outer.connector._settings.model_dump()["resources"]
    resources["people"]["suspend"]["lock"] = False
    campus: Campus = make_campus(outer.branch, resources=resources)
    (identifier,) = campus.make(person())

    campus.write(Write("key", "suspend", identifier, person()))

    assert campus.row("ango")["_suspended"] is True
    campus.write(Write("key", "resume", identifier, person()))
    assert campus.row("ango")["_suspended"] is False


def test_a_name_that_is_taken_where_the_suspended_go_is_said(campus: Campus):
    (identifier,) = campus.make(person())
    campus.hand.add(
        f"uid=ango,ou=suspended,{campus.branch}", objectClass="inetOrgPerson", uid="ango", cn="A",
        sn="B",
    )  # fmt: skip

    (outcome,) = campus.write(Write("key", "suspend", identifier, person()))

    assert outcome.error is not None
    assert outcome.error.code == "M606"


def test_whoever_is_removed_leaves_no_name_behind_in_groups(campus: Campus):
    (identifier,) = campus.make(person())
    (group,) = campus.make({"cn": "LAW101-A"}, resource="sections")
    pair = {"group": group, "member": identifier}
    campus.write(Write("m", "create", None, pair, match=pair), resource="sections_members")

    (outcome,) = campus.write(Write("key", "delete", identifier, person()))

    assert outcome.error is None
    _, found = campus.hand.one(f"ou=sections,{campus.branch}", cn="LAW101-A")
    assert found["member"] == [f"cn=nobody,ou=sections,{campus.branch}"]


def test_an_entry_with_others_below_it_is_not_removed(campus: Campus):
    (identifier,) = campus.make(person())
    campus.hand.add(
        f"cn=device,uid=ango,ou=people,{campus.branch}", objectClass="device", cn="device"
    )

    (outcome,) = campus.write(Write("key", "delete", identifier, person()))

    assert outcome.error is not None
    assert outcome.error.code == "M607"


def test_people_are_not_removed_unless_the_settings_say_so(make_campus):
    outer: Campus = make_campus()
    resources = outer.connector._settings.model_dump()["resources"]
    resources["people"]["deletes"] = None
    campus: Campus = make_campus(outer.branch, resources=resources)
    (identifier,) = campus.make(person())

    with pytest.raises(GiveUp, match="M607"):
        campus.write(Write("key", "delete", identifier, person()))

    assert "delete" not in campus.connector.describe()[0].writes


def test_a_person_moved_out_of_sight_is_gone_and_not_made_anew(campus: Campus):
    (identifier,) = campus.make(person())
    campus.hand.move(
        f"uid=ango,ou=people,{campus.branch}", "uid=ango", f"ou=sections,{campus.branch}"
    )

    (outcome,) = campus.write(update(identifier, title="b"))

    assert outcome.error is not None
    assert outcome.error.code == "M605"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("mail", "é@northfield.example", "M604"),
        ("schacGender", "many", "M604"),
        ("schacExpiryDate", "tomorrow", "M604"),
        ("eduPersonAffiliation", "student", "M604"),
        ("sn", None, "M604"),
        ("uid", None, "M604"),
        ("description", "\ud800", "M604"),
    ],
)
def test_a_value_that_has_no_place_is_refused_by_the_name_of_its_field(
    campus: Campus, field: str, value: object, code: str
):
    (identifier,) = campus.make(person())

    made, changed = campus.write(
        create({**person("b", "S000002"), field: value}), update(identifier, **{field: value})
    )

    for outcome in (made, changed):
        assert isinstance(outcome.error, SkipRow), outcome
        assert outcome.error.code == code
        assert field in outcome.error.message
    assert [row["uid"] for row in campus.rows()] == ["ango"]


def test_a_value_that_must_be_unique_is_said_to_be_taken_without_saying_it(campus: Campus):
    if not door().is_ours:
        pytest.skip("the directory that is named has no unique attributes that we know of")
    resources = campus.connector._settings.model_dump()["resources"]
    resources["people"] |= {"base": f"ou=people,{SUFFIX}", "suspend": None}
    with connected(campus.branch, resources=resources) as connector:
        own = Campus(connector, campus.branch, campus.hand)
        ids = own.make(person(mail="amara@northfield.example"))

        (outcome,) = own.write(create(person("b", "S000002", mail="amara@northfield.example")))

        own.write(Write("key", "delete", ids[0], {}))
    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
    assert "amara" not in str(outcome.error)
