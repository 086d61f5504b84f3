"""Marks are read as they are, never written, and not believed when some are hidden from us."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import GiveUp
from tests.connectors.moodle.campus import create, enrol

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.moodle.campus import Campus


def _marked(campus: Campus) -> tuple[str, str, int]:
    """Have a course with an essay for which Amara has 61.25 of 80."""
    course, (amara,) = campus.taught("amara")
    campus.make("enrolments", enrol(course, amara))
    essay = campus.site.grade_items.insert(
        {"courseid": int(course), "itemtype": "mod", "itemname": "Essay", "itemmodule": "assign",
         "idnumber": "ESSAY", "grademin": 0, "grademax": 80.0}
    )  # fmt: skip
    mark = {"pair": f"{essay}|{amara}", "graderaw": 61.25, "gradedategraded": 1790000000}
    campus.site.grades.insert(mark)
    return course, amara, essay


def test_every_item_of_every_active_person_is_a_row(campus: Campus):
    _, amara, essay = _marked(campus)

    rows = {row["itemtype"]: row for row in campus.rows("marks")}

    assert rows["mod"]["_id"] == f"{essay}|{amara}"
    assert (rows["mod"]["mark"], rows["mod"]["mark_max"]) == ("61.25", "80")
    assert rows["mod"]["item_idnumber"] == "ESSAY"
    assert rows["mod"]["graded_at"].isoformat() == "2026-09-21T14:13:20+00:00"
    assert rows["course"]["mark"] is None


def test_coursework_is_the_item_that_the_settings_name(make_campus: Callable[..., Campus]):
    campus = make_campus(coursework_item="ESSAY")
    course, amara, _ = _marked(campus)

    (row,) = campus.rows("coursework")

    assert (row["_id"], row["mark"]) == (f"{course}|{amara}", "61.25")
    assert row["user_idnumber"] == campus.person("amara")["idnumber"]
    assert row["course_idnumber"] == campus.course()["idnumber"]


def test_coursework_is_the_course_total_where_nothing_is_named(campus: Campus):
    _marked(campus)

    assert [row["mark_max"] for row in campus.rows("coursework")] == ["100"]


def test_items_are_listed_once_for_their_course(campus: Campus):
    _, _, essay = _marked(campus)

    items = {row["_id"]: row["itemname"] for row in campus.rows("grade_items")}

    assert items[str(essay)] == "Essay"
    assert len(items) == 2


def test_items_that_are_hidden_from_us_are_said_to_be(campus: Campus):
    course, _, _ = _marked(campus)
    campus.site.unseen_modules.add("assign")

    with campus.connector.read("marks") as reading:
        rows = [row for batch in reading.batches for row in batch.to_pylist()]

    (finding,) = reading.findings
    assert [row["itemtype"] for row in rows] == ["course"]
    assert finding.place == f"marks, course {course}"
    assert "mod/<type>:view" in finding.cure


def test_no_mark_is_ever_written(campus: Campus):
    _marked(campus)

    with pytest.raises(GiveUp, match="marks"):
        campus.write("marks", create("x", {"mark": "70"}, ()))
    assert not any(shape.writes for shape in campus.connector.describe() if "mark" in shape.name)
