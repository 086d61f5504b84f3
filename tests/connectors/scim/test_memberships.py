"""Who is in which group, one row a pair."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import GiveUp, SkipRow
from matricula.connectors.kit.protocol import Write
from matricula.kernel.keys import join_key
from tests.connectors.scim.people import AMARA, BELA, CHIDI, create

if TYPE_CHECKING:
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


def test_a_pair_that_the_server_refuses_harms_no_other(pairs: tuple[Idp, str, list[str]]):
    idp, group, (amara, bela, _) = pairs
    idp.break_(method="PATCH", times=1, forward=False, status=400)
    idp.break_(method="PATCH", times=1, forward=False, status=400)

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
