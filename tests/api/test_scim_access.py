"""Nobody reads anything over SCIM without a token that counts, and nobody writes at all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from matricula.api.models import Token
from matricula.connectors.scim_provider import queries
from tests.api.consumers import consumer
from tests.api.providers import (
    ENTERPRISE,
    ROOT,
    USERS,
    Provider,
    charter,
    fill,
    grant_all,
    provider,
    put,
)

pytestmark = pytest.mark.django_db
ADDRESSES = [
    "/Users", "/Groups", "/Users/x", "/Groups/x", "/Schemas", "/ResourceTypes", "/Schemas/x",
    "/Me", "/Bulk", "/.search", "", "/", "/wizards", "/Users/x/y",
]  # fmt: skip


@pytest.fixture
def ids(tmp_path, settings):
    settings.CHARTER = grant_all(tmp_path / "charter")
    return fill()


def test_nothing_but_what_describes_the_server_is_told_without_a_token(ids):
    asking = provider()
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    for who in (Provider(""), Provider("guessed"), asking):
        for path in ADDRESSES:
            answer = who.get(path)
            assert answer.status_code == 401, path
            assert answer["WWW-Authenticate"].startswith("Bearer")
            assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
        for path in ("/Users/.search", "/Groups/.search"):
            assert who.ask("POST", path, {}).status_code == 401
        assert who.get("/ServiceProviderConfig").status_code == 200


def test_users_and_groups_have_a_scope_each_and_other_scopes_open_neither(ids):
    people, classes = provider("a", scopes=["scim-users"]), provider("b", scopes=["scim-groups"])
    roster = Provider(consumer("c", system="idp", scopes=["roster"]).token)

    assert (people.get("/Users").status_code, people.get("/Groups").status_code) == (200, 403)
    assert (classes.get("/Groups").status_code, classes.get("/Users").status_code) == (200, 403)
    assert people.search("/Groups").status_code == 403
    for path in ADDRESSES:
        assert roster.get(path).status_code == 403, path
    wide = Client().get(
        "/ims/oneroster/rostering/v1p2/users", HTTP_AUTHORIZATION=f"Bearer {people.token}"
    )
    assert wide.status_code == 403


def test_a_client_sees_the_system_it_was_let_in_to_and_no_other(tmp_path, settings):
    settings.CHARTER = charter(
        tmp_path / "c",
        idp_users=("externalId", "userName"),
        other_users=("externalId", "userName"),
    )
    put("users", {"externalId": "here", "userName": "a"})
    (there,) = put("users", {"externalId": "there", "userName": "a"}, system="other")
    asking = provider()

    assert asking.found() == ["here"]
    assert asking.found(filter='userName eq "a"') == ["here"]
    assert asking.get(f"/Users/{there.external_id}").status_code == 404
    assert asking.get("/Users", filter=f'id eq "{there.external_id}"').json()["totalResults"] == 0


def test_what_the_charter_does_not_grant_now_is_not_served_whatever_still_lies_there(
    tmp_path, settings
):
    folder = grant_all(tmp_path / "charter")
    settings.CHARTER = folder
    ids, asking = fill(), provider()
    one = f"/Users/{ids['S1']}"
    assert "department" in asking.get(one).json()[ENTERPRISE]

    charter(
        folder, idp_users=("externalId", "userName", "emails[work]"), idp_groups=("displayName",)
    )

    told = asking.get(one).json()
    assert set(told) == {"schemas", "id", "externalId", "userName", "active", "emails", "meta"}
    assert told["emails"] == [{"value": "amara@northfield.example", "type": "work"}]
    assert told["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:User"]
    group = asking.get(f"/Groups/{ids['LAW1']}").json()
    assert set(group) == {"schemas", "id", "displayName", "meta"}
    assert asking.get("/Groups", filter="members pr").status_code == 400
    for text in ("emails.type", "emails.primary"):
        told = asking.get("/Users", filter=f"{text} pr")
        assert told.status_code == (200 if text == "emails.type" else 400)
    names = {one["id"] for one in asking.get("/Schemas").json()["Resources"]}
    assert ENTERPRISE not in names


def test_a_page_is_no_larger_than_the_charter_says(tmp_path, settings):
    settings.CHARTER = folder = grant_all(tmp_path / "charter")
    fill()
    text = (folder / "charter.yaml").read_text(encoding="utf-8")
    told = "idp: {connector: scim_provider, steward: it, settings: {largest_page: 3}}"
    (folder / "charter.yaml").write_text(
        text.replace("idp: {connector: scim_provider, steward: it}", told), encoding="utf-8"
    )

    page = provider().get("/Users", count=100).json()

    assert (page["totalResults"], page["itemsPerPage"], len(page["Resources"])) == (4, 3, 3)


def test_without_a_charter_nobody_is_told_anything_and_one_half_edited_leaves_the_last(
    ids, tmp_path, settings
):
    asking, folder = provider(), settings.CHARTER
    assert asking.get("/Users").status_code == 200

    (folder / "charter.yaml").write_text("flows: [", encoding="utf-8")
    assert asking.get("/Users").json()["totalResults"] == 4
    settings.CHARTER = tmp_path / "nowhere"
    answer = asking.get("/Users")

    assert (answer.status_code, "M764" in answer.json()["detail"]) == (503, True)
    assert b"nowhere" not in answer.content


@pytest.mark.parametrize("system", ["empty", "roster", "nowhere", "sis"])
def test_a_system_to_which_no_flow_goes_is_served_nothing(ids, system):
    asking = provider(system=system)

    for path in ("/Users", "/Groups", "/Users/x", "/Schemas", "/ResourceTypes"):
        answer = asking.get(path)
        assert (answer.status_code, "M760" in answer.json()["detail"]) == (403, True), path


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_no_write_is_accepted_and_the_refusal_names_the_owner(ids, method):
    asking = provider()
    before = asking.get("/Users").content

    for path, owner in ((f"/Users/{ids['S1']}", "sis.students"), ("/Users", "sis.students"),
                        (f"/Groups/{ids['LAW1']}", "sis.sections")):  # fmt: skip
        answer = asking.ask(method, path, {"userName": "mallory", "displayName": "x"})
        assert answer.status_code == (501 if method == "PATCH" else 405), path
        assert f"{owner} (Registrar's Office)" in answer.json()["detail"]
        assert method == "PATCH" or answer["Allow"] == "GET, HEAD"
    assert asking.get("/Users").content == before


def test_what_is_not_offered_or_not_there_says_so(ids):
    asking = provider()

    for path in ("/Me", "/Bulk", "/.search", "/"):
        assert asking.ask("POST", path, {}).status_code == 501, path
    for path in ("/wizards", f"/Users/{ids['LAW1']}", "/Users/none", "/Users/a%00b",
                 "/Schemas/none", "/ResourceTypes/Wizard", "/Users/.search"):  # fmt: skip
        answer = asking.get(path)
        assert (answer.status_code, answer.json()["status"]) == (404, "404"), path


def test_descriptions_take_no_filter_and_no_change(ids):
    asking = provider()

    for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig"):
        assert asking.get(path, filter='id eq "x"').status_code == 403
        assert asking.ask("POST", path, {}).status_code == 405


def test_a_head_has_the_headers_of_its_get_and_no_body(ids):
    asking, path = provider(), f"/Users/{ids['S1']}"

    head, got = asking.ask("HEAD", path), asking.get(path)

    assert (head["ETag"], head["Content-Length"]) == (got["ETag"], str(len(got.content)))
    assert head.content == b""
    assert got["Content-Type"] == "application/scim+json"
    assert got["Cache-Control"] == "no-store"


def test_what_nobody_foresaw_and_a_busy_database_are_told_in_the_words_of_the_standard(
    ids, monkeypatch
):
    asking = provider()

    def fails(*_: object) -> None:
        message = "Amara was not foreseen"
        raise RuntimeError(message)

    def away(*_: object) -> None:
        raise OperationalError

    monkeypatch.setattr(queries, "page", fails)
    broken = asking.get("/Users")
    monkeypatch.setattr(queries, "page", away)
    busy = asking.get("/Users")

    assert (broken.status_code, broken.json()["status"]) == (500, "500")
    assert b"Amara" not in broken.content
    assert (busy.status_code, busy["Retry-After"]) == (503, "5")


def test_references_begin_with_the_address_that_is_set(ids, settings):
    settings.API_URL = "https://roster.northfield.example"
    settings.ALLOWED_HOSTS = ["roster.northfield.example"]
    header = {"HTTP_AUTHORIZATION": f"Bearer {provider().token}"}

    strange = Client().get(f"{ROOT}/Users", HTTP_HOST="evil.example", **header)
    told = Client().get(f"{ROOT}/Groups", HTTP_HOST="roster.northfield.example", **header).json()

    group = told["Resources"][0]
    start = "https://roster.northfield.example/scim/v2/"
    assert group["meta"]["location"].startswith(f"{start}Groups/")
    assert group["members"][0]["$ref"].startswith(f"{start}Users/")
    assert strange.status_code == 400
    assert b"evil" not in strange.content


def test_the_value_of_nobody_stands_in_a_refusal(ids):
    asking = provider()

    for query in (
        {"filter": 'password eq "hunter2"'},
        {"filter": 'userName eq "hunter2" and'},
        {"filter": 'meta.created gt "hunter2"'},
        {"filter": 'active eq "hunter2"'},
    ):
        answer = asking.get("/Users", **query)
        assert answer.status_code == 400
        assert b"hunter2" not in answer.content
    assert USERS[0]["userName"] not in asking.get("/Users/Amara").json()["detail"]
