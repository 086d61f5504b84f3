"""What a consumer puts is its own where the charter says so, and nobody else's truth anywhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from matricula.api.rules import SCOPES
from matricula.audit.models import Act
from matricula.audit.queries import history
from matricula.connectors.kit.errors import GiveUp
from tests.api.consumers import GRADEBOOK, WORLD, consumer, fill, put, served
from tests.api.schemas import assert_valid, folder_of, validator_of

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db
AT = "2026-11-05T10:00:00.000Z"
RECEIVES = "[lineItems, results, assessmentLineItems, assessmentResults, scoreScales]"
CHARTER = """
institution: Northfield University
timezone: Europe/London
stewards:
  registrar: {name: Registrar's Office, notify: registrar@northfield.example}
  academics: {name: Academic Services, notify: academics@northfield.example}
systems:
  sis:
    connector: sql
    steward: registrar
    settings: {url: "sqlite:///sis.db", resources: {grades: {table: grades, key: [id]}}}
  vle:
    connector: oneroster_provider
    steward: academics
    settings:
      receives: RECEIVES
      metadata: {results: [metadata.attempt]}
  other:
    connector: oneroster_provider
    steward: academics
    settings: {}
entities:
  grade:
    key: id
    roster: sis.grades
    fields:
      id: {owner: sis.grades, type: text}
      title: {owner: sis.grades, type: text}
flows:
  vle-categories:
    purpose: Lecturers sort what they mark.
    from: grade
    to: vle.categories
    match: {sourcedId: id}
    fields:
      sourcedId: {is: id, because: the stable key}
      title: {is: title, because: lecturers look for it}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 10%}}
    errors_to: academics
"""


def receiving_charter(tmp_path: Path, settings: Any, receives: str = RECEIVES) -> None:
    """A charter by which a consumer owns what it marks; the rest flows to it."""
    folder = tmp_path / "charter"
    folder.mkdir()
    text = CHARTER.replace("RECEIVES", receives)
    if "categories" in receives:
        text = text.partition("flows:")[0]
    (folder / "charter.yaml").write_text(text, encoding="utf-8")
    settings.CHARTER = folder


@pytest.fixture
def vle(tmp_path: Path, settings):
    """A consumer that owns what it marks."""
    receiving_charter(tmp_path, settings)
    fill(tables=[one for one in WORLD if one in ROSTER])
    return consumer("moodle")


ROSTER = (
    "orgs", "academicSessions", "courses", "classes", "users", "userProfiles", "roles",
    "enrollments", "categories",
)  # fmt: skip


def send(asking, method: str, path: str, body: object = None, **more: Any):
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client(raise_request_exception=False).generic(
        method.upper(), f"{GRADEBOOK}/{path}", text if body is not None else "",
        content_type=more.get("kind", "application/json"),
        HTTP_AUTHORIZATION=f"Bearer {asking.token}",
    )  # fmt: skip


def ref(kind: str, one: str) -> dict[str, str]:
    return {"href": f"https://vle.northfield.example/{one}", "sourcedId": one, "type": kind}


def item(one: str = "essay", **more: object) -> dict[str, object]:
    told = {
        "sourcedId": one, "status": "active", "dateLastModified": AT, "title": "Essay",
        "description": "Two pages.\nCite.", "assignDate": "2026-10-01T00:00:00Z",
        "dueDate": "2026-10-31T23:59:00+00:00", "class": ref("class", "law101-a"),
        "school": ref("org", "northfield"), "category": ref("category", "coursework"),
        "gradingPeriod": ref("academicSession", "2026-autumn-1"), "resultValueMin": 0,
        "resultValueMax": 100,
        "learningObjectiveSet": [{"source": "case", "learningObjectiveIds": ["argue", "cite"]}],
    }  # fmt: skip
    return {"lineItem": told | more}


def result(one: str = "S1-essay", **more: object) -> dict[str, object]:
    told = {
        "sourcedId": one, "status": "active", "dateLastModified": AT,
        "lineItem": ref("lineItem", "essay"), "student": ref("user", "S1"),
        "scoreStatus": "fully graded", "score": 71.5, "scoreDate": "2026-11-05",
        "comment": "Well argued.\nDo cite.", "late": "false",
        "learningObjectiveSet": [
            {"source": "case",
             "learningObjectiveResults": [{"learningObjectiveId": "argue", "score": 80}]}
        ],
        "metadata": {"attempt": "2"},
    }  # fmt: skip
    return {"result": told | more}


def got(asking, path: str) -> dict[str, Any]:
    answer = asking.get(f"{GRADEBOOK}/{path}")
    assert answer.status_code == 200, answer.content
    (told,) = answer.json().values()
    return told


def without(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what we give it: its instant, and where references lead."""
    if not isinstance(record, dict):
        return record
    return {n: without(v) for n, v in record.items() if n not in {"dateLastModified", "href"}}


def minor(answer) -> str:
    return answer.json()["imsx_CodeMinor"]["imsx_codeMinorField"][0]["imsx_codeMinorFieldValue"]


def test_what_a_consumer_puts_is_given_back_as_it_put_it(vle):
    first = send(vle, "put", "lineItems/essay", item())
    second = send(vle, "put", "results/S1-essay", result())

    assert (first.status_code, first.content) == (201, b"")
    assert "Content-Type" not in first
    assert second.status_code == 201
    told = got(vle, "lineItems/essay")
    wanted = without(item()["lineItem"]) | {
        "assignDate": "2026-10-01T00:00:00.000Z", "dueDate": "2026-10-31T23:59:00.000Z",
    }  # fmt: skip
    assert without(told) == wanted
    assert told["gradingPeriod"]["href"].startswith("http://testserver/ims/oneroster/rostering")
    assert without(got(vle, "results/S1-essay")) == without(result()["result"])
    listed = vle.get(f"{GRADEBOOK}/classes/law101-a/lineItems/essay/results").json()["results"]
    assert [one["sourcedId"] for one in listed] == ["S1-essay"]


def test_every_kind_that_a_consumer_may_put_is_put_and_deleted(vle, shared):
    folder = folder_of(shared)
    head = {"status": "active", "dateLastModified": AT}
    scale = {
        "sourcedId": "pass", **head, "title": "Pass", "type": "ordinal",
        "class": ref("class", "law101-a"),
        "scoreScaleValue": [{"itemValueLHS": "40", "itemValueRHS": "pass"}],
    }  # fmt: skip
    test = {
        "sourcedId": "entry",
        **head,
        "title": "Entry",
        "scoreScale": ref("scoreScale", "pass"),
    }
    part = {**test, "sourcedId": "entry-1", "parentAssessmentLineItem":
            ref("assessmentLineItem", "entry")}  # fmt: skip
    mark = {
        "sourcedId": "S1-entry", **head, "assessmentLineItem": ref("assessmentLineItem", "entry"),
        "student": ref("user", "S1"), "scoreDate": "2026-09-02", "scoreStatus": "fully graded",
        "score": 64.25, "scorePercentile": 81,
    }  # fmt: skip
    made = [
        ("scoreScales", "scoreScale", scale), ("assessmentLineItems", "assessmentLineItem", test),
        ("assessmentLineItems", "assessmentLineItem", part),
        ("assessmentResults", "assessmentResult", mark),
        ("lineItems", "lineItem", item(scoreScale=ref("scoreScale", "pass"))["lineItem"]),
        ("results", "result", result(scoreScale=ref("scoreScale", "pass"))["result"]),
    ]  # fmt: skip

    for table, one, record in made:
        answer = send(vle, "put", f"{table}/{record['sourcedId']}", {one: record})
        assert answer.status_code == 201, (table, answer.content)
    for table, one, record in made:
        told = vle.get(f"{GRADEBOOK}/{table}/{record['sourcedId']}")
        assert_valid(told.content, validator_of(folder, f"get{one[:1].upper()}{one[1:]}"))
        if table not in {"lineItems", "results"}:
            assert without(told.json()[one]) == without(record)
    for school in ("schools/northfield", "classes/law101-a"):
        listed = vle.get(f"{GRADEBOOK}/{school}/scoreScales").json()["scoreScales"]
        assert [one["sourcedId"] for one in listed] == ["pass"]
    for table, one, record in reversed(made):
        answer = send(vle, "delete", f"{table}/{record['sourcedId']}")
        assert (answer.status_code, answer.content) == (204, b""), (table, answer.content)
        gone = vle.get(f"{GRADEBOOK}/{table}/{record['sourcedId']}")
        assert gone.json()[one]["status"] == "tobedeleted"
        assert_valid(gone.content, validator_of(folder, f"get{one[:1].upper()}{one[1:]}"))


def test_a_put_replaces_the_whole_and_the_same_again_moves_nothing(vle):
    send(vle, "put", "lineItems/essay", item())
    send(vle, "put", "results/S1-essay", result())
    before = got(vle, "results/S1-essay")
    acts = Act.objects.count()

    assert send(vle, "put", "results/S1-essay", result()).status_code == 201
    same = got(vle, "results/S1-essay")
    bare = result()
    for name in ("comment", "learningObjectiveSet", "metadata", "late"):
        del bare["result"][name]
    assert send(vle, "put", "results/S1-essay", bare).status_code == 201

    assert same == before
    assert without(got(vle, "results/S1-essay")) == without(bare["result"])
    assert got(vle, "results/S1-essay")["dateLastModified"] > before["dateLastModified"]
    assert Act.objects.count() == acts + 1


def test_the_audit_has_which_client_put_what_and_no_value_of_it(vle):
    send(vle, "put", "lineItems/essay", item())
    send(vle, "put", "results/S1-essay", result())
    send(vle, "put", "results/S1-essay", result(score=0))
    send(vle, "delete", "results/S1-essay")

    done = history("vle.results", "S1-essay")
    assert [(one.actor, one.action) for one in reversed(done)] == [
        ("client moodle", "put new"), ("client moodle", "put"), ("client moodle", "delete"),
    ]  # fmt: skip
    assert all(one.charter_version for one in done)
    assert [(one.before, one.after) for one in done] == [(None, None)] * 3


def test_what_is_not_the_consumers_is_refused_by_the_name_of_who_owns_it(vle):
    told = {"sourcedId": "exam", "status": "active", "dateLastModified": AT, "title": "Exam"}

    for answer in (
        send(vle, "put", "categories/exam", {"category": told}),
        send(vle, "delete", "categories/coursework"),
    ):
        assert (answer.status_code, minor(answer)) == (403, "forbidden")
        assert answer.json()["imsx_codeMajor"] == "failure"
        said = answer.json()["imsx_description"]
        assert "M766" in said
        assert "vle-categories" in said
        assert "Registrar's Office owns the grade" in said
    other = consumer("canvas", "other")
    assert send(other, "put", "results/S1-essay", result()).status_code == 403
    assert send(consumer("x", "nowhere"), "delete", "results/x").status_code == 403
    assert got(vle, "categories/coursework")["status"] == "active"


def test_reading_scopes_let_nobody_put_and_putting_ones_let_nobody_delete(vle):
    readers = consumer("reader", scopes=["gradebook", "gradebook-core", "assessment"])
    putting = consumer("putter", scopes=["gradebook-put"])
    deleting = consumer("deleter", scopes=["gradebook-delete"])

    assert send(readers, "put", "lineItems/essay", item()).status_code == 403
    assert send(readers, "delete", "lineItems/essay").status_code == 403
    assert send(putting, "put", "lineItems/essay", item()).status_code == 201
    assert send(putting, "delete", "lineItems/essay").status_code == 403
    assert putting.get(f"{GRADEBOOK}/lineItems/essay").status_code == 403
    assert send(putting, "put", "assessmentLineItems/x", {}).status_code == 403
    refused = send(deleting, "put", "lineItems/essay", item())
    assert SCOPES["gradebook-put"] in refused.json()["imsx_description"]
    assert send(deleting, "delete", "lineItems/essay").status_code == 204


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"score": "71.5"}, "score"),
        ({"score": True}, "score"),
        ({"score": 10**400}, "score"),
        ({"scoreDate": "05/11/2026"}, "scoreDate"),
        ({"scoreDate": None}, "scoreDate"),
        ({"scoreStatus": "marked"}, "scoreStatus"),
        ({"late": True}, "late"),
        ({"late": "yes"}, "late"),
        ({"comment": "a\0b"}, "comment"),
        ({"textScore": "a\nb"}, "textScore"),
        ({"comment": "\ud800"}, "comment"),
        ({"student": "S1"}, "student"),
        ({"student": {"sourcedId": "S1"}}, "student"),
        ({"student": ref("org", "S1")}, "student.type"),
        ({"student": ref("user", "S99")}, "studentSourcedId"),
        ({"lineItem": ref("lineItem", "other")}, "lineItemSourcedId"),
        ({"sourcedId": "another"}, "sourcedId"),
        ({"sourcedId": 7}, "sourcedId"),
        ({"status": "tobedeleted"}, "status"),
        ({"dateLastModified": "yesterday"}, "dateLastModified"),
        ({"wizardry": "x"}, "wizardry"),
        ({"metadata": {"wizardry": "x"}}, "wizardry"),
        ({"learningObjectiveSet": {}}, "learningObjectiveSet"),
        ({"learningObjectiveSet": [{"source": "case"}]}, "learningObjectiveSet"),
        ({"learningObjectiveSet": [{"source": "/own", "learningObjectiveResults":
                                    [{"learningObjectiveId": "a"}]}]}, "source"),
        ({"learningObjectiveSet": [{"source": "case", "learningObjectiveResults":
                                    [{"learningObjectiveId": "a"}] * 2}]}, "twice"),
    ],
)  # fmt: skip
def test_what_breaks_the_standard_is_refused_by_the_name_of_its_property(vle, more, named):
    send(vle, "put", "lineItems/essay", item())

    answer = send(vle, "put", "results/S1-essay", result(**more))

    assert (answer.status_code, minor(answer)) == (422, "invaliddata")
    assert named in answer.json()["imsx_description"]
    assert vle.get(f"{GRADEBOOK}/results/S1-essay").status_code == 404


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "application/json"),
        (b"{", "application/json"),
        (b'{"result": {}}', "text/plain"),
        (b"\xff", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"result": {"score": NaN}}', "application/json"),
        (b'{"results": []}', "application/json"),
        (b'{"result": []}', "application/json"),
        (b" " * 300_000, "application/json"),
    ],
)
def test_whatever_is_sent_is_refused_and_no_fault(vle, body, kind):
    answer = send(vle, "put", "results/S1-essay", body, kind=kind)

    assert (answer.status_code, minor(answer)) == (422, "invaliddata")


def test_what_lacks_a_required_property_is_refused_whole(vle):
    for name in ("title", "assignDate", "class", "category", "dateLastModified", "status"):
        lacking = item()
        del lacking["lineItem"][name]

        answer = send(vle, "put", "lineItems/essay", lacking)

        assert answer.status_code == 422
        assert name in answer.json()["imsx_description"]
    # A part that is refused takes the whole with it.
    wrong = item(scoreScale=ref("scoreScale", "nowhere"))
    assert send(vle, "put", "lineItems/essay", wrong).status_code == 422
    assert vle.get(f"{GRADEBOOK}/lineItems/essay").status_code == 404


def test_what_is_still_named_is_not_deleted_and_what_is_not_there_is_unknown(vle):
    send(vle, "put", "lineItems/essay", item())
    send(vle, "put", "results/S1-essay", result())

    named = send(vle, "delete", "lineItems/essay")
    first, second = (send(vle, "delete", "results/S1-essay") for _ in range(2))

    assert (named.status_code, minor(named)) == (422, "deletefailure")
    assert "results.lineItemSourcedId" in named.json()["imsx_description"]
    assert (first.status_code, second.status_code) == (204, 404)
    assert minor(second) == "unknownobject"
    assert send(vle, "delete", "lineItems/essay").status_code == 204


def test_a_mark_that_was_put_keeps_nobody_from_leaving_and_names_nobody_who_has(vle):
    send(vle, "put", "lineItems/essay", item())
    send(vle, "put", "results/S1-essay", result())
    receives = {"receives": ["lineItems", "results"]}

    put("enrollments", {"sourcedId": "S1-law101-a"}, kind="delete", **receives)
    put("enrollments", {"sourcedId": "S1-bio101-a"}, kind="delete", **receives)
    put("users", {"sourcedId": "S1"}, kind="delete", **receives)

    assert got(vle, "results/S1-essay")["student"]["sourcedId"] == "S1"
    again = send(vle, "put", "results/S1-essay", result(score=10))
    assert again.status_code == 422
    assert "studentSourcedId" in again.json()["imsx_description"]
    assert send(vle, "delete", "results/S1-essay").status_code == 204


def test_no_flow_writes_what_the_consumer_owns_and_the_hub_reads_it_as_a_source(vle):
    send(vle, "put", "lineItems/essay", item())
    send(vle, "put", "results/S1-essay", result())
    connector = served(receives=["lineItems", "results"], coursework="coursework")

    shapes = {one.name: one for one in connector.describe()}
    with connector.read("results") as reading:
        (row,) = [row for batch in reading.batches for row in batch.to_pylist()]
    with connector.read("coursework") as reading:
        (mark,) = [row for batch in reading.batches for row in batch.to_pylist()]
    (found,), nobody = connector.find(
        "coursework", [{"studentSourcedId": "S1"}, {"studentSourcedId": None}]
    )

    for name in ("results", "resultLearningObjectiveIds", "coursework"):
        assert not shapes[name].writes
        assert not any(field.writable for field in shapes[name].fields)
    with pytest.raises(GiveUp, match="M607"):
        put("results", {"sourcedId": "x"}, receives=["results"])
    assert (row["score"], row["studentSourcedId"]) == ("71.5", "S1")
    assert (mark["_id"], mark["score"]) == ("law101-a|S1", "71.5")
    assert (found.external_id, nobody) == ("law101-a|S1", [])


def test_while_the_charter_cannot_be_read_nothing_is_taken_and_the_consumer_comes_back(
    vle, settings, tmp_path
):
    settings.CHARTER = tmp_path / "nowhere"

    answer = send(vle, "put", "lineItems/essay", item())

    assert (answer.status_code, minor(answer)) == (503, "server_busy")
    assert answer["Retry-After"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"receives": ["users"]},
        {"receives": ["lineItems"], "static": {"lineItems": []}},
        {"receives": ["results"], "static": {"resultScoreScales": []}},
    ],
)
def test_a_charter_that_gives_one_table_two_owners_is_refused(wrong):
    with pytest.raises(ValueError, match="validation error"):
        served(**wrong)
