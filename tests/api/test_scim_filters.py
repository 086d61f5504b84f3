"""A filter finds what RFC 7644 says it finds, and nothing can be asked but what was granted."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scim2_models import EnterpriseUser, ScimFilter, User

from matricula.api.scim import filters, grants
from matricula.connectors.scim_provider import queries
from matricula.connectors.scim_provider.models import Record
from tests.api.providers import ALL_USERS, ENTERPRISE, charter, fill, grant_all, provider, put

pytestmark = pytest.mark.django_db
EVERYBODY = ["S1", "S2", "s3", "T1"]


@pytest.fixture
def asking(tmp_path, settings):
    settings.CHARTER = grant_all(tmp_path / "charter")
    fill()
    return provider()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('userName eq "AMARA"', ["S1"]),
        ('USERNAME EQ "amara"', ["S1"]),
        ('externalId eq "S3"', []),
        ('externalId eq "s3"', ["s3"]),
        ('userName ne "amara"', ["S2", "s3", "T1"]),
        ('displayName ne "x"', EVERYBODY),
        ('name.familyName co "ö"', []),
        ('name.familyName eq "NGÔ"', ["S1"]),
        ('name.familyName sw "o\'"', ["S2"]),
        ('name.familyName ew "FOR"', ["s3"]),
        ('displayName co "%_"', ["S2"]),
        ('displayName co "\\"%"', ["S2"]),
        ('displayName sw "b\\u00e9la"', ["S2"]),
        ('displayName co ""', ["S1", "S2"]),
        ("displayName pr", ["S1", "S2"]),
        ("displayName eq null", ["s3", "T1"]),
        ("displayName ne null", ["S1", "S2"]),
        ("name pr", EVERYBODY),
        ("active eq true", ["S1", "S2", "T1"]),
        ('active eq "False"', ["s3"]),
        ("active ne true", ["s3"]),
        ('userName gt "b" and userName lt "d"', ["S2", "s3"]),
        ('userName ge "bela" and userName le "CHIDI"', ["S2", "s3"]),
        ('userName eq "amara" or userName eq "dewi" and active eq false', ["S1"]),
        ('(userName eq "amara" or userName eq "dewi") and active eq true', ["S1", "T1"]),
        ("not (active eq true)", ["s3"]),
        ('not(userName eq "amara" or displayName pr)', ["s3", "T1"]),
        ('emails eq "BELA@northfield.example"', ["S2"]),
        ('emails.value co "@northfield"', ["S1", "S2", "s3"]),
        ('emails.type eq "home"', ["S1", "s3"]),
        ('emails ne "bela@northfield.example"', ["S1", "s3", "T1"]),
        ('emails[type eq "work" and value co "@northfield"]', ["S1", "S2"]),
        ('emails[type eq "home" and value ew "northfield.example"]', ["s3"]),
        ('emails[type eq "work"].value eq "bela@northfield.example"', ["S2"]),
        ('emails[value eq "bela@northfield.example" and not (type eq "home")]', ["S2"]),
        ('emails[not (type eq "work")]', ["S1", "s3"]),
        ("emails[primary eq true]", ["S1"]),
        ('emails[urn:ietf:params:scim:schemas:core:2.0:User:value eq "x@x.example"]', []),
        ('emails[type eq "work" and primary eq true]', ["S1"]),
        ('emails[type eq "home" and primary eq true]', []),
        ('emails[type eq "x" or value sw "chidi"]', ["s3"]),
        ("emails[display pr or type pr]", None),
        ('roles eq "Student"', ["S1", "s3"]),
        ('roles[value eq "reader"]', ["S1"]),
        ('addresses[country eq "gb" and locality sw "north"]', ["S1"]),
        (f'{ENTERPRISE}:department eq "LAW"', ["S1", "S2"]),
        (f"{ENTERPRISE.upper()}:employeeNumber pr", ["S1"]),
        (f'schemas eq "{ENTERPRISE}"', ["S1", "S2"]),
        ('schemas co "core:2.0:User"', EVERYBODY),
        ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "amara"', ["S1"]),
        ('meta.resourceType eq "User"', EVERYBODY),
        ('meta.lastModified gt "2020-01-01T00:00:00Z"', EVERYBODY),
        ('meta.created lt "2020-01-01T00:00:00+02:00"', []),
        ('id eq "none"', []),
        ('userName eq "\'; DROP TABLE scim_record; --"', []),
    ],
)
def test_a_filter_finds(asking, text, found):
    if found is None:
        # `display` is no part of what was granted.
        assert asking.get("/Users", filter=text).status_code == 400
    else:
        assert asking.found(filter=text) == found


@pytest.mark.parametrize(
    "text",
    [
        "userName", "userName eq", 'userName eq "a" xor', "userName eq amara", "'a' eq 'a'",
        "userName eq 5", "userName eq true", "active gt true", 'active co "t"', 'active eq "x"',
        'name eq "x"', 'password eq "x"', "password pr", 'wizard eq "x"', "groups pr",
        'name[familyName eq "x"]', 'emails[emails[value pr]]', 'emails[wizard eq "x"]',
        'meta.version eq "x"', 'meta.lastModified co "2026"', 'meta.created gt "yesterday"',
        'userName gt null', 'userName eq "\\u0000"', 'userName eq "\\ud800"', 'members pr',
        'shelf eq "1"', 'document co "Amara"', 'record__document co "a"',
        '((((((((((((' * 300, "(" * 1_900 + "active eq true" + ")" * 1_900 + " and",
        "not (" * 40 + "active eq true" + ")" * 40, " or ".join(["active eq true"] * 41),
        'userName eq "' + "a" * 4_000 + '"', "emails[" + " and ".join(["value pr"] * 9) + "]",
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_or_is_too_large_is_refused_and_finds_nobody(asking, text):
    answer = asking.get("/Users", filter=text)

    assert answer.status_code == 400
    told = answer.json()
    assert (told["scimType"], told["status"]) == ("invalidFilter", "400")
    assert "M753" in told["detail"]


def test_groups_are_asked_by_their_members(tmp_path, settings):
    settings.CHARTER = grant_all(tmp_path / "charter")
    ids = fill()
    asking = provider()

    for text, found in (
        (f'members.value eq "{ids["S2"]}"', ["LAW1"]),
        (f'members eq "{ids["S1"]}"', ["LAW1", "BIO1"]),
        (f'members[value eq "{ids["S2"]}" and type eq "user"]', ["LAW1"]),
        (f'not (members[value eq "{ids["S2"]}"])', ["BIO1"]),
        ('members.type eq "Group"', []),
        ("members pr", ["LAW1", "BIO1"]),
        ('displayName eq "cells" and members pr', ["BIO1"]),
    ):
        assert asking.found("/Groups", filter=text) == found, text


QUESTIONS = [
    'nickName eq "Dee"', "nickName pr", 'nickName sw "D"', 'not (nickName eq "Dee")',
    'userName pr and nickName ge "D"', 'emails[type eq "home"]', 'emails.value ew "home.example"',
    f'{ENTERPRISE}:department eq "Law"', f'schemas eq "{ENTERPRISE}"', 'emails.type eq "home"',
]  # fmt: skip


def test_what_is_not_granted_gives_one_answer_whatever_is_there(tmp_path, settings):
    settings.CHARTER = charter(
        tmp_path / "charter",
        idp_users=("externalId", "userName", "emails[work]"),
        other_users=("externalId", "userName", "emails[work]"),
    )
    fill("idp")
    bare = [{"externalId": one, "userName": one} for one in EVERYBODY]
    put("users", *bare, system="other")
    with_it, without = provider("a", "idp"), provider("b", "other")

    for text in QUESTIONS:
        first = with_it.get("/Users", filter=text, attributes="externalId")
        second = without.get("/Users", filter=text, attributes="externalId")
        told = [_nameless(one) for one in (first, second)]
        assert told[0] == told[1], text
    for path in ("nickName", "name.familyName", f"{ENTERPRISE}:department", "wizard"):
        first, second = (one.get("/Users", sortBy=path) for one in (with_it, without))
        assert (first.status_code, first.content) == (400, second.content)
        same = first.content.replace(path.encode(), b"wizard")
        assert same == with_it.get("/Users", sortBy="wizard").content


def _nameless(answer) -> object:
    told = answer.json()
    if answer.status_code != 200:
        return (answer.status_code, told["detail"])
    return [one["externalId"] for one in told["Resources"]]


NAMES = st.sampled_from(
    ["userName", "displayName", "name.familyName", "ims.value", "ims", "ims.type",
     "roles", "nickName", "title",
     f"{ENTERPRISE}:department"]
)  # fmt: skip
VALUES = st.sampled_from(["a", "b", "A", "AB", "ab", "%", "_", "é", "É", "aim", "icq", "b a", '"'])
COMPARED = st.tuples(
    NAMES, st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]), VALUES
).map(lambda one: f"{one[0]} {one[1]} {json.dumps(one[2])}")
INSIDE = st.tuples(
    st.sampled_from(["type", "value"]), st.sampled_from(["eq", "co", "sw", "gt"]), VALUES
).map(lambda one: f"{one[0]} {one[1]} {json.dumps(one[2])}")
JOINED = st.sampled_from([" and ", " or "])
WITHIN = st.tuples(INSIDE, JOINED, INSIDE, st.booleans()).map(
    lambda one: f"ims[{'not ' if one[3] else ''}({one[0]}){one[1]}{one[2]}]"
)
LEAF = st.one_of(COMPARED, WITHIN, NAMES.map(lambda name: f"{name} pr"))
FILTERS = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, JOINED, inner).map(lambda one: f"({one[0]}{one[1]}{one[2]})"),
    ),
    max_leaves=5,
)
TEXT = st.text(alphabet="abAB%_é ", min_size=1, max_size=3)
ROWS = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "displayName": TEXT, "name.familyName": TEXT, "ims[aim]": TEXT,
            "ims[icq]": TEXT, "ims": TEXT, "nickName": TEXT, "department": TEXT,
            "roles": st.lists(TEXT, min_size=1, max_size=2, unique=True).map(json.dumps),
        },
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip


@hypothesis_settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=ROWS, texts=st.lists(FILTERS, min_size=1, max_size=6))
def test_another_implementation_finds_the_same_records(tmp_path, settings, rows, texts):
    """The reference is scim2-models, which reads our own answers and asks them one by one."""
    settings.CHARTER = charter(
        tmp_path / "charter", idp_users=(*ALL_USERS, "title", "ims", "ims[aim]", "ims[icq]")
    )
    system_rows = [{**row, "externalId": str(n), "userName": f"u{n}"}
                   for n, row in enumerate(rows)]  # fmt: skip
    asking = _fresh(system_rows)
    told = asking.get("/Users").json()["Resources"]
    users = {one["externalId"]: User[EnterpriseUser].model_validate(one) for one in told}

    for text in texts:
        judge = ScimFilter[User[EnterpriseUser]](text)
        wanted = [name for name, one in users.items() if judge.match(one)]
        assert asking.found(filter=text) == wanted, text


def _fresh(rows):
    from matricula.connectors.scim_provider.models import Entry, Member, Record, Shelf

    for model in (Member, Entry, Record, Shelf):
        model._default_manager.all().delete()
    put("users", *rows)
    from matricula.api.models import Client as LetIn

    LetIn.objects.all().delete()
    return provider()


def test_a_value_path_looks_at_each_record_by_itself_and_not_at_all_for_each(tmp_path, settings):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL keeps statistics, and chooses by them")
    settings.CHARTER = grant_all(tmp_path / "charter")
    fill()
    grant, lot = grants.of("idp", "users"), queries.lot("idp", "users")

    told = Record.objects.filter(
        filters.condition('emails[type eq "work" and value co "a"]', grant, lot.pk)
    ).explain()

    for_each = [line for line in told.splitlines() if " U0 " in line]
    assert len(for_each) == 2
    assert all("scim_entry_of_record" in line for line in for_each), told


PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "filter": st.one_of(FILTERS, st.text(max_size=30)),
        "sortBy": st.one_of(NAMES, st.text(max_size=8)),
        "sortOrder": st.sampled_from(["ascending", "DESCENDING", "x"]),
        "attributes": st.one_of(NAMES, st.text(max_size=8)),
        "excludedAttributes": st.one_of(NAMES, st.text(max_size=8)),
        "count": st.one_of(st.integers(-1, 10), st.text(max_size=3)),
        "startIndex": st.one_of(st.integers(-1, 10), st.text(max_size=3)),
        "cursor": st.one_of(st.sampled_from(["", "1"]), st.text(max_size=3)),
    },
)


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(path=st.sampled_from(["/Users", "/Groups"]), query=PARAMETERS, posted=st.booleans())
def test_no_question_breaks_anything(asking, path, query, posted):
    answer = asking.search(path, **query) if posted else asking.get(path, **query)

    told = answer.json()
    if answer.status_code == 200:
        assert told["totalResults"] >= len(told["Resources"])
    else:
        assert answer.status_code == 400
        assert told["scimType"]
