"""What belongs to a change in a student's life besides the change itself: pure.

The registration's own rules say whether it may happen. Here stands what becomes of the
enrolments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.sis.holds.rules.policies import COMPLETION, CONFERRAL

if TYPE_CHECKING:
    from collections.abc import Mapping

# What becomes of the enrolments by what happens to the registration; nothing where it is not
# named: who is suspended loses access by the state, and keeps the place.
DISPOSES: Mapping[str, str] = {
    "withdraw": "withdraw",
    "transfer": "withdraw",
    "dismiss": "withdraw",
    "lapse": "withdraw",
    "never start": "drop",
    "change": "withdraw",
    "leave": "leave",
}

# What is asked for of whoever holds something against the student.
ASKS: Mapping[str, str] = {"complete": COMPLETION, "award": CONFERRAL}
# Who goes so is told what is still open, and goes all the same.
LEAVES = frozenset({"withdraw", "transfer", "dismiss", "lapse", "never start"})

# What takes an award from somebody takes two, whatever the day.
ALWAYS_TWO = frozenset({"revoke"})
