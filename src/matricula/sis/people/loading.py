"""Persons and staff in sets: many come in at once, and are looked for at once.

Whether rows may come in is judged by who calls; what comes here is written as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from matricula.sis.acts import loading as acts
from matricula.sis.people import queries, rules
from matricula.sis.people.models import (
    Birth,
    ContactPoint,
    Duty,
    Identifier,
    Name,
    Person,
    StaffMember,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from django.db.models import Model

    from matricula.sis.acts.actions import Doing

    # Of any type: what is in it is for its column's name to say.
    Column: TypeAlias = pa.Array[Any]

_PERSONS = "persons"
TABLES: Mapping[str, type[Model]] = {
    _PERSONS: Person,
    "numbers": Identifier,
    "staff": StaffMember,
    "duties": Duty,
}
# The contact points a person comes with: the column, the kind and the use.
_REACHED = (
    ("email", rules.EMAIL, rules.STUDY),
    ("phone", rules.PHONE, rules.STUDY),
    ("work_email", rules.EMAIL, rules.WORK),
)


def take_numbers(table: str, count: int) -> int:
    """Take so many numbers for rows of a table; give the first."""
    return acts.take_numbers(TABLES[table], count)


def insert(doing: Doing, table: str, rows: Iterable[pa.RecordBatch]) -> int:
    """Insert rows in the name of an act.

    Args:
        doing: The act.
        table: persons, numbers, staff or duties.
        rows: Of persons: `id`, `given`, `family`, `display_given`, `display_family`, `born_on`,
            `email`, `phone`, `work_email` and `since`, the day from which it holds; what is
            unknown is null. Of the others: the columns of their table.

    Returns:
        How many.
    """
    if table != _PERSONS:
        return acts.insert(doing, TABLES[table], rows)
    count = 0
    for batch in rows:
        count += acts.insert(doing, Person, [batch.select(["id"])])
        acts.insert(doing, Birth, _births(batch))
        acts.insert(doing, Name, _names(batch))
        acts.insert(doing, ContactPoint, _contacts(batch))
    return count


def _births(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    kept = batch.filter(batch["born_on"].is_valid())
    yield _of({"person_id": kept["id"], "born_on": kept["born_on"]})


def _names(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for kind, given, family in (
        (rules.LEGAL, "given", "family"),
        (rules.DISPLAY, "display_given", "display_family"),
    ):
        kept = batch.filter(_either(batch[given].is_valid(), batch[family].is_valid()))
        yield _of(
            {
                "person_id": kept["id"], "kind": _all(kind, kept),
                "given": _empty(kept[given]), "family": _empty(kept[family]),
                "plain_given": plain(_empty(kept[given])),
                "plain_family": plain(_empty(kept[family])), "valid_from": kept["since"],
            }
        )  # fmt: skip


def _contacts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for column, kind, use in _REACHED:
        kept = batch.filter(batch[column].is_valid())
        yield _of(
            {
                "person_id": kept["id"], "kind": _all(kind, kept), "use": _all(use, kept),
                "value": kept[column], "plain": plain_contact(kind, kept[column]),
                "valid_from": kept["since"],
            }
        )  # fmt: skip


def _of(columns: Mapping[str, Column]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(dict(columns))


def _all(word: str, batch: pa.RecordBatch) -> Column:
    return pa.repeat(word, batch.num_rows)


def _empty(column: Column) -> Column:
    filled: Column = column.fill_null("")
    return filled


def _either(one: Column, other: Column) -> Column:
    pairs = zip(one.to_pylist(), other.to_pylist(), strict=True)
    return pa.array([a or b for a, b in pairs], pa.bool_())


def plain(words: Column) -> Column:
    """Bring names into the form in which they are looked for, each distinct one once."""
    return _each(words, rules.plain)


def plain_contact(kind: str, values: Column) -> Column:
    """Bring contact points of a kind into the form in which they are looked for."""
    return _each(values, lambda value: rules.plain_contact(kind, value))


def _each(values: Column, change: Callable[[str], str]) -> Column:
    told = values.dictionary_encode()
    changed = [None if one is None else change(one) for one in told.dictionary.to_pylist()]
    taken: Column = pa.array(changed, pa.string()).take(told.indices)
    return taken


def holders(values: Iterable[str]) -> Iterator[pa.RecordBatch]:
    """Say who holds numbers: `system`, `kind`, `value` and `id`, the survivor's where merged."""
    columns = {"system": "system", "kind": "kind", "value": "value", "id": "person"}
    for batch in acts.there(Identifier.objects.all(), columns, ("value", values)):
        persons: list[int] = [int(str(one)) for one in batch["id"].to_pylist()]
        who = queries.resolve(persons)
        place = batch.schema.get_field_index("id")
        yield batch.set_column(place, "id", pa.array([who[one] for one in persons], pa.int64()))


def known(persons: Iterable[int], *, on: date) -> Iterator[pa.RecordBatch]:
    """Say what is known of persons on a day: `id`, `given`, `family`, `born_on`, `email`."""
    for part in acts.some(persons):
        told = queries.known(part, on=on).values()
        yield pa.RecordBatch.from_pydict(
            {
                "id": pa.array([one.person for one in told], pa.int64()),
                "given": [one.legal_given for one in told],
                "family": [one.legal_family for one in told],
                "born_on": pa.array([one.born_on for one in told], pa.date32()),
                "email": [one.email for one in told],
            }
        )


def reached_at(emails: Iterable[str]) -> Iterator[pa.RecordBatch]:
    """Say whose e-mail addresses some are, or ever were: `plain` and `id`."""
    rows = ContactPoint.objects.filter(kind=rules.EMAIL, withdrawn_at=None)
    yield from acts.there(rows, {"plain": "plain", "id": "person"}, ("plain", emails))


def named(families: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Say who bears or bore some family names: `plain_given`, `plain_family`, `born_on`, `id`."""
    rows = Name.objects.filter(withdrawn_at=None, person__birth__withdrawn_at=None)
    columns = {
        "plain_given": "plain_given", "plain_family": "plain_family",
        "born_on": "person__birth__born_on", "id": "person",
    }  # fmt: skip
    yield from acts.there(rows, columns, ("plain_family", families))


def staff_there(persons: Iterable[int]) -> Iterator[pa.RecordBatch]:
    """Say which persons are members of staff: `person_id`, `id` and `number`."""
    columns = {"person_id": "person", "id": "id", "number": "number"}
    yield from acts.there(StaffMember.objects.all(), columns, ("person", persons))


def duties_there(staff: Iterable[int]) -> Iterator[pa.RecordBatch]:
    """Give the duties of members of staff that stand, by their own numbers."""
    columns = {
        "staff_id": "staff", "kind": "kind", "department": "department",
        "starts_on": "starts_on", "ends_on": "ends_on",
    }  # fmt: skip
    rows = Duty.objects.filter(withdrawn_at=None)
    yield from acts.there(rows, columns, ("staff", staff))


def anybody() -> bool:
    """Whether there is anybody yet."""
    return Person.objects.exists()
