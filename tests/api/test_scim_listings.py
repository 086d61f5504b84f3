"""Pages, orders, selections and versions mean what RFC 7644 says, and move under nobody."""

from __future__ import annotations

import json

import pytest

from matricula.connectors.kit.hostile import HOSTILE_TEXT
from tests.api.providers import (
    ENTERPRISE,
    ROOT,
    USERS,
    charter,
    fill,
    grant_all,
    membership,
    provider,
    put,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def ids(tmp_path, settings):
    settings.CHARTER = grant_all(tmp_path / "charter")
    return fill()


@pytest.fixture
def many(tmp_path, settings):
    settings.CHARTER = charter(tmp_path / "charter", idp_users=("externalId", "userName", "title"))
    done = put("users", *({"externalId": f"{n:03d}", "userName": f"u{n:03d}", "title": f"t{n % 7}"}
                          for n in range(130)))  # fmt: skip
    return [str(one.external_id) for one in done]


def walk(asking, **query) -> list[str]:
    """Follow the cursors from page to page."""
    found, cursor = [], ""
    while cursor is not None:
        told = asking.get("/Users", cursor=cursor, **query).json()
        found += [one["externalId"] for one in told["Resources"]]
        cursor = told.get("nextCursor")
    return found


def test_a_listing_is_whole_page_by_page_and_says_how_many_there_are(many):
    asking = provider()

    first = asking.get("/Users").json()
    second = asking.get("/Users", startIndex=101, count=50).json()

    assert (first["totalResults"], first["startIndex"], first["itemsPerPage"]) == (130, 1, 100)
    assert (second["totalResults"], second["startIndex"], second["itemsPerPage"]) == (130, 101, 30)
    told = [one["externalId"] for one in (*first["Resources"], *second["Resources"])]
    assert told == [f"{n:03d}" for n in range(130)]
    assert walk(asking, count=17) == told
    assert walk(asking, count=17, filter='title ne "t3"') == [
        f"{n:03d}" for n in range(130) if n % 7 != 3
    ]


def test_numbers_beyond_what_there_is_are_made_to_fit_and_others_are_refused(many):
    asking = provider()

    assert asking.get("/Users", startIndex=-5, count=1).json()["startIndex"] == 1
    assert asking.found(startIndex=200) == []
    assert asking.found(startIndex=10**14, filter="userName pr") == []
    assert len(asking.found(count=10**9)) == 130
    for count in (0, -3):
        told = asking.get("/Users", count=count, filter='title eq "t1"').json()
        assert (told["totalResults"], told["Resources"]) == (19, [])
    for query in ({"count": "x"}, {"startIndex": "1.5"}, {"count": "٣"}, {"count": "9" * 40}):
        answer = asking.get("/Users", **query)
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")


def test_a_walk_by_cursor_misses_nobody_when_records_go_while_it_lasts(many):
    asking = provider()
    first = asking.get("/Users", cursor="", count=50).json()

    put("users", *({} for _ in range(20)), kind="delete", ids=many[10:30])
    put("users", {"externalId": "late", "userName": "late"})
    rest, cursor = [], first["nextCursor"]
    while cursor:
        told = asking.get("/Users", cursor=cursor, count=50).json()
        rest += [one["externalId"] for one in told["Resources"]]
        cursor = told.get("nextCursor")

    assert rest == [*(f"{n:03d}" for n in range(50, 130)), "late"]
    for query in ({"cursor": "x"}, {"cursor": "1", "sortBy": "title"},
                  {"cursor": "", "startIndex": 1}, {"cursor": "9" * 30}):  # fmt: skip
        answer = asking.get("/Users", **query)
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidCursor")


def test_an_order_takes_capitals_for_small_letters_and_puts_what_has_no_value_last(ids):
    asking = provider()

    assert asking.found(sortBy="userName") == ["S1", "S2", "s3", "T1"]
    assert asking.found(sortBy="userName", sortOrder="descending") == ["T1", "s3", "S2", "S1"]
    assert asking.found(sortBy="displayName") == ["S1", "S2", "s3", "T1"]
    assert asking.found(sortBy="displayName", sortOrder="descending") == ["T1", "s3", "S2", "S1"]
    assert asking.found(sortBy="externalId") == ["S1", "S2", "T1", "s3"]
    # Of several the primary one counts, and else the first.
    assert asking.found(sortBy="emails") == ["S1", "S2", "s3", "T1"]
    assert asking.found(sortBy=f"{ENTERPRISE}:department", count=2) == ["S1", "S2"]
    assert asking.found(sortBy="meta.lastModified", startIndex=2, count=2) == ["S2", "s3"]
    assert set(asking.found(sortBy="id")) == {"S1", "S2", "s3", "T1"}
    for query in ({"sortBy": "wizard"}, {"sortBy": "name"}, {"sortBy": "meta.version"},
                  {"sortOrder": "up"}):  # fmt: skip
        answer = asking.get("/Users", **query)
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")


def keys(record: dict) -> set[str]:
    """The attributes of a record, but for the two that are always there."""
    return set(record) - {"schemas", "id"}


def test_a_selection_gives_these_attributes_and_no_others(ids):
    asking, one = provider(), f"/Users/{ids['S1']}"

    some = asking.get(one, attributes="userName,emails.value,wizard").json()
    parts = asking.get(one, attributes=f"{ENTERPRISE}:department, meta.location,NAME").json()
    less = asking.get(one, excludedAttributes=f"emails,name,meta,{ENTERPRISE}").json()
    core = asking.get(one, attributes="urn:ietf:params:scim:schemas:core:2.0:User:active").json()
    never = asking.get(one, excludedAttributes="id,schemas").json()

    assert keys(some) == {"userName", "emails"}
    assert some["emails"] == [
        {"value": "amara@northfield.example"}, {"value": "a.ngo@home.example"},
    ]  # fmt: skip
    assert keys(parts) == {ENTERPRISE, "meta", "name"}
    assert parts[ENTERPRISE] == {"department": "Law"}
    assert set(parts["meta"]) == {"location"}
    assert parts["schemas"][1:] == [ENTERPRISE]
    assert keys(less) == {"externalId", "userName", "displayName", "active", "roles", "addresses"}
    assert less["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:User"]
    assert keys(core) == {"active"}
    assert {"id", "schemas"} <= set(never)
    both = asking.get(one, attributes="userName", excludedAttributes="name")
    assert (both.status_code, both.json()["scimType"]) == (400, "invalidValue")
    for answer in (asking.get("/Groups", excludedAttributes="members"),
                   asking.get("/Groups", attributes="displayName")):  # fmt: skip
        assert all("members" not in group for group in answer.json()["Resources"])
    only = asking.get("/Groups", attributes="members.value").json()["Resources"]
    assert {tuple(member) for group in only for member in group["members"]} == {("value",)}


def test_a_search_request_is_the_listing_asked_by_post(ids):
    asking = provider()

    told = asking.search(
        filter='emails[type eq "work"]', attributes=["externalId"], sortBy="userName",
        sortOrder="descending", startIndex=1, count=10, excludedAttributes=None,
    ).json()  # fmt: skip

    assert [one["externalId"] for one in told["Resources"]] == ["S2", "S1"]
    assert [keys(one) for one in told["Resources"]] == [{"externalId"}] * 2
    assert asking.search("/Groups", count=1, cursor="").json()["nextCursor"]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'{"schemas": []}', b"[" * 60_000, b'"' + b"a" * 70_000 + b'"',
     b'{"schemas": 5}', b'{"schemas": true}',
     {"filter": "userName pr"}, {"attributes": "userName"}, {"attributes": [1]}, {"filter": 1},
     {"sortBy": {}}, b"\xff\xfe"],
    ids=lambda body: str(body)[:30],
)  # fmt: skip
def test_a_search_request_that_is_none_is_refused(ids, body):
    # The one that asks well lacks its schema alone.
    if isinstance(body, dict) and body != {"filter": "userName pr"}:
        body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], **body}

    answer = provider().ask("POST", "/Users/.search", body)

    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidSyntax")


def test_half_a_sign_in_a_search_is_refused_and_no_fault(ids):
    body = json.dumps({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                       "filter": 'userName eq "\ud800"'}).encode()  # fmt: skip

    answer = provider().ask("POST", "/Users/.search", body)

    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")


def test_a_version_moves_with_the_record_and_with_what_is_granted(ids, tmp_path, settings):
    asking, one = provider(), f"/Users/{ids['S1']}"
    before = asking.get(one)
    header = {"HTTP_AUTHORIZATION": f"Bearer {asking.token}"}

    assert before["ETag"] == before.json()["meta"]["version"]
    assert (
        before["Location"] == before.json()["meta"]["location"] == f"http://testserver{ROOT}{one}"
    )
    unchanged = _if_not(one, before["ETag"], header)
    assert (unchanged.status_code, unchanged.content) == (304, b"")

    put("users", {**USERS[0], "displayName": "Amara"}, kind="update", ids=[ids["S1"]])
    after = _if_not(one, before["ETag"], header)
    assert (after.status_code, after.json()["displayName"]) == (200, "Amara")
    assert after.json()["meta"]["created"] == before.json()["meta"]["created"]
    assert after.json()["meta"]["lastModified"] > before.json()["meta"]["lastModified"]

    settings.CHARTER = charter(tmp_path / "less", idp_users=("externalId", "userName"))
    less = _if_not(one, after["ETag"], header)
    assert (less.status_code, "displayName" in less.json()) == (200, False)


def _if_not(path: str, version: str, header: dict[str, str]):
    from django.test import Client

    return Client().get(f"{ROOT}{path}", HTTP_IF_NONE_MATCH=f'W/"x", {version}', **header)


def test_the_same_again_moves_nothing(ids):
    asking, one = provider(), f"/Users/{ids['S1']}"
    before = asking.get(one)["ETag"], asking.get(f"/Groups/{ids['LAW1']}")["ETag"]

    put("users", USERS[0], kind="update", ids=[ids["S1"]])
    put("users", USERS[0])
    put("memberships", {"group": ids["LAW1"], "user": ids["S1"]})

    assert (asking.get(one)["ETag"], asking.get(f"/Groups/{ids['LAW1']}")["ETag"]) == before


def test_whoever_goes_is_gone_from_every_group_at_once(ids):
    asking, law, cells = provider(), f"/Groups/{ids['LAW1']}", f"/Groups/{ids['BIO1']}"
    before = asking.get(law).json()["meta"], asking.get(cells).json()["meta"]

    put("users", {}, kind="delete", ids=[ids["S2"]])
    put("memberships", {}, kind="delete", ids=[membership(ids, "LAW1", "S2")])

    assert asking.get(f"/Users/{ids['S2']}").status_code == 404
    told = asking.get(law).json()
    assert [one["value"] for one in told["members"]] == [ids["S1"]]
    assert told["meta"]["version"] != before[0]["version"]
    assert asking.get(cells).json()["meta"] == before[1]
    assert asking.get("/Users").json()["totalResults"] == 3


def test_who_is_kept_out_is_served_as_inactive(ids):
    put("users", {}, kind="suspend", ids=[ids["S1"]])

    assert provider().get(f"/Users/{ids['S1']}").json()["active"] is False


def test_a_page_takes_the_same_few_questions_however_long_it_is(
    ids, django_assert_num_queries, many_more
):
    asking = provider()

    for count in (2, 60):
        with django_assert_num_queries(5):
            told = asking.get("/Groups", count=count, filter="displayName pr").json()
        assert len(told["Resources"]) == min(count, 62)


@pytest.fixture
def many_more(ids):
    put("groups", *({"externalId": f"g{n}", "displayName": f"G {n}"} for n in range(60)))


def test_any_text_is_served_as_it_flowed_in_and_found_by_itself(tmp_path, settings):
    settings.CHARTER = charter(tmp_path / "c", idp_users=("externalId", "userName", "displayName"))
    texts = [text for text in HOSTILE_TEXT if "\0" not in text]
    put("users", *({"externalId": str(n), "userName": f"u{n}", "displayName": text}
                   for n, text in enumerate(texts)))  # fmt: skip
    asking = provider()

    told = asking.get("/Users", count=200).json()["Resources"]

    assert [one["displayName"] for one in told] == texts
    for n, text in enumerate(texts):
        if len(text) < 1_000:
            for operator in ("eq", "sw"):
                found = asking.found(filter=f"displayName {operator} {json.dumps(text)}")
                assert str(n) in found, (operator, text)
