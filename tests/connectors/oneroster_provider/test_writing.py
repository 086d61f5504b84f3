"""What flows in obeys the standard or is set aside by name; what has not changed does not move."""

from __future__ import annotations

from contextlib import closing

import pytest
from django.db import connection

from matricula.connectors.kit.errors import GiveUp, SkipRow, TryAgain
from matricula.connectors.kit.protocol import Write
from matricula.connectors.oneroster_provider.models import SERVED, Shelf
from tests.api.consumers import AT, ROSTERING, WORLD, consumer, fill, put, served

pytestmark = pytest.mark.django_db


def write(table, *writes, **settings):
    with closing(served(**settings)) as connector:
        return connector.write(table, writes, at=AT)


def creation(row, key="k"):
    return Write(key, "create", None, row, frozenset(row), {"sourcedId": row["sourcedId"]})


def changed_at(table: str, one: str) -> str:
    return SERVED[table]._default_manager.get(sourcedId=one).dateLastModified


def test_a_reference_to_nothing_is_set_aside_by_its_name():
    fill(tables=["orgs"])

    (outcome,) = write(
        "orgs",
        creation(
            {
                "sourcedId": "x",
                "name": "X",
                "type": "school",
                "identifier": "1",
                "parentSourcedId": "nobody",
            }
        ),
    )
    (lost,) = write(
        "enrollments",
        creation(
            {
                "sourcedId": "e",
                "classSourcedId": "c",
                "userSourcedId": "u",
                "schoolSourcedId": "northfield",
                "role": "student",
            }
        ),
    )

    assert isinstance(outcome.error, SkipRow)
    assert "parentSourcedId" in outcome.error.message
    assert isinstance(lost.error, SkipRow)
    assert lost.error.code == "M456"


def test_a_batch_may_bring_both_ends_of_a_reference_in_any_order():
    below = {
        "sourcedId": "b",
        "name": "B",
        "type": "school",
        "identifier": "2",
        "parentSourcedId": "a",
    }
    above = {"sourcedId": "a", "name": "A", "type": "school", "identifier": "1"}

    outcomes = write("orgs", creation(below, "k1"), creation(above, "k2"))
    refused = write(
        "orgs",
        creation({**below, "sourcedId": "d", "parentSourcedId": "c"}, "k3"),
        creation({**above, "sourcedId": "c", "type": "wizardry"}, "k4"),
    )

    assert [one.error for one in outcomes] == [None, None]
    assert [type(one.error) for one in refused] == [SkipRow, SkipRow]
    assert consumer().ids("orgs") == ["b", "a"]


def test_what_is_still_named_waits_until_that_has_left():
    fill()

    (waits,) = write("classes", Write("k", "delete", "law101-a", {}))
    (user,) = write("users", Write("k", "delete", "S3", {}))
    put("enrollments", {"sourcedId": "S3-law101-a"}, kind="delete")
    (gone,) = write("users", Write("k", "delete", "S3", {}))

    assert isinstance(waits.error, TryAgain)
    assert isinstance(user.error, TryAgain)
    assert "enrollments.userSourcedId" in user.error.message
    # The role stands inside the user, and keeps nobody.
    assert gone.error is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("role", "pupil"),
        ("beginDate", "2026-02-30"),
        ("role", None),
        ("sourcedId", "a b"),
        ("beginDate", "line\nbreak"),
        ("primary", "yes"),
    ],
)
def test_a_value_that_the_standard_does_not_allow_is_set_aside_by_the_name_of_its_field(
    field, value
):
    fill()
    row = {**WORLD["enrollments"][0], "sourcedId": "new", field: value}

    (outcome,) = write("enrollments", creation(row))

    assert isinstance(outcome.error, SkipRow)
    assert field in outcome.error.message


def test_what_the_rest_binding_requires_is_required_and_what_the_bundle_alone_does_is_not():
    fill(tables=["orgs"])

    (lacking,) = write("courses", creation({"sourcedId": "c", "title": "C"}))
    (done,) = write(
        "users",
        creation({"sourcedId": "u", "givenName": "A", "familyName": "B", "enabledUser": True}),
    )

    assert "courseCode" in lacking.error.message
    assert done.error is None


def test_the_same_again_moves_nothing_and_a_change_moves_on():
    fill()
    before, revision = changed_at("orgs", "northfield"), Shelf.objects.get(table="orgs").revision

    put("orgs", WORLD["orgs"][0])
    put("orgs", WORLD["orgs"][0], kind="update")
    unmoved = changed_at("orgs", "northfield"), Shelf.objects.get(table="orgs").revision
    put("orgs", {**WORLD["orgs"][0], "name": "Northfield"}, kind="update")

    assert unmoved == (before, revision)
    assert changed_at("orgs", "northfield") > before
    assert changed_at("orgs", "law-school") == before


def test_every_change_is_later_than_the_one_before_even_when_the_clock_goes_back(monkeypatch):
    from datetime import UTC, datetime

    fill(tables=["orgs"])
    before = changed_at("orgs", "northfield")
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2020, 1, 1, tzinfo=UTC))

    put("orgs", {**WORLD["orgs"][0], "name": "A"}, kind="update")
    first = changed_at("orgs", "northfield")
    put("orgs", {**WORLD["orgs"][0], "name": "B"}, kind="update")

    assert before < first < changed_at("orgs", "northfield")


def test_what_stands_inside_a_record_moves_it():
    fill()
    user, course = changed_at("users", "S1"), changed_at("courses", "law101")

    put("roles", {"sourcedId": "S1-aide"}, kind="delete")
    put("courseResources", {"sourcedId": "law101-book"}, kind="delete")

    assert changed_at("users", "S1") > user
    assert changed_at("courses", "law101") > course
    told = consumer().get(f"{ROSTERING}/users/S1").json()["user"]
    assert [one["role"] for one in told["roles"]] == ["student"]


def test_fixed_tables_hold_what_the_charter_states_and_no_flow_writes_there():
    one = {"sourcedId": "o1", "name": "One", "type": "school", "identifier": "1"}
    two = {**one, "sourcedId": "o2", "name": "Two"}
    course = creation({"sourcedId": "c", "title": "C", "courseCode": "C", "orgSourcedId": "o1"})
    later = creation({"sourcedId": "d", "title": "D", "courseCode": "D"})

    write("courses", course, static={"orgs": [one, two]})
    write("courses", later, static={"orgs": [{**one, "name": "First"}]})

    rows = consumer().get(f"{ROSTERING}/orgs").json()["orgs"]
    assert [(o["name"], o["status"]) for o in rows] == [
        ("First", "active"),
        ("Two", "tobedeleted"),
    ]
    with pytest.raises(GiveUp, match="M607"):
        write("orgs", creation(two), static={"orgs": [one]})
    with pytest.raises(GiveUp, match="M604"):
        write("courses", later, static={"orgs": [{**one, "type": "wizardry"}]})


@pytest.mark.parametrize(
    "wrong",
    [
        {"static": {"wizards": []}},
        {"static": {"orgs": [{"name": "x"}]}},
        {"static": {"orgs": [{"sourcedId": "a", "wizard": "x"}]}},
        {"metadata": {"orgs": ["x"]}},
        {"static": {"userProfiles": [{"sourcedId": "a", "password": "x"}]}},
        {"url": "x"},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="validation error"):
        served(**wrong)


def test_a_page_takes_the_same_few_questions_however_long_it_is(django_assert_num_queries):
    fill()
    asking = consumer()
    put(
        "users",
        *(
            {"sourcedId": f"X{n}", "givenName": "A", "familyName": "B", "enabledUser": True}
            for n in range(60)
        ),
    )
    put(
        "roles",
        *(
            {
                "sourcedId": f"X{n}",
                "userSourcedId": f"X{n}",
                "roleType": "primary",
                "role": "student",
                "orgSourcedId": "northfield",
            }
            for n in range(60)
        ),
    )

    with django_assert_num_queries(6, connection=connection):
        short = asking.get(f"{ROSTERING}/users", limit=2).json()["users"]
    with django_assert_num_queries(6, connection=connection):
        long = asking.get(f"{ROSTERING}/users", limit=64).json()["users"]
    with django_assert_num_queries(3, connection=connection):
        asking.get(f"{ROSTERING}/enrollments", limit=64)

    assert (len(short), len(long)) == (2, 64)


def test_a_served_system_reads_back_what_flowed_in_and_says_how_much_that_is():
    fill()
    with closing(served()) as connector:
        with connector.read("enrollments") as reading:
            rows = [row for batch in reading.batches for row in batch.to_pylist()]
        health = connector.ping()

    wanted = {str(row["sourcedId"]) for row in WORLD["enrollments"]}
    assert {row["_id"] for row in rows} == wanted
    assert health.well
