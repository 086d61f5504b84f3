"""The worker: runs flows when the charter says so, until it is told to stop."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from django.db import close_old_connections

from matricula.hub import alone, events, housekeeping, letters, marks, runs, webhooks
from matricula.hub.changed import is_followed
from matricula.hub.clock import last_moment_of
from matricula.hub.events import Event
from matricula.hub.models import FlowState
from matricula.hub.planning import Scope
from matricula.kernel.errors import MatriculaError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from matricula.charter.model import Flow
    from matricula.hub.desk import Desk


_PATIENCE = timedelta(minutes=15)
_LETTERS = timedelta(seconds=15)
# Seconds between looks at what is marked.
_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Due:
    """The flows whose time has come."""

    full: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(slots=True)
class Worker:
    """A loop over what is due.

    Attributes:
        sit_down: Makes the desk of one round, with the instant of that round.
        tell: Told of every run, and of what failed.
        look_every: How often flows that follow changes look at their owners.
        stopped: Set it to have the worker stop after the round in hand.
        wrote_at: When it last saw to the letters to the offices and to who subscribes.
        kept_house_at: When it last did what the register needs done by itself.
    """

    sit_down: Callable[[], Desk]
    tell: Callable[[Event], None]
    look_every: timedelta = timedelta(minutes=1)
    stopped: threading.Event = field(default_factory=threading.Event)
    wrote_at: datetime | None = None
    kept_house_at: datetime | None = None

    def work(self, *, rounds: int | None = None) -> None:
        """Work until stopped, or for so many rounds; a round in hand is always finished.

        Raises:
            Refused: There is another worker on a SQLite database (M528).
        """
        with alone.as_worker():
            self._work(rounds)

    def _work(self, rounds: int | None) -> None:
        done = 0
        while not self.stopped.is_set() and (rounds is None or done < rounds):
            try:
                self._round()
            except Exception as error:  # noqa: BLE001 - nobody is there to start it again
                # A charter being edited, a database restarting: the next round may do.
                self.tell(events.failed(error))
                close_old_connections()
            done += 1
            if rounds is None or done < rounds:
                self.stopped.wait(_PAUSE)

    def _round(self) -> None:
        """Do what is due, some targets after others, until nothing is left that is free."""
        tried: set[str] = set()
        while not self.stopped.is_set():
            desk = self.sit_down()
            with alone.scheduling():
                scope = self._choose(desk, tried)
            if scope is None:
                self._keep_house(desk)
                self._write_letters(desk)
                return
            tried.update(scope.flows)
            began = monotonic()
            try:
                done = runs.sync(desk, scope)
            except MatriculaError as error:
                self.tell(events.failed(error))
                continue
            kind = "full" if scope.full else "changed"
            told = events.of_run(desk.charter, done, kind=kind, seconds=monotonic() - began)
            for event in told:
                self.tell(event)

    def _keep_house(self, desk: Desk) -> None:
        if self.kept_house_at is None or desk.at - self.kept_house_at >= _LETTERS:
            self.kept_house_at = desk.at
            housekeeping.keep_house(desk)

    def _write_letters(self, desk: Desk) -> None:
        if self.wrote_at is None or desk.at - self.wrote_at >= _LETTERS:
            self.wrote_at = desk.at
            if sent := letters.send_due(desk):
                counts = {"sent": sent}
                self.tell(Event("letters", f"{sent} letter(s) to offices sent", counts=counts))
            if posted := webhooks.tell_due(desk):
                counts = {"posted": posted}
                self.tell(Event("webhooks", f"{posted} event(s) posted", counts=counts))

    def _choose(self, desk: Desk, tried: Collection[str]) -> Scope | None:
        """Choose flows that are due and whose targets are free, and note that they are tried."""
        due = what_is_due(desk, look_every=self.look_every)
        for names, full in ((due.full, True), (due.changed, False)):
            mine = _share(desk, [name for name in names if name not in tried])
            if mine:
                _remember_trying(desk, mine, full=full)
                return Scope(mine, full=full)
        return None


def _share(desk: Desk, names: Sequence[str]) -> tuple[str, ...]:
    """Take one worker's share of the targets that are free; several targets share a reading."""
    target = {name: desk.charter.flows[name].target.system for name in names}
    free = alone.free(target.values())
    waiting = [system for system in dict.fromkeys(target.values()) if system in free]
    mine = waiting[: math.ceil(len(waiting) / alone.workers())]
    return tuple(name for name in names if target[name] in mine)


def _remember_trying(desk: Desk, names: Sequence[str], *, full: bool) -> None:
    """Note that it was tried, whatever comes of it: what fails is not tried every second."""
    tried = {"tried_at": desk.at} if full else {"last_run_at": desk.at}
    FlowState.objects.filter(flow__in=names).update(**tried)


def what_is_due(desk: Desk, *, look_every: timedelta) -> Due:
    """Say which flows are due: in full by the clock, by changes every so often or when marked."""
    states = {state.flow: state for state in FlowState.objects.all()}
    marked = marks.latest()
    full, changed = [], []
    for flow in desk.charter.flows.values():
        state = states.get(flow.name)
        if _full_is_due(desk, flow, state):
            full.append(flow.name)
        elif flow.cadence.on_change and _look_is_due(desk, flow, state, marked, look_every):
            if is_followed(desk, flow):
                changed.append(flow.name)
            elif not _was_tried(desk, state):
                full.append(flow.name)
    return Due(tuple(full), tuple(changed))


def _full_is_due(desk: Desk, flow: Flow, state: FlowState | None) -> bool:
    last = state.last_full_at if state else None
    if last is None:
        # A first load is somebody's decision: it is planned, looked at and applied.
        return False
    if _was_tried(desk, state) and state and state.tried_at and state.tried_at > last:
        return False
    if flow.cadence.every and desk.at - last >= flow.cadence.every:
        return True
    if not flow.cadence.full_at:
        return False
    return last < last_moment_of(flow.cadence.full_at, desk.charter.timezone, desk.at)


def _was_tried(desk: Desk, state: FlowState | None) -> bool:
    """Whether it was tried just now: if something holds it, who must act needs more than that."""
    tried = state.tried_at if state else None
    return tried is not None and desk.at - tried < _PATIENCE


def _look_is_due(
    desk: Desk,
    flow: Flow,
    state: FlowState | None,
    marked: Mapping[str, datetime],
    look_every: timedelta,
) -> bool:
    if state is None or state.last_full_at is None:
        return False
    last = state.last_run_at or state.last_full_at
    asked = [at for at in (marked.get(flow.name), state.asked_at) if at is not None]
    return any(at > last for at in asked) or desk.at - last >= look_every
