"""When Koha or the way to it fails: what surely did not happen, and what nobody can know."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import ReadBack, Stop, TryAgain
from tests.connectors.koha.people import AMARA, BELA, CHIDI, change, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.koha.conftest import Place


@pytest.mark.parametrize(
    "fault",
    [{"status": 500}, {"drop": True}, {"cut": True}],
    ids=["commits and answers 500", "commits and hangs up", "commits and is cut off"],
)
def test_a_creation_whose_answer_is_lost_is_unknown_and_found_by_looking(
    place: Place, fault: dict[str, object]
):
    place.break_(method="POST", times=1, **fault)

    (outcome,) = place.write(create(AMARA))

    assert isinstance(outcome.error, ReadBack)
    assert place.proxy.count("POST") == 1
    ((found,),) = place.connector.find("patrons", [{"cardnumber": "S001"}])
    assert found.fields["surname"] == "Okafor"


def test_after_an_unknown_outcome_the_same_creation_makes_no_second_patron(place: Place):
    place.break_(method="POST", times=1, drop=True)
    place.write(create(AMARA))

    (outcome,) = place.write(create(AMARA))

    assert outcome.error is None
    assert outcome.adopted
    assert len(place.library.patrons) == 1


def test_a_creation_that_takes_too_long_is_unknown_and_never_sent_twice(
    make_place: Callable[..., Place],
):
    place = make_place(timeout_seconds=0.4)
    place.break_(method="POST", times=1, wait_seconds=0.8)

    (outcome,) = place.write(create(AMARA))

    assert isinstance(outcome.error, ReadBack)
    assert place.proxy.count("POST") == 1


def test_a_change_whose_answer_is_lost_is_unknown(place: Place):
    patron_id = place.write(create(AMARA))[0].external_id
    place.break_(method="PUT", times=1, status=502)

    (outcome,) = place.write(change(patron_id, firstname="Ama"))

    assert isinstance(outcome.error, ReadBack)
    assert place.row("S001")["firstname"] == "Ama"


def test_a_patron_that_cannot_be_looked_at_after_it_was_made_is_unknown(
    make_place: Callable[..., Place],
):
    place = make_place(timeout_seconds=0.4)
    place.break_(method="GET", path="%22me.patron_id%22", forward=False, status=500)

    (outcome,) = place.write(create(AMARA))

    assert isinstance(outcome.error, ReadBack)


def test_a_busy_koha_is_left_alone_for_as_long_as_it_says_and_not_asked_for_the_rest(
    make_place: Callable[..., Place],
):
    place = make_place(concurrency=1)
    headers = {"Retry-After": "40"}
    place.break_(method="POST", forward=False, status=503, headers=headers)

    outcomes = place.write(create(AMARA), create(BELA), create(CHIDI))

    waits = [one.error.after_seconds for one in outcomes if isinstance(one.error, TryAgain)]
    assert waits == [40.0] * 3
    assert place.proxy.count("POST") == 1


def test_a_password_that_is_changed_half_way_loses_no_outcome(make_place: Callable[..., Place]):
    place = make_place(concurrency=1)
    body = b'{"error":"Invalid password"}'
    place.break_(method="POST", times=1)
    place.break_(method="POST", forward=False, status=403, body=body)

    first, second, third = place.write(create(AMARA), create(BELA), create(CHIDI))

    assert first.error is None
    assert isinstance(second.error, TryAgain)
    assert isinstance(third.error, TryAgain)
    assert second.error.code == "M613"
    assert place.proxy.count("POST") == 2


def test_a_change_that_half_happened_is_settled_by_the_next_one(place: Place):
    patron_id = place.write(create(AMARA))[0].external_id
    place.break_(method="POST", path="extended_attributes", times=1, drop=True)
    wanted = change(patron_id, firstname="Ama", attribute_FACULTY="Law")

    (lost,) = place.write(wanted)
    (again,) = place.write(wanted)

    assert isinstance(lost.error, ReadBack)
    assert again.error is None
    assert [one["value"] for one in place.library.of(int(str(patron_id)))] == ["Law"]


def test_a_key_is_fetched_once_and_again_when_it_has_ended(
    make_place: Callable[..., Place], tmp_path: object
):
    keys = {"client_id": f"file:{tmp_path}/key", "client_secret": f"file:{tmp_path}/secret"}
    place = make_place(**keys)

    place.write(create(AMARA), create(BELA))
    place.running.tokens.clear()
    place.write(create(CHIDI))

    assert sum("/oauth/token" in path for _, path in place.proxy.calls) == 2
    assert len(place.library.patrons) == 3


def test_a_key_that_koha_does_not_know_is_told_and_nothing_of_it(
    make_place: Callable[..., Place], tmp_path: object
):
    keys = {"client_id": f"file:{tmp_path}/user", "client_secret": f"file:{tmp_path}/secret"}
    place = make_place(**keys)

    with pytest.raises(Stop, match="M613: The token address answers 40") as refusal:
        place.write(create(AMARA))
    assert "matricula" not in str(refusal.value)


def test_no_message_and_no_log_holds_a_secret_or_a_personal_value(
    place: Place, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    place.write(create(AMARA, userid="amara.okafor"))
    spoken = [
        *place.write(create({**BELA, "library_id": "X"}), create(CHIDI, userid="amara.okafor")),
        *place.write(create({**BELA, "firstname": "Bela " * 3})),
    ]

    text = " ".join([*(str(one.error) for one in spoken), caplog.text])

    assert all(one.error for one in spoken)
    for secret in ("open-sesame", "Okafor", "amara.okafor", "Kovács", "Chidi", "Bela", "S002"):
        assert secret not in text, secret
