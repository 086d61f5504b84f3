"""The state machine: one example of it is an episode, and a seed plays it again exactly."""

from __future__ import annotations

from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, assume, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from tests.machine import campus as world
from tests.machine import happenings, truth
from tests.machine.faults import KINDS, Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tests.machine.campus import Campus


@dataclass(frozen=True)
class Day:
    """What happens before a pass: how long nothing does, and then who does what."""

    waits: timedelta
    changes: list[tuple[str, str, str, int]]
    edits: list[tuple[str, str, int, str, str]]
    faults: list[tuple[tuple[str, tuple[str, str]], int, int]]


# A refused record is due again, and a system has rested, within it.
_DAY = timedelta(days=1)
_MOST_PASSES = 8
_RESOURCES = ("users", "seats", "patrons")
_ANY = st.sampled_from(world.EVERYBODY)
_COURSE = st.sampled_from(world.COURSES)
CHANGES = st.tuples(st.sampled_from(happenings.CHANGES), _ANY, _COURSE, st.integers(0, 3))
EDITS = st.tuples(
    st.sampled_from(happenings.EDITS),
    st.sampled_from(_RESOURCES),
    st.integers(0, 7),
    _ANY,
    _COURSE,
)
OF_OWNERS = [(verb, kind) for verb in ("read",) for kind in KINDS[verb] if kind != "skips"]
OF_TARGETS = [(verb, kind) for verb, kinds in KINDS.items() for kind in kinds if kind != "empty"]
# A write is where most can go wrong.
OF_TARGETS += [("write", kind) for kind in KINDS["write"]] * 2
# An owner that says less than it has, without a word, is for the guard; here it is honest.
FAULTS = st.tuples(
    st.one_of(
        st.tuples(st.sampled_from(world.OWNERS), st.sampled_from(OF_OWNERS)),
        *[st.tuples(st.just("lms"), st.sampled_from(OF_TARGETS))] * 2,
        *[st.tuples(st.just("library"), st.sampled_from(OF_TARGETS))],
    ),
    st.sampled_from((0, 0, 0, 1, 2)),
    st.sampled_from((1, 1, 2, 9)),
)
SYSTEMS = st.sampled_from((*world.OWNERS, *world.TARGETS))
# A process dies at a call, at the books or at the disk.
FUSES = st.one_of(
    st.tuples(st.just("call"), st.integers(0, 30)),
    st.tuples(st.just("books"), st.integers(0, 90)),
    st.tuples(st.just("disk"), st.integers(0, 40)),
)
DAYS = st.builds(
    Day,
    waits=st.sampled_from([timedelta(minutes=1), timedelta(hours=1), timedelta(hours=6), _DAY]),
    changes=st.lists(CHANGES, min_size=1, max_size=6),
    edits=st.lists(EDITS, max_size=2),
    faults=st.lists(FAULTS, max_size=3),
)


class University(RuleBasedStateMachine):
    """Owners, targets, whoever edits them, faults, time and death, in any order."""

    begin: Callable[[], AbstractContextManager[Campus]]

    def __init__(self) -> None:
        super().__init__()
        self.opened = ExitStack()
        self.is_sound = False
        self.backups: dict[str, Any] = {}

    @initialize(start=st.integers(0, 2**16))
    def an_episode_begins(self, start: int) -> None:
        # The first example that Hypothesis tries is always the plainest: not an episode.
        assume(start)
        self.campus = self.opened.enter_context(type(self).begin())
        self.campus.chance.seed(start)
        look = truth.watch(self.campus)
        for name in world.TARGETS:
            self.campus.places[name].look = look
            self.backups[name] = deepcopy(self.campus.places[name].tables)
        self.is_sound = True

    @rule(system=SYSTEMS, what=st.sampled_from(("away", "renamed", "mended", "kept", "put back")))
    def a_system_changes(self, system: str, what: str) -> None:
        place = self.campus.places[system]
        if what == "mended":
            happenings.mend(place)
        elif what == "away":
            place.is_away = True
        elif what == "renamed":
            name, table = list(place.tables.items())[-1]
            place.renamed.add((name, table.shape.fields[-1].name))
        elif what == "kept" or system in world.OWNERS:
            self.backups[system] = deepcopy(place.tables)
        else:
            happenings.put_back(place, self.backups[system])

    @rule(day=DAYS)
    def a_full_pass_runs(self, day: Day) -> None:
        self._pass(day, full=True)

    @rule(day=DAYS)
    def a_pass_over_changes_runs(self, day: Day) -> None:
        self._pass(day, full=False)

    @rule(day=DAYS, full=st.booleans(), fuse=FUSES)
    def a_pass_dies(self, day: Day, full: bool, fuse: tuple[str, int]) -> None:
        self._pass(day, full=full, fuse=world.Fuse(*fuse))

    def _pass(self, day: Day, *, full: bool, fuse: world.Fuse | None = None) -> None:
        self.is_sound = False
        self.campus.wait(day.waits)
        for what, who, course, number in day.changes:
            happenings.change(self.campus, what, who, course, number)
        for what, resource, place, who, course in day.edits:
            happenings.edit(self.campus, what, resource, place, who=who, course=course)
        for (system, (verb, kind)), after, times in day.faults:
            self.campus.places[system].faults.append(Fault(verb, kind, after, times))
        done = self.campus.sync(full=full, fuse=fuse)
        truth.after_a_pass(self.campus, full=full, died=done is None)
        self.is_sound = True

    def teardown(self) -> None:
        with self.opened:
            if self.is_sound:
                come_to_rest(self.campus)


def come_to_rest(campus: Campus) -> None:
    """End all that goes wrong, let time pass and passes run until one has nothing to do."""
    for place in campus.places.values():
        happenings.mend(place)
    happenings.merge_strangers(campus)
    for _ in range(_MOST_PASSES):
        campus.wait(_DAY)
        happenings.correct_numbers(campus)
        done = campus.sync()
        assert done is not None
        truth.after_a_pass(campus, full=True, died=False)
        if done.plan.is_empty and done.is_whole:
            break
    else:
        message = f"it never comes to rest: {done.plan.changes.to_pylist()}, {done.delivered}"
        raise AssertionError(message)
    truth.at_rest(campus)


def play(number: int, begin: Callable[[], AbstractContextManager[Campus]], **more: Any) -> None:
    """Play the episode of a seed; the same seed plays the same episode."""
    episode = seed(number)(type("University", (University,), {"begin": staticmethod(begin)}))
    told = {
        "max_examples": 1, "stateful_step_count": 3, "database": None, "deadline": None,
        "phases": [Phase.generate], "suppress_health_check": list(HealthCheck),
        "print_blob": False, **more,
    }  # fmt: skip
    try:
        run_state_machine_as_test(episode, settings=settings(**told))
    except BaseException as error:
        error.add_note(f"This was the episode of seed {number}.")
        raise
