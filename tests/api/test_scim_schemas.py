"""Every answer is what RFC 7643 and RFC 7644 say it is, by their examples and by a reader."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command
from scim2_models import (
    Context,
    EnterpriseUser,
    Error,
    Group,
    ListResponse,
    ResourceType,
    Schema,
    ServiceProviderConfig,
    User,
)

from tests.api.providers import charter, fill, grant_all, provider

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db
SAMPLES = {
    "urn:ietf:params:scim:schemas:core:2.0:User": "rfc7643-8.7.1-schema-user.json",
    "urn:ietf:params:scim:schemas:core:2.0:Group": "rfc7643-8.7.1-schema-group.json",
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
        "rfc7643-8.7.1-schema-enterprise_user.json",
}  # fmt: skip
# What we narrow, or word otherwise; the mutability of all is readOnly here. The errata and later
# registrations mark as exact, or name types for, what the RFC's text of 2015 left open.
_OURS = {"mutability", "description", "subAttributes", "caseExact", "canonicalValues",
         "referenceTypes", "required", "uniqueness", "returned"}  # fmt: skip


@pytest.fixture
def samples(shared: Path) -> Path:
    folder = shared / "standards" / "scim-rfc7643-7644" / "samples"
    if not folder.is_dir():
        pytest.skip(f"the RFCs' examples are not at {folder}")
    return folder


@pytest.fixture
def asking(tmp_path, settings):
    settings.CHARTER = grant_all(tmp_path / "charter")
    fill()
    return provider()


def sample(folder: Path, name: str) -> dict[str, Any]:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def test_every_listing_and_record_is_read_strictly_by_another_implementation(asking):
    for path, kind in (("/Users", User[EnterpriseUser]), ("/Groups", Group)):
        told = asking.get(path).json()
        listed = ListResponse[kind].model_validate(told, scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
        assert len(listed.resources) == listed.total_results > 0
        for one in told["Resources"]:
            single = asking.get(f"{path}/{one['id']}").json()
            assert single == one
            assert kind.model_validate(single, scim_ctx=Context.RESOURCE_QUERY_RESPONSE).id


def test_descriptions_and_refusals_are_read_strictly_too(asking):
    assert ServiceProviderConfig.model_validate(asking.get("/ServiceProviderConfig").json())
    for one in asking.get("/ResourceTypes").json()["Resources"]:
        assert ResourceType.model_validate(asking.get(f"/ResourceTypes/{one['id']}").json())
    for one in asking.get("/Schemas").json()["Resources"]:
        assert Schema.model_validate(asking.get(f"/Schemas/{one['id']}").json())
    for path, query in (("/Users/none", {}), ("/Users", {"filter": "x"}), ("/Me", {}),
                        ("/Users", {"count": "x"})):  # fmt: skip
        answer = asking.get(path, **query)
        error = Error.model_validate(answer.json())
        assert (error.status, bool(error.detail)) == (answer.status_code, True)


def test_every_attribute_that_is_published_is_the_standards(asking, samples):
    for schema in asking.get("/Schemas").json()["Resources"]:
        wanted = sample(samples, SAMPLES[schema["id"]])
        assert schema["id"] == wanted["id"]
        assert schema["attributes"]
        _assert_of_the_standard(schema["attributes"], wanted["attributes"], schema["id"])


def _assert_of_the_standard(ours: list[dict], theirs: list[dict], where: str) -> None:
    known = {one["name"]: one for one in theirs}
    for one in ours:
        wanted = known[one["name"]]
        assert one["mutability"] == "readOnly"
        for name in set(one) & set(wanted) - _OURS:
            assert one[name] == wanted[name], (where, one["name"], name)
        if "subAttributes" in one:
            place = f"{where}.{one['name']}"
            _assert_of_the_standard(one["subAttributes"], wanted["subAttributes"], place)


def test_what_is_published_is_what_is_granted_and_nothing_else(tmp_path, settings):
    settings.CHARTER = charter(
        tmp_path / "c", idp_users=("externalId", "userName", "name.givenName", "emails[work]")
    )
    asking = provider()

    (schema,) = asking.get("/Schemas").json()["Resources"]
    (kind,) = asking.get("/ResourceTypes").json()["Resources"]

    parts = {one["name"]: sorted(part["name"] for part in one.get("subAttributes", ()))
             for one in schema["attributes"]}  # fmt: skip
    assert parts == {
        "userName": [], "name": ["givenName"], "active": [], "emails": ["type", "value"],
    }  # fmt: skip
    assert (kind["endpoint"], kind["schemaExtensions"]) == ("/Users", [])


def test_answers_have_the_form_of_the_rfcs_own_examples(asking, samples):
    config = sample(samples, "rfc7643-8.5-service_provider_configuration.json")
    kind = sample(samples, "rfc7643-8.6-resource_type-user.json")
    error = sample(samples, "rfc7644-3.12-error-bad_request.json")
    listed = sample(samples, "rfc7644-3.4.3-list_response-post_query.json")

    assert set(config) - {"documentationUri"} <= set(asking.get("/ServiceProviderConfig").json())
    assert set(kind) <= set(asking.get("/ResourceTypes/User").json())
    refused = asking.get("/Users", filter="x").json()
    assert (set(refused), refused["schemas"]) == (set(error), error["schemas"])
    assert set(listed) <= set(asking.search().json())
    assert asking.search().json()["schemas"] == listed["schemas"]
    record, wanted = (
        asking.get("/Users").json()["Resources"][0],
        sample(samples, "rfc7643-8.3-enterprise_user.json"),
    )
    assert set(record) <= set(wanted) | {"roles"}
    assert set(record["meta"]) <= set(wanted["meta"])


def test_the_migrations_make_the_tables_of_the_models():
    said = StringIO()

    call_command("makemigrations", "scim_provider", dry_run=True, stdout=said)

    assert said.getvalue().startswith("No changes detected")
