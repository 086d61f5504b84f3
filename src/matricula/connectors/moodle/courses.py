"""Courses and their categories. Neither is ever deleted: the teachers' content is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.errors import ConnectorError, SkipRow
from matricula.connectors.kit.http import not_understood
from matricula.connectors.moodle import mapping, records
from matricula.connectors.moodle.desk import Desk, codes_in, courses_of, numbers_in, only_one
from matricula.connectors.moodle.fields import CATEGORIES, COURSES
from matricula.connectors.moodle.refusals import Refused, ambiguous, blind, of_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from matricula.connectors.kit.batches import Job
    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.moodle.mapping import Row
    from matricula.connectors.moodle.records import Change, Creation

_GET_COURSES = "core_course_get_courses"
_GET_CATEGORIES = "core_course_get_categories"


class Courses:
    """The resource `courses`; a course is suspended by hiding it."""

    is_atomic = False
    table = COURSES

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def read(self) -> Iterator[list[Row]]:
        """Read all courses; Moodle gives them in one answer."""
        yield self._rows(courses_of(self._desk))

    def find(self, matches: Sequence[Mapping[str, Value]]) -> list[list[Row]]:
        """Look courses up by number, idnumber or short name; by anything else among all."""
        everything: list[Row] | None = None
        if any(not _telling(match) for match in matches):
            everything = [row for page in self.read() for row in page]

        def ask(match: Mapping[str, Value]) -> list[Row]:
            name = _telling(match)
            rows = self._by_field(name, str(match[name])) if name else everything or []
            return [row for row in rows if mapping.holds(self.table, match, row)]

        return self._desk.each(ask, matches)

    def jobs(self, writes: Sequence[Write]) -> list[Job]:
        """Plan writes."""
        return records.jobs(self._desk, self, writes)

    def existing(self, writes: Sequence[Write]) -> list[Row | SkipRow | None]:
        """Find the courses that these creations would double, by idnumber and by match."""
        return self._desk.each(lambda write: _standing(write, self._one_match), writes)

    def _one_match(self, match: Mapping[str, Value]) -> list[Row]:
        return self.find([match])[0]

    def create(self, made: Sequence[Creation]) -> list[str]:
        """Make courses, all or none."""
        forms = [self._form(one.wanted) for one in made]
        return numbers_in(self._desk.wire.write("core_course_create_courses", courses=forms))

    def update(self, changes: Sequence[Change]) -> dict[str, str]:
        """Change courses row by row; give the codes of those that are refused."""
        forms = [{"id": one.record_id, **self._form(one.wanted)} for one in changes]
        return codes_in(self._desk.wire.write("core_course_update_courses", courses=forms))

    def by_ids(self, ids: Sequence[str]) -> dict[str, Row]:
        """Fetch courses by number."""

        def ask(some: Sequence[str]) -> list[Row]:
            return self._rows(self._desk.wire.read(_GET_COURSES, options={"ids": list(some)}))

        numbers = [one for one in ids if mapping.is_number(one)]
        return {str(row["_id"]): row for row in self._desk.looked_up(numbers, ask)}

    def must_be_free(self, changes: Sequence[Change]) -> list[SkipRow | None]:
        """Nothing to look at: Moodle itself keeps short name and idnumber unique."""
        return [None] * len(changes)

    def why(self, row: Creation | Change, refused: Refused) -> SkipRow:
        """Moodle names the reason for most of what it refuses of a course."""
        return of_record(refused, mapping.suspicious(self.table, row.wanted))

    def _form(self, fields: Mapping[str, Value]) -> dict[str, Any]:
        return mapping.native_record(self.table, fields, self._desk.zone)

    def _by_field(self, name: str, value: str) -> list[Row]:
        if name == "_id":
            return list(self.by_ids([value]).values())
        told = self._desk.wire.must_read(
            "core_course_get_courses_by_field", field=name, value=value
        )
        return self._rows(told.get("courses") if isinstance(told, dict) else None)

    def _rows(self, told: Any) -> list[Row]:  # noqa: ANN401 - what Moodle answered
        if not isinstance(told, list):
            raise not_understood("a look-up of courses is answered with none")
        courses = [one for one in told if str(one.get("format")) != "site"]
        if any("visible" not in one for one in courses):
            raise blind("courses' idnumbers", "moodle/course:update")
        return [mapping.row_of(self.table, one, self._desk.zone) for one in courses]


class Categories:
    """The resource `categories`."""

    is_atomic = True
    table = CATEGORIES

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def read(self) -> Iterator[list[Row]]:
        """Read all categories; Moodle gives them in one answer."""
        yield self._asked()

    def find(self, matches: Sequence[Mapping[str, Value]]) -> list[list[Row]]:
        """Look categories up among all; there are few."""
        everything = self._asked()
        return [
            [row for row in everything if mapping.holds(self.table, match, row)]
            for match in matches
        ]

    def jobs(self, writes: Sequence[Write]) -> list[Job]:
        """Plan writes."""
        return records.jobs(self._desk, self, writes)

    def existing(self, writes: Sequence[Write]) -> list[Row | SkipRow | None]:
        """Find the categories that these creations would double, by idnumber and by match."""
        everything = self._asked() if writes else []

        def look(match: Mapping[str, Value]) -> list[Row]:
            return [row for row in everything if mapping.holds(self.table, match, row)]

        return [_standing(write, look) for write in writes]

    def create(self, made: Sequence[Creation]) -> list[str]:
        """Make categories, all or none."""
        forms = [mapping.native_record(self.table, one.wanted, self._desk.zone) for one in made]
        told = self._desk.wire.write("core_course_create_categories", categories=forms)
        return numbers_in(told)

    def update(self, changes: Sequence[Change]) -> dict[str, str]:
        """Change categories, all or none."""
        forms = [
            {"id": one.record_id, **mapping.native_record(self.table, one.wanted, self._desk.zone)}
            for one in changes
        ]
        self._desk.wire.write("core_course_update_categories", categories=forms)
        return {}

    def by_ids(self, ids: Sequence[str]) -> dict[str, Row]:
        """Fetch categories by number."""
        return {str(row["_id"]): row for row in self._asked() if row["_id"] in ids}

    def must_be_free(self, changes: Sequence[Change]) -> list[SkipRow | None]:
        """Nothing to look at: Moodle itself keeps the idnumber unique."""
        return [None] * len(changes)

    def why(self, row: Creation | Change, refused: Refused) -> SkipRow:
        """Look whether the category is there, where Moodle says only that something is wrong."""
        try:
            is_there = isinstance(row, records.Creation) or bool(self.by_ids([row.record_id]))
        except ConnectorError:
            is_there = True
        if not is_there:
            return of_record(Refused(refused.function, "invalidrecord"))
        return of_record(refused, mapping.suspicious(self.table, row.wanted))

    def _asked(self) -> list[Row]:
        told = self._desk.wire.must_read(_GET_CATEGORIES)
        if not isinstance(told, list):
            raise not_understood("the listing of categories is none")
        if any("idnumber" not in one for one in told):
            raise blind("categories' idnumbers", "moodle/category:manage")
        return [mapping.row_of(self.table, one, self._desk.zone) for one in told]


def _standing(
    write: Write, look: Callable[[Mapping[str, Value]], list[Row]]
) -> Row | SkipRow | None:
    """Find the one record that has the idnumber of a creation, or else what its match finds."""
    number = write.fields.get("idnumber")
    matches: list[Mapping[str, Value]] = [{"idnumber": number}] if number else []
    if write.match and all(value not in (None, "") for value in write.match.values()):
        matches.append(write.match)
    for match in matches:
        present = only_one(look(match))
        if isinstance(present, dict) and number and present.get("idnumber") not in (None, number):
            return ambiguous(f"the record with this {', '.join(match)} has another idnumber")
        if present is not None:
            return present
    return None


def _telling(match: Mapping[str, Value]) -> str:
    return next((name for name in ("_id", "idnumber", "shortname") if name in match), "")
