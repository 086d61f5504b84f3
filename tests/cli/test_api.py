"""Clients are let in by commands: to a system that is served, by an operator, secret told once."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from matricula.api import actions
from matricula.kernel.errors import SettingMissing
from matricula.site.address import served_at

pytestmark = pytest.mark.django_db
ROSTER = """
systems:
  roster: {connector: oneroster_provider, steward: it, settings: {}}
  idp: {connector: scim_provider, steward: it}
"""
LET_IN = ("api", "let-in", "moodle", "--system", "roster", "--scope", "roster-core", "--why", "x")


@pytest.fixture
def served(world):
    (world.folder / "charter" / "roster.yaml").write_text(ROSTER, encoding="utf-8")
    return world


def secret_in(text: str) -> str:
    return re.search(r"client_secret +(\S+)", text)[1]


def test_a_client_is_let_in_renewed_and_shut_out(served):
    said = served.run(*LET_IN)
    first = secret_in(said.out)
    assert actions.issue("moodle", first, scopes=[], at=timezone.now()).token

    second = secret_in(served.run("api", "renew", "moodle", "--why", "lost").out)
    (listed,) = served.run("api", "clients", "--json").json
    gone = served.run("api", "shut-out", "moodle", "--why", "replaced")

    assert first != second
    assert (listed["client"], listed["system"], listed["scopes"]) == (
        "moodle",
        "roster",
        "roster-core",
    )
    assert first not in str(listed)
    assert gone.code == 0
    assert served.run("api", "clients", "--json").json[0]["shut out"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--system", "lms", "--scope", "roster"), "M759"),
        (("--system", "nowhere", "--scope", "roster"), "M759"),
        (("--system", "roster", "--scope", "everything"), "M752"),
        (("--system", "roster", "--scope", "scim-users"), "M752"),
        (("--system", "idp", "--scope", "roster"), "M752"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(served, words, code):
    said = served.run("api", "let-in", "moodle", *words, "--why", "x")

    assert said.code == 1
    assert code in said.err
    assert served.run("api", "renew", "moodle", "--why", "x").code == 1


def test_an_identity_provider_is_let_in_by_the_scopes_of_scim(served):
    said = served.run(
        "api", "let-in", "keycloak", "--system", "idp", "--scope", "scim-users", "--scope",
        "scim-groups", "--why", "x",
    )  # fmt: skip

    issued = actions.issue("keycloak", secret_in(said.out), scopes=[], at=timezone.now())

    assert set(issued.scopes) == {"scim-users", "scim-groups"}


def test_once_there_are_accounts_only_an_operator_lets_anybody_in(served, monkeypatch):
    monkeypatch.setenv("MATRICULA_ACTOR", "olga")
    assert served.run("accounts", "found", "olga").code == 0
    assert served.run(*LET_IN).code == 0

    monkeypatch.setenv("MATRICULA_ACTOR", "mallory")
    refused = served.run("api", "renew", "moodle", "--why", "x")

    assert refused.code == 1
    assert "client_secret" not in refused.out


def test_nothing_is_answered_where_other_machines_reach(served):
    said = served.run("api", "serve", "--at", "0.0.0.0:8440")

    assert said.code == 1
    assert "M759" in said.err


@pytest.mark.parametrize(
    "url",
    [
        "http://roster.example",
        "https://",
        "https://roster.example/path",
        "ftp://x",
        "https://user@roster.example",
        "https://[",
        "https://roster.example?x=1",
    ],
)
def test_an_address_that_would_not_do_is_refused_at_the_start(url: str):
    with pytest.raises(SettingMissing, match="M759"):
        served_at(url)


@pytest.mark.parametrize("url", ["", "https://roster.example", "http://127.0.0.1:8440/"])
def test_an_address_that_does_is_taken_without_its_last_slash(url: str):
    assert served_at(url) == url.rstrip("/")
