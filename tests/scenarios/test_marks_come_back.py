"""A consumer puts a mark; it stays its own, and a flow carries on what the charter grants."""

from __future__ import annotations

import pytest

from tests.api.consumers import GRADEBOOK, consumer
from tests.api.test_receiving import item, ref, result, send
from tests.scenarios.test_served_roster import ROSTER

pytestmark = pytest.mark.django_db
MARKS = """
flows:
  board-marks:
    purpose: Exam boards see continuous assessment beside the examination.
    basis: contract with the student
    from: enrolment
    to: warehouse.marks
    match: {student_no: student_no, code: code}
    where: coursework_mark is not null
    fields:
      student_no: {is: student_no, because: the stable key}
      code: {is: code, because: the stable key}
      mark: {is: "round(coursework_mark, 2)", because: boards decide on two decimals}
    cadence: {on_change: true}
    on_exit: leave
    on_drift: report
    if_unavailable: {queue: true}
    guard: {exits: {count: 0}, creations: {share: 100%}, changes: {share: 100%}}
    errors_to: it
"""


@pytest.fixture
def marking(world, settings):
    """Rosters flow to a consumer, which owns its gradebook; marks flow on to the boards."""
    received = ROSTER.replace(
        "    settings:\n",
        "    settings:\n      receives: [categories, lineItems, results]\n"
        "      coursework: total\n",
    )
    charter = world.folder / "charter"
    (charter / "roster.yaml").write_text(received, encoding="utf-8")
    (charter / "flows.yaml").write_text(MARKS, encoding="utf-8")
    world.edit_charter(
        "    roster: sis.enrolments\n    fields:\n",
        "    roster: sis.enrolments\n"
        "    found_by: {roster.coursework: [studentSourcedId, classSourcedId]}\n"
        "    fields:\n"
        "      coursework_mark:\n"
        "        {owner: roster.coursework.score, type: decimal, class: personal}\n",
        "charter.yaml",
    )
    settings.CHARTER = charter
    return world


def put_mark(asking, score: float, *, one: str = "total", category: str = "total") -> None:
    told = {"sourcedId": category, "status": "active", "title": category,
            "dateLastModified": "2026-11-05T10:00:00Z"}  # fmt: skip
    essay = item(one, category=ref("category", category), title=one)["lineItem"]
    essay |= {"class": ref("class", "LAW1"), "school": ref("org", "tu")}
    del essay["gradingPeriod"]
    mark = result(f"00001-{one}", lineItem=ref("lineItem", one), student=ref("user", "00001"),
                  score=score)["result"]  # fmt: skip
    del mark["metadata"]
    for path, body in (
        (f"categories/{category}", {"category": told}), (f"lineItems/{one}", {"lineItem": essay}),
        (f"results/00001-{one}", {"result": mark}),
    ):  # fmt: skip
        answer = send(asking, "put", path, body)
        assert answer.status_code == 201, answer.content


def planned(world) -> tuple[int, int, int]:
    """What is to be done to the boards' marks: made, changed, taken away."""
    flow = world.plan("--flow", "board-marks")["board-marks"]
    return flow["create"], flow["update"], flow["delete"]


def test_a_mark_that_was_put_reaches_the_board_and_follows_its_owner_alone(marking):
    marking.sign_all()
    assert marking.run("sync").code == 0
    asking = consumer(system="roster")

    put_mark(asking, 40, one="essay", category="coursework")
    put_mark(asking, 71.456)
    # Only what is in the category that the charter names is a mark of coursework.
    assert planned(marking) == (1, 0, 0)
    assert marking.run("sync", "--flow", "board-marks").code == 0
    assert planned(marking) == (0, 0, 0)

    put_mark(asking, 68)
    assert planned(marking) == (0, 1, 0)
    # Which of two totals is the mark is for nobody here to say: neither.
    put_mark(asking, 12, one="another-total")
    said = marking.run("sync", "--flow", "board-marks")
    assert "M412" in said.out
    assert planned(marking) == (0, 0, 0)

    # What its owner takes away is served as gone, and no board loses a mark by it.
    for one in ("another-total", "total"):
        assert send(asking, "delete", f"results/00001-{one}").status_code == 204
    left = asking.get(f"{GRADEBOOK}/results/00001-total").json()["result"]
    assert left["status"] == "tobedeleted"
    assert planned(marking) == (0, 0, 0)


def test_a_flow_that_would_write_what_the_consumer_owns_is_found_by_a_live_check(marking):
    marking.edit_charter("to: roster.courses", "to: roster.results", "roster.yaml")

    said = marking.run("check", "--live")

    assert said.code == 1
    assert "results" in said.out + said.err
