"""What flows in is kept as it is or refused by its field; nobody is taken for another."""

from __future__ import annotations

from contextlib import closing

import pytest

from matricula.connectors.kit.errors import GiveUp, SkipRow
from matricula.connectors.kit.protocol import Write
from matricula.connectors.scim_provider.entries import placed, record_of
from matricula.connectors.scim_provider.kinds import kinds
from matricula.connectors.scim_provider.models import Entry, Record, Shelf
from tests.api.providers import AT, GROUPS, USERS, fill, put, served

pytestmark = pytest.mark.django_db


def write(resource, *writes):
    with closing(served()) as connector:
        return connector.write(resource, writes, at=AT)


def creation(row, key="k", **more):
    match = {"externalId": row["externalId"]} if "externalId" in row else {}
    return Write(key, "create", None, row, frozenset(row), match, **more)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("userName", ""), ("userName", None), ("displayName", "a\0b"), ("roles", '["a\\u0000"]'),
        ("roles", "student"), ("active", "perhaps"), ("profileUrl", "no address"),
        ("profileUrl", "https://["), ("displayName", "half \ud800"), ("title", True),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_served_is_set_aside_by_the_name_of_its_field(field, value):
    row = {"externalId": "S9", "userName": "eve", field: value}

    (outcome,) = write("users", creation(row))

    assert isinstance(outcome.error, SkipRow)
    assert (outcome.error.code, field in outcome.error.message) == ("M604", True)
    assert not Record.objects.exists()


def test_two_people_cannot_have_one_user_name_whatever_the_capitals():
    ids = fill()

    (second,) = write("users", creation({"externalId": "S9", "userName": "AMARA"}))
    first, third = write("users", creation({"externalId": "S7", "userName": "new"}, "k1"),
                         creation({"externalId": "S8", "userName": "NEW"}, "k2"))  # fmt: skip
    (moved,) = write("users", Write("k", "update", ids["S2"], {"userName": "Chidi"}))
    put("users", {"userName": "elsewhere"}, kind="update", ids=[ids["S1"]])
    (freed,) = write("users", creation({"externalId": "S9", "userName": "AMARA"}))

    for outcome in (second, third, moved):
        assert isinstance(outcome.error, SkipRow)
        assert outcome.error.code == "M606"
        assert "userName" in outcome.error.message
    assert (first.error, freed.error) == (None, None)


def test_a_record_that_answers_is_taken_over_unless_it_is_another_keys():
    ids = fill()
    row = {"externalId": "S1", "userName": "amara", "nickName": "Ama"}

    (spared,) = write("users", creation(row, spared={ids["S1"]}))
    (taken,) = write("users", creation(row))
    (by_number,) = write("users", Write("k", "create", None, row, match={"nickName": "nobody"}))

    assert isinstance(spared.error, SkipRow)
    assert [(one.external_id, one.adopted) for one in (taken, by_number)] == [
        (ids["S1"], True)
    ] * 2
    kept = Record.objects.get(identifier=ids["S1"]).document
    assert '"nickName": "Ama"' in kept
    assert '"department": "Law"' in kept


def test_of_two_that_answer_neither_is_taken():
    fill()

    (outcome,) = write("users", Write("k", "create", None, {"userName": "x"},
                                      match={"department": "LAW"}))  # fmt: skip

    assert outcome.error is not None
    assert (outcome.error.code, "2 records" in outcome.error.message) == ("M606", True)


def test_a_membership_of_nobody_waits_for_whoever_is_lacking():
    ids = fill()

    no_user, no_group, other_kind = write(
        "memberships",
        Write("1", "create", None, {"group": ids["LAW1"], "user": "none"}),
        Write("2", "create", None, {"group": "none", "user": ids["S1"]}),
        Write("3", "create", None, {"group": ids["S1"], "user": ids["LAW1"]}),
    )

    for outcome, name in ((no_user, "user"), (no_group, "group"), (other_kind, "group")):
        assert isinstance(outcome.error, SkipRow)
        assert (outcome.error.code, name in outcome.error.message) == ("M605", True)


def test_nothing_is_left_of_whoever_goes():
    ids = fill()

    for one in USERS:
        put("users", {}, kind="delete", ids=[ids[str(one["externalId"])]])
    for one in GROUPS:
        put("groups", {}, kind="delete", ids=[ids[str(one["externalId"])]])

    assert not Record.objects.exists()
    assert not Entry.objects.exists()
    assert set(Shelf.objects.values_list("table", "records")) == {("users", 0), ("groups", 0)}


def test_every_change_is_later_than_the_one_before_even_when_the_clock_goes_back(monkeypatch):
    from datetime import UTC, datetime

    ids = fill()
    before = Record.objects.get(identifier=ids["S1"]).modified
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2020, 1, 1, tzinfo=UTC))

    put("users", {"nickName": "A"}, kind="update", ids=[ids["S1"]])

    assert Record.objects.get(identifier=ids["S1"]).modified > before


def test_what_a_connector_cannot_do_is_refused_for_the_whole_batch():
    for resource, one in (
        ("groups", Write("k", "suspend", "x", {})),
        ("memberships", Write("k", "update", "x", {})),
        ("users", Write("k", "create", None, {"password": "x"})),
        ("groups", Write("k", "create", None, {"members": "[]"})),
        ("wizards", Write("k", "create", None, {})),
    ):
        with pytest.raises(GiveUp):
            write(resource, one)


def test_a_batch_takes_the_same_few_statements_however_many_records_it_has(
    django_assert_max_num_queries,
):
    rows = [{"externalId": f"{n}", "userName": f"u{n}", "department": "Law"} for n in range(300)]

    with django_assert_max_num_queries(16):
        put("users", *rows)

    assert Record.objects.count() == 300


def test_the_primary_entry_is_the_entry_of_its_type_and_else_one_of_its_own():
    fields = kinds()["users"].fields
    both = {"emails": "a@x", "emails[work]": "a@x", "emails[home]": "b@x"}
    other = {"emails": "c@x", "emails[work]": "a@x", "addresses.country": "GB"}

    same = record_of(placed(both, fields))
    own = record_of(placed(other, fields))
    less = record_of(placed(both, {"emails": fields["emails"]}))

    assert same == {"emails": [{"value": "a@x", "type": "work", "primary": True},
                               {"value": "b@x", "type": "home"}]}  # fmt: skip
    assert own["emails"] == [
        {"value": "a@x", "type": "work"}, {"value": "c@x", "primary": True},
    ]  # fmt: skip
    assert own["addresses"] == [{"country": "GB", "primary": True}]
    assert less == {"emails": [{"value": "a@x", "primary": True}]}
