"""Teaching assignments in sets: many come in at once, and are looked for at once.

Whether rows may come in is judged by who calls; what comes here is written as it is. A role
is granted when the account is opened: see `actions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.sis.acts import loading as acts
from matricula.sis.teaching.models import Assignment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from matricula.sis.acts.actions import Doing


def insert(doing: Doing, rows: Iterable[pa.RecordBatch]) -> int:
    """Insert assignments in the name of an act; columns as the table's own."""
    return acts.insert(doing, Assignment, rows)


def there(staff: Iterable[str]) -> Iterator[pa.RecordBatch]:
    """Give the assignments that stand of members of staff, by their staff numbers."""
    columns = {
        "staff_no": "staff_no", "section": "section", "duty": "duty", "starts_on": "starts_on",
        "ends_on": "ends_on",
    }  # fmt: skip
    rows = Assignment.objects.filter(withdrawn_at=None)
    yield from acts.there(rows, columns, ("staff_no", staff))
