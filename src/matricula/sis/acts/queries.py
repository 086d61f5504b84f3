"""What was done: acts as other rooms may read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.sis.acts.models import Act

if TYPE_CHECKING:
    from collections.abc import Sequence


def act(number: str) -> Act:
    """Find an act by its identifier.

    Raises:
        Refused: There is none (M908).
    """
    found = Act.objects.filter(pk=number).first()
    if found is None:
        raise Refused(
            "M908", f"There is no act {number}.",
            cure="See `matricula register show STUDENT`; it lists what was done.",
        )  # fmt: skip
    return found


def about(entity: str, key: str) -> Sequence[Act]:
    """List the acts about a record, the earliest first."""
    return list(Act.objects.filter(entity=entity, key=key).order_by("recorded_at", "id"))


def reversed_by(number: str) -> Act | None:
    """Find the act that took another back, if one did and was not itself taken back."""
    found = Act.objects.filter(reverses=number).order_by("-recorded_at", "-id").first()
    if found is None or reversed_by(found.id) is not None:
        return None
    return found
