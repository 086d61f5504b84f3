"""A provider's roster is read whole or not at all, whatever it makes of the standard."""

from __future__ import annotations

import pytest

from matricula.connectors.kit.errors import GiveUp, Stop, TryAgain, Untrusted
from matricula.connectors.oneroster.settings import OneRosterSettings
from matricula.connectors.oneroster.simulator import provider
from tests.connectors.oneroster.rosters import connected, read, role, sent, user

pytestmark = pytest.mark.any_database


def test_a_listing_is_followed_page_by_page_at_the_providers_own_pace():
    with provider() as running, connected(running, page_size=10) as connector:
        running.records["users"] = [user(n) for n in range(37)]
        running.largest_page = 7

        rows, odd = read(connector, "users")

    assert [row["_id"] for row in rows] == [f"S{n:04d}" for n in range(37)]
    assert odd == []
    assert len(running.tokens) == 1


def test_without_a_total_it_is_read_to_the_last_record_and_said():
    with provider() as running, connected(running, page_size=1000) as connector:
        running.records["users"] = [user(n) for n in range(120)]
        running.largest_page, running.states_total = 50, False

        rows, odd = read(connector, "users")

    assert len(rows) == 120
    assert any("X-Total-Count" in one for one in odd)


def test_a_provider_that_ignores_the_offset_is_not_believed():
    with provider() as running, connected(running, page_size=10) as connector:
        running.records["users"] = [user(n) for n in range(25)]
        running.heeds_offset = False

        with pytest.raises(Untrusted, match="M440"):
            read(connector, "users")


def test_a_listing_that_stops_before_its_total_is_cut():
    with provider() as running, connected(running, page_size=10) as connector:
        running.records["users"] = [user(n) for n in range(25)]
        running.claims = 26

        with pytest.raises(Untrusted, match="M430"):
            read(connector, "users")


def test_a_record_that_leaves_while_it_is_read_makes_it_be_read_again():
    with provider() as running, connected(running, page_size=10) as connector:
        running.records["users"] = [user(n) for n in range(25)]
        left = []

        def leaves(_: str) -> None:
            if len(running.asked) == 2 and not left:
                left.append(running.records["users"].pop(3))

        running.between = leaves
        rows, _ = read(connector, "users")

    assert left
    assert len(rows) == 24
    assert "S0003" not in {row["_id"] for row in rows}


def test_a_listing_that_never_holds_still_is_not_believed():
    with provider() as running, connected(running, page_size=10) as connector:
        running.records["users"] = [user(n) for n in range(500)]
        running.between = lambda _: running.records["users"].pop(0)

        with pytest.raises(Untrusted, match="M440"):
            read(connector, "users")


def test_an_empty_listing_is_left_to_the_engine_which_takes_it_for_a_fault():
    with (
        provider() as running,
        connected(running) as connector,
        connector.read("users") as reading,
    ):
        assert sum(batch.num_rows for batch in reading.batches) == 0
        assert not reading.may_be_empty


def test_who_is_marked_as_gone_is_left_out_and_counted():
    with provider() as running, connected(running) as connector:
        running.records["users"] = [user(1), user(2, status="tobedeleted")]

        rows, odd = read(connector, "users")

    assert [row["_id"] for row in rows] == ["S0001"]
    assert any("1 records are marked tobedeleted" in one for one in odd)


def test_what_breaks_the_standard_is_read_as_it_stands_and_found():
    with provider() as running, connected(running) as connector:
        running.records["users"] = [
            user(1, enabledUser=False, username=4711, roles=[role()], grades="13"),
            user(2, enabledUser="no", sourcedId="S 2"),
        ]
        running.records["enrollments"] = [
            sent(
                "enrollments",
                {
                    "sourcedId": 9,
                    "userSourcedId": "S0001",
                    "role": "Pupil",
                    "classSourcedId": "c",
                    "schoolSourcedId": "o",
                },
                user={"sourcedId": 17},
                school="northfield",
                primary=True,
            )
        ]

        users, odd = read(connector, "users")
        enrolments, more = read(connector, "enrollments")

    assert [(u["enabledUser"], u["_suspended"], u["username"], u["grades"]) for u in users] == [
        ("false", True, "4711", "13"),
        ("no", False, "s2", None),
    ]
    assert any("enabledUser" in one for one in odd)
    assert any("sourcedId" in one for one in odd)
    (row,) = enrolments
    assert (row["userSourcedId"], row["schoolSourcedId"], row["primary"]) == (
        "17",
        "northfield",
        "true",
    )
    assert any("enrollments.role" in one for one in more)
    assert "Ngô" not in str([*odd, *more])


def test_roles_are_rows_of_their_own_and_the_primary_one_stands_with_the_user():
    two = [role("law", "aide", "secondary"), role("northfield", "student")]
    with provider() as running, connected(running) as connector:
        running.records["users"] = [user(1, roles=two), user(2, roles=[])]

        roles, _ = read(connector, "roles")
        users, _ = read(connector, "users")

    assert [(r["userSourcedId"], r["role"], r["orgSourcedId"]) for r in roles] == [
        ("S0001", "student", "northfield"),
        ("S0001", "aide", "law"),
    ]
    assert [(u["role"], u["orgSourcedIds"]) for u in users] == [
        ("student", "northfield,law"),
        (None, None),
    ]


def test_version_1_1_is_read_with_its_own_words():
    old = user(1)
    del old["roles"]
    old |= {"role": "teacher", "orgs": [{"sourcedId": "a"}, {"sourcedId": "b"}]}
    with provider() as running:
        running.records["users"] = [old]
        running.records["lineItems"] = [
            sent(
                "lineItems",
                {
                    "sourcedId": "l",
                    "title": "Essay",
                    "assignDate": "2026-10-01",
                    "dueDate": "2026-10-31",
                },
                gradingPeriod={"sourcedId": "t1"},
            )
        ]
        with connected(running, version="1.1", gradebook_url=running.url) as connector:
            users, _ = read(connector, "users")
            roles, _ = read(connector, "roles")
            (item,), _ = read(connector, "lineItems")

    assert (users[0]["role"], users[0]["orgSourcedIds"]) == ("teacher", "a,b")
    assert [(r["role"], r["orgSourcedId"]) for r in roles] == [("teacher", "a"), ("teacher", "b")]
    assert (item["assignDate"], item["academicSessionSourcedId"]) == ("2026-10-01", "t1")


def test_demographics_and_extensions_are_read_when_the_charter_says_so():
    with provider() as running:
        running.records["demographics"] = [
            sent("demographics", {"sourcedId": "S1", "birthDate": "2004-02-29"})
        ]
        running.records["orgs"] = [
            sent(
                "orgs",
                {"sourcedId": "o", "name": "X", "type": "school", "identifier": "1"},
                metadata={"ncesId": 17},
            )
        ]
        with connected(running) as connector, pytest.raises(GiveUp, match="M602"):
            read(connector, "demographics")
        with connected(
            running, demographics=True, metadata={"orgs": ["metadata.ncesId"]}
        ) as connector:
            (born,), _ = read(connector, "demographics")
            (org,), _ = read(connector, "orgs")

    assert born["birthDate"] == "2004-02-29"
    assert org["metadata.ncesId"] == "17"


@pytest.mark.parametrize(
    "body",
    [
        {"user": []},
        {"users": {}},
        {"users": ["x"]},
        [],
        {"users": [{"sourcedId": ""}]},
        {"users": [{"a": 1}]},
    ],
)
def test_a_page_of_another_form_is_not_believed(body):
    with provider() as running, connected(running) as connector:
        running.instead = body

        with pytest.raises(Untrusted, match="M441"):
            read(connector, "users")


def test_a_scope_that_is_lacking_is_named_with_what_it_is_for():
    with provider() as running, connected(running) as connector:
        running.forbidden = {"enrollments"}

        health = connector.ping()
        with pytest.raises(Stop, match=r"roster-core\.readonly") as refused:
            connector.describe()

    assert not health.well
    assert "enrollments" in health.sentence
    assert running.client_secret not in str(refused.value) + health.sentence


def test_a_wrong_secret_is_told_without_it():
    with provider() as running, connected(running) as connector:
        running.client_secret = "another"

        health = connector.ping()
        with pytest.raises(Stop, match="M613"):
            read(connector, "users")

    assert not health.well
    assert "another" not in health.sentence


def test_a_token_that_ends_while_a_listing_is_read_is_fetched_anew():
    with provider() as running, connected(running, page_size=10) as connector:
        running.records["users"] = [user(n) for n in range(30)]
        running.between = lambda _: running.tokens.clear()

        rows, _ = read(connector, "users")

    assert len(rows) == 30


def test_what_is_not_offered_is_left_out_of_the_description():
    with provider() as running, connected(running) as connector:
        running.absent = {"courses"}

        assert "courses" not in {shape.name for shape in connector.describe()}
        assert "courses" in connector.ping().sentence
        with pytest.raises(GiveUp, match="M602"):
            read(connector, "courses")


def test_a_busy_provider_is_left_alone_for_as_long_as_it_asks():
    with provider() as running, connected(running) as connector:
        running.busy = 1

        with pytest.raises(TryAgain, match="M611") as refused:
            read(connector, "users")

    assert refused.value.after_seconds == 60


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://roster.example"},
        {"token": "env:T", "client_id": "x"},
        {"client_id": "x"},
        {"metadata": {"orgs": ["x"]}},
        {"url": "https://user@roster.example"},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="validation error"):
        OneRosterSettings.model_validate({"url": "https://roster.example", **wrong})
