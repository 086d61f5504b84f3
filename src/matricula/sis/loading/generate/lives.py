"""One student's years at the made-up university, event by event, none of it to come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from matricula.sis.loading.generate.plan import MODULES, PROGRAMMES, Programme, Stream, cohort

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

    from matricula.sis.curriculum.rules import TermDates
    from matricula.sis.loading.generate.columns import Columns

_REASONS = ("personal", "academic", "financial", "employment", "family", "health")
_DAY = timedelta(days=1)
# How often what happens, in a hundred.
_NEVER_STARTS, _LEAVES, _WITHDRAWS, _SUSPENDED = 2.0, 2.5, 2.0, 0.3
_BACK, _DROPS, _WITHDRAWS_FROM, _WAITS = 20.0, 3.0, 2.0, 2.0
_PASSED = 40


@dataclass(slots=True)
class World:
    """Where students live; filled with who waits where.

    Attributes:
        rows: Where everything is added.
        dice: What decides.
        terms: In their order; the last one is running.
        streams: By term, programme and stage.
        today: The day.
        seated: How many have a seat in each section of the running term.
        waiting: Who waits in each section of the running term, by registration.
        turns: How many were placed in each group, so that all become as large.
    """

    rows: Columns
    dice: random.Random
    terms: Sequence[TermDates]
    streams: Mapping[tuple[int, int, int], Sequence[Stream]]
    today: date
    seated: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, list[tuple[str, date]]] = field(default_factory=dict)
    turns: dict[tuple[Stream, ...], int] = field(default_factory=dict)

    def happens(self, percent: float) -> bool:
        """Whether something happens that does so often."""
        return self.dice.random() * 100 < percent

    def turn(self, groups: Sequence[Stream]) -> Stream:
        """Place somebody in the group whose turn it is."""
        key = tuple(groups)
        taken = self.turns[key] = self.turns.get(key, -1) + 1
        return groups[taken % len(groups)]


@dataclass(slots=True)
class Life:
    """A student under way; changes with every term.

    Attributes:
        key: Theirs in the bundle.
        intake: The term in which the cohort began.
        programme: The place of the programme.
        attempt: For the how many-th time they are registered.
        again: Modules to be taken again: the stage and the place.
    """

    key: str
    intake: int
    programme: int
    attempt: int = 1
    again: list[tuple[int, int]] = field(default_factory=list)

    @property
    def registration(self) -> str:
        """The key of the registration under which they are."""
        return f"{self.key}/{self.attempt}"

    @property
    def studied(self) -> Programme:
        """What they study."""
        return PROGRAMMES[self.programme]


def live(world: World, life: Life) -> None:
    """Add everything that happened to a student until today."""
    first = world.terms[life.intake]
    _register(world, life, first)
    if world.happens(_NEVER_STARTS):
        _event(world, life, "never start", first.add_until, "no show")
        return
    _event(world, life, "start", first.starts_on)
    term, stage = life.intake, 0
    while term < len(world.terms) and stage < life.studied.terms:
        moved = _term(world, life, term, stage)
        if moved is None:
            return
        term, stage = moved
    if stage == life.studied.terms:
        _complete(world, life, world.terms[term - 1])


def _register(world: World, life: Life, term: TermDates, before: str | None = None) -> None:
    mode = "part" if world.happens(4) else "full"
    length = timedelta(weeks=26 * life.studied.terms)
    world.rows.add(
        "registrations", life.registration, life.key, life.studied.code, cohort(term), None,
        mode, term.starts_on + length, before,
    )  # fmt: skip
    admitted = term.register_from + world.dice.randrange(30) * _DAY
    _event(world, life, "admit", admitted)


def _event(world: World, life: Life, action: str, on: date, *cells: date | str | None) -> None:
    """Add an event of the registration: its reason, the last day attended and its own last day."""
    world.rows.add("registration_events", life.registration, action, on, *cells)


def _term(world: World, life: Life, place: int, stage: int) -> tuple[int, int] | None:
    """Live through a term.

    Returns:
        The next term and stage; None when the life here ends, or goes no further than today.
    """
    term = world.terms[place]
    registered = term.register_from + world.dice.randrange(40) * _DAY
    world.rows.add("term_registrations", life.registration, term.code, "full")
    _in_term(world, life, term, "find eligible", registered)
    if stage and world.happens(_LEAVES):
        return _leave(world, life, place, stage)
    if stage and world.happens(_SUSPENDED):
        _in_term(world, life, term, "cancel", term.starts_on, "disciplinary")
        _event(world, life, "suspend", term.starts_on, "disciplinary")
        return None
    _in_term(world, life, term, "register", registered + 5 * _DAY)
    gone = _day_of_leaving(world, term)
    _study(world, life, place, stage, gone=gone)
    if gone is not None:
        return _withdraw(world, life, place, stage, gone)
    if place == len(world.terms) - 1:
        return None
    _in_term(world, life, term, "complete", term.board_on)
    return place + 1, stage + 1


def _in_term(world: World, life: Life, term: TermDates, action: str, *cells: date | str) -> None:
    world.rows.add("term_registration_events", life.registration, term.code, action, *cells)


def _leave(world: World, life: Life, place: int, stage: int) -> tuple[int, int] | None:
    """Be on leave for a year, so that the same modules are taught again; or until today."""
    term, reason = world.terms[place], world.dice.choice(_REASONS)
    back = place + 2
    ends = term.starts_on + timedelta(weeks=52) - _DAY
    _in_term(world, life, term, "leave", term.starts_on, reason)
    _event(world, life, "leave", term.starts_on, reason, None, ends)
    if back >= len(world.terms):
        return None
    _event(world, life, "return", world.terms[back].starts_on)
    # They go on with those who came a year later.
    return back, stage


def _day_of_leaving(world: World, term: TermDates) -> date | None:
    if not world.happens(_WITHDRAWS):
        return None
    day = term.starts_on + world.dice.randrange(7, 70) * _DAY
    return min(day, world.today)


def _withdraw(
    world: World, life: Life, place: int, stage: int, on: date
) -> tuple[int, int] | None:
    """Leave the university; some come back two years later, under a registration of its own."""
    reason = world.dice.choice(_REASONS)
    _in_term(world, life, world.terms[place], "withdraw", on, reason)
    last = on - world.dice.randrange(1, 5) * _DAY
    _event(world, life, "withdraw", on, reason, last)
    back = place + 4
    if back >= len(world.terms) or not world.happens(_BACK):
        return None
    before = life.registration
    life.attempt += 1
    _register(world, life, world.terms[back], before)
    _event(world, life, "start", world.terms[back].starts_on)
    return back, stage


def _complete(world: World, life: Life, term: TermDates) -> None:
    _event(world, life, "finish", term.board_on)
    _event(world, life, "complete", term.board_on + 5 * _DAY)
    _event(world, life, "award", term.board_on + 26 * _DAY)


def _study(world: World, life: Life, place: int, stage: int, *, gone: date | None) -> None:
    """Take the modules of a term, and again those that were failed a year before."""
    groups = world.streams.get((place, life.programme, stage), ())
    if groups:
        stream = world.turn(groups)
        for module in range(MODULES):
            _take(world, life, stream, module, gone=gone)
    again, life.again = life.again, []
    for failed, module in again:
        offered = world.streams.get((place, life.programme, failed), ())
        others = [one for one in offered if not groups or one.hour != stream.hour]
        if failed != stage and others:
            _take(world, life, world.turn(others), module, gone=gone)
        else:
            life.again.append((failed, module))


def _take(world: World, life: Life, stream: Stream, module: int, *, gone: date | None) -> None:
    """Be in a section from the day of enrolling to whatever became of it."""
    term = world.terms[stream.term]
    code = stream.section(term, module)
    enrolled = term.register_from + world.dice.randrange(46, 60) * _DAY
    is_running = stream.term == len(world.terms) - 1
    if is_running and gone is None and world.happens(_WAITS):
        world.waiting.setdefault(code, []).append((life.registration, enrolled))
        return
    happened = _became(world, life, stream, module, gone=gone)
    world.rows.add("enrolments", life.registration, code)
    world.rows.add("enrolment_events", life.registration, code, "enrol", enrolled)
    if happened is not None:
        world.rows.add("enrolment_events", life.registration, code, *happened)
    elif is_running:
        world.seated[code] = world.seated.get(code, 0) + 1


Became = tuple["str | date | None", ...]


def _became(
    world: World, life: Life, stream: Stream, module: int, *, gone: date | None
) -> Became | None:
    """Say what ended an enrolment, as cells of an event; None while it goes on."""
    term = world.terms[stream.term]
    if gone is not None:
        if gone <= term.census_on:
            return ("drop", gone)
        return ("withdraw", gone, "personal", gone - _DAY)
    if world.happens(_DROPS):
        return ("drop", term.starts_on + world.dice.randrange(3, 20) * _DAY)
    if world.happens(_WITHDRAWS_FROM):
        on = term.census_on + world.dice.randrange(1, 30) * _DAY
        return ("withdraw", on, "academic", on - _DAY) if on <= world.today else None
    if term.board_on > world.today:
        return None
    mark = max(0, min(100, round(world.dice.gauss(62, 12))))
    if mark < _PASSED:
        life.again.append((stream.stage, module))
    return ("grade", term.board_on, None, None, str(mark))


def wait(world: World) -> dict[str, int]:
    """Add who waits for a seat; where somebody does, every seat there is is taken.

    Returns:
        Sections in which some wait, with how many seats they have.
    """
    full = {}
    for code, waiting in sorted(world.waiting.items()):
        in_line = sorted(waiting, key=lambda one: one[1])
        if code not in world.seated:
            # Where nobody else is there is a seat for the first.
            registration, on = in_line.pop(0)
            world.rows.add("enrolments", registration, code)
            world.rows.add("enrolment_events", registration, code, "enrol", on)
        full[code] = world.seated.get(code, 1)
        for rank, (registration, on) in enumerate(in_line, 1):
            world.rows.add("enrolments", registration, code, None, None, rank)
            world.rows.add("enrolment_events", registration, code, "wait", on)
    return full
