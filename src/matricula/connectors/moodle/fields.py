"""The fields of each resource: what they are in Moodle, how long, and what a text may hold.

Source: `lib/db/install.xml` and the functions' own descriptions in Moodle 4.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matricula.connectors.kit.protocol import NativeType


@dataclass(frozen=True, slots=True)
class Column:
    """One field of a resource.

    Attributes:
        name: In the charter; Moodle's own name but for a few.
        type: As the kit names types. A `text` that `is_number` holds the number of another
            record, as `link()` gives it.
        most: Characters that Moodle's table holds.
        is_required: A record must have it, and it is never blank.
        is_fixed: Given when the record is made and never changed.
        is_writable: Whether it is ours to write at all.
        has_no_tags: Moodle refuses a text in which it sees HTML.
        is_unsure: Moodle may quietly keep something else, so it is looked at again.
    """

    name: str
    type: NativeType = "text"
    most: int | None = None
    is_required: bool = False
    is_fixed: bool = False
    is_writable: bool = True
    is_number: bool = False
    has_no_tags: bool = False
    is_unsure: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One resource.

    Attributes:
        name: In the charter.
        columns: Its fields by name.
        said_by: The field that says whether a record is suspended; empty where none can be.
    """

    name: str
    columns: dict[str, Column]
    said_by: str = ""

    @property
    def suspends(self) -> bool:
        """Whether records can be suspended."""
        return bool(self.said_by)


def _table(name: str, *columns: Column, said_by: str = "") -> Table:
    return Table(name, {one.name: one for one in columns}, said_by)


def _shown(name: str, type_: NativeType = "text") -> Column:
    return Column(name, type_, is_writable=False)


def users(profile_fields: Sequence[str]) -> Table:
    """Describe accounts, with the custom profile fields that the settings name."""
    return _table(
        "users",
        Column("idnumber", most=255),
        Column("username", most=100, is_required=True),
        Column("firstname", most=100, is_required=True, has_no_tags=True),
        Column("lastname", most=100, is_required=True, has_no_tags=True),
        Column("email", most=100, is_required=True),
        Column("auth", most=20, is_unsure=True),
        Column("suspended", "boolean"),
        Column("institution", most=255, has_no_tags=True),
        Column("department", most=255, has_no_tags=True),
        Column("address", most=255, has_no_tags=True),
        Column("city", most=120, has_no_tags=True),
        Column("country", most=2, is_unsure=True),
        Column("lang", most=30, is_unsure=True),
        *(Column(f"profile.{name}", is_unsure=True) for name in profile_fields),
        said_by="suspended",
    )


CATEGORIES = _table(
    "categories",
    Column("idnumber", most=100),
    Column("name", most=255, is_required=True, has_no_tags=True),
    Column("parent", is_number=True),
    Column("description"),
)
COURSES = _table(
    "courses",
    Column("idnumber", most=100),
    Column("shortname", most=255, is_required=True, has_no_tags=True),
    Column("fullname", most=254, is_required=True, has_no_tags=True),
    Column("categoryid", is_number=True, is_required=True),
    Column("visible", "boolean"),
    Column("startdate", "date"),
    Column("enddate", "date"),
    Column("summary"),
    said_by="visible",
)
COHORTS = _table(
    "cohorts",
    Column("idnumber", most=100, is_required=True),
    Column("name", most=254, is_required=True),
    Column("description"),
    Column("visible", "boolean"),
)
COHORT_MEMBERS = _table(
    "cohort_members",
    Column("cohortid", is_number=True, is_required=True, is_fixed=True),
    Column("userid", is_number=True, is_required=True, is_fixed=True),
)
GROUPS = _table(
    "groups",
    Column("idnumber", most=100),
    Column("courseid", is_number=True, is_required=True, is_fixed=True),
    Column("name", most=254, is_required=True, has_no_tags=True),
    Column("description"),
)
GROUP_MEMBERS = _table(
    "group_members",
    Column("groupid", is_number=True, is_required=True, is_fixed=True),
    Column("userid", is_number=True, is_required=True, is_fixed=True),
)
ENROLMENTS = _table(
    "enrolments",
    Column("courseid", is_number=True, is_required=True, is_fixed=True),
    Column("userid", is_number=True, is_required=True, is_fixed=True),
    Column("role", most=100, is_required=True, is_fixed=True),
    Column("suspended", "boolean"),
    said_by="suspended",
)
_MARK = (
    _shown("courseid"),
    _shown("course_idnumber"),
    _shown("userid"),
    _shown("user_idnumber"),
    _shown("mark", "decimal"),
    _shown("mark_min", "decimal"),
    _shown("mark_max", "decimal"),
    _shown("graded_at", "instant"),
)
MARKS = _table(
    "marks",
    *_MARK,
    _shown("itemid"),
    _shown("item_idnumber"),
    _shown("itemname"),
    _shown("itemtype"),
    _shown("itemmodule"),
    _shown("is_hidden", "boolean"),
)
COURSEWORK = _table("coursework", *_MARK)
GRADE_ITEMS = _table(
    "grade_items",
    _shown("courseid"),
    _shown("course_idnumber"),
    _shown("item_idnumber"),
    _shown("itemname"),
    _shown("itemtype"),
    _shown("itemmodule"),
    _shown("mark_min", "decimal"),
    _shown("mark_max", "decimal"),
)
