"""What is taught, as other rooms may read it, one module for each subject."""

from __future__ import annotations

from matricula.sis.curriculum.queries.catalogue import (
    Curriculum,
    Offered,
    curriculum,
    department_of,
    module_codes,
    module_records,
    module_row,
    modules,
    modules_touched_on,
    programme,
    programme_codes,
    programme_records,
    unknown_modules,
    version_for,
    versions_on,
)
from matricula.sis.curriculum.queries.sections import (
    clashes,
    clashes_of,
    has_moved_sections,
    meeting_row,
    meetings_in,
    meetings_of,
    room_clashes,
    section,
    section_events,
    section_records,
    sections,
    sections_in,
    sections_of,
    when,
)
from matricula.sis.curriculum.queries.terms import term, term_records, term_row, terms, terms_on

__all__ = [
    "Curriculum", "Offered", "clashes", "clashes_of", "curriculum", "department_of",
    "has_moved_sections", "meeting_row", "meetings_in", "meetings_of", "module_codes",
    "module_records", "module_row", "modules", "modules_touched_on", "programme",
    "programme_codes", "programme_records",
    "room_clashes", "section", "section_events", "section_records", "sections", "sections_in",
    "sections_of", "term", "term_records", "term_row", "terms", "terms_on", "unknown_modules",
    "version_for", "versions_on", "when",
]  # fmt: skip
