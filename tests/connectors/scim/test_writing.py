"""Nobody is made twice, nobody is taken over, and what is called done was compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import GiveUp, SkipRow, TryAgain
from matricula.connectors.kit.protocol import Write
from tests.connectors.scim.people import AMARA, BELA, CHIDI, change, create

if TYPE_CHECKING:
    from tests.connectors.scim.conftest import Idp

WORK = "emails[work]"


def made(idp: Idp, *writes: Write) -> list[str]:
    outcomes = idp.write(*writes)
    assert [one.error for one in outcomes] == [None] * len(outcomes)
    return [str(one.external_id) for one in outcomes]


def test_an_account_with_our_external_id_is_taken_up_and_brought_up_to_date(idp: Idp):
    (first,) = made(idp, create(AMARA, title="applicant"))

    (again,) = made(idp, create({**AMARA, "userName": "amara.okafor"}, title="student"))

    assert again == first
    assert idp.row("amara.okafor")["title"] == "student"
    assert len(idp.rows()) == 1


def test_an_account_with_another_external_id_is_never_taken_over(idp: Idp):
    made(idp, create({**AMARA, "externalId": "STAFF-7"}, title="lecturer"))
    ours = Write("S001", "create", None, dict(AMARA), match={"userName": "amara"})

    (outcome,) = idp.write(ours)

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
    assert "another" in outcome.error.message
    assert idp.row("amara")["externalId"] == "STAFF-7"


def test_an_account_that_merely_shares_an_address_is_never_taken_over(idp: Idp):
    address = {WORK: "office@northfield.example"}
    made(idp, Write("other", "create", None, {"userName": "office", **address}))
    ours = Write("S001", "create", None, {**AMARA, **address}, match=address)

    (outcome,) = idp.write(ours)

    assert isinstance(outcome.error, SkipRow)
    assert WORK in outcome.error.message
    assert idp.row("office")["externalId"] is None


def test_an_account_without_external_id_is_taken_up_when_the_charter_recognises_it(idp: Idp):
    (there,) = made(idp, Write("x", "create", None, {"userName": "amara", "title": "old"}))
    ours = Write("S001", "create", None, dict(AMARA), match={"userName": "amara"})

    (outcome,) = idp.write(ours)

    assert outcome.external_id == there
    assert idp.row("amara")["externalId"] == "S001"


def test_a_proposed_value_never_replaces_what_the_accounts_owner_put_there(idp: Idp):
    made(idp, create(AMARA, preferredLanguage="yo"))
    fields = {**AMARA, "preferredLanguage": "en", "locale": "en-GB"}
    granted = frozenset(AMARA)

    made(idp, Write("S001", "create", None, fields, granted, {"externalId": "S001"}))

    row = idp.row("amara")
    assert (row["preferredLanguage"], row["locale"]) == ("yo", "en-GB")


def test_a_new_account_is_active_and_a_suspended_one_is_not_woken_by_taking_it_up(idp: Idp):
    (record_id,) = made(idp, create(AMARA))
    active = idp.row("amara")["active"]
    made(idp, change(record_id, "suspend"))

    made(idp, create(AMARA))

    assert active is True
    assert idp.row("amara")["_suspended"] is True


def test_a_match_that_fits_two_accounts_takes_neither(idp: Idp):
    made(idp, create(AMARA, employeeNumber="7"), create(BELA, employeeNumber="7"))
    ours = Write(
        "S003", "create", None, {**CHIDI, "employeeNumber": "7"}, match={"employeeNumber": "7"}
    )

    (outcome,) = idp.write(ours)

    assert isinstance(outcome.error, SkipRow)
    assert "2 records" in outcome.error.message
    assert len(idp.rows()) == 2


def test_a_name_that_is_taken_is_named_and_harms_no_other(idp: Idp):
    made(idp, create(AMARA))

    first, second = idp.write(create({**BELA, "userName": "amara"}), create(CHIDI))

    assert isinstance(first.error, SkipRow)
    assert "userName" in first.error.message
    assert "amara" not in first.error.message
    assert second.error is None


def test_a_changed_name_that_is_taken_is_named(idp: Idp):
    ids = made(idp, create(AMARA), create(BELA))

    (outcome,) = idp.write(change(ids[1], userName="amara"))

    assert isinstance(outcome.error, SkipRow)
    assert "userName" in outcome.error.message
    assert idp.row("bela")["externalId"] == "S002"


def test_an_update_sends_only_what_changed_and_in_one_call(idp: Idp):
    (record_id,) = made(idp, create(AMARA, title="applicant", department="Law"))
    idp.proxy.calls.clear()

    made(idp, change(record_id, title="student"))

    assert idp.proxy.count("PATCH") == 1
    assert idp.proxy.count("GET") == 0
    assert idp.row("amara")["department"] == "Law"


def test_an_update_that_is_there_already_writes_nothing(idp: Idp):
    (record_id,) = made(idp, create(AMARA, **{WORK: "a@northfield.example"}))
    idp.proxy.calls.clear()

    made(idp, change(record_id, **{WORK: "a@northfield.example", "nickName": None}))

    assert idp.proxy.count("PATCH") == 0


def test_an_address_that_somebody_added_by_hand_survives_our_change(idp: Idp):
    (record_id,) = made(
        idp, create(AMARA, **{WORK: "a@northfield.example", "emails[home]": "a@home.example"})
    )

    made(idp, change(record_id, **{WORK: "okafor@northfield.example"}))

    row = idp.row("amara")
    assert row[WORK] == "okafor@northfield.example"
    assert row["emails[home]"] == "a@home.example"


def test_a_change_made_meanwhile_is_read_again_and_not_lost(idp: Idp):
    (record_id,) = made(idp, create(AMARA, **{WORK: "a@northfield.example"}))
    home = change(record_id, **{"emails[home]": "a@home.example"})
    ours = change(record_id, **{WORK: "okafor@northfield.example"})

    def somebody_else() -> None:
        made(idp, home)

    idp.break_(method="PATCH", times=1, before=somebody_else)
    made(idp, ours)

    row = idp.row("amara")
    assert (row[WORK], row["emails[home]"]) == ("okafor@northfield.example", "a@home.example")
    assert idp.proxy.count("PATCH") == 3


def test_a_record_that_never_holds_still_is_tried_again_later(idp: Idp):
    (record_id,) = made(idp, create(AMARA))
    idp.break_(method="PATCH", forward=False, status=412)

    (outcome,) = idp.write(change(record_id, **{WORK: "a@northfield.example"}))

    assert isinstance(outcome.error, TryAgain)
    assert outcome.error.code == "M633"


@pytest.mark.parametrize("kind", ["update", "suspend", "resume"])
def test_a_record_deleted_behind_our_back_is_gone_and_not_made_again(idp: Idp, kind: str):
    (record_id,) = made(idp, create(AMARA))
    made(idp, change(record_id, "delete"))

    (outcome,) = idp.write(change(record_id, kind, title="student"))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M605"
    assert idp.rows() == []


def test_suspending_and_resuming_keep_the_account(idp: Idp):
    (record_id,) = made(idp, create(AMARA, title="student"))

    made(idp, change(record_id, "suspend"))
    suspended = idp.row("amara")
    made(idp, change(record_id, "resume", title="returner"))
    resumed = idp.row("amara")

    assert (suspended["_suspended"], suspended["title"]) == (True, "student")
    assert (resumed["_suspended"], resumed["title"]) == (False, "returner")


def test_a_server_without_patch_is_written_by_replacing_the_whole_record(idp: Idp):
    (record_id,) = made(idp, create(AMARA, title="student", department="Law"))
    idp.break_(method="PATCH", forward=False, status=501)

    made(idp, change(record_id, title="graduate", nickName="Ama"))

    row = idp.row("amara")
    assert idp.proxy.count("PUT") == 1
    assert (row["title"], row["nickName"], row["department"]) == ("graduate", "Ama", "Law")
    assert row["externalId"] == "S001"


def test_a_field_that_the_server_drops_is_named_and_the_half_made_account_taken_back(idp: Idp):
    def drop(record: dict) -> None:
        record.pop("nickName", None)

    idp.break_(path="/Users", rewrite=drop)

    (outcome,) = idp.write(create(AMARA, nickName="Ama"))

    assert isinstance(outcome.error, SkipRow)
    assert "nickName" in outcome.error.message
    assert idp.proxy.count("DELETE") == 1
    assert idp.rows() == []


def test_a_field_that_the_server_cuts_is_named(idp: Idp):
    (record_id,) = made(idp, create(AMARA))
    idp.break_(path="/Users", rewrite=lambda record: record.update(title="grad"))

    (outcome,) = idp.write(change(record_id, title="graduate"))

    assert isinstance(outcome.error, SkipRow)
    assert "title" in outcome.error.message


def test_a_sparse_answer_is_followed_by_a_look_before_anything_is_judged(idp: Idp):
    idp.break_(
        method="POST",
        rewrite=lambda record: {"schemas": record["schemas"], "id": record["id"]},
    )

    (record_id,) = made(idp, create(AMARA, title="student"))

    assert idp.row("amara")["_id"] == record_id


def test_a_field_given_once_is_not_changed_and_says_so(idp: Idp):
    def fix_user_name(listing: dict) -> None:
        for schema in listing["Resources"]:
            for attribute in schema["attributes"]:
                if attribute["name"] == "userName":
                    attribute["mutability"] = "immutable"

    idp.break_(path="/Schemas", rewrite=fix_user_name)
    (record_id,) = made(idp, create(AMARA))

    (outcome,) = idp.write(change(record_id, userName="okafor"))

    assert isinstance(outcome.error, SkipRow)
    assert "userName" in outcome.error.message
    assert idp.row("amara")["externalId"] == "S001"


@pytest.mark.parametrize("name", ["password", "id", "groups", "meta.created", "emails[work"])
def test_a_field_that_is_none_of_ours_to_write_is_refused_by_name(idp: Idp, name: str):
    with pytest.raises(GiveUp) as caught:
        idp.write(create(AMARA, **{name: "x"}))

    assert name in caught.value.message
    assert idp.proxy.count("POST") == 0


def test_outcomes_keep_the_order_of_writes_although_calls_overtake_each_other(idp: Idp):
    people = [
        {"externalId": f"S{n:03d}", "userName": f"p{n}", "name.familyName": "Ng"}
        for n in range(16)
    ]
    idp.break_(method="POST", times=1, wait_seconds=0.2)

    outcomes = idp.write(*(create(person) for person in people))

    assert [one.key for one in outcomes] == [person["externalId"] for person in people]
    found = idp.connector.find("users", [{"_id": one.external_id} for one in outcomes])
    assert [one[0].fields["externalId"] for one in found] == [one.key for one in outcomes]


@pytest.mark.parametrize("record_id", ["", ".", "..", "a/b", "a?b", "../Groups"])
def test_an_odd_identifier_never_reaches_another_address(idp: Idp, record_id: str):
    made(idp, create(AMARA))

    (outcome,) = idp.write(change(record_id, "delete"))

    assert outcome.error is None
    assert len(idp.rows()) == 1
