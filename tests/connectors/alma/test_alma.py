"""What is written to an Alma, read from it and left alone, as its documents say it behaves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from matricula.connectors.alma.settings import AlmaSettings
from matricula.connectors.kit.errors import GiveUp, ReadBack, SkipRow, Stop, TryAgain, Untrusted
from tests.connectors.alma.conftest import AMARA, BELA

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.alma.conftest import Place

_PAST, _FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)


def test_a_user_is_made_as_an_external_one_of_the_student_systems_profile(place: Place):
    outcome = place.create(AMARA, **{"identifier.BARCODE": "B1"})

    assert outcome.error is None
    user = place.institution.user("S001")
    assert user["account_type"] == {"value": "EXTERNAL"}
    assert user["external_id"] == "SIS"
    assert user["user_identifier"][0]["segment_type"] == "External"
    assert user["contact_info"]["email"][0]["preferred"] is True


def test_what_staff_and_the_person_added_survives_a_swap_of_the_whole_record(place: Place):
    place.create(AMARA)
    user = place.institution.user("S001")
    theirs = {"email_address": "own@x.example", "segment_type": "Internal", "preferred": True}
    user["contact_info"]["email"][0]["preferred"] = False
    user["contact_info"]["email"].append(theirs)
    user["user_note"] = [{"note_text": "owes an apology", "segment_type": "Internal"}]
    user["user_role"] = [{"role_type": {"value": "200"}}]

    outcome = place.do("update", "S001", email="new@northfield.example", first_name="Ama")

    assert outcome.error is None
    after = place.institution.user("S001")
    assert theirs in after["contact_info"]["email"]
    assert after["contact_info"]["email"][0]["email_address"] == "new@northfield.example"
    assert after["user_note"] == user["user_note"]
    assert after["user_role"] == [{"role_type": {"value": "200"}}]


def test_a_field_that_staff_edited_is_written_because_the_charter_grants_it(place: Place):
    place.create(AMARA)
    place.institution.edit("S001", "user_group", "STAFF")

    outcome = place.do("update", "S001", user_group="PG")

    assert outcome.error is None
    assert place.institution.user("S001")["user_group"] == {"value": "PG"}
    (put,) = [path for method, path in place.proxy.calls if method == "PUT"]
    assert "override=user_group" in put


def test_a_field_that_alma_would_not_empty_is_refused_by_name(place: Place):
    place.create(AMARA, preferred_language="en")

    outcome = place.do("update", "S001", preferred_language=None)

    assert isinstance(outcome.error, SkipRow)
    assert "preferred_language cannot be emptied" in outcome.error.message


def test_internal_users_and_other_groups_are_neither_read_nor_touched(
    make_place: Callable[..., Place],
):
    place = make_place(user_groups=["UG"])
    for person, over in ((AMARA, {}), (BELA, {"user_group": "PG"})):
        place.create(person, **over)
    internal = {**place.institution.user("S001"), "primary_id": "DESK"}
    internal["account_type"] = {"value": "INTERNAL"}
    place.institution.users["desk"] = internal

    outcomes = [
        place.create({**AMARA, "primary_id": "DESK"}),
        place.do("update", "S002", first_name="X"),
        place.do("delete", "DESK"),
    ]

    assert [one.error.code for one in outcomes if one.error] == ["M606"] * 3
    assert [row["primary_id"] for row in place.rows()] == ["S001"]
    assert place.connector.find("users", [{"primary_id": "DESK"}]) == [[]]


def test_another_users_barcode_is_nobodys_primary_identifier(place: Place):
    place.create(AMARA, **{"identifier.BARCODE": "S002"})

    by_id, by_barcode = place.connector.find(
        "users", [{"primary_id": "S002"}, {"identifier.BARCODE": "S002"}]
    )
    changed = place.do("update", "S002", first_name="X")
    taken = place.create(BELA)

    assert by_id == []
    assert [one.external_id for one in by_barcode] == ["S001"]
    assert isinstance(changed.error, SkipRow)
    assert changed.error.code == "M605"
    assert isinstance(taken.error, SkipRow)
    assert taken.error.code == "M606"


def test_nobody_is_taken_over_for_an_email_address(place: Place):
    place.create(AMARA)

    outcome = place.create({**BELA, "email": AMARA["email"]}, by="email")

    assert isinstance(outcome.error, SkipRow)
    assert "email is no proof" in outcome.error.message


def test_a_group_that_alma_does_not_have_is_refused_by_the_fields_name(place: Place):
    outcome = place.create({**AMARA, "user_group": "NOWHERE"})

    assert isinstance(outcome.error, SkipRow)
    assert "Alma refuses user_group (401852)" in outcome.error.message


def test_a_leaver_becomes_inactive_and_comes_back(place: Place):
    place.create(AMARA)

    place.do("suspend", "S001")
    asleep = place.rows()[0]["_suspended"]
    place.do("resume", "S001")

    assert asleep is True
    assert place.rows()[0]["_suspended"] is False


@pytest.mark.parametrize("what", ["loans", "requests", "fees"])
def test_whoever_has_something_open_is_not_deleted(place: Place, what: str):
    place.create(AMARA)
    held = {
        "loans": lambda: place.institution.loans.update(S001=[_FUTURE]),
        "requests": lambda: place.institution.requests.update(S001=1),
        "fees": lambda: place.institution.fees.update({("S001", "EXPORTED"): [0.5]}),
    }
    held[what]()

    outcome = place.do("delete", "S001")

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M736"
    assert "s001" in place.institution.users


def test_fees_in_dispute_and_with_the_bursary_are_owed_too(place: Place):
    place.create(AMARA)
    place.institution.loans["S001"] = [_PAST, *[_FUTURE] * 120]
    for status, fee in (("ACTIVE", 0.1), ("INDISPUTE", 0.2), ("EXPORTED", 12.0), ("CLOSED", 99.0)):
        place.institution.fees["S001", status] = [fee]

    ((found,),) = place.connector.find("clearance", [{"primary_id": "S001"}])

    assert (found.fields["loans"], found.fields["overdue"]) == (121, 1)
    assert found.fields["owed"] == "12.3"
    assert found.fields["access"] == "open"


def test_whoever_is_blocked_inactive_or_expired_may_not_borrow(place: Place):
    for n in range(3):
        place.create({**AMARA, "primary_id": f"S{n}"})
    place.institution.user("S0")["user_block"] = [{"block_status": "ACTIVE"}]
    place.institution.user("S1")["status"] = {"value": "INACTIVE"}
    place.institution.user("S2")["expiry_date"] = "2020-01-01Z"

    assert [row["access"] for row in place.rows("clearance")] == ["blocked"] * 3


@pytest.mark.parametrize(
    ("part", "what"), [("/loans", "no total"), ("/fees", "without their sum")]
)
def test_what_is_not_said_is_not_taken_for_nothing(place: Place, part: str, what: str):
    place.create(AMARA)
    place.break_(path=part, rewrite=lambda _: {"x": 1})

    with place.connector.read("clearance") as reading, pytest.raises(Untrusted, match=what):
        list(reading.batches)
    outcome = place.do("delete", "S001")

    assert isinstance(outcome.error, TryAgain)
    assert "s001" in place.institution.users


def test_a_listing_that_moves_is_read_again_and_loses_nobody(place: Place):
    for n in range(7):
        place.create({**AMARA, "primary_id": f"S{n}"})
    place.break_(
        path="offset=2", times=1, before=lambda: place.institution.users.pop("s0")
    )  # fmt: skip

    assert [row["primary_id"] for row in place.rows()] == [f"S{n}" for n in range(1, 7)]


def test_a_creation_whose_answer_is_lost_is_unknown_and_makes_no_second_user(place: Place):
    place.break_(method="POST", times=1, drop=True)

    lost, again = place.create(AMARA), place.create(AMARA)

    assert isinstance(lost.error, ReadBack)
    assert again.error is None
    assert again.adopted
    assert len(place.institution.users) == 1


def test_too_many_calls_in_a_second_are_for_later(make_place: Callable[..., Place]):
    place = make_place(timeout_seconds=0.3)
    place.institution.busy = 100

    outcome = place.create(AMARA)

    assert isinstance(outcome.error, TryAgain)
    assert outcome.error.code == "M611"


def test_a_key_that_may_not_write_is_told_and_nothing_of_it(place: Place):
    place.institution.may_write = False

    health = place.connector.ping()

    assert not health.well
    assert "area Users with read and write permission" in health.sentence
    assert place.connector.describe()[0].writes == frozenset()
    with pytest.raises(Stop, match=r"M613.*POST users") as refusal:
        place.create(AMARA)
    assert "open-sesame" not in str(refusal.value)


def test_a_key_that_only_reads_is_enough_where_nothing_is_written(
    make_place: Callable[..., Place],
):
    place = make_place(read_only=True)
    place.institution.may_write = False

    assert place.connector.ping().well
    assert place.connector.describe()[0].writes == frozenset()


def test_a_key_that_alma_does_not_know_is_told(place: Place):
    place.institution.key = "changed"

    health = place.connector.ping()

    assert not health.well
    assert "UNAUTHORIZED" in health.sentence
    assert "open-sesame" not in health.sentence


def test_what_alma_cannot_be_asked_for_is_said(place: Place):
    with pytest.raises(GiveUp, match="M607"):
        place.connector.find("users", [{"campus_code": "MAIN"}])


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"url": "http://alma.example"}, "https://"),
        ({"api_key": "l7xx"}, "never as itself"),
        ({"external_id": ""}, "external_id"),
        ({"page_size": 500}, "page_size"),
    ],
)
def test_settings_that_are_wrong_are_refused(given: dict[str, object], why: str):
    good = {"url": "https://alma.example", "api_key": "env:ALMA_KEY", "external_id": "SIS"}

    with pytest.raises(ValidationError, match=why):
        AlmaSettings.model_validate({**good, **given})
