"""What belongs to a change in a student's life besides the change itself: pure.

The registration's own rules say whether it may happen. Here stands what becomes of the
enrolments, and how far back a change may reach before a second person must agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.sis.registration.rules import Boundary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from matricula.sis.curriculum.rules import TermDates

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


def boundaries(terms: Iterable[TermDates]) -> list[Boundary]:
    """List the days after which a term's past is closed: its census and its refund bands."""
    return [
        boundary
        for term in terms
        for boundary in (
            Boundary(f"the census of {term.code}", term.census_on),
            *(
                Boundary(f"the refund band of {term.code} of {percent} percent", until)
                for until, percent in term.bands
            ),
        )
    ]


def terms_reached(terms: Iterable[TermDates], *, effective_on: date) -> list[TermDates]:
    """Keep the terms that had not ended on the day from which a change counts."""
    return [term for term in terms if effective_on <= term.ends_on]
