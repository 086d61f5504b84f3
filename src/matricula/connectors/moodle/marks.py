"""Marks as Moodle has them: read, never written. Unverified, and the teachers' own.

Final marks belong to the examination office; nothing here writes one into Moodle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from matricula.connectors.kit.http import not_understood
from matricula.connectors.moodle import mapping
from matricula.connectors.moodle.desk import Desk, courses_of
from matricula.connectors.moodle.fields import COURSEWORK, GRADE_ITEMS, MARKS
from matricula.connectors.moodle.refusals import Refused, of_no_record
from matricula.kernel.findings import Finding
from matricula.kernel.keys import join_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.kit.batches import Job
    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.moodle.mapping import Row

_REPORT = "gradereport_user_get_grade_items"
_ITEMS = "core_grades_get_gradeitems"
What = Literal["marks", "coursework", "grade_items"]
_TABLES = {"marks": MARKS, "coursework": COURSEWORK, "grade_items": GRADE_ITEMS}


class Marks:
    """The resources `marks`, `coursework` and `grade_items`, all from one report of Moodle's."""

    def __init__(self, desk: Desk, what: What) -> None:
        self._desk, self._what = desk, what
        self.table = _TABLES[what]
        self.findings: list[Finding] = []

    def read(self) -> Iterator[list[Row]]:
        """Read the report of every course, a few courses at a time.

        A course with grade items that the report does not show us becomes a finding.
        """
        self.findings.clear()
        courses = [str(one["id"]) for one in courses_of(self._desk)]
        for found in self._desk.flowing(self._of_course, courses, 8):
            yield [row for rows in found for row in rows]

    def find(self, matches: Sequence[Mapping[str, Value]]) -> list[list[Row]]:
        """Look marks up in the courses that are named, or in all."""
        named = sorted({str(match.get("courseid") or "") for match in matches})
        if "" in named:
            rows = [row for page in self.read() for row in page]
        else:
            rows = [row for found in self._desk.each(self._of_course, named) for row in found]
        return [
            [row for row in rows if mapping.holds(self.table, match, row)] for match in matches
        ]

    def jobs(self, writes: Sequence[Write]) -> list[Job]:  # noqa: ARG002 - nothing can be written
        """Nothing is written here; the connector has refused before."""
        return []

    def _of_course(self, course: str) -> list[Row]:
        with of_no_record():
            try:
                told = self._desk.wire.read(_REPORT, courseid=course)
            except Refused as refused:
                if refused.is_absent:
                    return []
                raise
            people = told.get("usergrades") if isinstance(told, dict) else None
            if not isinstance(people, list):
                raise not_understood("the report of a course's marks is none")
            if people:
                self._look_for_hidden(course, people)
        if self._what == "grade_items":
            return self._items(course, people)
        return [row for person in people for row in self._of_person(person)]

    def _look_for_hidden(self, course: str, people: Sequence[Mapping[str, Any]]) -> None:
        """Say when items are hidden from us: they still count in the total."""
        if _ITEMS not in self._desk.service.functions:
            return
        told = self._desk.wire.read(_ITEMS, courseid=course)
        listed = told.get("gradeItems") if isinstance(told, dict) else None
        items = {str(one["id"]) for one in listed or ()}
        shown = {str(item["id"]) for person in people for item in person["gradeitems"]}
        if items - shown:
            finding = Finding(
                place=f"{self._what}, course {course}",
                code="M731",
                message=f"{len(items - shown)} grade items are not shown to our account, and "
                "they count in the total all the same.",
                cure="Have mod/<type>:view given to the account's role for every type of "
                "activity that is marked.",
                severity="warning",
            )
            self.findings.append(finding)

    def _of_person(self, person: Mapping[str, Any]) -> list[Row]:
        items = person["gradeitems"]
        if self._what == "coursework":
            items = [one for one in items if self._is_coursework(one)][:1]
        return [self._row(person, one) for one in items]

    def _is_coursework(self, item: Mapping[str, Any]) -> bool:
        wanted = self._desk.settings.coursework_item
        if wanted:
            return str(item.get("idnumber") or "") == wanted
        return str(item.get("itemtype")) == "course"

    def _row(self, person: Mapping[str, Any], item: Mapping[str, Any]) -> Row:
        course, user = str(person["courseid"]), str(person["userid"])
        raw = {
            "courseid": course,
            "course_idnumber": person.get("courseidnumber"),
            "userid": user,
            "user_idnumber": person.get("useridnumber"),
            "mark": item.get("graderaw"),
            "graded_at": item.get("gradedategraded"),
            "itemid": item["id"],
            "is_hidden": item.get("gradeishidden"),
            **_of_item(item),
        }
        whole = [course, user] if self._what == "coursework" else [str(item["id"]), user]
        return self._shaped(join_key(whole), raw)

    def _items(self, course: str, people: Sequence[Mapping[str, Any]]) -> list[Row]:
        rows = {}
        for person in people:
            for item in person["gradeitems"]:
                raw = {
                    "courseid": course,
                    "course_idnumber": person.get("courseidnumber"),
                    **_of_item(item),
                }
                rows[str(item["id"])] = self._shaped(str(item["id"]), raw)
        return list(rows.values())

    def _shaped(self, identifier: str, raw: Mapping[str, object]) -> Row:
        columns = self.table.columns.values()
        row = {
            one.name: mapping.canonical(one, raw.get(one.name), self._desk.zone) for one in columns
        }
        return {"_id": identifier, **row}


def _of_item(item: Mapping[str, Any]) -> dict[str, object]:
    return {
        "item_idnumber": item.get("idnumber"),
        "itemname": item.get("itemname"),
        "itemtype": item.get("itemtype"),
        "itemmodule": item.get("itemmodule"),
        "mark_min": item.get("grademin"),
        "mark_max": item.get("grademax"),
    }
