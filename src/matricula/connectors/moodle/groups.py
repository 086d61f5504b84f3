"""Groups within courses, and who is in them: only people who are enrolled in the course."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.errors import ConnectorError, SkipRow, TryAgain
from matricula.connectors.kit.http import not_understood
from matricula.connectors.moodle import mapping, records
from matricula.connectors.moodle.desk import Desk, courses_of, numbers_in, only_one
from matricula.connectors.moodle.fields import GROUPS
from matricula.connectors.moodle.refusals import (
    Refused,
    ambiguous,
    gone,
    of_no_record,
    of_record,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.kit.batches import Job
    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.moodle.enrolments import Rosters
    from matricula.connectors.moodle.mapping import Row
    from matricula.connectors.moodle.records import Change, Creation


class Groups:
    """The resource `groups`."""

    is_atomic = True
    table = GROUPS

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def read(self) -> Iterator[list[Row]]:
        """Read the groups of all courses, a few courses at a time."""
        courses = [str(one["id"]) for one in courses_of(self._desk)]
        for found in self._desk.flowing(self.of_course, courses, 32):
            yield [row for rows in found for row in rows]

    def find(self, matches: Sequence[Mapping[str, Value]]) -> list[list[Row]]:
        """Look groups up by number or within a course; by anything else among all."""
        everything: list[Row] | None = None
        if any(not {"_id", "courseid"} & set(match) for match in matches):
            everything = [row for page in self.read() for row in page]
        courses = sorted(
            {str(m["courseid"]) for m in matches if "courseid" in m and "_id" not in m}
        )
        within = dict(zip(courses, self._desk.each(self.of_course, courses), strict=True))
        numbered = self.by_ids([str(m["_id"]) for m in matches if "_id" in m])

        def candidates(match: Mapping[str, Value]) -> Sequence[Row]:
            if "_id" in match:
                return [numbered[str(match["_id"])]] if str(match["_id"]) in numbered else []
            return within[str(match["courseid"])] if "courseid" in match else everything or []

        return [
            [row for row in candidates(match) if mapping.holds(self.table, match, row)]
            for match in matches
        ]

    def of_course(self, course: str) -> list[Row]:
        """List the groups of a course; none where there is no such course."""
        if not mapping.is_number(course):
            return []
        with of_no_record():
            try:
                told = self._desk.wire.read("core_group_get_course_groups", courseid=course)
            except Refused as refused:
                if refused.is_gone:
                    return []
                raise
        return self._rows(told)

    def jobs(self, writes: Sequence[Write]) -> list[Job]:
        """Plan writes."""
        return records.jobs(self._desk, self, writes, self.delete)

    def existing(self, writes: Sequence[Write]) -> list[Row | SkipRow | None]:
        """Find the groups that these creations would double: by idnumber, by match, by name."""
        courses = sorted({str(one.fields["courseid"]) for one in writes})
        within = dict(zip(courses, self._desk.each(self.of_course, courses), strict=True))
        return [_standing(one, within[str(one.fields["courseid"])]) for one in writes]

    def create(self, made: Sequence[Creation]) -> list[str]:
        """Make groups, all or none; a description is asked for, though it may be empty."""
        forms = [{"description": "", **self._form(one.wanted)} for one in made]
        return numbers_in(self._desk.wire.write("core_group_create_groups", groups=forms))

    def update(self, changes: Sequence[Change]) -> dict[str, str]:
        """Change groups, all or none; the function asks for the name every time."""
        present = self.by_ids([one.record_id for one in changes])
        forms = []
        codes = {}
        for one in changes:
            row = present.get(one.record_id)
            if row is None:
                codes[one.record_id] = "invalidrecord"
                continue
            forms.append({"id": one.record_id, "name": row["name"], **self._form(one.wanted)})
        if forms:
            self._desk.wire.write("core_group_update_groups", groups=forms)
        return codes

    def delete(self, record_id: str) -> None:
        """Delete a group; Moodle agrees when it is gone."""
        self._desk.wire.write("core_group_delete_groups", groupids=[record_id])

    def by_ids(self, ids: Sequence[str]) -> dict[str, Row]:
        """Fetch groups by number."""

        def ask(some: Sequence[str]) -> list[Row]:
            return self._rows(self._desk.wire.read("core_group_get_groups", groupids=list(some)))

        numbers = [one for one in ids if mapping.is_number(one)]
        return {str(row["_id"]): row for row in self._desk.looked_up(numbers, ask)}

    def must_be_free(self, changes: Sequence[Change]) -> list[SkipRow | None]:
        """Refuse to move a group into another course."""
        return [
            SkipRow(
                "courseid of a group cannot change.",
                code="M604",
                cure="Let the group of the other course be a record with a key of its own.",
            )
            if "courseid" in one.wanted
            else None
            for one in changes
        ]

    def why(self, row: Creation | Change, refused: Refused) -> SkipRow:
        """Moodle says only that something is wrong when a course has the name already."""
        if refused.is_checked_before and not mapping.suspicious(self.table, row.wanted):
            return ambiguous("its name is already used by another group of the course")
        return of_record(refused, mapping.suspicious(self.table, row.wanted))

    def _form(self, fields: Mapping[str, Value]) -> dict[str, Any]:
        return mapping.native_record(self.table, fields, self._desk.zone)

    def _rows(self, told: Any) -> list[Row]:  # noqa: ANN401 - what Moodle answered
        if not isinstance(told, list):
            raise not_understood("a listing of groups is none")
        return [mapping.row_of(self.table, one, self._desk.zone) for one in told]


def _standing(write: Write, rows: Sequence[Row]) -> Row | SkipRow | None:
    number = write.fields.get("idnumber")
    match = {name: value for name, value in write.match.items() if name != "courseid"}
    asked: list[Mapping[str, Value]] = [{"idnumber": number}] if number else []
    asked += [match] if match and all(v not in (None, "") for v in match.values()) else []
    for one in asked:
        present = only_one([row for row in rows if mapping.holds(GROUPS, one, row)])
        if isinstance(present, dict) and number and present.get("idnumber") not in (None, number):
            return ambiguous(f"the group with this {', '.join(one)} has another idnumber")
        if present is not None:
            return present
    return None


class InGroups:
    """Who is in which group, for the resource `group_members`."""

    holder, function = "groupid", "core_group_get_group_members"

    def __init__(self, desk: Desk, rosters: Rosters) -> None:
        self._desk, self._rosters = desk, rosters
        self._groups = Groups(desk)

    def holders(self) -> list[str]:
        """List the groups of all courses."""
        return [str(row["_id"]) for page in self._groups.read() for row in page]

    def ready(self, pairs: Sequence[tuple[str, str]]) -> list[ConnectorError | None]:
        """Say of each pair whether its group is there and its person is enrolled."""
        groups = self._groups.by_ids(sorted({group for group, _ in pairs}))
        courses = {i: str(row["courseid"]) for i, row in groups.items()}
        self._rosters.learn(sorted(set(courses.values())))

        def judge(group: str, user: str) -> ConnectorError | None:
            if group not in courses:
                return gone()
            return None if self._rosters.has(courses[group], user) else _not_enrolled()

        return [judge(group, user) for group, user in pairs]

    def add(self, pairs: Sequence[tuple[str, str]]) -> bool:
        """Put people into groups, all or none."""
        members = [{"groupid": group, "userid": user} for group, user in pairs]
        self._desk.wire.write("core_group_add_group_members", members=members)
        return True

    def remove(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Take people out of groups, all or none."""
        members = [{"groupid": group, "userid": user} for group, user in pairs]
        self._desk.wire.write("core_group_delete_group_members", members=members)

    def refusal(self, refused: Refused) -> ConnectorError:
        """Say what a refused pair means; Moodle does not say that somebody is not enrolled."""
        return _not_enrolled() if refused.is_checked_before else of_record(refused)


def _not_enrolled() -> TryAgain:
    return TryAgain(
        "The person is not enrolled in the group's course, and Moodle takes nobody else.",
        code="M730",
        cure="It is tried again; if it lasts, look why the enrolment is missing.",
    )
