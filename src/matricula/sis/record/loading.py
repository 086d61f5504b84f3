"""Fill the record with many rows at once: those of records that other systems never heard of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.audit import sets
from matricula.sis.enrolment import loading as enrolment
from matricula.sis.record import queries
from matricula.sis.record.models import EnrolmentRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from matricula.sis.record.queries import Part


def fill(kind: str, keys: Iterable[Sequence[str]], *, on: date) -> int:
    """Write what the record says of new records; exactly what `actions.refresh` would write.

    Args:
        kind: A kind of record, as in `queries.PARTS`.
        keys: In parts; nothing of them is in the record yet.
        on: The institution's day.

    Returns:
        How many rows were written.
    """
    count = 0
    for some in keys:
        for part in queries.PARTS.get(kind, ()):
            model = part[0]
            count += sets.insert_arrow(model._meta.db_table, _rows(part, some, on))  # noqa: SLF001 - Django means it to be used
    return count


def _rows(part: Part, keys: Sequence[str], on: date) -> Iterator[pa.RecordBatch]:
    model, _, wanted = part
    rows = list(wanted(keys, on))
    if rows:
        names = [f.name for f in model._meta.concrete_fields if f.name != "id"]  # noqa: SLF001
        yield pa.RecordBatch.from_pydict(
            {name: pa.array([row[name] for row in rows]) for name in names}
        )


def fill_enrolments(rows: Iterable[pa.RecordBatch]) -> int:
    """Write what the record says of new enrolments, of which there are too many to ask for.

    Args:
        rows: As `enrolment.loading.records` takes them; nothing of them is in the record yet.

    Returns:
        How many rows were written.
    """
    return sets.insert_arrow(EnrolmentRecord._meta.db_table, enrolment.records(rows))  # noqa: SLF001
