"""Others read what we serve unmodified: another implementation's client, and our own connector."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import ResponseParameters, SCIMException, SearchRequest

from matricula.connectors.kit.protocol import Context
from matricula.connectors.scim.connector import ScimConnector
from tests.api.providers import (
    ENTERPRISE,
    GROUPS,
    ROOT,
    USERS,
    charter,
    fill,
    grant_all,
    let_in,
    provider,
    put,
)
from tests.api.test_round_trip import answering

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "MATRICULA_TRIAL_SCIM_SECRET"


@contextmanager
def another_client(address: str) -> Iterator[SyncSCIMClient]:
    """The client of scim2-client, which learns from our own descriptions what there is."""
    client = httpx2.Client(
        base_url=address + ROOT, headers={"Authorization": f"Bearer {provider().token}"}
    )
    with client:
        scim = SyncSCIMClient(client)
        scim.discover()
        yield scim


@contextmanager
def our_connector(address: str, **more: object) -> Iterator[ScimConnector]:
    os.environ[SECRET] = let_in("ours")
    settings = ScimConnector.Settings.model_validate(
        {"url": address + ROOT, "token_url": f"{address}/oauth/token", "client_id": "ours",
         "client_secret": f"env:{SECRET}", "page_size": 2, **more}
    )  # fmt: skip
    with closing(ScimConnector(settings, Context("upstream", Path()))) as connector:
        yield connector


@pytest.mark.django_db(transaction=True)
def test_another_implementations_client_reads_everything_unmodified(tmp_path, settings):
    settings.CHARTER = grant_all(tmp_path / "charter")
    ids = fill()

    with answering() as address, another_client(address) as scim:
        people, classes = scim.get_resource_model("User"), scim.get_resource_model("Group")
        listed = scim.query(people)
        one = scim.query(people, ids["S1"])
        same = scim.query(one)
        found = scim.query(
            people,
            query_parameters=SearchRequest(
                filter='emails[type eq "home"]',
                sort_by="userName",
                sort_order="descending",
                count=1,
            ),
        )
        group = scim.query(classes, ids["LAW1"])
        part = scim.query(
            people, ids["S2"], query_parameters=ResponseParameters(attributes=["userName"])
        )
        with pytest.raises(SCIMException) as gone:
            scim.query(people, "none")
        with pytest.raises(SCIMException) as refused:
            scim.delete(one)

    assert [user.external_id for user in listed.resources] == ["S1", "S2", "s3", "T1"]
    assert (one.user_name, one.name.family_name, one.active) == ("Amara", "Ngô", True)
    assert same is one
    assert [(e.type, e.value, e.primary) for e in one.emails] == [
        ("work", "amara@northfield.example", True), ("home", "a.ngo@home.example", None),
    ]  # fmt: skip
    assert one[f"{ENTERPRISE}:department"] == "Law"
    assert (found.total_results, [user.external_id for user in found.resources]) == (2, ["s3"])
    assert {member.value for member in group.members} == {ids["S1"], ids["S2"]}
    assert (part.user_name, part.name) == ("bela", None)
    assert gone.value.status == 404
    assert refused.value.status == 405
    assert "Registrar's Office" in str(refused.value)


@pytest.mark.django_db(transaction=True)
def test_our_own_connector_reads_what_flowed_in_field_by_field(tmp_path, settings):
    settings.CHARTER = grant_all(tmp_path / "charter")
    ids = fill()

    with answering() as address, our_connector(address) as connector:
        health = connector.ping()
        shapes = {shape.name: shape for shape in connector.describe()}
        told = {}
        for resource in ("users", "groups", "memberships"):
            with connector.read(resource) as reading:
                told[resource] = [row for batch in reading.batches for row in batch.to_pylist()]
            assert [one.message for one in reading.findings] == []
        named, mailed, nobody = connector.find(
            "users",
            [{"externalId": "S2"}, {"emails[home]": "a.ngo@home.example"}, {"userName": "x"}],
        )
        (member,) = connector.find("memberships", [{"group": ids["BIO1"]}])

    assert health.well, health.sentence
    assert {one.name for one in shapes["users"].fields if one.writable} == {"externalId"}
    for rows, wanted in ((told["users"], USERS), (told["groups"], GROUPS)):
        assert [row["_id"] for row in rows] == [ids[str(row["externalId"])] for row in wanted]
        for row, own in zip(rows, wanted, strict=True):
            assert {name: row[name] for name in own} == own
    assert {(row["group"], row["user"]) for row in told["memberships"]} == {
        (ids["LAW1"], ids["S1"]), (ids["LAW1"], ids["S2"]), (ids["BIO1"], ids["S1"]),
    }  # fmt: skip
    assert [one.external_id for one in named] == [ids["S2"]]
    assert [one.external_id for one in mailed] == [ids["S1"]]
    assert nobody == []
    assert [one.fields["user"] for one in member] == [ids["S1"]]


@pytest.mark.django_db(transaction=True)
def test_who_leaves_here_has_left_there_and_what_is_not_granted_never_was(tmp_path, settings):
    settings.CHARTER = charter(tmp_path / "c", idp_users=("externalId", "userName"))
    ids = fill()
    put("users", {}, kind="delete", ids=[ids["S1"]])

    with answering() as address, our_connector(address) as connector:
        names = [shape.name for shape in connector.describe()]
        with connector.read("users") as reading:
            rows = [row for batch in reading.batches for row in batch.to_pylist()]

    assert names == ["users"]
    assert [row["externalId"] for row in rows] == ["S2", "s3", "T1"]
    assert set(rows[0]) == {"_id", "_suspended", "externalId", "userName", "active"}
