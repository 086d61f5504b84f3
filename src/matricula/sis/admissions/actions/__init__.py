"""What can be done to applications, one module for each subject."""

from __future__ import annotations

from matricula.sis.admissions.actions.entry import Entry, Identity, matriculate
from matricula.sis.admissions.actions.offers import (
    Offering,
    Payment,
    Ruling,
    decide_condition,
    defer,
    offer,
    take_deposit,
)
from matricula.sis.admissions.actions.reversing import reverse
from matricula.sis.admissions.actions.steps import PLAIN, Wish, amend, apply, record

__all__ = [
    "PLAIN", "Entry", "Identity", "Offering", "Payment", "Ruling", "Wish", "amend", "apply",
    "decide_condition", "defer", "matriculate", "offer", "record", "reverse", "take_deposit",
]  # fmt: skip
