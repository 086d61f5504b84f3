"""Add departments, campuses and rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from matricula.kernel.errors import Refused
from matricula.sis.curriculum import access
from matricula.sis.curriculum.actions.told import existing, must_be_new, must_count, must_say
from matricula.sis.curriculum.models import Campus, Department, Room

if TYPE_CHECKING:
    from matricula.sis.acts.actions import Doing


def add_department(doing: Doing, code: str, title: str) -> Department:
    """Add a department: who teaches, and the scope of its head.

    Raises:
        Refused: Not permitted (M903), there already (M922), or without a title (M929).
    """
    access.may(doing.acting, "add a department")
    must_be_new(Department, code)
    must_say(title=title)
    made = Department.objects.create(code=code, title=title, act=doing.act)
    doing.name("add a department", "department", code)
    doing.record("department", code, "add", after={"title": title})
    return made


def add_campus(doing: Doing, code: str, title: str, timezone: str) -> Campus:
    """Add a campus with its clock.

    Args:
        doing: The act.
        code: Its code.
        title: What people call it.
        timezone: As the zone is named in the world's list: `Africa/Lagos`.

    Raises:
        Refused: Not permitted (M903), there already (M922), or no such time zone (M929).
    """
    access.may(doing.acting, "add a campus")
    must_be_new(Campus, code)
    must_say(title=title, timezone=timezone)
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Refused(
            "M929", f"There is no time zone {timezone}.", cure="Write such as Africa/Lagos."
        ) from error
    made = Campus.objects.create(code=code, title=title, timezone=timezone, act=doing.act)
    doing.name("add a campus", "campus", code)
    doing.record("campus", code, "add", after={"title": title, "timezone": timezone})
    return made


def add_room(doing: Doing, code: str, campus: str, seats: int) -> Room:
    """Add a room of a campus.

    Raises:
        Refused: Not permitted (M903), there already (M922), no such campus (M921), or a
            number of seats that cannot be (M929).
    """
    access.may(doing.acting, "add a room")
    must_be_new(Room, code)
    must_count(0, seats=seats)
    place = existing(Campus, campus)
    made = Room.objects.create(code=code, campus=place, seats=seats, act=doing.act)
    doing.name("add a room", "room", code)
    doing.record("room", code, "add", after={"campus": campus, "seats": seats})
    return made
