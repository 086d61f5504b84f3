"""What the libraries of the demonstration have lent: made up, from the students there are."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from matricula.connectors.sip2.simulator import Person

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matricula.cli.demo.counterparts import Campus

# Most had a card before anything was connected; one in twenty-five reads law; of everybody few
# have something overdue.
_HAD_A_CARD, _READS_LAW = 0.8, 0.04
_OVERDUE, _HOW_OFTEN = (0, 1, 2, 3), (90, 6, 3, 1)


def open_university_library(
    campus: Campus, students: Mapping[str, tuple[str, str]], *, seed: int
) -> int:
    """Give some students the cards that they had before anything was connected.

    Args:
        campus: With the library.
        students: Given and family name by number.
        seed: The same seed has the same students own a card.

    Returns:
        How many there are.
    """
    dice = random.Random(seed)  # noqa: S311 - made-up cards, not secrets
    had = [number for number in students if dice.random() < _HAD_A_CARD]
    for number in had:
        given, family = students[number]
        campus.library.library.add({
            "cardnumber": number, "firstname": given, "surname": family, "category_id": "ST",
            "library_id": "CPL",
        })  # fmt: skip
    return len(had)


def open_law_library(campus: Campus, numbers: Iterable[str], *, seed: int) -> int:
    """Give some students a card of the Law Library, and something from it.

    Args:
        campus: With the library.
        numbers: The students' numbers.
        seed: The same seed has the same students read law.

    Returns:
        How many there are.
    """
    dice = random.Random(seed)  # noqa: S311 - made-up loans, not secrets
    readers = [number for number in numbers if dice.random() < _READS_LAW]
    for number in readers:
        (overdue,) = dice.choices(_OVERDUE, _HOW_OFTEN)
        owed = f"{overdue * dice.randrange(1, 20) * 0.5:.2f}"
        campus.law.add(Person(number, loans=overdue, overdue=overdue, owed=owed))
    return len(readers)


def lend(campus: Campus, *, seed: int, surely: str) -> None:
    """Let the University Library's patrons have borrowed, some for too long.

    Args:
        campus: With a library that knows its patrons.
        seed: The same seed has the same books lent.
        surely: A student who has two books that are overdue, and owes 4.50.
    """
    dice, library = random.Random(seed), campus.library.library  # noqa: S311 - made-up loans
    late = library.today() - timedelta(days=10)
    for number, patron in library.patrons.items():
        (overdue,) = dice.choices(_OVERDUE, _HOW_OFTEN)
        hers = patron["cardnumber"] == surely
        if overdue or hers:
            library.loans[number] = [late] * (2 if hers else overdue)
            library.debits[number] = [4.5] if hers else [overdue * dice.randrange(1, 20) * 0.5]
