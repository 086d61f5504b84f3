"""Plan sections, move them from state to state, and give their seats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel.checks import must_pass
from matricula.kernel.errors import Refused
from matricula.kernel.histories import NOT_YET, REVERSE
from matricula.kernel.words import meant
from matricula.sis.curriculum import access, queries, rules
from matricula.sis.curriculum.actions.told import existing, must_be_new, must_count
from matricula.sis.curriculum.models import Campus, Room, Section, SectionEvent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matricula.sis.acts.actions import Doing

_PLAN = "plan"


@dataclass(frozen=True, slots=True)
class NewSection:
    """A section to be planned.

    Attributes:
        code: Its own.
        module: The module it teaches, in the version that holds when the term begins.
        term: When.
        campus: Where, and at whose clock.
        capacity: How many seats it has.
    """

    code: str
    module: str
    term: str
    campus: str
    capacity: int


def plan_section(doing: Doing, new: NewSection) -> Section:
    """Plan a section: nobody can enrol in it before it is opened.

    Raises:
        Refused: Not permitted (M903), there already (M922), no such module, term or campus,
            or the module is not taught then (M921), or less than no seats (M929).
    """
    department = queries.module_row(new.module).department.code
    access.may(doing.acting, "plan a section", department=department)
    must_be_new(Section, new.code)
    must_count(0, capacity=new.capacity)
    dates = queries.term(new.term)
    versions = queries.versions_on([new.module], on=dates.starts_on)
    if not versions:
        raise Refused(
            "M921", f"{new.module} is not taught on {dates.starts_on}, when {new.term} begins.",
            cure="Add a version: `matricula register module version`.",
        )  # fmt: skip
    made = Section.objects.create(
        code=new.code, module_version=versions[0], term=queries.term_row(new.term),
        campus=existing(Campus, new.campus), capacity=new.capacity, state=NOT_YET, act=doing.act,
    )  # fmt: skip
    event = rules.Event(1, _PLAN, doing.acting.today, doing.acting.at, new.capacity)
    _insert(doing, made, [], event)
    return made


def move_section(doing: Doing, code: str, action: str, *, taken: int) -> Section:
    """Open, close, finish or cancel a section.

    To cancel needs a reason, one of `rules.REASONS`. Who sits in it is dropped by enrolment,
    which calls this; where they go is left for a person.

    Args:
        doing: The act.
        code: Which section.
        action: One of `rules.TRANSITIONS`, but not `plan`.
        taken: How many seats are taken or kept for somebody.

    Raises:
        Refused: Not permitted (M903), no such section (M921), or its history, its term or
            what was told does not allow it (M926).
    """
    if action == _PLAN or action not in rules.TRANSITIONS:
        known = [one for one in rules.TRANSITIONS if one != _PLAN]
        raise Refused("M926", f"A section is not there to {action}.", cure=meant(action, known))
    found = access.section(doing.acting, code, to=f"{action} a section")
    history = queries.section_events([found.pk])[found.pk]
    acting = doing.acting
    new = rules.Event(_beyond(history), action, acting.today, acting.at, found.capacity)
    checks = rules.term_checks(
        action, queries.term(found.term.code), today=acting.today, reason=acting.reason
    )
    must_pass([*rules.move_checks(history, new), *checks], code="M926")
    _insert(doing, found, history, new)
    if action == "cancel" and taken:
        doing.left.append(f"{code} is cancelled and {taken} sat in it: see where they go.")
    return found


def change_capacity(doing: Doing, code: str, capacity: int, *, taken: int) -> Section:
    """Give a section another number of seats: no fewer than are taken, none its rooms lack.

    The section is locked before the number is compared; whoever counts the taken seats locks
    it first, with `lock_sections`.

    Args:
        doing: The act.
        code: Which section.
        capacity: How many seats it is to have.
        taken: How many are taken or kept for somebody.

    Raises:
        Refused: Not permitted (M903), no such section (M921), or it cannot have so many
            (M926).
    """
    found = access.section(doing.acting, code, to="change the seats of a section")
    seats = dict(
        Room.objects.filter(meeting__section=found, meeting__withdrawn_at=None)
        .values_list("code", "seats")
    )  # fmt: skip
    must_pass(
        rules.capacity_checks(queries.section(code), capacity, taken=taken, seats=seats),
        code="M926",
    )
    history = queries.section_events([found.pk])[found.pk]
    acting = doing.acting
    new = rules.Event(_beyond(history), rules.RESIZE, acting.today, acting.at, capacity)
    _insert(doing, found, history, new)
    return found


def reverse_section_events(doing: Doing, act: str) -> list[Section]:
    """Take back what an act did to the states of sections, each event by one that supersedes it.

    That a section was planned, or was given seats, is not taken back: it is cancelled, or given
    other seats. Where the rooms of a section that meets again were given away, a person is told.
    Whoever calls has seen that nothing took the act back before.

    Returns:
        The sections; none where the act did nothing to one.

    Raises:
        Refused: Not permitted (M903), or what was recorded since does not allow it (M926).
    """
    made = []
    rows = SectionEvent.objects.filter(act=act).select_related("section").order_by("-id")
    for event in rows:
        found = access.section(doing.acting, event.section.code, to="reverse a section's event")
        history = queries.section_events([found.pk])[found.pk]
        _must_be_reversible(event)
        acting = doing.acting
        new = rules.Event(
            _beyond(history), REVERSE, acting.today, acting.at, found.capacity, event.pk
        )
        must_pass(rules.move_checks(history, new), code="M926")
        _insert(doing, found, history, new)
        _tell_of_rooms(doing, found)
        made.append(found)
    return made


def lock_sections(
    doing: Doing | None, codes: Iterable[str], *, to_fill: bool = False
) -> dict[str, int]:
    """Let nobody else give seats of some sections away until this transaction ends.

    Always in the order of their codes, so that two who want the same ones never wait for
    each other.

    Args:
        doing: The act, where there is one; only locked here, nothing is recorded.
        codes: Which sections.
        to_fill: Whether somebody is to be put into them: they may have been cancelled since
            that was last looked at.

    Returns:
        How many seats each has.

    Raises:
        Refused: One of them does not exist (M921), or is cancelled and was to be filled (M926).
    """
    del doing
    wanted = set(codes)
    held = Section.objects.filter(code__in=wanted).order_by("code").select_for_update()
    rows = list(held.values_list("code", "capacity", "state"))
    found = {code: capacity for code, capacity, _ in rows}
    missing = sorted(wanted - set(found))
    if missing:
        raise Refused(
            "M921", f"There is no section {missing[0]}.",
            cure="See what is taught: `matricula register section show`.",
        )  # fmt: skip
    gone = [code for code, _, state in rows if to_fill and state == rules.CANCELLED]
    if gone:
        raise Refused("M926", f"{gone[0]} is cancelled.", cure="Choose another section.")
    return found


def _must_be_reversible(event: SectionEvent) -> None:
    if event.action in (_PLAN, rules.RESIZE):
        raise Refused(
            "M926", f"To {event.action} {event.section.code} is not taken back.",
            cure="Cancel the section, or give it the seats it should have.",
        )  # fmt: skip


def _tell_of_rooms(doing: Doing, section: Section) -> None:
    for one in queries.room_clashes(section.code):
        doing.left.append(f"A room of {section.code} was given away: {one}")


def _beyond(history: Sequence[rules.Event]) -> int:
    return max((event.number for event in history), default=0) + 1


def _insert(
    doing: Doing, section: Section, history: Sequence[rules.Event], new: rules.Event
) -> None:
    before, after = rules.standing(history), rules.standing([*history, new])
    reason = doing.acting.reason if new.action in ("cancel", REVERSE) else ""
    SectionEvent.objects.create(
        section=section, action=new.action, from_state=before.state, to_state=after.state,
        capacity=after.capacity, reason=reason, effective_on=new.effective_on,
        supersedes_id=new.supersedes, act=doing.act, recorded_at=new.recorded_at,
    )  # fmt: skip
    section.state, section.capacity = after.state, after.capacity
    section.save(update_fields=["state", "capacity"])
    doing.name(f"{new.action} a section", "section", section.code)
    doing.touch("section", [section.code])
    doing.record(
        "section", section.code, new.action,
        before={"state": before.state, "capacity": before.capacity},
        after={"state": after.state, "capacity": after.capacity, "reason": reason},
    )  # fmt: skip
