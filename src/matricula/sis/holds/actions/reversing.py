"""Take back what an act did with holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.sis.holds.actions.holding import reverse_events
from matricula.sis.holds.actions.ruling import end_exemptions_of

if TYPE_CHECKING:
    from matricula.sis.acts.actions import Doing
    from matricula.sis.holds.models import Exemption, HoldEvent


def reverse(doing: Doing, act: str) -> list[Exemption | HoldEvent]:
    """Take back what an act recorded of holds, and the exemptions that it gave.

    Decisions stay, for they were made; a ruling is followed by another.

    Args:
        doing: The act that takes back.
        act: The act that is taken back. Nothing happens where it did nothing with holds;
            whoever calls has seen that nothing took it back before.

    Returns:
        The exemptions that end, and the events that take back.

    Raises:
        Refused: Not the office that holds (M903), or the history does not allow it (M942).
    """
    return [*end_exemptions_of(doing, act), *reverse_events(doing, act)]
