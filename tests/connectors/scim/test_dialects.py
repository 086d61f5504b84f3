"""One change in the words a server takes, found out without doing more than was meant."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from scim2_models import EnterpriseUser, Group, PatchOp, User

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.protocol import Write
from matricula.connectors.kit.scim.attributes import attributes_of
from matricula.connectors.scim import memberships
from matricula.connectors.scim.dialects import ENTRA, PATHLESS, RFC, WHOLE, Dialect, patch
from matricula.connectors.scim.mapping import changed, differing
from tests.connectors.scim.people import AMARA, BELA, change, create

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.connectors.scim.conftest import Idp

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
FIELDS = {one.name: one for one in attributes_of(User.to_schema(), [EnterpriseUser.to_schema()])}
WORK, HOME = "emails[work]", "emails[home]"
WAYS = {"rfc": RFC, "whole": WHOLE, "pathless": PATHLESS, "entra": ENTRA}


@pytest.fixture
def sample(shared: Path) -> dict[str, Any]:
    folder = shared / "standards" / "scim-rfc7643-7644" / "samples"
    return json.loads((folder / "rfc7643-8.3-enterprise_user.json").read_text(encoding="utf-8"))


def said(sample: dict[str, Any], way: Dialect, **values: Any) -> dict[str, Any]:
    changes = {FIELDS[name]: value for name, value in values.items()}
    return patch(sample, changed(sample, changes), changes, way)


def operations(message: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["op"], one.get("path", "")) for one in message["Operations"]]


@pytest.mark.parametrize("name", ["rfc", "whole", "pathless"])
def test_every_way_of_the_rfc_is_valid_and_leads_to_the_wanted_values(
    sample: dict[str, Any], name: str
):
    changes = {
        FIELDS[field]: value
        for field, value in {
            "displayName": "Babs J",
            "name.givenName": "Babs",
            WORK: "work@example.com",
            "emails[other]": "other@example.com",
            HOME: None,
            "addresses[home].locality": None,
            "phoneNumbers[pager]": "555-555-1111",
            "costCenter": None,
            "department": "Tours",
            "active": False,
        }.items()
    }
    model = User[EnterpriseUser]
    user = model.model_validate(sample)

    message = patch(sample, changed(sample, changes), changes, WAYS[name])
    PatchOp[model].model_validate(message).patch(user)

    after = user.model_dump(mode="json")
    assert differing(after, changes) == []
    assert after["name"]["familyName"] == "Jensen"
    assert after[ENTERPRISE]["manager"]["value"] == sample[ENTERPRISE]["manager"]["value"]


def test_one_entry_is_reached_by_its_type_and_no_other_is_sent(sample: dict[str, Any]):
    message = said(sample, RFC, **{WORK: "w@example.com", "emails[other]": "o@example.com"})

    assert message["Operations"] == [
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "w@example.com"},
        {"op": "add", "path": "emails", "value": [{"value": "o@example.com", "type": "other"}]},
    ]


def test_an_entry_that_held_only_our_value_is_removed_by_its_type(sample: dict[str, Any]):
    sample["emails"] = [{"type": "work", "value": "w@example.com"}, {"value": "x@example.com"}]

    message = said(sample, RFC, **{WORK: None})

    assert message["Operations"] == [{"op": "remove", "path": 'emails[type eq "work"]'}]


def test_of_two_entries_of_one_type_none_is_reached_by_it(sample: dict[str, Any]):
    sample["emails"].append({"type": "work", "value": "second@example.com"})

    message = said(sample, RFC, **{WORK: "w@example.com"})

    assert operations(message) == [("replace", "emails")]


def test_without_paths_a_part_of_a_name_comes_with_the_others(sample: dict[str, Any]):
    message = said(sample, PATHLESS, **{"name.givenName": "Babs", "department": "Tours"})

    (only,) = message["Operations"]
    assert only["op"] == "replace"
    assert "path" not in only
    assert only["value"]["name"] == {**sample["name"], "givenName": "Babs"}
    assert only["value"][ENTERPRISE] == {"department": "Tours"}


def test_entras_words_are_capital_and_its_truth_may_be_text(sample: dict[str, Any]):
    changes = {"active": False, WORK: "w@example.com"}

    message = said(sample, ENTRA, **changes)
    older = said(sample, replace(ENTRA, texts=True), **changes)

    assert message["Operations"] == [
        {"op": "Replace", "path": "active", "value": False},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "w@example.com"},
    ]
    assert older["Operations"][0] == {"op": "Replace", "path": "active", "value": "False"}


def test_members_are_removed_by_path_and_by_value_only_in_entras_words():
    moves = ({"a"}, {'c"d'})

    by_path = memberships.message(*moves, [], RFC)
    by_value = memberships.message(*moves, [], ENTRA)
    replaced = memberships.message(*moves, [{"value": "a"}, {"value": "b"}], WHOLE)

    assert all(PatchOp[Group].model_validate(one).operations for one in (by_path, replaced))
    assert by_path["Operations"][1] == {"op": "remove", "path": 'members[value eq "c\\"d"]'}
    assert by_value["Operations"][1]["value"] == [{"value": 'c"d'}]
    assert operations(replaced) == [("replace", "members")]


# Servers: a real one behind a layer that refuses, or does not hear, what some others do.


def anything(_body: dict[str, Any]) -> bool:
    return True


def has_value_path(body: dict[str, Any]) -> bool:
    return any("[" in str(one.get("path", "")) for one in body["Operations"])


def has_path(body: dict[str, Any]) -> bool:
    return any("path" in one for one in body["Operations"])


def has_truth(body: dict[str, Any]) -> bool:
    return any(isinstance(one.get("value"), bool) for one in body["Operations"])


def is_small(body: dict[str, Any]) -> bool:
    return any(one["op"].islower() for one in body["Operations"])


def of_entra(body: dict[str, Any]) -> dict[str, Any]:
    """Translate for a server that speaks as the RFC does."""
    for one in body["Operations"]:
        one["op"] = one["op"].lower()
        if one.get("value") in ("True", "False"):
            one["value"] = one["value"] == "True"
    return body


def swallowed(body: dict[str, Any]) -> None:
    """Hear nothing with a value path in it, and agree."""
    body["Operations"] = [{"op": "replace", "path": "nickName", "value": "heard nothing"}]


@pytest.fixture
def amara(make_idp: Callable[..., Idp]) -> Callable[..., tuple[Idp, str]]:
    """Amara's account, with two addresses, on a server with settings of its own."""

    def make(**settings: object) -> tuple[Idp, str]:
        idp = make_idp(**settings)
        fields = {"name.givenName": "Amara", WORK: "a@northfield.example", HOME: "a@home.example"}
        (outcome,) = idp.write(create(AMARA, **fields))
        return idp, str(outcome.external_id)

    return make


def refuse(idp: Idp, concerns: Callable[[dict[str, Any]], bool], scim_type: str) -> None:
    idp.break_(
        method="PATCH",
        concerns=concerns,
        forward=False,
        status=400,
        body=json.dumps({"scimType": scim_type, "status": "400"}).encode(),
    )


@pytest.mark.parametrize("scim_type", ["invalidPath", "invalidFilter", "noTarget", ""])
def test_a_server_without_value_paths_gets_the_list_and_is_not_asked_again(
    amara: Callable[..., tuple[Idp, str]], scim_type: str
):
    idp, record_id = amara()
    refuse(idp, has_value_path, scim_type)

    for address in ("b@northfield.example", "c@northfield.example"):
        idp.proxy.calls.clear()
        (outcome,) = idp.write(change(record_id, **{WORK: address}))
        assert outcome.error is None

    assert idp.proxy.count("PATCH") == 1
    row = idp.row("amara")
    assert (row[WORK], row[HOME]) == ("c@northfield.example", "a@home.example")


def test_a_server_that_agrees_and_does_nothing_is_told_in_another_way(
    amara: Callable[..., tuple[Idp, str]],
):
    idp, record_id = amara()
    idp.break_(method="PATCH", concerns=has_value_path, translate=swallowed)

    (outcome,) = idp.write(change(record_id, **{WORK: "b@northfield.example"}))

    assert outcome.error is None
    row = idp.row("amara")
    assert (row[WORK], row[HOME]) == ("b@northfield.example", "a@home.example")


def test_a_server_without_paths_gets_one_value(amara: Callable[..., tuple[Idp, str]]):
    idp, record_id = amara()
    refuse(idp, has_path, "invalidSyntax")

    (outcome,) = idp.write(
        change(record_id, title="student", department="Law", **{"name.givenName": "Ama"})
    )

    assert outcome.error is None
    row = idp.row("amara")
    assert (row["title"], row["department"]) == ("student", "Law")
    assert (row["name.givenName"], row["name.familyName"]) == ("Ama", "Okafor")


@pytest.mark.parametrize("settings", [{}, {"patch": "entra"}])
def test_a_server_that_knows_entras_words_only_is_understood(
    amara: Callable[..., tuple[Idp, str]], settings: dict[str, object]
):
    idp, record_id = amara(**settings)
    refuse(idp, is_small, "invalidSyntax")
    refuse(idp, lambda body: not has_path(body), "invalidSyntax")
    refuse(idp, has_truth, "invalidSyntax")
    idp.break_(method="PATCH", translate=of_entra)

    (suspended,) = idp.write(change(record_id, "suspend"))
    (moved,) = idp.write(change(record_id, **{WORK: "b@northfield.example"}))

    assert (suspended.error, moved.error) == (None, None)
    row = idp.row("amara")
    assert (row["_suspended"], row[WORK], row[HOME]) == (
        True,
        "b@northfield.example",
        "a@home.example",
    )


def test_a_way_that_the_charter_names_is_the_only_one(amara: Callable[..., tuple[Idp, str]]):
    idp, record_id = amara(patch="whole")
    refuse(idp, anything, "invalidPath")

    (outcome,) = idp.write(change(record_id, **{WORK: "b@northfield.example"}))

    assert isinstance(outcome.error, SkipRow)
    assert idp.proxy.count("PATCH") == 1


def test_a_value_that_is_refused_is_refused_in_every_way_and_costs_the_next_nothing(
    amara: Callable[..., tuple[Idp, str]],
):
    idp, record_id = amara()
    refuse(idp, lambda body: "bad" in json.dumps(body), "")

    (bad,) = idp.write(change(record_id, title="bad"))
    (good,) = idp.write(change(record_id, title="student"))
    idp.proxy.calls.clear()
    (again,) = idp.write(change(record_id, title="bad"))

    assert (type(bad.error), good.error, type(again.error)) == (SkipRow, None, SkipRow)
    assert idp.proxy.count("PATCH") <= 2
    assert idp.row("amara")["title"] == "student"


def test_a_server_that_does_not_know_one_attribute_keeps_its_patch(
    amara: Callable[..., tuple[Idp, str]],
):
    idp, record_id = amara()
    idp.write(change(record_id, title="student"))
    unknown = {"forward": False, "status": 501, "body": b"{}"}
    idp.break_(method="PATCH", concerns=lambda body: "nickName" in json.dumps(body), **unknown)

    (refused,) = idp.write(change(record_id, nickName="Ama"))
    (written,) = idp.write(change(record_id, title="graduate"))

    assert isinstance(refused.error, SkipRow)
    assert "nickName" in refused.error.message
    assert written.error is None
    assert idp.proxy.count("PUT") == 0


def test_a_value_that_is_named_as_bad_is_not_said_again(amara: Callable[..., tuple[Idp, str]]):
    idp, record_id = amara()
    refuse(idp, anything, "invalidValue")

    (outcome,) = idp.write(change(record_id, **{WORK: "b@northfield.example"}))

    assert isinstance(outcome.error, SkipRow)
    assert idp.proxy.count("PATCH") == 1


def test_records_are_replaced_where_the_charter_says_so_and_keep_what_is_not_ours(
    amara: Callable[..., tuple[Idp, str]],
):
    idp, record_id = amara(patch="put")

    (outcome,) = idp.write(change(record_id, title="student", **{WORK: None}))

    assert outcome.error is None
    assert (idp.proxy.count("PATCH"), idp.proxy.count("PUT")) == (0, 1)
    row = idp.row("amara")
    assert (row["title"], row[WORK], row[HOME]) == ("student", None, "a@home.example")
    assert (row["externalId"], row["name.givenName"]) == ("S001", "Amara")


def test_a_member_leaves_a_group_of_a_server_without_value_paths(make_idp: Callable[..., Idp]):
    idp = make_idp()
    one, two = (str(made.external_id) for made in idp.write(create(AMARA), create(BELA)))
    (made,) = idp.write(Write("LAW", "create", None, {"displayName": "LAW"}), resource="groups")
    group = str(made.external_id)
    pairs = [{"group": group, "user": user} for user in (one, two)]
    idp.write(*(Write(p["user"], "create", None, p) for p in pairs), resource="memberships")
    refuse(idp, has_value_path, "invalidPath")

    (outcome,) = idp.write(
        Write("leave", "delete", f"{group}|{one}", pairs[0]), resource="memberships"
    )

    assert outcome.error is None
    assert [row["user"] for row in idp.rows("memberships")] == [two]


def test_a_replacement_carries_what_is_shown_only_on_request(make_idp: Callable[..., Idp]):
    idp = make_idp(patch="put")

    def on_request(listing: dict[str, Any]) -> None:
        for schema in listing["Resources"]:
            for attribute in schema["attributes"]:
                if attribute["name"] in ("nickName", "costCenter"):
                    attribute["returned"] = "request"

    def hide(record: dict[str, Any]) -> None:
        record.pop("nickName", None)
        record.get(ENTERPRISE, {}).pop("costCenter", None)

    idp.break_(path="/Schemas", rewrite=on_request)
    fields = {"nickName": "Ama", "costCenter": "7", "department": "Law"}
    record_id = str(idp.write(create(AMARA, **fields))[0].external_id)
    idp.break_(method="GET", path="attributes=")
    idp.break_(method="GET", path=f"/Users/{record_id}", rewrite=hide)

    (outcome,) = idp.write(change(record_id, title="student"))

    assert outcome.error is None
    idp.heal()
    row = idp.row("amara")
    assert [row[name] for name in ("title", *fields)] == ["student", "Ama", "7", "Law"]
