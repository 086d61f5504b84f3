"""What was done: acts as other rooms may read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.sis.acts.models import Act

if TYPE_CHECKING:
    from collections.abc import Sequence


def act(number: str, *, lock: bool = False) -> Act:
    """Find an act by its identifier; locked, nobody else takes it back meanwhile.

    Raises:
        Refused: There is none (M908).
    """
    rows = Act.objects.select_for_update() if lock else Act.objects.all()
    found = rows.filter(pk=number).first()
    if found is None:
        raise Refused(
            "M908", f"There is no act {number}.",
            cure="See `matricula register show STUDENT`; it lists what was done.",
        )  # fmt: skip
    return found


def about(entity: str, key: str) -> Sequence[Act]:
    """List the acts about a record, the earliest first."""
    return list(Act.objects.filter(entity=entity, key=key).order_by("recorded_at", "id"))


def reversing(number: str) -> Act | None:
    """Find the act that took another back, whatever became of it since."""
    return Act.objects.filter(reverses=number).order_by("recorded_at", "id").first()


def last_reversing(number: str) -> Act:
    """Follow an act, what took it back, what took that back and so on, to the last of them."""
    last = act(number)
    while (later := reversing(last.id)) is not None:
        last = later
    return last
