"""Read who takes part in a course, page by page, and believe it only when it held still.

Each page begins with the last of the one before: had somebody been deleted meanwhile, the
others would have moved up and one would be missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.http import not_understood

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.moodle.desk import Desk

_FUNCTION = "core_enrol_get_enrolled_users"
_ATTEMPTS = 4


def enrolled(
    desk: Desk, course: int | str, fields: str, *, only: str = "", pages: int = 1
) -> list[dict[str, Any]]:
    """List who takes part in a course, in the order of their numbers.

    Args:
        desk: The way to Moodle.
        course: Its number.
        fields: Names of what is asked for of each; fewer are much faster.
        only: `onlyactive` or `onlysuspended`; everybody when left out.
        pages: How many usual pages make one, where little is asked for of each.

    Raises:
        Untrusted: It moved on every attempt (M440).
        Refused: There is no such course.
    """
    size = desk.settings.page_size * pages
    options: dict[str, str | int] = {"userfields": fields, "sortby": "id", "limitnumber": size}
    if only:
        options[only] = 1
    for _ in range(_ATTEMPTS):
        found = _attempt(desk, course, options, size)
        if found is not None:
            return found
    raise Untrusted(
        f"Who takes part in course {course} changed on each of {_ATTEMPTS} attempts to read it.",
        code="M440",
        cure="Read it at a quieter hour.",
    )


def _attempt(
    desk: Desk, course: int | str, options: Mapping[str, str | int], size: int
) -> list[dict[str, Any]] | None:
    found: list[dict[str, Any]] = []
    while True:
        page = _page(desk, course, {**options, "limitfrom": max(0, len(found) - 1)})
        if found:
            if not page or page[0]["id"] != found[-1]["id"]:
                return None
            found += page[1:]
        else:
            found = page
        if len(page) < size:
            return found


def _page(desk: Desk, course: int | str, options: Mapping[str, str | int]) -> list[dict[str, Any]]:
    listed = [{"name": name, "value": value} for name, value in options.items()]
    page = desk.wire.read(_FUNCTION, courseid=course, options=listed)
    if not isinstance(page, list) or not all("id" in one for one in page):
        raise not_understood("a page of who takes part in a course is none")
    return page
