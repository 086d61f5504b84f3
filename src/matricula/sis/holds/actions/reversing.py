"""Take back what an act did with holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.sis.acts import queries as acts
from matricula.sis.holds.actions.holding import reverse_events
from matricula.sis.holds.actions.ruling import end_exemptions_of

if TYPE_CHECKING:
    from matricula.sis.acts.actions import Doing
    from matricula.sis.holds.models import HoldEvent


def reverse(doing: Doing, act: str) -> list[HoldEvent]:
    """Take back what an act recorded of holds, and the exemptions that it gave.

    Decisions stay, for they were made; a ruling is followed by another.

    Args:
        doing: The act that takes back.
        act: The act that is taken back. Nothing happens where it did nothing with holds.

    Raises:
        Refused: Not the office that holds (M903), or the history does not allow it (M942).
    """
    end_exemptions_of(doing, act)
    return reverse_events(doing, act)


def take_back(doing: Doing, act: str) -> list[HoldEvent]:
    """Take back an act that was about a hold or an exemption.

    Raises:
        Refused: There is no such act (M908), it was about something else (M943), and
            otherwise as `reverse`.
    """
    done = acts.act(act)
    if done.entity not in ("hold", "exemption"):
        raise Refused(
            "M943", f"{act} was about a {done.entity}, not about a hold.",
            cure=f"Take it back as a whole: `matricula register reverse {act}`.",
        )  # fmt: skip
    doing.reverses = act
    return reverse(doing, act)
