"""How much is held, and what follows when a system says that it is more, less or nothing: pure.

A system that tells of debts and loans says how things are, again and again. One hold stands for
one thing told of one student, however its size changes; what an office released by hand stays
released until the system tells of more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from matricula.kernel.money import decimals_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.sis.received.queries import Cleared

# Kinds of `policies.KINDS` of which a library tells.
LOAN, DEBT, CLEARANCE = TOLD = ("loan", "debt", "clearance")
# A system that was not heard for longer may not have told what is settled by now.
PATIENCE = timedelta(days=2)
PLACE, RELEASE, RETELL = "place", "release", "retell"


@dataclass(frozen=True, slots=True)
class Figure:
    """How much is held.

    Attributes:
        amount_minor: In minor units, where it is of money.
        loans: How many things are lent, where it is of things.
    """

    amount_minor: int | None = None
    loans: int | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether it says that nothing is open; a hold without a size is open."""
        return 0 in (self.amount_minor, self.loans)

    def exceeds(self, other: Figure) -> bool:
        """Whether it is more than another."""
        if other.is_nothing:
            return not self.is_nothing
        mine, theirs = (
            (one.amount_minor or 0, one.loans or 0) for one in (self, other)
        )  # fmt: skip
        return any(a > b for a, b in zip(mine, theirs, strict=True))


NOTHING = Figure(0, 0)


def told(cleared: Cleared | None, *, currency: str) -> Mapping[str, Figure]:
    """Say what a library tells of a student, for each kind of hold that it tells of.

    A kind of which it says nothing is not there: what was not said changes nothing.

    Args:
        cleared: What flowed to the register; None where that was taken away again.
        currency: Of its amounts.
    """
    if cleared is None or cleared.is_clear:
        # The charter's own sum goes before the numbers that it was made of.
        return dict.fromkeys(TOLD, NOTHING)
    found = {}
    if cleared.overdue_loans is not None:
        found[LOAN] = Figure(loans=max(cleared.overdue_loans, 0))
    if cleared.library_fines is not None:
        found[DEBT] = Figure(max(_minor(cleared.library_fines, currency), 0))
    if cleared.is_clear is False:
        sizes = (cleared.overdue_loans, cleared.library_fines, cleared.balance_due)
        # Not clear, and nothing overdue or owed: then something is lent.
        is_said = any(size is not None and size > 0 for size in sizes)
        found[CLEARANCE] = NOTHING if is_said else Figure()
    return found


def _minor(amount: Decimal, currency: str) -> int:
    scaled = amount.scaleb(decimals_of(currency))
    return int(scaled.to_integral_value(ROUND_HALF_UP))


def what_follows(was: Figure | None, *, stands: bool, now: Figure) -> str:
    """Say what becomes of the hold for a thing that is told of: one of the words, or nothing.

    Args:
        was: What was said last; None where nothing was ever held for it.
        stands: Whether the hold stands.
        now: What is said now.
    """
    if was is None:
        return "" if now.is_nothing else PLACE
    if stands and now.is_nothing:
        return RELEASE
    if was == now or (was.is_nothing and now.is_nothing):
        return ""
    return RETELL if stands or not now.exceeds(was) else PLACE
