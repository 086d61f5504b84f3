"""Nobody reads anything without a token that counts, for the right scope, of the right system."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from matricula.api import actions, queries
from matricula.api.models import Client as LetIn
from matricula.api.models import Token
from matricula.api.oneroster.operations import Operation, operations
from matricula.api.rules import SCOPES
from matricula.audit.models import Act
from matricula.connectors.kit.oneroster.json_text import path_of
from matricula.kernel.errors import Refused
from tests.api.consumers import ROSTERING, Consumer, consumer, fill, let_in, put

pytestmark = pytest.mark.django_db
FORM, GRANT = "application/x-www-form-urlencoded", "grant_type=client_credentials"
DOING = actions.Doing("olga", "a test", timezone.now())


def address(operation: Operation) -> str:
    return f"{path_of(operation.shape.service)}/" + re.sub(r"\{\w+\}", "S1", operation.path)


def minor(answer) -> str:
    told = answer.json()["imsx_CodeMinor"]["imsx_codeMinorField"][0]
    return told["imsx_codeMinorFieldValue"]


def ask(*, header: str = "", **form: str):
    """Ask for a token, with whatever the form says beside."""
    told = urlencode({"grant_type": "client_credentials", **form})
    more = {"HTTP_AUTHORIZATION": header} if header else {}
    return Client().post("/oauth/token", told, content_type=FORM, **more)


def test_no_operation_answers_without_a_token():
    fill()

    for operation in operations():
        answer = Consumer("").get(address(operation))

        assert (answer.status_code, minor(answer)) == (401, "unauthorisedrequest"), operation.name
        assert answer["WWW-Authenticate"].startswith("Bearer")


def test_no_operation_answers_to_a_token_that_has_expired():
    fill()
    asking = consumer()
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    for operation in operations():
        assert asking.get(address(operation)).status_code == 401, operation.name


def test_no_operation_answers_to_another_scope():
    fill()
    by_scope = {word: consumer(word, scopes=[word]) for word in SCOPES}

    for operation in operations():
        for word, asking in by_scope.items():
            answer = asking.get(address(operation))
            if SCOPES[word] in operation.scopes:
                assert answer.status_code in {200, 404}, operation.name
            else:
                assert (answer.status_code, minor(answer)) == (403, "forbidden"), operation.name


def test_an_unknown_address_is_told_to_nobody_without_a_token():
    asking = consumer()

    assert Consumer("").get(f"{ROSTERING}/wizards").status_code == 401
    for path in ("wizards", "users/a\nb", "wiz\nards", "users/a\n"):
        assert minor(asking.get(f"{ROSTERING}/{path}")) == "unknownobject"


def test_a_client_sees_the_system_it_was_let_in_to_and_no_other():
    fill("vle")
    put("orgs", {"sourcedId": "only-here", "name": "X", "type": "school", "identifier": "1"},
        system="library")  # fmt: skip
    vle, library = consumer("moodle", "vle"), consumer("koha", "library")

    assert vle.ids("orgs") == ["northfield", "law-school"]
    assert library.ids("orgs") == ["only-here"]
    assert library.ids("users") == []
    assert library.get(f"{ROSTERING}/users/S1").status_code == 404
    assert consumer("new", "nothing-yet").ids("users") == []


def test_what_is_served_is_read_only():
    fill()
    asking = consumer()

    for method in ("put", "post", "delete", "patch"):
        answer = getattr(Client(), method)(
            f"{ROSTERING}/users/S1", HTTP_AUTHORIZATION=f"Bearer {asking.token}"
        )
        assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
        assert answer.json()["imsx_codeMajor"] == "unsupported"
    changed = Client().post(
        "/ims/oneroster/gradebook/v1p2/results/S1-essay",
        HTTP_AUTHORIZATION=f"Bearer {asking.token}",
    )
    assert (changed.status_code, changed["Allow"]) == (405, "GET, HEAD, PUT, DELETE")


def test_a_token_is_had_by_basic_or_by_form_and_narrowed_to_the_scopes_asked_for():
    secret = let_in(scopes=["roster", "gradebook"])
    pair = base64.b64encode(f"moodle:{secret}".encode()).decode()

    form = ask(client_id="moodle", client_secret=secret)
    basic = ask(scope=f"{SCOPES['roster']} {SCOPES['resource']}", header=f"Basic {pair}")

    assert form.json()["scope"].split() == [SCOPES["gradebook"], SCOPES["roster"]]
    assert basic.json()["scope"] == SCOPES["roster"]
    assert basic.json()["expires_in"] == 3600
    assert basic["Cache-Control"] == "no-store"
    fetched = Consumer(basic.json()["access_token"])
    assert fetched.get(f"{ROSTERING}/users").status_code == 200
    assert fetched.get("/ims/oneroster/gradebook/v1p2/results").status_code == 403


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_id": "moodle", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody", "client_secret": ""}, 401, "invalid_client"),
        ({}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
    ],
)
def test_a_token_is_refused_in_the_words_of_oauth(form, status, error):
    let_in()

    answer = ask(**form)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert Token.objects.count() == 0


def test_a_scope_that_was_not_granted_is_no_token():
    secret = let_in(scopes=["roster-core"])

    answer = ask(client_id="moodle", client_secret=secret, scope=SCOPES["roster-demographics"])

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_a_garbled_header_is_a_wrong_secret_and_nothing_worse():
    for header in ("Basic !!!", "Basic /w==", "Basic", "Digest x"):
        assert ask(header=header).status_code == 401


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/x-www-form-urlencoded; charset=base64", "client_id=a", 400),
        (
            f"{FORM}; charset=unicode_escape",
            r"grant_type=client_credentials&client_id=\ud800",
            401,
        ),
        ("multipart/form-data; boundary=x", "--x--", 400),
        ("application/json", "{}", 400),
        (FORM, "a=1&" * 5_000, 400),
    ],
)
def test_whatever_a_stranger_posts_is_refused_and_no_fault(kind, body, status):
    answer = Client().generic("POST", "/oauth/token", body.encode(), content_type=kind)

    assert answer.status_code == status


def test_a_new_secret_and_shutting_out_end_what_was_handed_out():
    fill()
    first, second = consumer("moodle"), consumer("canvas")

    renewed = actions.renew(DOING, "moodle")
    actions.shut_out(DOING, "canvas")

    assert first.get(f"{ROSTERING}/users").status_code == 401
    assert second.get(f"{ROSTERING}/users").status_code == 401
    assert actions.issue("moodle", renewed, scopes=[], at=timezone.now()).token
    with pytest.raises(Refused, match="M750"):
        actions.issue("canvas", "any", scopes=[], at=timezone.now())


def test_no_secret_is_kept_and_what_was_done_is_in_the_audit():
    secret = let_in()
    token = actions.issue("moodle", secret, scopes=[], at=timezone.now()).token

    kept = [*LetIn.objects.values_list(), *Token.objects.values_list()]

    assert secret not in str(kept)
    assert token not in str(kept)
    acts = str(list(Act.objects.values_list()))
    assert "let client in" in acts
    assert secret not in acts
    assert [row[:2] for row in queries.clients()] == [("moodle", "vle")]
    with pytest.raises(Refused, match="M759"):
        let_in()


def test_the_discovery_files_are_there_under_both_names_for_anybody():
    for service, name in (("rostering", "rosters"), ("gradebook", "gradebook"),
                          ("resources", "resources")):  # fmt: skip
        base = f"/ims/oneroster/{service}/v1p2/discovery"
        first = Client().get(f"{base}/onerosterv1p2{name}service_openapi3_v1p0.json").json()
        second = Client().get(f"{base}/imsorv1p2_{service}_openapi3_v1p0.json").json()

        assert first == second
        flow = first["components"]["securitySchemes"]["OAuth2CC"]["flows"]["clientCredentials"]
        assert flow["tokenUrl"] == "http://testserver/oauth/token"
        assert first["servers"][0]["url"].endswith(f"/ims/oneroster/{service}/v1p2")
        used = {s for p in first["paths"].values() for method in p.values()
                for one in method["security"] for s in one["OAuth2CC"]}  # fmt: skip
        assert used == set(flow["scopes"])


def test_references_begin_with_the_address_that_is_set_and_other_hosts_are_refused(settings):
    fill()
    asking = consumer()
    settings.API_URL = "https://roster.northfield.example"
    settings.ALLOWED_HOSTS = ["roster.northfield.example"]
    token = f"Bearer {asking.token}"

    strange = Client().get(
        f"{ROSTERING}/orgs/law-school", HTTP_AUTHORIZATION=token, HTTP_HOST="evil.example"
    )
    told = Client().get(f"{ROSTERING}/orgs/law-school", HTTP_AUTHORIZATION=token,
                        HTTP_HOST="roster.northfield.example").json()  # fmt: skip

    assert told["org"]["parent"]["href"] == (
        "https://roster.northfield.example/ims/oneroster/rostering/v1p2/orgs/northfield"
    )
    assert strange.status_code == 400
    assert b"evil" not in strange.content
