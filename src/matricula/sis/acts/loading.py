"""Rows of the register in and out in sets, each naming the act by which it came.

The parts' own `loading` modules stand on this one: it knows how rows are written, they know
which rows are theirs (decision 0029).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.db import connection
from django.db.models import NOT_PROVIDED

from matricula.audit import sets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from django.db.models import Field, Model, QuerySet

    from matricula.sis.acts.actions import Doing

# So many keys are asked for in one question; databases take no more at once.
_ASKED = 5_000
_CHUNK = 20_000


def insert(doing: Doing, model: type[Model], rows: Iterable[pa.RecordBatch]) -> int:
    """Insert rows of one table in the name of an act.

    What is not told gets the table's default, or stays empty where it may.

    Args:
        doing: The act.
        model: Whose rows.
        rows: Columns named as the table's own.

    Returns:
        How many.
    """
    return sets.insert_arrow(
        model._meta.db_table,  # noqa: SLF001 - Django means it to be used
        (_complete(doing, model, batch) for batch in rows),
    )


def _complete(doing: Doing, model: type[Model], batch: pa.RecordBatch) -> pa.RecordBatch:
    stamp: dict[str, Any] = {"act": doing.act, "recorded_at": doing.acting.at}
    told = dict(zip(batch.schema.names, batch.columns, strict=True))
    for field in model._meta.concrete_fields:  # noqa: SLF001
        name = str(field.column)
        if name in told or name == "id":
            continue
        value = stamp.get(name, _default(field))
        if value is not None:
            written = field.get_db_prep_value(value, connection)
            same: Any = _scalar(written)
            told[name] = pa.repeat(same, batch.num_rows)
    return pa.RecordBatch.from_pydict(told)


def _default(field: Field[Any, Any]) -> object:
    return None if field.default is NOT_PROVIDED else field.default


def _scalar(value: object) -> object:
    return value if isinstance(value, (bool, int, str)) else str(value)


def take_numbers(model: type[Model], count: int) -> int:
    """Take so many numbers for rows of a table; give the first."""
    return sets.take_numbers(model._meta.db_table, count)  # noqa: SLF001


def some(keys: Iterable[Any]) -> Iterator[Sequence[Any]]:
    """Give keys in parts, none twice, of as many as one question may name."""
    every = list(dict.fromkeys(keys))
    for start in range(0, len(every), _ASKED):
        yield every[start : start + _ASKED]


def there(
    rows: QuerySet[Any, Any], columns: Mapping[str, str], among: tuple[str, Iterable[Any]]
) -> Iterator[pa.RecordBatch]:
    """Give the rows that are there already, of some keys.

    Args:
        rows: From which they are chosen.
        columns: What each column is called, with the path by which Django reaches it.
        among: By which path they are asked for, and the keys.

    Yields:
        Them, in no particular order.
    """
    path, keys = among
    for part in some(keys):
        found = rows.filter(**{f"{path}__in": part}).values_list(*columns.values())
        held: list[tuple[Any, ...]] = []
        for row in found.iterator(chunk_size=_CHUNK):
            held.append(row)
            if len(held) == _CHUNK:
                yield _as_batch(held, columns)
                held = []
        if held:
            yield _as_batch(held, columns)


def _as_batch(rows: Sequence[tuple[Any, ...]], columns: Iterable[str]) -> pa.RecordBatch:
    cells = zip(*rows, strict=True)
    return pa.RecordBatch.from_pydict(
        {name: pa.array(values) for name, values in zip(columns, cells, strict=True)}
    )
