"""Members of staff and their duties."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matricula.kernel.errors import Refused
from matricula.sis.people.models import Duty, StaffMember
from matricula.sis.people.queries.held import begins_or_ends, holding, thought
from matricula.sis.people.queries.identity import family
from matricula.sis.people.queries.told import known, touched_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

DAYS = ("starts_on", "ends_on")
ACTIVE, ENDED = "active", "ended"


@dataclass(frozen=True, slots=True)
class OnDuty:
    """A duty of a member of staff.

    Attributes:
        staff_no: Whose.
        person: Whose, in `people`.
        kind: What they are.
        department: Where.
        starts_on: The first day.
        ends_on: The last day; None while nobody says otherwise.
    """

    staff_no: str
    person: int
    kind: str
    department: str
    starts_on: date
    ends_on: date | None


def staff_member(number: str) -> StaffMember:
    """Find a member of staff by number.

    Raises:
        Refused: There is none (M931).
    """
    found = StaffMember.objects.filter(number=number).first()
    if found is None:
        raise Refused(
            "M931", f"There is no member of staff {number}.",
            cure="Look them up: `matricula register person find`.",
        )  # fmt: skip
    return found


def staff_of(persons: Iterable[int]) -> dict[int, tuple[str, ...]]:
    """Give the staff numbers of persons, of everybody whom they were merged with as well."""
    families = family(persons)
    everybody = {one for members in families.values() for one in members}
    held = dict(StaffMember.objects.filter(person__in=everybody).values_list("person", "number"))
    return {
        one: tuple(held[member] for member in members if member in held)
        for one, members in families.items()
    }


def duties(
    numbers: Iterable[str], *, on: date, known_at: datetime | None = None
) -> dict[str, tuple[OnDuty, ...]]:
    """Give what members of staff are on a day, the duty that began last at the end."""
    found: dict[str, list[OnDuty]] = {number: [] for number in numbers}
    rows = Duty.objects.filter(staff__number__in=list(found)).select_related("staff")
    for one in holding(rows, on, known_at, days=DAYS):
        found[one.staff.number].append(as_told(one))
    return {number: tuple(held) for number, held in found.items()}


def as_told(one: Duty) -> OnDuty:
    """Take a row for the value that other rooms read."""
    return OnDuty(
        one.staff.number, one.staff.person_id, one.kind, one.department, one.starts_on,
        one.ends_on,
    )  # fmt: skip


def staff_records(
    numbers: Iterable[str], *, on: date, known_at: datetime | None = None
) -> list[dict[str, Any]]:
    """Tell of members of staff as the record keeps them, once their first duty has begun.

    Their status is active while a duty holds and ended afterwards; of several duties the one
    that began last says the department.
    """
    wanted = list(numbers)
    members = dict(
        StaffMember.objects.filter(number__in=wanted).order_by("number")
        .values_list("number", "person")
    )  # fmt: skip
    begun = thought(Duty.objects.filter(staff__number__in=wanted, starts_on__lte=on), known_at)
    ever = set(begun.values_list("staff__number", flat=True))
    held = duties(ever, on=on, known_at=known_at)
    told = known(members.values(), on=on, known_at=known_at)
    return [
        {
            "staff_no": number,
            "given_name": told[person].given,
            "family_name": told[person].family,
            "display_name": f"{told[person].given} {told[person].family}".strip(),
            "email": told[person].work_email or told[person].email or None,
            "status": ACTIVE if held[number] else ENDED,
            "department": held[number][-1].department if held[number] else None,
        }
        for number, person in members.items()
        if number in ever
    ]


def staff_touched_on(first: date, last: date) -> set[str]:
    """List the members of staff of whom something begins or ends to hold on some days."""
    changing = begins_or_ends(Duty.objects.all(), first, last, days=DAYS)
    found = set(changing.values_list("staff__number", flat=True))
    persons = touched_on(first, last)
    rows = StaffMember.objects.filter(person__in=persons)
    return found | set(rows.values_list("number", flat=True))


def standing_duties(numbers: Sequence[str], *, until: date) -> dict[str, list[OnDuty]]:
    """List the duties of members of staff that go on after a day or begin after it."""
    found: dict[str, list[OnDuty]] = defaultdict(list)
    rows = Duty.objects.filter(staff__number__in=numbers, withdrawn_at=None)
    for one in rows.exclude(ends_on__lte=until).select_related("staff").order_by("id"):
        found[one.staff.number].append(as_told(one))
    return found
