"""The curriculum in sets: what is taught comes in at once, and is looked for at once.

Whether rows may come in is judged by who calls; what comes here is written as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.sis.acts import loading as acts
from matricula.sis.curriculum.models import (
    Campus,
    CurriculumVersion,
    Department,
    Meeting,
    Module,
    ModuleVersion,
    Programme,
    RefundBand,
    Room,
    Section,
    SectionEvent,
    Term,
    TermVersion,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pyarrow as pa
    from django.db.models import Model

    from matricula.sis.acts.actions import Doing

TABLES: Mapping[str, type[Model]] = {
    "departments": Department,
    "campuses": Campus,
    "rooms": Room,
    "programmes": Programme,
    "curricula": CurriculumVersion,
    "modules": Module,
    "module_versions": ModuleVersion,
    "terms": Term,
    "term_versions": TermVersion,
    "refund_bands": RefundBand,
    "sections": Section,
    "section_events": SectionEvent,
    "meetings": Meeting,
}
# What is told of rows that are there, by the path that reaches it; `asked` is by what they are
# asked for.
_TOLD: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "departments": ("code", {"code": "code", "title": "title"}),
    "campuses": ("code", {"code": "code", "title": "title", "timezone": "timezone"}),
    "rooms": ("code", {"code": "code", "campus": "campus__code", "seats": "seats"}),
    "programmes": (
        "code",
        {"code": "code", "title": "title", "department": "department__code", "award": "award",
         "terms": "terms", "closed_on": "closed_on"},
    ),
    "curricula": (
        "programme__code",
        {"programme": "programme__code", "version": "version", "from_cohort": "from_cohort",
         "to_cohort": "to_cohort", "credits": "credits"},
    ),
    "modules": ("code", {"code": "code", "department": "department__code"}),
    "module_versions": (
        "module__code",
        {"module": "module__code", "starts_on": "starts_on", "title": "title",
         "credits": "credits", "level": "level", "requisites": "requisites",
         "ends_on": "ends_on"},
    ),
    "terms": ("code", {"code": "code", "title": "title"}),
    "sections": (
        "code",
        {"section": "code", "module": "module_version__module__code", "term": "term__code",
         "campus": "campus__code", "capacity": "capacity"},
    ),
    "meetings": (
        "section__code",
        {"section": "section__code", "room": "room__code", "weekday": "weekday",
         "starts_at": "starts_at", "ends_at": "ends_at", "valid_from": "valid_from",
         "valid_to": "valid_to"},
    ),
}  # fmt: skip
_STANDING = frozenset({"meetings"})


def take_numbers(table: str, count: int) -> int:
    """Take so many numbers for rows of a table; give the first."""
    return acts.take_numbers(TABLES[table], count)


def insert(doing: Doing, table: str, rows: Iterable[pa.RecordBatch]) -> int:
    """Insert rows of one of `TABLES` in the name of an act; columns as the table's own."""
    return acts.insert(doing, TABLES[table], rows)


def there(table: str, codes: Iterable[str]) -> Iterator[pa.RecordBatch]:
    """Tell of rows that are there with their number, `id`, in the words in which they come.

    Args:
        table: Departments, campuses, rooms, programmes, curricula, modules, module_versions,
            terms, sections or meetings.
        codes: Their own, or those of what they are of: a curriculum's programme, a module
            version's module, a meeting's section.
    """
    path, told = _TOLD[table]
    rows = TABLES[table]._default_manager.all()  # noqa: SLF001 - Django means it to be used
    if table in _STANDING:
        rows = rows.filter(withdrawn_at=None)
    yield from acts.there(rows, {"id": "id", **told}, (path, codes))


def histories(sections: Iterable[int]) -> Iterator[pa.RecordBatch]:
    """Give the events of sections, by the sections' own numbers."""
    columns = {
        "owner": "section", "id": "id", "action": "action", "effective_on": "effective_on",
        "supersedes": "supersedes",
    }  # fmt: skip
    yield from acts.there(SectionEvent.objects.all(), columns, ("section", sections))
