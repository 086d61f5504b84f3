"""Which histories a bundle tells, and by which rules each of them goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.sis.curriculum import rules as curriculum
from matricula.sis.enrolment import rules as enrolment
from matricula.sis.registration import rules as registration

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from matricula.kernel.histories import Move


@dataclass(frozen=True, slots=True)
class Story:
    """A kind of history.

    Attributes:
        subject: The table of what it happens to.
        events: The table of what happens.
        by: The columns by which an event names its subject.
        moves: What each action does.
        reasons: What may be given as a reason.
        honours: Actions by which somebody has completed, or has an award.
    """

    subject: str
    events: str
    by: tuple[str, ...]
    moves: Mapping[str, Move]
    reasons: Collection[str]
    honours: Collection[str] = ()

    def steps(self) -> Iterator[tuple[str, str, str]]:
        """Give every legal step: the action, the state before it, the state after it."""
        for action, move in self.moves.items():
            for before in sorted(move.sources):
                yield action, before, move.target

    def needs_grade(self) -> list[str]:
        """Name the actions that say nothing without a grade."""
        return [name for name, move in self.moves.items() if getattr(move, "needs_grade", False)]

    def results(self) -> list[str]:
        """Name the actions that give somebody a mark, a completion or an award."""
        return [*self.needs_grade(), *self.honours]


STORIES: Mapping[str, Story] = {
    "sections": Story(
        "sections", "section_events", ("section",), curriculum.TRANSITIONS, curriculum.REASONS
    ),
    "registrations": Story(
        "registrations", "registration_events", ("registration",), registration.TRANSITIONS,
        registration.REASONS, honours=("complete", "award"),
    ),
    "term_registrations": Story(
        "term_registrations", "term_registration_events", ("registration", "term"),
        enrolment.TERMS.moves, registration.REASONS,
    ),
    "enrolments": Story(
        "enrolments", "enrolment_events", ("registration", "section"),
        enrolment.ENROLMENTS.moves, registration.REASONS,
    ),
}  # fmt: skip
