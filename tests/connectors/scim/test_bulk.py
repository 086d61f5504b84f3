"""A batch in one request: every part settles by itself, and nothing is sent again unseen."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from scim2_models import BulkRequest, Context, EnterpriseUser, Group, User

from matricula.connectors.kit.errors import ReadBack, SkipRow, Stop, TryAgain
from matricula.connectors.kit.protocol import Write
from matricula.connectors.scim import bulk
from matricula.connectors.scim.wire import Change, Endpoint
from tests.connectors.scim.people import AMARA, BELA, CHIDI, DEWI, change, create

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.connectors.scim.conftest import Idp

ALL = (AMARA, BELA, CHIDI, DEWI)


@pytest.fixture
def idp(make_idp: Callable[..., Idp]) -> Idp:
    """A server that offers bulk, and a connector that takes the offer."""
    return make_idp(bulk=True, page_size=50)


def requests(idp: Idp) -> int:
    return sum(path.endswith("/Bulk") for _, path in idp.proxy.calls)


def names(idp: Idp) -> list[str]:
    return sorted(str(row["userName"]) for row in idp.rows())


def seen_by(idp: Idp) -> list[dict[str, Any]]:
    """Keep what is sent in bulk."""
    seen: list[dict[str, Any]] = []
    idp.break_(path="/Bulk", translate=seen.append)
    return seen


def answered(idp: Idp, change_of: Callable[[list[dict[str, Any]]], object]) -> None:
    """Change the parts of what is answered to the next request in bulk."""

    def rewrite(body: dict[str, Any]) -> None:
        body["Operations"] = change_of(body["Operations"]) or body["Operations"]

    idp.break_(path="/Bulk", times=1, rewrite=rewrite)


def test_a_batch_of_creations_is_one_request_and_as_many_outcomes(idp: Idp):
    outcomes = idp.write(*map(create, ALL))

    assert [one.error for one in outcomes] == [None] * 4
    assert requests(idp) == 1
    assert not any(path.endswith("/Users") for method, path in idp.proxy.calls if method == "POST")
    found = idp.connector.find("users", [{"_id": one.external_id} for one in outcomes])
    assert [one[0].fields["externalId"] for one in found] == [one.key for one in outcomes]


def test_changes_suspensions_and_deletions_go_together(idp: Idp):
    ids = [str(one.external_id) for one in idp.write(*map(create, ALL))]
    idp.proxy.calls.clear()

    outcomes = idp.write(
        change(ids[0], title="student", **{"emails[work]": "a@northfield.example"}),
        change(ids[1], "suspend"),
        change(ids[2], "delete"),
        create({**AMARA, "externalId": "S009", "userName": "ifeoma"}),
    )

    assert [one.error for one in outcomes] == [None] * 4
    assert requests(idp) == 1
    assert names(idp) == ["amara", "bela", "dewi", "ifeoma"]
    assert idp.row("amara")["emails[work]"] == "a@northfield.example"
    assert idp.row("bela")["_suspended"] is True


def test_a_request_is_of_the_rfcs_form_and_leaves_out_when_to_stop(idp: Idp):
    ids = [str(one.external_id) for one in idp.write(*map(create, ALL))]
    seen = seen_by(idp)

    idp.write(
        change(ids[0], title="student"),
        change(ids[1], "delete"),
        create({**AMARA, "externalId": "S009", "userName": "ifeoma"}),
    )

    (body,) = seen
    model = BulkRequest[User[EnterpriseUser] | Group]
    checked = model.model_validate(body, scim_ctx=Context.BULK_REQUEST)
    assert {str(one.method) for one in checked.operations or ()} == {"PATCH", "DELETE", "POST"}
    assert "failOnErrors" not in body


def test_a_bad_part_is_named_and_harms_no_other(idp: Idp):
    idp.write(create(AMARA))

    taken, fine, refused = idp.write(
        create({**BELA, "userName": "amara"}), create(CHIDI), create(DEWI, profileUrl="not one")
    )

    assert requests(idp) == 1
    assert isinstance(taken.error, SkipRow)
    assert "userName" in taken.error.message
    assert isinstance(refused.error, SkipRow)
    assert fine.error is None
    assert names(idp) == ["amara", "chidi"]
    # What the server refuses is none of the RFC's.
    idp.proxy.bodies.clear()


def test_two_keys_with_one_identifier_are_not_made_in_one_request(idp: Idp):
    twin = Write(
        "other", "create", None, {**AMARA, "userName": "twin"}, match={"externalId": "S001"}
    )

    first, second, _ = idp.write(create(AMARA), twin, create(BELA))

    assert first.error is None
    assert isinstance(second.error, SkipRow)
    assert names(idp) == ["amara", "bela"]


def test_parts_in_another_order_settle_their_own_records(idp: Idp):
    answered(idp, lambda parts: list(reversed(parts)))

    outcomes = idp.write(*map(create, ALL))

    found = idp.connector.find("users", [{"_id": one.external_id} for one in outcomes])
    assert [one[0].fields["externalId"] for one in found] == [one.key for one in outcomes]


def without_last(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return parts[:-1]


def without_status(parts: list[dict[str, Any]]) -> None:
    del parts[-1]["status"]


def said_twice(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [*parts, {**parts[-1], "status": "400"}]


def named_by_nothing(parts: list[dict[str, Any]]) -> None:
    parts[-1] = {"method": "POST", "status": "201"}


@pytest.mark.parametrize("how", [without_last, without_status, said_twice, named_by_nothing])
def test_a_part_that_the_answer_does_not_settle_is_unknown_and_sent_once(
    idp: Idp, how: Callable[[list[dict[str, Any]]], object]
):
    answered(idp, how)

    *rest, last = idp.write(*map(create, ALL))

    assert [one.error for one in rest] == [None] * 3
    assert isinstance(last.error, ReadBack)
    assert idp.proxy.count("POST") == 1
    assert names(idp) == ["amara", "bela", "chidi", "dewi"]


@pytest.mark.parametrize(
    "fault",
    [{"drop": True}, {"cut": True}, {"status": 500, "body": b"<html>"}, {"status": 202}],
    ids=["lost", "cut", "failed after the effect", "taken up for later"],
)
def test_an_answer_that_never_comes_whole_leaves_every_part_unknown(
    idp: Idp, fault: dict[str, object]
):
    idp.break_(path="/Bulk", times=1, **fault)

    outcomes = idp.write(*map(create, ALL))

    assert [type(one.error) for one in outcomes] == [ReadBack] * 4
    assert idp.proxy.count("POST") == 1
    idp.heal()
    again = idp.write(*map(create, ALL))
    assert [one.error for one in again] == [None] * 4
    assert names(idp) == ["amara", "bela", "chidi", "dewi"]


def test_a_request_that_takes_too_long_is_unknown_and_the_next_is_smaller(
    make_idp: Callable[..., Idp],
):
    idp = make_idp(bulk=True, timeout_seconds=1)
    idp.connector.describe()
    idp.break_(path="/Bulk", times=1, wait_seconds=1.3)

    outcomes = idp.write(*map(create, ALL))

    assert [type(one.error) for one in outcomes] == [ReadBack] * 4
    assert idp.connector._service is not None
    assert idp.connector._service.bulk == bulk.Limits(500, 524288)


def test_a_request_that_is_too_large_is_begun_again_in_halves_after_another_look(
    make_idp: Callable[..., Idp],
):
    idp = make_idp(bulk=True, page_size=50, batch_size=10)
    idp.break_(
        path="/ServiceProviderConfig",
        rewrite=lambda config: config["bulk"].update(maxOperations=4),
    )
    idp.break_(
        path="/Bulk",
        concerns=lambda body: len(body["Operations"]) > 2,
        forward=False,
        status=413,
    )

    outcomes = idp.write(*map(create, ALL))

    assert [one.error for one in outcomes] == [None] * 4
    assert requests(idp) == 3
    looks = sum("S001" in path for method, path in idp.proxy.calls if method == "GET")
    assert looks == 2


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
def test_a_server_that_offers_bulk_and_refuses_it_is_written_one_by_one(idp: Idp, status: int):
    idp.break_(path="/Bulk", forward=False, status=status)

    outcomes = idp.write(*map(create, ALL))

    assert [one.error for one in outcomes] == [None] * 4
    assert requests(idp) == 1
    assert names(idp) == ["amara", "bela", "chidi", "dewi"]


def test_a_request_refused_by_halves_makes_nobody_twice(idp: Idp):
    """What a server did before it refused the whole is found by the second look."""

    def half_done(body: dict[str, Any]) -> None:
        body["Operations"] = body["Operations"][:2]

    idp.break_(path="/Bulk", times=1, translate=half_done, status=413)

    outcomes = idp.write(*map(create, ALL))

    assert [one.error for one in outcomes] == [None] * 4
    assert names(idp) == ["amara", "bela", "chidi", "dewi"]


def test_the_servers_limits_are_kept_to(make_idp: Callable[..., Idp]):
    idp = make_idp(bulk=True, page_size=50, server="narrow")
    seen = seen_by(idp)
    people = [{**AMARA, "externalId": f"S{n}", "userName": f"p{n}"} for n in range(9)]
    long = [create(one, displayName="x" * 1500) for one in people]

    outcomes = idp.write(*long)

    assert [one.error for one in outcomes] == [None] * 9
    assert all(len(body["Operations"]) <= 4 for body in seen)
    assert all(len(json.dumps(body)) <= 4096 for body in seen)
    assert len(seen) > 2


def test_a_record_too_large_for_bulk_goes_alone(make_idp: Callable[..., Idp]):
    idp = make_idp(bulk=True, page_size=50, server="narrow")

    outcomes = idp.write(create(AMARA, displayName="x" * 9000), create(BELA), create(CHIDI))

    assert [one.error for one in outcomes] == [None] * 3
    posts = [path.rpartition("/")[2] for method, path in idp.proxy.calls if method == "POST"]
    assert sorted(posts) == ["Bulk", "Users"]
    assert len(str(idp.row("amara")["displayName"])) == 9000


def test_a_busy_server_keeps_the_rest_back_for_as_long_as_it_says(idp: Idp):
    idp.connector.describe()
    idp.break_(path="/Bulk", forward=False, status=429, headers={"Retry-After": "40"})

    outcomes = idp.write(*map(create, ALL))

    assert [type(one.error) for one in outcomes] == [TryAgain] * 4
    assert {one.error.after_seconds for one in outcomes} == {40.0}
    assert idp.proxy.count("POST") == 1


def test_a_part_that_finds_the_server_busy_is_for_later_and_nobody_is_looked_at_meanwhile(
    idp: Idp,
):
    def busy(parts: list[dict[str, Any]]) -> None:
        parts[0] = {"bulkId": parts[0]["bulkId"], "method": "POST", "status": "429"}

    answered(idp, busy)

    first, *rest = idp.write(create(AMARA), create(BELA), create(CHIDI))

    assert isinstance(first.error, TryAgain)
    assert [type(one.error) for one in rest] == [ReadBack] * 2
    assert names(idp) == ["amara", "bela", "chidi"]


def test_a_token_that_is_over_stops_the_batch(idp: Idp):
    idp.connector.describe()
    idp.break_(forward=False, status=401)

    with pytest.raises(Stop):
        idp.write(*map(create, ALL))


def forbidden(parts: list[dict[str, Any]]) -> None:
    for one in parts:
        one["status"] = "403"


def test_one_protected_record_is_set_aside_and_no_permission_at_all_stops(idp: Idp):
    idp.connector.describe()
    answered(idp, lambda parts: forbidden(parts[:1]))

    protected, *rest = idp.write(create(AMARA), create(BELA), create(CHIDI))

    assert isinstance(protected.error, SkipRow)
    assert protected.error.code == "M613"
    assert [one.error for one in rest] == [None, None]
    answered(idp, forbidden)
    with pytest.raises(Stop):
        idp.write(
            create({**DEWI, "externalId": "S7", "userName": "x7"}),
            create({**DEWI, "externalId": "S8", "userName": "x8"}),
        )


def test_a_change_made_meanwhile_is_seen_by_its_version_and_not_lost(idp: Idp):
    ids = [str(one.external_id) for one in idp.write(create(AMARA), create(BELA))]
    ours = [change(one, **{"emails[work]": "w@northfield.example"}) for one in ids]

    def somebody_else() -> None:
        (outcome,) = idp.write(change(ids[0], **{"emails[home]": "h@home.example"}))
        assert outcome.error is None

    idp.break_(path="/Bulk", times=1, before=somebody_else)
    outcomes = idp.write(*ours)

    assert [one.error for one in outcomes] == [None, None]
    row = idp.row("amara")
    assert (row["emails[work]"], row["emails[home]"]) == ("w@northfield.example", "h@home.example")
    patches = [json.loads(body) for method, _, body in idp.proxy.bodies if method == "PATCH"]
    assert len(patches) == 2


def test_a_field_that_the_server_drops_is_named_and_what_was_made_is_taken_back(idp: Idp):
    def drop(body: dict[str, Any]) -> None:
        for one in body["Operations"]:
            one.get("data", {}).pop("nickName", None)

    idp.break_(path="/Bulk", translate=drop)

    first, second = idp.write(create(AMARA, nickName="Ama"), create(BELA))

    assert isinstance(first.error, SkipRow)
    assert "nickName" in first.error.message
    assert second.error is None
    assert names(idp) == ["bela"]


def test_memberships_of_many_groups_are_one_request(idp: Idp):
    users = [str(one.external_id) for one in idp.write(create(AMARA), create(BELA))]
    made = [Write(name, "create", None, {"displayName": name}) for name in ("LAW1", "LAW2")]
    groups = [str(one.external_id) for one in idp.write(*made, resource="groups")]
    idp.proxy.calls.clear()
    joins = [
        Write(f"{group}{user}", "create", None, {"group": group, "user": user})
        for group in groups
        for user in users
    ]

    outcomes = idp.write(*joins, resource="memberships")

    assert [one.error for one in outcomes] == [None] * 4
    assert requests(idp) == 1
    assert len(idp.rows("memberships")) == 4


def of_wso2(parts: list[dict[str, Any]]) -> None:
    for one in parts:
        one["status"] = {"code": int(one["status"])}


def test_a_status_in_an_object_is_understood(idp: Idp):
    answered(idp, of_wso2)

    outcomes = idp.write(*map(create, ALL))

    assert [one.error for one in outcomes] == [None] * 4


def test_the_rfcs_own_answers_settle_what_was_sent(shared: Path):
    folder = shared / "standards" / "scim-rfc7643-7644" / "samples"

    def sample(name: str) -> dict[str, Any]:
        return json.loads((folder / f"rfc7644-3.7.3-{name}.json").read_text(encoding="utf-8"))

    sent = dict(enumerate(sample("bulk_request-multiple_operations")["Operations"]))
    for number, one in sent.items():
        one.setdefault("bulkId", f"m{number}")

    good = bulk.settled(sent, sample("bulk_response-multiple_operations"))
    bad = bulk.settled(sent, sample("bulk_response-multiple_errors"))

    assert [one.status for one in good.values()] == [201, 200, 200, 204]
    assert good[0].record["id"] == "92b725cd-9465-4e7d-8c16-01f8e146b87a"
    assert [one.status for one in bad.values()] == [400, 412, 412, 404]


def test_requests_are_parted_by_number_and_by_bytes():
    endpoint = Endpoint(None, "/Users")  # type: ignore[arg-type]  # nothing is sent
    changes = {n: Change("POST", body={"displayName": "ü" * 100}) for n in range(10)}

    by_number = list(bulk.parts(endpoint, changes, bulk.Limits(4, 1_000_000)))
    by_size = list(bulk.parts(endpoint, changes, bulk.Limits(100, 1000)))

    assert [len(one) for one in by_number] == [4, 4, 2]
    assert [number for part in by_size for number in part] == list(range(10))
    assert all(
        len(
            json.dumps(
                {"schemas": [bulk.SCHEMA], "Operations": [*part.values()]}, ensure_ascii=False
            ).encode()
        )
        <= 1000
        for part in by_size
    )
