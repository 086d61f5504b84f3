"""What our account in Moodle may not see, found out by looking and never by writing.

The front page stands in for every course where one has to be named: a role that holds in the
whole site holds there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.errors import ConnectorError
from matricula.connectors.moodle.refusals import blind
from matricula.connectors.moodle.users import Users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from matricula.connectors.moodle.desk import Desk

_FRONT_PAGE = 1


def troubles(desk: Desk, resources: Iterable[str]) -> list[str]:
    """List, in sentences, what keeps our account from reading these resources.

    Raises:
        TryAgain: Moodle is away.
    """
    found: dict[str, None] = {}
    for resource in resources:
        look = _LOOKS.get(resource)
        if look is None or not desk.service.reads(resource):
            continue
        try:
            look(desk)
        except ConnectorError as error:
            found[f"{error.message} {error.cure}"] = None
    return list(found)


def _users(desk: Desk) -> None:
    Users(desk).must_see()


def _categories(desk: Desk) -> None:
    _must_show(desk.wire.must_read("core_course_get_categories"), "idnumber", "category:manage")


def _courses(desk: Desk) -> None:
    _must_show(desk.wire.must_read("core_course_get_courses"), "visible", "course:update")


def _cohorts(desk: Desk) -> None:
    site = {"contextlevel": "system", "instanceid": 0}
    function = "core_cohort_search_cohorts"
    desk.wire.must_read(function, query="", context=site, includes="self", limitnum=1)


def _groups(desk: Desk) -> None:
    desk.wire.must_read("core_group_get_course_groups", courseid=_FRONT_PAGE)


def _enrolments(desk: Desk) -> None:
    # Who is suspended cannot be asked of the front page; this needs the same capability.
    asked = {"onlyactive": 1, "userfields": "id", "limitnumber": 1}
    options = [{"name": name, "value": value} for name, value in asked.items()]
    function = "core_enrol_get_enrolled_users"
    desk.wire.must_read(function, courseid=_FRONT_PAGE, options=options)


def _must_show(told: Any, name: str, capability: str) -> None:  # noqa: ANN401 - what Moodle answered
    if any(name not in one for one in told if isinstance(one, dict)):
        raise blind(f"{name} of what it lists", f"moodle/{capability}")


_LOOKS: dict[str, Callable[[Desk], None]] = {
    "users": _users,
    "categories": _categories,
    "courses": _courses,
    "cohorts": _cohorts,
    "groups": _groups,
    "enrolments": _enrolments,
}
