"""What happens on the campus besides Matricula: owners change, people edit copies by hand."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

from matricula.hub.models import Incident, Link
from tests.machine.campus import STAYING, enrol, enter
from tests.machine.truth import FLOW_OF, SYSTEM_OF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.machine.campus import Campus
    from tests.machine.target import Place, Record, Table


def change(campus: Campus, what: str, who: str, course: str, number: int) -> None:
    """Have an owner change something, if there is anything to change."""
    if what == "enrol" or who in campus.students() or what == "enter":
        _CHANGES[what](campus, who, course, number)


def _enter(campus: Campus, who: str, _course: str, _number: int) -> None:
    enter(campus, who)


def _rename(campus: Campus, who: str, _course: str, number: int) -> None:
    campus.students()[who]["name"] = f"{who} {number}"


def _move(campus: Campus, who: str, _course: str, number: int) -> None:
    campus.students()[who]["email"] = f"{who}@{number}"


def _rest(campus: Campus, who: str, _course: str, _number: int) -> None:
    campus.students()[who]["status"] = "on_leave"


def _withdraw(campus: Campus, who: str, _course: str, _number: int) -> None:
    campus.students()[who]["status"] = "withdrawn"


def _remove(campus: Campus, who: str, _course: str, _number: int) -> None:
    if who not in STAYING:
        _take_out(campus.places["sis"], "students", "number", who)


def _enrol(campus: Campus, who: str, course: str, _number: int) -> None:
    enrol(campus, who, course)


def _drop(campus: Campus, who: str, course: str, _number: int) -> None:
    records = campus.places["sis"].tables["enrolments"].records
    for record in list(records.values()):
        if record.fields == {"student": who, "course": course} and who not in STAYING:
            del records[record.identifier]


def _owe(campus: Campus, who: str, _course: str, number: int) -> None:
    for record in campus.places["bursary"].tables["accounts"].records.values():
        if record.fields["student"] == who:
            record.fields["owed"] = number


def _take_out(place: Place, resource: str, name: str, value: str) -> None:
    for record in list(place.tables[resource].records.values()):
        if record.fields[name] == value:
            place.remove(resource, record.identifier)


_CHANGES: Mapping[str, Callable[[Campus, str, str, int], None]] = {
    "enter": _enter, "rename": _rename, "move": _move, "rest": _rest, "withdraw": _withdraw,
    "remove": _remove, "enrol": _enrol, "drop": _drop, "owe": _owe,
}  # fmt: skip
CHANGES = tuple(_CHANGES)
EDITS = ("edit", "renumber", "borrow", "sleep", "delete", "insert", "squat")


def edit(campus: Campus, what: str, resource: str, place: int, *, who: str, course: str) -> None:
    """Have somebody edit a target by hand."""
    if what == "insert":
        _insert(campus, resource, who, course)
    elif what == "squat":
        _squat(campus, who, place)
    elif records := list(_table(campus, resource).records.values()):
        _edit_one(campus, what, resource, records[place % len(records)], who=who)


def _table(campus: Campus, resource: str) -> Table:
    return campus.places[SYSTEM_OF[resource]].tables[resource]


def _edit_one(campus: Campus, what: str, resource: str, record: Record, *, who: str) -> None:
    if what == "delete":
        campus.places[SYSTEM_OF[resource]].remove(resource, record.identifier)
    elif what == "sleep":
        record.asleep = not record.asleep
    elif what == "edit":
        last = list(record.fields)[-1]
        if not _is_sought(resource, record):
            record.fields[last] = 99 if last == "owed" else f"by hand of {who}"
    elif resource == "users" and _is_settled(resource, record):
        # Nobody's number, or another student's.
        record.fields["number"] = f"{who}?" if what == "renumber" else who


def _is_settled(resource: str, record: Record) -> bool:
    """Whether the hub knows of a record; one that is still looked up by its number keeps it."""
    links = Link.objects.filter(flow=FLOW_OF[resource], external_id=record.identifier)
    return links.exclude(state="unknown").exists()


def _is_sought(resource: str, record: Record) -> bool:
    """Whether an edit would hide a record of ours whose making was not answered yet.

    The hub has nothing else to find it by: nobody could tell it from one never made.
    """
    return resource == "seats" and bool(record.made_for) and not _is_settled(resource, record)


def _insert(campus: Campus, resource: str, who: str, course: str) -> None:
    table = _table(campus, resource)
    if resource == "seats":
        for account in _table(campus, "users").matching({"number": who})[:1]:
            table.add({"user": account.identifier, "course": course})
        return
    table.add({"number": who, "name": "somebody", "email": f"theirs of {who}", "owed": 7})


def _squat(campus: Campus, who: str, number: int) -> None:
    """Have a stranger take the address that a student may be given."""
    table = _table(campus, "users")
    if not table.matching({"email": f"{who}@{number % 3}"}):
        table.add({"number": f"guest of {who}", "name": "guest", "email": f"{who}@{number % 3}"})


def mend(place: Place) -> None:
    """End everything that goes wrong with a place."""
    place.faults.clear()
    place.renamed.clear()
    place.is_away = False


def put_back(place: Place, backup: dict[str, Table]) -> None:
    """Put a target back from a backup; numbers that were given out since stay given out."""
    counted = {name: table.number for name, table in place.tables.items()}
    place.tables = deepcopy(backup)
    for name, table in place.tables.items():
        table.number = counted[name]


def merge_strangers(campus: Campus) -> None:
    """Have the offices take out the records of theirs that stand in a copy's way."""
    for resource, flow in FLOW_OF.items():
        ours = set(Link.objects.filter(flow=flow).values_list("external_id", flat=True))
        place, seen = campus.places[SYSTEM_OF[resource]], set()
        for record in list(place.tables[resource].records.values()):
            told = record.fields
            name = (told["user"], told["course"]) if resource == "seats" else told["number"]
            is_guest = str(name).startswith("guest")
            if (
                record.identifier not in ours
                and not record.made_for
                and (name in seen or is_guest)
            ):
                place.remove(resource, record.identifier)
            seen.add(name)


def correct_numbers(campus: Campus) -> None:
    """Have the office do as it was told: end that a leaver's account answers to a newcomer.

    The hub puts back what it grants, and to a copy that sleeps it grants nothing.
    """
    told = Incident.objects.filter(closed_at=None, code="M606", place="accounts")
    sought = set(told.values_list("key", flat=True))
    for link in Link.objects.filter(flow="accounts", state="suspended"):
        account = _table(campus, "users").records.get(link.external_id or "")
        if account is not None and account.fields["number"] in sought - {link.key}:
            account.fields["number"] = link.key
