"""When the server fails: what certainly did not happen, and what nobody can know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import GiveUp, ReadBack, SkipRow, Stop, TryAgain
from tests.connectors.scim.people import AMARA, BELA, CHIDI, DEWI, change, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.scim.conftest import Idp


@pytest.mark.parametrize(
    "fault",
    [{"status": 500, "body": b"<html>"}, {"status": 502}, {"drop": True}],
    ids=["commits and answers 500", "commits behind a broken gateway", "commits and hangs up"],
)
def test_a_creation_whose_answer_is_lost_is_unknown_and_found_by_looking(
    idp: Idp, fault: dict[str, object]
):
    idp.break_(method="POST", times=1, **fault)

    (outcome,) = idp.write(create(AMARA))

    assert isinstance(outcome.error, ReadBack)
    assert idp.proxy.count("POST") == 1
    (found,) = idp.connector.find("users", [{"externalId": "S001"}])
    assert [one.fields["userName"] for one in found] == ["amara"]


def test_a_creation_that_takes_too_long_is_unknown_and_never_sent_twice(
    make_idp: Callable[..., Idp],
):
    idp = make_idp(timeout_seconds=3)
    idp.connector.describe()
    idp.break_(method="POST", times=1, wait_seconds=6)

    (outcome,) = idp.write(create(AMARA))

    assert isinstance(outcome.error, ReadBack)
    assert idp.proxy.count("POST") == 1


def test_after_an_unknown_outcome_the_same_creation_makes_no_second_account(idp: Idp):
    idp.break_(method="POST", times=1, status=500)
    idp.write(create(AMARA))

    (outcome,) = idp.write(create(AMARA))

    assert outcome.error is None
    assert len(idp.rows()) == 1


def test_an_update_whose_answer_is_lost_is_unknown(idp: Idp):
    record_id = idp.write(create(AMARA))[0].external_id
    idp.break_(method="PATCH", times=1, drop=True)

    (outcome,) = idp.write(change(record_id, title="student"))

    assert isinstance(outcome.error, ReadBack)
    assert idp.row("amara")["title"] == "student"


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_left_alone_for_as_long_as_it_says(idp: Idp, status: int):
    idp.connector.describe()
    idp.break_(method="POST", forward=False, status=status, headers={"Retry-After": "40"})

    (outcome,) = idp.write(create(AMARA))

    assert isinstance(outcome.error, TryAgain)
    assert outcome.error.after_seconds == 40.0


def test_a_date_to_come_back_at_is_understood(idp: Idp):
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    idp.break_(method="POST", forward=False, status=503, headers={"Retry-After": moment})

    (outcome,) = idp.write(create(AMARA))

    assert isinstance(outcome.error, TryAgain)
    assert 90 < outcome.error.after_seconds <= 100


def test_a_server_that_says_busy_is_not_asked_for_the_rest_of_the_batch(
    make_idp: Callable[..., Idp],
):
    idp = make_idp(concurrency=1)
    idp.connector.describe()
    idp.break_(method="POST", forward=False, status=429)

    outcomes = idp.write(create(AMARA), create(BELA), create(CHIDI), create(DEWI))

    assert all(isinstance(one.error, TryAgain) for one in outcomes)
    assert idp.proxy.count("POST") == 1


def test_a_server_that_refuses_us_from_the_start_stops_the_batch(idp: Idp):
    idp.connector.describe()
    idp.break_(forward=False, status=401)

    with pytest.raises(Stop):
        idp.write(create(AMARA), create(BELA))

    idp.heal()
    assert idp.rows() == []


def test_a_token_that_ends_half_way_loses_no_outcome(make_idp: Callable[..., Idp]):
    idp = make_idp(concurrency=1)
    idp.connector.describe()
    idp.break_(method="POST", times=1)
    idp.break_(method="POST", forward=False, status=403)

    first, second, third = idp.write(create(AMARA), create(BELA), create(CHIDI))

    assert first.error is None
    assert isinstance(second.error, TryAgain)
    assert isinstance(third.error, TryAgain)
    assert second.error.code == "M613"
    assert idp.proxy.count("POST") == 2


def test_a_refused_record_is_named_without_its_values(idp: Idp):
    idp.break_(
        method="POST",
        forward=False,
        status=400,
        body=b'{"scimType":"invalidValue","detail":"nickName \'Ama O.\' is too long"}',
    )

    (outcome,) = idp.write(create(AMARA, nickName="Ama O."))

    assert isinstance(outcome.error, SkipRow)
    assert "nickName" in outcome.error.message
    assert "Ama O." not in str(outcome.error)


def test_a_resource_that_cannot_be_written_is_given_up(idp: Idp):
    idp.connector.describe()
    idp.break_(method="POST", forward=False, status=405)

    with pytest.raises(GiveUp):
        idp.write(create(AMARA))


def test_a_filter_that_the_server_does_not_understand_is_done_without(idp: Idp):
    idp.write(create(AMARA))
    idp.break_(path="filter=", forward=False, status=400, body=b'{"scimType":"invalidFilter"}')

    (found,) = idp.connector.find("users", [{"userName": "amara"}])

    assert len(found) == 1


def test_a_creation_without_an_id_in_its_answer_is_unknown(idp: Idp):
    idp.break_(method="POST", rewrite=lambda record: record.pop("id") and record)

    (outcome,) = idp.write(create(AMARA))

    assert isinstance(outcome.error, ReadBack)


NO_ANSWERS = pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 503])


def close_the_eyes(idp: Idp, status: int, path: str = "/Users/") -> None:
    """Let no record be looked at any more."""
    idp.break_(
        method="GET", path=path, forward=False, status=status, headers={"Retry-After": "60"}
    )


@NO_ANSWERS
def test_an_accepted_creation_that_cannot_be_looked_at_is_unknown(idp: Idp, status: int):
    idp.break_(method="POST", rewrite=lambda record: {"id": record["id"]})
    close_the_eyes(idp, status)

    (outcome,) = idp.write(create(AMARA))

    assert isinstance(outcome.error, ReadBack)
    idp.heal()
    assert [row["userName"] for row in idp.rows()] == ["amara"]


@NO_ANSWERS
@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
def test_an_accepted_change_that_cannot_be_looked_at_is_unknown(idp: Idp, verb: str, status: int):
    record_id = idp.write(create(AMARA))[0].external_id
    if verb == "PUT":
        idp.break_(method="PATCH", forward=False, status=501)
    idp.break_(method=verb, status=204, before=lambda: close_the_eyes(idp, status))

    (outcome,) = idp.write(change(record_id, title="student"))

    assert isinstance(outcome.error, ReadBack)
    idp.heal()
    assert idp.row("amara")["title"] == "student"


def test_a_server_that_is_busy_after_a_creation_is_not_asked_for_the_rest(
    make_idp: Callable[..., Idp],
):
    idp = make_idp(concurrency=1)
    idp.break_(method="POST", rewrite=lambda record: {"id": record["id"]})
    close_the_eyes(idp, 429)

    first, second = idp.write(create(AMARA), create(BELA))

    assert isinstance(first.error, ReadBack)
    assert isinstance(second.error, TryAgain)
    assert second.error.after_seconds == 60.0
    assert idp.proxy.count("POST") == 1
