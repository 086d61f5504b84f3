"""Who is in which group, one row a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import GiveUp, ReadBack, SkipRow, TryAgain
from matricula.connectors.kit.protocol import Write
from matricula.kernel.keys import join_key
from tests.connectors.scim.people import AMARA, BELA, CHIDI, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.scim.conftest import Idp


@pytest.fixture
def pairs(idp: Idp) -> tuple[Idp, str, list[str]]:
    """A connector, the group LAW101 and three users."""
    users = [str(one.external_id) for one in idp.write(create(AMARA), create(BELA), create(CHIDI))]
    law = Write("LAW101", "create", None, {"displayName": "LAW101"})
    (group,) = idp.write(law, resource="groups")
    return idp, str(group.external_id), users


def join(group: str, user: str) -> Write:
    pair = {"group": group, "user": user}
    return Write(f"{group}+{user}", "create", None, pair, frozenset(pair), pair)


def leave(group: str, user: str) -> Write:
    return Write(f"{group}-{user}", "delete", join_key([group, user]), {})


def test_joining_and_leaving_one_group_is_one_call(pairs: tuple[Idp, str, list[str]]):
    idp, group, (amara, bela, chidi) = pairs
    idp.write(join(group, amara), join(group, bela), resource="memberships")
    idp.proxy.calls.clear()

    outcomes = idp.write(leave(group, amara), join(group, chidi), resource="memberships")

    assert [one.error for one in outcomes] == [None, None]
    assert idp.proxy.count("PATCH") == 1
    assert {row["user"] for row in idp.rows("memberships")} == {bela, chidi}


def test_joining_twice_and_leaving_twice_are_done(pairs: tuple[Idp, str, list[str]]):
    idp, group, (amara, *_) = pairs

    for write in (join, join, leave, leave):
        (outcome,) = idp.write(write(group, amara), resource="memberships")
        assert outcome.error is None

    assert idp.rows("memberships") == []


def test_a_group_that_is_gone_is_named_and_leaving_it_is_done(
    pairs: tuple[Idp, str, list[str]],
):
    idp, group, (amara, *_) = pairs
    idp.write(Write("LAW101", "delete", group, {}), resource="groups")

    joined, left = idp.write(join(group, amara), leave(group, amara), resource="memberships")

    assert isinstance(joined.error, SkipRow)
    assert joined.error.code == "M605"
    assert left.error is None


@pytest.mark.parametrize("status", [400, 409, 422])
def test_of_a_group_that_is_not_shown_nobody_is_said_to_have_left(
    pairs: tuple[Idp, str, list[str]], status: int
):
    idp, group, (amara, bela, _) = pairs
    (before,) = idp.write(join(group, amara), resource="memberships")
    idp.break_(method="GET", path=f"/Groups/{group}", times=2, forward=False, status=status)

    outcomes = idp.write(leave(group, amara), join(group, bela), resource="memberships")

    idp.heal()
    assert before.error is None
    # Together and then alone: only the second look at the second one is answered well.
    assert [one.error is None for one in outcomes] == [False, True]
    assert {row["user"] for row in idp.rows("memberships")} == {amara, bela}


NO_SUCH_USER = b'{"status":"400","scimType":"invalidValue"}'


def test_a_pair_that_the_server_refuses_harms_no_other(pairs: tuple[Idp, str, list[str]]):
    idp, group, (amara, bela, _) = pairs
    idp.break_(method="PATCH", times=2, forward=False, status=400, body=NO_SUCH_USER)

    first, second = idp.write(join(group, amara), join(group, bela), resource="memberships")

    assert isinstance(first.error, SkipRow)
    assert second.error is None
    assert [row["user"] for row in idp.rows("memberships")] == [bela]


def test_a_membership_that_the_server_swallows_is_not_called_done(
    pairs: tuple[Idp, str, list[str]],
):
    idp, group, (amara, *_) = pairs
    idp.break_(method="PATCH", forward=False, status=204)

    (outcome,) = idp.write(join(group, amara), resource="memberships")

    assert isinstance(outcome.error, SkipRow)


def test_groups_without_patch_keep_their_other_members(pairs: tuple[Idp, str, list[str]]):
    idp, group, (amara, bela, _) = pairs
    idp.write(join(group, amara), resource="memberships")
    idp.break_(method="PATCH", forward=False, status=501)

    (outcome,) = idp.write(join(group, bela), resource="memberships")

    assert outcome.error is None
    assert {row["user"] for row in idp.rows("memberships")} == {amara, bela}


def test_memberships_are_found_by_group_by_user_and_by_identifier(
    pairs: tuple[Idp, str, list[str]],
):
    idp, group, (amara, bela, chidi) = pairs
    idp.write(join(group, amara), join(group, bela), resource="memberships")

    by_group, by_user, by_id, nobody = idp.connector.find(
        "memberships",
        [
            {"group": group},
            {"user": amara},
            {"_id": join_key([group, bela])},
            {"group": group, "user": chidi},
        ],
    )

    assert {one.fields["user"] for one in by_group} == {amara, bela}
    assert [one.fields["group"] for one in by_user] == [group]
    assert [one.fields["user"] for one in by_id] == [bela]
    assert nobody == []


def test_a_membership_waits_for_both_its_halves(pairs: tuple[Idp, str, list[str]]):
    idp, group, _ = pairs
    half = Write("half", "create", None, {"group": group, "user": None})

    (outcome,) = idp.write(half, resource="memberships")

    assert isinstance(outcome.error, SkipRow)


def test_a_membership_cannot_be_suspended(pairs: tuple[Idp, str, list[str]]):
    idp, group, (amara, *_) = pairs
    pause = Write("pause", "suspend", join_key([group, amara]), {})

    with pytest.raises(GiveUp, match="suspend"):
        idp.write(pause, resource="memberships")


def test_a_groups_members_may_be_written_as_one_list(pairs: tuple[Idp, str, list[str]]):
    idp, group, (amara, bela, _) = pairs
    members = f'["{bela}", "{amara}"]'

    (outcome,) = idp.write(
        Write("LAW101", "update", group, {"members": members}, frozenset({"members"})),
        resource="groups",
    )

    assert outcome.error is None
    assert {row["user"] for row in idp.rows("memberships")} == {amara, bela}


@pytest.mark.parametrize("status", [400, 401, 404, 429])
def test_members_that_cannot_be_looked_at_after_the_change_are_unknown(
    pairs: tuple[Idp, str, list[str]], status: int
):
    idp, group, (amara, bela, _) = pairs

    def close_the_eyes() -> None:
        headers = {"Retry-After": "60"}
        idp.break_(method="GET", forward=False, status=status, headers=headers)

    idp.break_(method="PATCH", status=204, before=close_the_eyes)

    outcomes = idp.write(join(group, amara), join(group, bela), resource="memberships")

    assert [type(one.error) for one in outcomes] == [ReadBack, ReadBack]
    idp.heal()
    assert {row["user"] for row in idp.rows("memberships")} == {amara, bela}


def test_a_server_that_turns_busy_between_single_pairs_is_not_asked_for_the_rest(
    pairs: tuple[Idp, str, list[str]],
):
    idp, group, (amara, bela, chidi) = pairs
    idp.break_(method="PATCH", times=1, forward=False, status=400, body=NO_SUCH_USER)
    idp.break_(method="PATCH", times=1)
    idp.break_(method="PATCH", forward=False, status=503, headers={"Retry-After": "60"})
    joins = [join(group, user) for user in (amara, bela, chidi)]

    first, *rest = idp.write(*joins, resource="memberships")

    assert first.error is None
    assert [type(one.error) for one in rest] == [TryAgain, TryAgain]
    assert [one.error.after_seconds for one in rest] == [60.0, 60.0]
    assert idp.proxy.count("PATCH") == 3
    idp.heal()
    assert [row["user"] for row in idp.rows("memberships")] == [amara]


def test_a_group_that_finds_the_server_busy_keeps_the_other_groups_back(
    make_idp: Callable[..., Idp],
):
    idp = make_idp(concurrency=1)
    (amara, bela) = (str(one.external_id) for one in idp.write(create(AMARA), create(BELA)))
    made = [Write(name, "create", None, {"displayName": name}) for name in ("LAW101", "LAW102")]
    law, more = (str(one.external_id) for one in idp.write(*made, resource="groups"))
    idp.break_(method="PATCH", times=1, forward=False, status=400)
    idp.break_(method="PATCH", forward=False, status=429, headers={"Retry-After": "60"})
    joins = [join(law, amara), join(law, bela), join(more, amara)]

    outcomes = idp.write(*joins, resource="memberships")

    assert [type(one.error) for one in outcomes] == [TryAgain] * 3
    assert idp.proxy.count("PATCH") == 2
