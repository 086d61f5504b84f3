"""What a bundle of tables must look like: the tables, their columns, and what refers to what.

One row of `_TABLES` is one column: its name, its kind, and what else is asked of it. `*` makes
it part of the key, `!` requires a value, `~` has it compared with what is there already,
`>terms` says of which table it names a row, `{a|b}` lists the words it may be.

A person, a staff member and a registration go by keys of the bundle's own: what tells a person
apart for ever stands in `numbers`. What happened stands in tables of events, each of which
names what it happened to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TABLES = """
departments
    code              text *
    title             text !~
campuses
    code              text *
    title             text !~
    timezone          text !~
rooms
    code              text *
    campus            text !~ >campuses
    seats             whole !~
programmes
    code              text *
    title             text !~
    department        text !~ >departments
    award             text !~
    terms             whole !~
    closed_on         day
curricula
    programme         text * >programmes
    version           text *
    from_cohort       text !~
    to_cohort         text
    credits           number !~
    requirements      text
modules
    code              text *
    department        text !~ >departments
module_versions
    module            text * >modules
    starts_on         day *
    title             text !~
    credits           number !~
    level             whole !~
    requisites        text
    ends_on           day
terms
    code              text *
    title             text !~
    starts_on         day !
    ends_on           day !
    register_from     day !
    add_until         day !
    drop_until        day !
    census_on         day !
    withdraw_until    day !
    marks_due_on      day !
    board_on          day !
refund_bands
    term              text * >terms
    until_on          day *
    percent           whole !
sections
    section           text *
    module            text !~ >modules
    term              text !~ >terms
    campus            text !~ >campuses
    capacity          whole !~
section_events
    section           text ! >sections
    action            text !
    effective_on      day !
    reason            text
meetings
    section           text * >sections
    room              text * >rooms
    weekday           whole *
    starts_at         time *
    ends_at           time *
    valid_from        day *
    valid_to          day *
persons
    person            text *
    given             text
    family            text
    display_given     text
    display_family    text
    born_on           day
    email             text
    phone             text
    work_email        text
    since             day !
numbers
    person            text ! >persons
    system            text *
    kind              text *
    value             text *
    since             day !
staff
    person            text * >persons
    number            text ~
duties
    person            text * >staff
    kind              text *
    department        text * >departments
    starts_on         day *
    ends_on           day ~
students
    person            text * >persons
    number            text ~
    matriculated_on   day !
registrations
    registration      text *
    person            text ! >students
    programme         text ! >programmes
    cohort            text !
    curriculum        text ~
    mode              text !~ {full|part}
    expected_end_on   day
    predecessor       text
    is_dual           truth
registration_events
    registration      text ! >registrations
    action            text !
    effective_on      day !
    reason            text
    last_attended_on  day
    ends_on           day
term_registrations
    registration      text * >registrations
    term              text * >terms
    load              text !~ {full|part}
    fee_category      text
term_registration_events
    registration      text !
    term              text !
    action            text !
    effective_on      day !
    reason            text
enrolments
    registration      text * >registrations
    section           text * >sections
    credits           number ~
    basis             text
    waitlist_rank     whole
enrolment_events
    registration      text !
    section           text !
    action            text !
    effective_on      day !
    reason            text
    last_attended_on  day
    grade             text
    until_on          day
teaching
    person            text * >staff
    section           text * >sections
    duty              text * {lead|lecturer|marker|moderator}
    starts_on         day *
    ends_on           day ~
"""
# Kinds, with the database's type and how a value is written.
KINDS: Mapping[str, tuple[str, str]] = {
    "text": ("VARCHAR", "text"),
    "day": ("DATE", "a day, such as 2026-10-14"),
    "time": ("TIME", "a time, such as 09:30"),
    "whole": ("INTEGER", "a whole number"),
    "number": ("DECIMAL(6, 2)", "a number, such as 7.5"),
    "truth": ("BOOLEAN", "true or false"),
}
# Longer than any name or address, and short enough for an index.
LONGEST = 500
_PARTS = re.compile(r"(?P<name>\w+)\s+(?P<kind>\w+)(?P<rest>.*)")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a bundle's table.

    Attributes:
        name: Its name.
        kind: One of `KINDS`.
        required: Whether a row must have a value.
        compared: Whether it is compared with what is there already.
        refers: The table of which it names a row; empty if none.
        words: What it may be, where that is a list.
    """

    name: str
    kind: str
    required: bool = False
    compared: bool = False
    refers: str = ""
    words: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """The calculator's type."""
        return KINDS[self.kind][0]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a bundle: its columns in order, and by which of them rows are told apart."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    def references(self) -> Iterator[Column]:
        """Give the columns that name rows of other tables."""
        return (column for column in self.columns if column.refers)


def _read(text: str) -> dict[str, Table]:
    found: dict[str, list[tuple[Column, bool]]] = {}
    current: list[tuple[Column, bool]] = []
    for line in text.strip().splitlines():
        parts = _PARTS.fullmatch(line.strip())
        if parts is None:
            current = found.setdefault(line.strip(), [])
        else:
            current.append(_column(parts["name"], parts["kind"], parts["rest"]))
    return {
        name: Table(
            name, tuple(column for column, _ in columns),
            tuple(column.name for column, is_key in columns if is_key),
        )
        for name, columns in found.items()
    }  # fmt: skip


def _column(name: str, kind: str, rest: str) -> tuple[Column, bool]:
    refers = re.search(r">(\w+)", rest)
    words = re.search(r"\{([^}]*)\}", rest)
    is_key = "*" in rest
    # A section may meet where there is no room.
    required = "!" in rest or (is_key and name != "room")
    column = Column(
        name, kind, required, "~" in rest, refers[1] if refers else "",
        tuple(words[1].split("|")) if words else (),
    )  # fmt: skip
    return column, is_key


# In the order in which they are taken: what is named comes before what names it.
TABLES: Mapping[str, Table] = _read(_TABLES)
