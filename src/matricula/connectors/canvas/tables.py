"""What Canvas has: its resources under the names of the SIS import's files and columns.

Source: Canvas, "SIS CSV Format" (columns, which of them are sticky, what an empty one does).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from matricula.connectors.kit.protocol import FieldShape, ResourceShape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.kit.protocol import NativeType, WriteKind

# What an empty cell, or a column that is not there, does to a value that is there.
Blank = Literal["keeps", "clears", "word"]

_ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "instant": pa.timestamp("us", tz="UTC"),
}
LONGEST = 255
# Canvas takes this word for "take the value away", in the columns that know it.
DELETE_WORD = "<delete>"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file of the import, which is one field of the resource.

    Attributes:
        blank: What an empty cell does: `keeps` the value, so that it can never be emptied;
            `clears` it, so that every row must carry it; `word` keeps it, and a word of
            Canvas's empties it.
        always: Canvas refuses a row without it.
        read_only: Canvas says it and no import writes it.
        choices: The only values that are written.
        told: Whether Canvas shows afterwards what was written. Of addresses it shows the one
            that the user prefers, of a term no other number than the SIS ID.
        numeric: Whether it is a number of Canvas's own.
    """

    name: str
    type: NativeType = "text"
    blank: Blank = "keeps"
    sticky: bool = False
    required: bool = False
    always: bool = False
    read_only: bool = False
    choices: tuple[str, ...] = ()
    told: bool = True
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Spec:
    """One resource.

    Attributes:
        identity: The columns that say which record is meant.
        kind: What `change_sis_id.csv` calls it; empty when its SIS ID cannot change.
        suspended: The status of a record that sleeps; empty when none can.
        statuses: What a row may say of a record that is there; the first is the usual.
        creates_only: Whether a record can only be made and taken away.
    """

    name: str
    file: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    kind: str = ""
    suspended: str = ""
    statuses: tuple[str, ...] = ("active",)
    writes: frozenset[WriteKind] = frozenset({"create", "update", "delete"})

    @property
    def by_name(self) -> Mapping[str, Column]:
        """The columns by name."""
        return {one.name: one for one in self.columns}

    @property
    def sticky(self) -> frozenset[str]:
        """Fields of which Canvas keeps a change that somebody made in it."""
        return frozenset(one.name for one in self.columns if one.sticky)


_ALL: frozenset[WriteKind] = frozenset({"create", "update", "suspend", "resume", "delete"})
_INTEGRATION = Column("integration_id", blank="clears")
_DATES = (
    Column("start_date", "instant", blank="clears", sticky=True),
    Column("end_date", "instant", blank="clears", sticky=True),
)


def _id(name: str) -> Column:
    return Column(name, required=True, always=True)


USERS = Spec(
    "users",
    "users.csv",
    (
        _id("user_id"),
        Column("login_id", sticky=True, required=True, always=True),
        Column("full_name", sticky=True),
        Column("sortable_name", sticky=True),
        Column("short_name", sticky=True),
        Column("email", told=False),
        Column("integration_id"),
        Column("authentication_provider_id", blank="clears", numeric=True),
        Column(
            "declared_user_type",
            blank="word",
            choices=(
                "administrative",
                "observer",
                "staff",
                "student",
                "student_other",
                "teacher",
            ),
        ),
        Column("status", sticky=True, choices=("active", "suspended")),
    ),
    ("user_id",),
    kind="user",
    suspended="suspended",
    statuses=("active", "suspended"),
    writes=_ALL,
)
LOGINS = Spec(
    "logins",
    "logins.csv",
    (
        _id("user_id"),
        _id("login_id"),
        _id("existing_user_id"),
        Column("integration_id"),
        Column("authentication_provider_id", numeric=True),
    ),
    ("user_id",),
    writes=frozenset({"create", "delete"}),
)
ACCOUNTS = Spec(
    "accounts",
    "accounts.csv",
    (
        _id("account_id"),
        Column("parent_account_id", blank="clears", sticky=True),
        Column("name", sticky=True, required=True, always=True),
        _INTEGRATION,
    ),
    ("account_id",),
    kind="account",
)
TERMS = Spec(
    "terms",
    "terms.csv",
    (
        _id("term_id"),
        Column("name", sticky=True, required=True, always=True),
        *_DATES,
        Column("integration_id", blank="clears", told=False),
    ),
    ("term_id",),
    kind="term",
)
COURSES = Spec(
    "courses",
    "courses.csv",
    (
        _id("course_id"),
        Column("short_name", sticky=True, required=True, always=True),
        Column("long_name", sticky=True, required=True, always=True),
        Column("account_id", sticky=True),
        Column("term_id", sticky=True),
        Column("start_date", "instant", blank="word", sticky=True),
        Column("end_date", "instant", blank="word", sticky=True),
        Column("course_format", choices=("on_campus", "online", "blended")),
        _INTEGRATION,
        Column("status", sticky=True, choices=("active", "completed")),
    ),
    ("course_id",),
    kind="course",
    statuses=("active", "completed"),
)
SECTIONS = Spec(
    "sections",
    "sections.csv",
    (
        _id("section_id"),
        Column("course_id", sticky=True, required=True, always=True),
        Column("name", sticky=True, required=True, always=True),
        *_DATES,
        _INTEGRATION,
    ),
    ("section_id",),
    kind="section",
)
ENROLLMENTS = Spec(
    "enrollments",
    "enrollments.csv",
    (
        _id("section_id"),
        _id("user_id"),
        _id("role"),
        Column("course_id"),
        *_DATES,
        Column("limit_section_privileges", "boolean"),
        Column("status", choices=("active", "inactive", "completed")),
    ),
    ("section_id", "user_id", "role"),
    suspended="inactive",
    statuses=("active", "inactive", "completed"),
    writes=_ALL,
)
GRADES = Spec(
    "grades",
    "",
    (
        Column("section_id", read_only=True),
        Column("course_id", read_only=True),
        Column("user_id", read_only=True),
        Column("role", read_only=True),
        Column("status", read_only=True),
        Column("current_score", "decimal", read_only=True),
        Column("final_score", "decimal", read_only=True),
        Column("current_grade", read_only=True),
        Column("final_grade", read_only=True),
        Column("unposted_current_score", "decimal", read_only=True),
        Column("unposted_final_score", "decimal", read_only=True),
        Column("override_score", "decimal", read_only=True),
        Column("override_grade", read_only=True),
    ),
    ("section_id", "user_id", "role"),
    writes=frozenset(),
)
SPECS: dict[str, Spec] = {
    one.name: one
    for one in (USERS, LOGINS, ACCOUNTS, TERMS, COURSES, SECTIONS, ENROLLMENTS, GRADES)
}


def shape_of(spec: Spec, *, may_read: bool = True, may_write: bool = True) -> ResourceShape:
    """Describe a resource, with what our token may do to it."""
    fields = tuple(
        FieldShape(
            one.name,
            one.type,
            writable=not one.read_only,
            required=one.required,
            max_length=LONGEST if one.type == "text" and not one.read_only else None,
        )
        for one in spec.columns
    )
    return ResourceShape(
        spec.name,
        fields,
        id_field=spec.identity[0] if len(spec.identity) == 1 else "",
        readable=may_read,
        writes=spec.writes if may_write else frozenset(),
    )


def schema_of(spec: Spec) -> pa.Schema:
    """Name the columns of a reading: `_id`, `_suspended` where there is one, and the fields."""
    columns: list[pa.Field[pa.DataType]] = [pa.field("_id", pa.string())]
    if spec.suspended:
        columns.append(pa.field("_suspended", pa.bool_(), metadata={"said_by": "status"}))
    columns += [pa.field(one.name, _ARROW.get(one.type, pa.string())) for one in spec.columns]
    return pa.schema(columns)
