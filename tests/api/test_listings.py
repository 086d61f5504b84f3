"""Pages, filters, orders and selections mean what the standard says, and move under nobody."""

from __future__ import annotations

import re

import pytest

from matricula.connectors.oneroster_provider import queries
from matricula.connectors.oneroster_provider.models import Shelf
from tests.api.consumers import GRADEBOOK, RESOURCES, ROSTERING, WORLD, consumer, fill, put

pytestmark = pytest.mark.django_db


def org(n: int, **more: str) -> dict[str, str]:
    return {"sourcedId": f"o{n:03d}", "name": f"Org {n % 7}", "type": "school",
            "identifier": f"{n}", **more}  # fmt: skip


def walk(asking, path: str, **query: str | int) -> list[str]:
    """Follow the links from page to page."""
    found, answer = [], asking.get(f"{ROSTERING}/{path}", **query)
    while True:
        found += [record["sourcedId"] for record in next(iter(answer.json().values()))]
        after = re.search(r'<([^>]*)>; rel="next"', answer["Link"])
        if not after:
            return found
        answer = asking.get(after[1].removeprefix("http://testserver"))


def test_a_listing_is_whole_page_by_page_and_says_how_many_there_are():
    put("orgs", *(org(n) for n in range(25)))
    asking = consumer()

    answer = asking.get(f"{ROSTERING}/orgs", limit=10, offset=10)

    assert answer["X-Total-Count"] == "25"
    links = dict(re.findall(r'offset=(\d+)>; rel="(\w+)"', answer["Link"]))
    assert links == {"0": "prev", "20": "next"} | {"0": "prev"}
    assert 'rel="first"' in answer["Link"]
    assert walk(asking, "orgs", limit=7) == [f"o{n:03d}" for n in range(25)]
    assert walk(asking, "orgs", limit=7, filter="name!='Org 3'") == [
        f"o{n:03d}" for n in range(25) if n % 7 != 3
    ]


def test_a_hundred_is_usual_more_than_we_give_is_made_less_and_past_the_end_is_nothing():
    put("orgs", *(org(n) for n in range(130)))
    asking = consumer()

    assert len(asking.ids("orgs")) == 100
    assert len(asking.ids("orgs", limit=10**9)) == 130
    assert asking.ids("orgs", offset=130) == []
    assert asking.ids("orgs", offset=2**31 - 1) == []
    assert asking.ids("orgs", offset=2**31 - 1, filter="type='school'") == []


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": "x"},
        {"offset": -1},
        {"offset": 2**31},
        {"limit": "9" * 5000},
        {"limit": "٣"},
        {"limit": ""},
        {"offset": ""},
    ],
)
def test_a_page_that_makes_no_sense_is_refused(query):
    answer = consumer().get(f"{ROSTERING}/orgs", **query)

    assert answer.status_code == 400
    assert "M757" in answer.json()["imsx_description"]


def test_pages_do_not_move_when_records_come_and_go_between_them():
    put("orgs", *(org(n) for n in range(10)))
    asking = consumer()

    first = asking.ids("orgs", limit=5)
    put("orgs", org(2), org(3), kind="delete")
    put("orgs", org(500), org(7, name="renamed"))
    second = asking.ids("orgs", limit=5, offset=5)

    assert first + second == [f"o{n:03d}" for n in range(10)]
    assert asking.ids("orgs", offset=10) == ["o500"]


@pytest.mark.parametrize("few", [0, 10**6])
@pytest.mark.parametrize(
    "query",
    [
        {"sort": "name"},
        {"sort": "sourcedId", "orderBy": "desc"},
        {"sort": "name", "orderBy": "desc"},
        {"sort": "parent.sourcedId"},
        {"filter": "name~'org'"},
    ],
)
def test_sorted_and_filtered_pages_are_whole_whether_or_not_it_is_remembered_where_one_ended(
    query, few, monkeypatch
):
    monkeypatch.setattr(queries, "_FEW", few)
    put("orgs", *(org(n) for n in range(40)))
    put("orgs", *(org(n, parentSourcedId=f"o{n - 1:03d}") for n in range(1, 20)), kind="update")
    asking = consumer()
    whole = asking.ids("orgs", limit=100, **query)

    by_memory = walk(asking, "orgs", limit=7, **query)
    Shelf.objects.update(revision=10**6)
    from_nothing = asking.ids("orgs", limit=7, offset=21, **query)

    assert sorted(whole) == [f"o{n:03d}" for n in range(40)]
    assert by_memory == whole
    assert from_nothing == whole[21:28]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("familyName='Okafor'", ["S3"]),
        ("familyName='O'Brien'", ["S2"]),
        ("familyName = 'Ngô'", ["S1"]),
        ("familyName~'OKA'", ["S3"]),
        ("givenName>'B' AND givenName<'D'", ["S2", "S3"]),
        ("givenName='Amara' OR givenName='Dewi'", ["S1", "T1"]),
        ("enabledUser='true' AND givenName='Chidi' OR sourcedId='T1'", ["T1"]),
        ("email!='amara@northfield.example'", ["S2", "S3", "T1"]),
        ("roles.role='teacher'", ["T1"]),
        ("roles.role!='student'", ["T1"]),
        ("roles.org.sourcedId='law-school'", ["S1"]),
        ("primaryOrg.sourcedId='northfield'", ["S1"]),
        ("preferredFirstName='Ama'", ["S1"]),
        ("status='tobedeleted'", []),
        ("dateLastModified>'2026-01-01'", ["S1", "S2", "S3", "T1"]),
        ("dateLastModified<'2026-01-01T00:00:00+02:00'", []),
        ("familyName='%'", []),
        ("familyName~'_'", []),
        ("familyName='x' OR familyName='a'' OR 1=1'", []),
    ],
)
def test_a_filter_finds(text: str, found: list[str]):
    fill()

    assert consumer().ids("users", filter=text) == found


@pytest.mark.parametrize(
    "text",
    ["familyName", "familyName=Okafor", "familyName='a", "wizard='a'", "roles='a'", "class='x'",
     "familyName='a' XOR givenName='b'", "familyName='a' AND", "password='x'", "familyName.x='a'",
     "primaryOrg='x'", "primaryOrg.href='x'", "dateLastModified>'yesterday'", "roles.role>'a'",
     "'a'='a'", "familyName=='a'", "metadata.x='1'", "shelf_id='1'", "familyName='\0'",
     " OR ".join(["familyName='a'"] * 21)],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_refused_and_finds_nobody(text: str):
    fill()

    answer = consumer().get(f"{ROSTERING}/users", filter=text)

    assert answer.status_code == 400
    assert "invalid_filter_field" in answer.content.decode()


def test_filters_reach_references_lists_and_numbers():
    fill()
    asking = consumer()

    assert asking.ids("enrollments", filter="class.sourcedId='bio101-a'") == ["S1-bio101-a"]
    assert asking.ids("enrollments", filter="user.sourcedId='T1' AND role='teacher'") == [
        "T1-law101-a"
    ]
    assert asking.ids("classes", filter="terms.sourcedId='2026-autumn'") == [
        "law101-a",
        "bio101-a",
    ]
    assert asking.ids("classes", filter="terms.sourcedId!='2026-autumn'") == []
    assert asking.ids("courses", filter="subjects~'contracts'") == ["law101"]
    assert asking.ids(f"{GRADEBOOK}/results", filter="score>'9'") == ["S1-essay"]
    assert asking.ids(f"{GRADEBOOK}/lineItems", filter="dueDate<'2026-11-01T00:00:00Z'") == [
        "essay"
    ]
    assert asking.ids(f"{RESOURCES}/resources", filter="importance='primary'") == ["book-1"]


def test_an_order_is_that_of_the_signs_either_way():
    fill()
    asking = consumer()

    assert asking.ids("users", sort="familyName") == ["T1", "S1", "S2", "S3"]
    assert asking.ids("users", sort="givenName", orderBy="desc") == ["T1", "S3", "S2", "S1"]
    for query in ({"sort": "roles"}, {"sort": "wizard"}, {"orderBy": "up"}, {"sort": "agents"}):
        assert asking.get(f"{ROSTERING}/users", **query).status_code == 400


def test_a_selection_gives_these_fields_and_no_others():
    fill()
    asking = consumer()

    listing = asking.get(f"{ROSTERING}/users", fields="sourcedId,givenName,roles", limit=1)
    single = asking.get(f"{ROSTERING}/users/S1", fields="familyName")

    assert set(listing.json()["users"][0]) == {"sourcedId", "givenName", "roles"}
    assert single.json() == {"user": {"familyName": "Ngô"}}
    assert asking.get(f"{ROSTERING}/users/S1", fields="password").status_code == 400


def test_listings_below_a_record_hold_what_belongs_to_it():
    fill()
    asking = consumer()

    assert asking.ids("classes/law101-a/students") == ["S1", "S2", "S3"]
    assert asking.ids("classes/law101-a/students", filter="enabledUser='true'") == ["S1", "S2"]
    assert asking.ids("classes/law101-a/teachers") == ["T1"]
    assert asking.ids("users/S1/classes") == ["law101-a", "bio101-a"]
    assert asking.ids("students/S2/classes") == ["law101-a"]
    assert asking.ids("teachers/S2/classes") == []
    assert asking.ids("terms") == ["2026-autumn"]
    assert asking.ids("schools") == ["northfield"]
    assert asking.ids("schools/law-school/students") == []
    assert asking.get(f"{ROSTERING}/terms/2026-autumn-1").status_code == 404
    assert asking.get(f"{ROSTERING}/students/T1").status_code == 404
    assert asking.get(f"{ROSTERING}/classes/none/students").status_code == 404


def test_a_user_is_served_from_its_first_role_on_and_then_as_changed():
    fill(tables=["orgs", "users"])
    asking = consumer()
    assert asking.ids("users") == []
    latest = max(row["dateLastModified"] for row in asking.get(f"{ROSTERING}/orgs").json()["orgs"])

    put("roles", {"sourcedId": "r", "userSourcedId": "S2", "roleType": "primary",
                  "role": "student", "orgSourcedId": "northfield"})  # fmt: skip

    assert asking.ids("users", filter=f"dateLastModified>'{latest}'") == ["S2"]
    assert asking.get(f"{ROSTERING}/users")["X-Total-Count"] == "1"
    assert asking.get(f"{ROSTERING}/users/S1").status_code == 404


def test_what_leaves_is_found_by_when_it_left():
    fill()
    asking = consumer()
    seen = asking.get(f"{ROSTERING}/enrollments").json()["enrollments"]
    latest = max(row["dateLastModified"] for row in seen)

    put("enrollments", {"sourcedId": "S2-law101-a"}, kind="delete")

    answer = asking.get(f"{ROSTERING}/enrollments", filter=f"dateLastModified>'{latest}'").json()
    assert [(e["sourcedId"], e["status"]) for e in answer["enrollments"]] == [
        ("S2-law101-a", "tobedeleted")
    ]
    assert asking.ids("classes/law101-a/students") == ["S1", "S3"]


def test_an_identifier_with_signs_that_addresses_spell_otherwise_is_found_by_its_reference():
    fill(tables=["orgs"])
    put("orgs", {"sourcedId": "a/b@c", "name": "X", "type": "school", "identifier": "1"})
    put("orgs", {"sourcedId": "below", "name": "Y", "type": "school", "identifier": "2",
                 "parentSourcedId": "a/b@c"})  # fmt: skip
    asking = consumer()

    reference = asking.get(f"{ROSTERING}/orgs/below").json()["org"]["parent"]

    assert reference["sourcedId"] == "a/b@c"
    found = asking.get(reference["href"].removeprefix("http://testserver"))
    assert found.json()["org"]["name"] == "X"


def test_extensions_are_served_as_metadata():
    from contextlib import closing

    from matricula.connectors.kit.protocol import Write
    from tests.api.consumers import AT, served

    row = {
        "sourcedId": "o",
        "name": "X",
        "type": "school",
        "identifier": "1",
        "metadata.campus": 'north "1"',
    }
    with closing(served(metadata={"orgs": ["metadata.campus"]})) as connector:
        connector.write("orgs", [Write("o", "create", None, row)], at=AT)

    told = consumer().get(f"{ROSTERING}/orgs/o").json()["org"]

    assert told["metadata"] == {"campus": 'north "1"'}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("dueDate='2026-10-31'", ["essay"]),
        ("dueDate>'2026-10-31'", ["quiz"]),
        ("dueDate<='2026-10-31T00:00:00+00:00'", ["essay"]),
        ("dueDate>'2026-10-31T12:00:00Z'", ["quiz"]),
        ("dueDate<'2026-11-01T00:59:00+01:00' AND dueDate>'2026-10-31T23:00:00Z'", []),
        ("dueDate<'2026-11-01T01:00:00+01:00'", ["essay", "quiz"]),
    ],
)
def test_a_day_and_an_instant_are_compared_as_what_they_mean(text, found):
    fill()
    put("lineItems", {**WORLD["lineItems"][0], "sourcedId": "quiz",
                      "dueDate": "2026-10-31T23:59:00.000Z"})  # fmt: skip

    assert sorted(consumer().ids(f"{GRADEBOOK}/lineItems", filter=text)) == found
