"""Schedule when and where sections meet. What was met stays on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from matricula.kernel.checks import blocked, must_pass
from matricula.kernel.errors import Refused
from matricula.sis.curriculum import access, queries, rules
from matricula.sis.curriculum.actions.told import existing, must_hold
from matricula.sis.curriculum.models import Meeting, Room

if TYPE_CHECKING:
    from datetime import date

    from matricula.kernel.checks import Check
    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.models import Section
    from matricula.sis.curriculum.rules import MeetingTime

_DAY = timedelta(days=1)


def schedule_meeting(doing: Doing, code: str, meeting: MeetingTime) -> Meeting:
    """Have a section meet, week after week, in a room that is free.

    Raises:
        Refused: Not permitted (M903), no such section or room (M921), the meeting lies
            outside its term or never falls on its weekday, or its room is taken, too small or
            on another campus (M927), or the section is over (M926).
    """
    section = access.section(doing.acting, code, to="schedule a meeting")
    doing.name("schedule a meeting", "section", code)
    made = _schedule(doing, section, meeting)
    doing.record("section", code, "schedule", after=_as_told(meeting))
    return made


def end_meeting(doing: Doing, number: int, last_day: date) -> Meeting | None:
    """Have a section meet no more after a day; before it, it meets as it did.

    Returns:
        What is left of the meeting; None where the day is before its first.

    Raises:
        Refused: Not permitted (M903), no such meeting (M921), or the day is past (M927).
    """
    found = access.meeting(doing.acting, number, to="end a meeting")
    _must_not_be_past(doing, last_day + _DAY)
    was = queries.when(found)
    if was.valid_to <= last_day:
        raise Refused(
            "M927", f"The meeting {number} ends on {was.valid_to} anyway.",
            cure="Choose an earlier day.",
        )  # fmt: skip
    doing.name("end a meeting", "section", found.section.code)
    kept = _cut(doing, found, last_day)
    doing.record(
        "section", found.section.code, "end meeting",
        before=_as_told(was), after={"last_day": last_day.isoformat()},
    )  # fmt: skip
    return kept


def move_meeting(doing: Doing, number: int, meeting: MeetingTime) -> Meeting:
    """Have a section meet at another time or in another room, from a day on.

    Until the day before the first of the new meeting it meets as it did: what was taken down
    of those days, such as who was there, keeps its place.

    Args:
        doing: The act.
        number: Which meeting.
        meeting: How it is from its first day on.

    Raises:
        Refused: As `schedule_meeting` and `end_meeting`.
    """
    found = access.meeting(doing.acting, number, to="move a meeting")
    _must_not_be_past(doing, meeting.valid_from)
    was = queries.when(found)
    doing.name("move a meeting", "section", found.section.code)
    if meeting.valid_from <= was.valid_to:
        _cut(doing, found, meeting.valid_from - _DAY)
    made = _schedule(doing, found.section, meeting)
    doing.record(
        "section", found.section.code, "move meeting",
        before=_as_told(was), after=_as_told(meeting),
    )  # fmt: skip
    return made


def _schedule(doing: Doing, section: Section, meeting: MeetingTime) -> Meeting:
    if section.state in (rules.FINISHED, rules.CANCELLED):
        raise Refused(
            "M926", f"{section.code} is {section.state}.", cure="Schedule another section."
        )
    must_hold(
        rules.meeting_faults(meeting, queries.term(section.term.code)), code="M927",
        cure="Correct the meeting.", place=section.code,
    )  # fmt: skip
    room = None
    if meeting.room:
        room = existing(Room, meeting.room)
        # Locked, so that two who schedule at once do not both find it free.
        Room.objects.select_for_update().get(pk=room.pk)
        must_pass(_room_checks(section, room, meeting), code="M927")
    made = Meeting.objects.create(
        section=section, room=room, weekday=meeting.weekday, starts_at=meeting.starts_at,
        ends_at=meeting.ends_at, valid_from=meeting.valid_from, valid_to=meeting.valid_to,
        act=doing.act, recorded_at=doing.acting.at,
    )  # fmt: skip
    doing.touch("section", [section.code])
    return made


def _room_checks(section: Section, room: Room, meeting: MeetingTime) -> list[Check]:
    office = "the timetabling office"
    found = rules.room_checks(section.code, section.capacity, {room.code: room.seats})
    if room.campus_id != section.campus_id:
        found.append(
            blocked(
                "room", f"{room.code} is not on the campus of {section.code}.",
                office=office, clears="Choose a room of its own campus.",
            )
        )  # fmt: skip
    for other, held, (first, last) in queries.meetings_in(room, meeting):
        found.append(
            blocked(
                "room",
                f"{room.code} holds {other} on {rules.WEEKDAYS[held.weekday - 1]} "
                f"{held.starts_at:%H:%M} to {held.ends_at:%H:%M}, from {first} to {last}.",
                office=office, clears="Choose another time or another room.",
            )
        )  # fmt: skip
    return found


def _cut(doing: Doing, found: Meeting, last_day: date) -> Meeting | None:
    """Withdraw a meeting and keep what of it lies before the end of a day."""
    found.withdrawn_at = doing.acting.at
    found.save(update_fields=["withdrawn_at"])
    doing.touch("section", [found.section.code])
    if last_day < found.valid_from:
        return None
    kept = replace(queries.when(found), valid_to=last_day)
    return Meeting.objects.create(
        section=found.section, room=found.room, weekday=kept.weekday, starts_at=kept.starts_at,
        ends_at=kept.ends_at, valid_from=kept.valid_from, valid_to=kept.valid_to,
        act=doing.act, recorded_at=doing.acting.at,
    )  # fmt: skip


def _must_not_be_past(doing: Doing, first: date) -> None:
    if first < doing.acting.today:
        raise Refused(
            "M927", f"{first} is past: the section met as it is on record.",
            cure="Choose a day from today on.",
        )  # fmt: skip


def _as_told(meeting: MeetingTime) -> dict[str, object]:
    return {
        "weekday": meeting.weekday, "starts_at": meeting.starts_at.isoformat("minutes"),
        "ends_at": meeting.ends_at.isoformat("minutes"),
        "valid_from": meeting.valid_from.isoformat(), "valid_to": meeting.valid_to.isoformat(),
        "room": meeting.room,
    }  # fmt: skip
