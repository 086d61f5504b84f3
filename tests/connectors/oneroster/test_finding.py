"""Look-ups ask the provider, and trust no answer that it gives to another question."""

from __future__ import annotations

import pytest

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.protocol import Write
from matricula.connectors.oneroster.simulator import provider
from tests.connectors.oneroster.rosters import connected, user

pytestmark = pytest.mark.any_database


def ids(found):
    return [[one.external_id for one in of] for of in found]


def test_a_look_up_asks_for_one_record_or_by_a_filter():
    with provider() as running, connected(running) as connector:
        running.records["users"] = [user(n) for n in range(50)]

        found = connector.find(
            "users", [{"_id": "S0007"}, {"identifier": "000009"}, {"_id": "no"}]
        )

    assert ids(found) == [["S0007"], ["S0009"], []]
    assert running.asked.count("/or/users") == 1


@pytest.mark.parametrize("switch", ["heeds_filter", "filters"])
def test_a_provider_that_does_not_filter_is_looked_through_once(switch):
    with provider() as running, connected(running) as connector:
        running.records["users"] = [user(n) for n in range(50)]
        setattr(running, switch, False)

        found = connector.find("users", [{"username": "s3"}, {"username": "s4", "givenName": "X"}])

    assert ids(found) == [["S0003"], []]


def test_an_apostrophe_is_looked_for_without_a_filter():
    with provider() as running, connected(running) as connector:
        running.records["users"] = [user(1, familyName="O'Brien"), user(2)]

        assert ids(connector.find("users", [{"familyName": "O'Brien"}])) == [["S0001"]]


def test_roles_are_found_among_users():
    with provider() as running, connected(running) as connector:
        running.records["users"] = [user(1), user(2)]

        (found,) = connector.find("roles", [{"userSourcedId": "S0002"}])

    assert [one.external_id for one in found] == ["S0002|student|northfield|primary"]


def test_an_unknown_field_is_named_and_nothing_is_ever_written():
    with provider() as running, connected(running) as connector:
        with pytest.raises(GiveUp, match="wizard"):
            connector.find("users", [{"wizard": "x"}])
        with pytest.raises(GiveUp, match="M607"):
            connector.write("users", [Write("k", "create", None, {})], at=None)
