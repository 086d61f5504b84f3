"""What the parts of the connector share: the way to Moodle, its settings, who is asking."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from matricula.connectors.kit import batches
from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.http import not_understood
from matricula.connectors.moodle.halves import gathered
from matricula.connectors.moodle.refusals import ambiguous, of_no_record, unknown
from matricula.connectors.moodle.wire import portions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from matricula.connectors.kit.batches import Job
    from matricula.connectors.kit.errors import SkipRow
    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.moodle.fields import Table
    from matricula.connectors.moodle.mapping import Row
    from matricula.connectors.moodle.service import Service
    from matricula.connectors.moodle.settings import MoodleSettings
    from matricula.connectors.moodle.wire import Wire

# A thousand take Moodle some three seconds.
_LOOKED_UP_AT_ONCE = 800
Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Desk:
    """The way to one Moodle.

    Attributes:
        wire: Calls it.
        settings: What the charter says.
        service: What our token may call.
        zone: Where a day begins.
    """

    wire: Wire
    settings: MoodleSettings
    service: Service
    zone: ZoneInfo

    def each(self, ask: Callable[[Asked], Answered], questions: Sequence[Asked]) -> list[Answered]:
        """Ask questions a few at a time; answers in their order."""
        return batches.each(ask, questions, concurrency=self.settings.concurrency)

    def flowing(
        self, ask: Callable[[Asked], Answered], questions: Sequence[Asked], step: int
    ) -> Iterator[list[Answered]]:
        """Ask questions a few at a time; answers in their order, some together as they come."""
        answers = batches.flowing(ask, questions, concurrency=self.settings.concurrency)
        while some := list(islice(answers, step)):
            yield some

    def looked_up(
        self, values: Sequence[Asked], ask: Callable[[Sequence[Asked]], list[Answered]]
    ) -> list[Answered]:
        """Look many values up in few calls; one that Moodle refuses finds nothing.

        Raises:
            ConnectorError: Of the kit.
        """
        together = portions(list(dict.fromkeys(values)), _LOOKED_UP_AT_ONCE)
        with of_no_record():
            found = self.each(partial(gathered, ask=ask), together)
        return [one for part in found for one in part]


class Resource(Protocol):
    """One resource of the connector."""

    table: Table

    def read(self) -> Iterator[list[Row]]:
        """Read every record.

        Raises:
            ConnectorError: Of the kit.
        """
        ...

    def find(self, matches: Sequence[Mapping[str, Value]]) -> list[list[Row]]:
        """Look records up, one list for each mapping; blanks have been sorted out."""
        ...

    def jobs(self, writes: Sequence[Write]) -> list[Job]:
        """Look up what has to be looked up, and say what is to be done for the writes."""
        ...


def courses_of(desk: Desk) -> list[dict[str, Any]]:
    """List all courses but the front page, which Moodle keeps as a course.

    Raises:
        Untrusted: Not even the front page is there (M441).
    """
    told = desk.wire.must_read("core_course_get_courses")
    if not isinstance(told, list):
        raise not_understood("the listing of courses is none")
    if not told:
        raise Untrusted(
            "Moodle lists no course, not even its front page.",
            code="M441",
            cure="Look at Moodle's own log; nothing was taken from this listing.",
        )
    return [one for one in told if str(one.get("format")) != "site"]


def only_one(found: Sequence[Row]) -> Row | SkipRow | None:
    """Choose the one record that a creation would double; several are a person's to decide."""
    if len(found) > 1:
        return ambiguous(f"{len(found)} records answer to what should identify one")
    return found[0] if found else None


def numbers_in(told: Any) -> list[str]:  # noqa: ANN401 - what Moodle answered
    """Take the numbers of the records that a function made.

    Raises:
        ReadBack: It names none, so nobody knows what was made.
    """
    if not isinstance(told, list) or not all(isinstance(one, dict) for one in told):
        raise unknown("Records were sent, and the answer names none.")
    return [str(one.get("id")) for one in told]


def codes_in(told: Any) -> dict[str, str]:  # noqa: ANN401 - what Moodle answered
    """Take the warnings of a function that settles row by row: record number to code."""
    warnings = (told.get("warnings") if isinstance(told, dict) else None) or []
    return {str(one.get("itemid")): str(one.get("warningcode")) for one in warnings}
