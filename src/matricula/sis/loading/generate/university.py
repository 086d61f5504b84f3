"""Make a university up: a bundle, piece by piece, as any other system would hand one over."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from matricula.sis.loading.generate import lives, plan, taught
from matricula.sis.loading.generate.columns import Columns
from matricula.sis.loading.generate.names import FAMILY, GIVEN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import pyarrow as pa

    from matricula.sis.loading.generate.plan import Size


def pieces(size: Size) -> Iterator[tuple[str, pa.Table]]:
    """Make the university: names of tables, with rows of each; the same for the same size."""
    dice = random.Random(size.seed)  # noqa: S311 - made-up people, not secrets
    rows, terms, streams = Columns(), plan.terms(size), plan.streams(size)
    every = [stream for groups in streams.values() for stream in groups]
    taught.catalogue(rows, size, terms, taught.rooms_for(every))
    taught.staff(rows, dice, terms, every)
    yield from rows.handed_on()
    world = lives.World(rows, dice, terms, streams, size.today)
    seen: set[tuple[str, str, date]] = set()
    number = 0
    for intake, programme, count in plan.shares(size):
        for _ in range(count):
            number += 1
            _somebody(world, number, terms[intake].starts_on, seen)
            lives.live(world, lives.Life(f"s{number}", intake, programme))
            if rows.full():
                yield from rows.handed_on()
    taught.sections(rows, terms, every, lives.wait(world))
    yield from rows.handed_on()


def _somebody(
    world: lives.World, number: int, begins: date, seen: set[tuple[str, str, date]]
) -> None:
    """Add a person and a student; no two have one name and one day of birth."""
    dice = world.dice
    while True:
        given, family = dice.choice(GIVEN), dice.choice(FAMILY)
        born = begins - timedelta(days=dice.randrange(18 * 365, 26 * 365))
        if (given, family, born) not in seen:
            break
    seen.add((given, family, born))
    key, since = f"s{number}", begins - timedelta(days=60)
    display = (dice.choice(GIVEN), family) if world.happens(5) else (None, None)
    phone = f"+44 7700 {number:06d}" if world.happens(20) else None
    address = f"s{number:08d}@northfield.example"
    world.rows.add("persons", key, given, family, *display, born, address, phone, None, since)
    world.rows.add("numbers", key, "admissions", "applicant", f"A{number:08d}", since)
    world.rows.add("students", key, None, begins)
