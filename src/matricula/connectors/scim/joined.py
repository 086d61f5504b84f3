"""Many look-ups in one question: filters joined with `or`, and never believed on their word.

Who is found was checked here and needs no proof. That somebody is not there is believed only
of a server that evaluated the whole question: it begins and ends with a clause for a record
which is known to be there, and an answer without both leaves every absence open.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Within what servers and front ends commonly take as an address.
_LONGEST = 1800
_MOST = 50
Witnesses = tuple[str, str]


def clause_of(record_id: str) -> str:
    """Write the filter that finds one record by its id."""
    return f"id eq {json.dumps(record_id, ensure_ascii=False)}"


def parts(clauses: Sequence[str], witnesses: Witnesses, most: int | None) -> Iterator[list[str]]:
    """Part clauses into questions that an address holds.

    Args:
        clauses: Filters, each for one look-up.
        witnesses: Ids of two records that are there; room is kept for them.
        most: Records that the server answers with, at most.
    """
    room = _LONGEST - sum(_length(clause_of(one)) for one in witnesses)
    size = max(1, min(_MOST, most - len(witnesses) if most else _MOST))
    part: list[str] = []
    used = 0
    for clause in clauses:
        length = _length(clause)
        if part and (len(part) >= size or used + length > room):
            yield part
            part, used = [], 0
        part.append(clause)
        used += length
    if part:
        yield part


def text_of(part: Sequence[str], witnesses: Witnesses) -> str:
    """Write the question; whoever evaluates one end of it only misses the other."""
    first, last = map(clause_of, witnesses)
    return " or ".join([first, *part, last])


def is_witnessed(found: Sequence[Mapping[str, object]], witnesses: Witnesses) -> bool:
    """Say whether the whole question was evaluated."""
    return set(witnesses) <= {str(one.get("id")) for one in found}


def _length(clause: str) -> int:
    return len(quote(f" or {clause}", safe=""))
