"""What the token's external service offers, and what of it each resource needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.http import not_understood

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matricula.connectors.kit.protocol import WriteKind
    from matricula.connectors.moodle.wire import Wire

INFO = "core_webservice_get_site_info"
_ENROLLED = "core_enrol_get_enrolled_users"
_BY_FIELD = "core_user_get_users_by_field"
_COURSES = "core_course_get_courses"
_MARKS = (_COURSES, "gradereport_user_get_grade_items")
# What it takes to read a resource, and what more to do something to its records.
READS: dict[str, tuple[str, ...]] = {
    "users": (_ENROLLED, _BY_FIELD),
    "categories": ("core_course_get_categories",),
    "courses": (_COURSES, "core_course_get_courses_by_field"),
    "cohorts": ("core_cohort_search_cohorts",),
    "cohort_members": ("core_cohort_search_cohorts", "core_cohort_get_cohort_members"),
    "groups": (_COURSES, "core_group_get_course_groups", "core_group_get_groups"),
    "group_members": (
        _COURSES,
        "core_group_get_course_groups",
        "core_group_get_groups",
        "core_group_get_group_members",
        _ENROLLED,
    ),
    "enrolments": (_COURSES, _ENROLLED),
    "marks": _MARKS,
    "coursework": _MARKS,
    "grade_items": _MARKS,
}
WRITES: dict[str, dict[WriteKind, str]] = {
    "users": {
        "create": "core_user_create_users",
        "update": "core_user_update_users",
        "suspend": "core_user_update_users",
        "resume": "core_user_update_users",
    },
    "categories": {
        "create": "core_course_create_categories",
        "update": "core_course_update_categories",
    },
    "courses": {
        "create": "core_course_create_courses",
        "update": "core_course_update_courses",
        "suspend": "core_course_update_courses",
        "resume": "core_course_update_courses",
    },
    "cohorts": {
        "create": "core_cohort_create_cohorts",
        "update": "core_cohort_update_cohorts",
        "delete": "core_cohort_delete_cohorts",
    },
    "cohort_members": {
        "create": "core_cohort_add_cohort_members",
        "delete": "core_cohort_delete_cohort_members",
    },
    "groups": {
        "create": "core_group_create_groups",
        "update": "core_group_update_groups",
        "delete": "core_group_delete_groups",
    },
    "group_members": {
        "create": "core_group_add_group_members",
        "delete": "core_group_delete_group_members",
    },
    "enrolments": {
        "create": "enrol_manual_enrol_users",
        "update": "enrol_manual_enrol_users",
        "suspend": "enrol_manual_enrol_users",
        "resume": "enrol_manual_enrol_users",
    },
}


@dataclass(frozen=True, slots=True)
class Service:
    """What the token may call.

    Attributes:
        functions: Their names.
        user: The number of the account that the token belongs to.
        release: Of Moodle, such as `4.5.6`.
    """

    functions: frozenset[str]
    user: str
    release: str

    def reads(self, resource: str) -> bool:
        """Whether the resource can be read."""
        return self.functions >= set(READS[resource])

    def writes(self, resource: str) -> frozenset[WriteKind]:
        """Say what can be done to the resource's records."""
        if not self.reads(resource):
            return frozenset()
        known = WRITES.get(resource, {})
        return frozenset(kind for kind, name in known.items() if name in self.functions)

    def missing(self, resources: Iterable[str]) -> list[str]:
        """List the functions that the resources need and the token's service lacks."""
        needed = {name for one in resources for name in READS[one]}
        needed |= {name for one in resources for name in WRITES.get(one, {}).values()}
        return sorted(needed - self.functions)


def service_of(wire: Wire) -> Service:
    """Ask Moodle who we are and what we may call.

    Raises:
        TryAgain: It is away. Stop: it does not let us in. GiveUp: this is no Moodle.
    """
    told: Any = wire.must_read(INFO)
    if not isinstance(told, dict) or "functions" not in told or "userid" not in told:
        raise not_understood("the site does not say what our token may call")
    return Service(
        frozenset(str(one["name"]) for one in told["functions"]),
        str(told["userid"]),
        str(told.get("release") or "").partition(" ")[0],
    )
