"""The Open University's learning analytics dataset as a bundle.

Source: Kuzilek, Hlosta, Zdrahal, "Open University Learning Analytics dataset", Scientific Data
2017. Days count from the start of a presentation; a presentation whose name ends in B begins in
February, one in J in October. Nobody has a name there: the number stands for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.cli.loading.given import Given, asked, rows_of, table_desk
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from matricula.engine.workbench import Workbench

_SYSTEM = "ou"
_FILES = {
    "courses": "courses.csv", "info": "studentInfo.csv", "registered": "studentRegistration.csv",
}  # fmt: skip
# A presentation with its days; all of one term begin together, and the longest ends it.
_PREPARED = {
    "presented": """
        SELECT code_module AS module, code_presentation AS term, place,
            code_module || '-' || code_presentation AS section,
            make_date(code_presentation[:4]::INTEGER, if(code_presentation[5:] = 'B', 2, 10), 1)
                AS starts_on,
            module_presentation_length::INTEGER AS days
        FROM courses""",
    "placed": """
        SELECT r.id_student AS student, p.section, p.term, p.starts_on, r.place,
            p.starts_on + TRY_CAST(nullif(r.date_registration, '') AS INTEGER) AS from_on,
            p.starts_on + TRY_CAST(nullif(r.date_unregistration, '') AS INTEGER) AS left_on,
            p.starts_on + p.days - 1 AS ends_on, i.final_result AS result, i.place AS told_at
        FROM registered AS r
        JOIN presented AS p ON p.module = r.code_module AND p.term = r.code_presentation
        LEFT JOIN info AS i ON i.id_student = r.id_student AND i.code_module = r.code_module
            AND i.code_presentation = r.code_presentation""",
    "student": """
        SELECT student, min(from_on) AS from_on, min(starts_on) AS starts_on,
            min_by(place, (from_on IS NULL, from_on)) AS place
        FROM placed GROUP BY student""",
}
_QUERIES: Mapping[str, str] = {
    "departments": "SELECT 'OU' AS code, 'The Open University' AS title",
    "campuses": "SELECT 'OU' AS code, 'Distance learning' AS title, 'Europe/London' AS timezone",
    "programmes": "SELECT 'OPEN' AS code, 'Open degree' AS title, 'OU' AS department, "
    "'Open' AS award, 6 AS terms",
    "curricula": "SELECT 'OPEN' AS programme, '1' AS version, '2012' AS from_cohort, "
    "360 AS credits",
    "modules": "SELECT DISTINCT module AS code, 'OU' AS department FROM presented ORDER BY 1",
    "module_versions": "SELECT module, min(starts_on) AS starts_on, module AS title, "
    "0 AS credits, 1 AS level FROM presented GROUP BY module ORDER BY module",
    # Whoever leaves by the first day was never there; after it they withdraw.
    "terms": """
        SELECT t.term AS code, strftime(t.starts_on, '%B %Y') AS title, t.starts_on, t.ends_on,
            least(t.starts_on, r.first_on) AS register_from, t.starts_on AS add_until,
            t.starts_on AS drop_until, t.starts_on AS census_on, t.ends_on AS withdraw_until,
            t.ends_on AS marks_due_on, t.ends_on AS board_on
        FROM (SELECT term, min(starts_on) AS starts_on, max(starts_on + days - 1) AS ends_on
            FROM presented GROUP BY term) AS t
        JOIN (SELECT term, min(from_on) AS first_on FROM placed GROUP BY term) AS r USING (term)
        ORDER BY t.starts_on""",
    "sections": """
        SELECT p.section, p.module, p.term, 'OU' AS campus, count(r.student) AS capacity, p.place
        FROM presented AS p LEFT JOIN placed AS r ON r.section = p.section
        GROUP BY ALL ORDER BY p.section""",
    "section_events plan": """
        SELECT section, 'plan' AS action, starts_on - 365 AS effective_on, place
        FROM presented""",
    "section_events open": """
        SELECT section, 'open' AS action, starts_on - 364 AS effective_on, place
        FROM presented""",
    "section_events finish": """
        SELECT section, 'finish' AS action, starts_on + days - 1 AS effective_on, place
        FROM presented""",
    "persons": "SELECT student AS person, student AS family, "
    "coalesce(from_on, starts_on) AS since, place FROM student ORDER BY student",
    "numbers": "SELECT student AS person, 'ou' AS system, 'student' AS kind, "
    "student AS value, coalesce(from_on, starts_on) AS since, place FROM student ORDER BY student",
    "students": "SELECT student AS person, from_on AS matriculated_on, place FROM student "
    "ORDER BY student",
    "registrations": "SELECT student AS registration, student AS person, 'OPEN' AS programme, "
    "year(from_on)::VARCHAR AS cohort, 'part' AS mode, place FROM student ORDER BY student",
    "registration_events admit": "SELECT student AS registration, 'admit' AS action, "
    "from_on AS effective_on, place FROM student ORDER BY student",
    "registration_events start": "SELECT student AS registration, 'start' AS action, "
    "greatest(from_on, starts_on) AS effective_on, place FROM student "
    "WHERE from_on IS NOT NULL ORDER BY student",
    "term_registrations": "SELECT DISTINCT ON (student, term) student AS registration, term, "
    "'part' AS load, place FROM placed WHERE from_on IS NOT NULL ORDER BY student, term, from_on",
    "term_registration_events eligible": """
        SELECT student AS registration, term, 'find eligible' AS action,
            min(from_on) AS effective_on, min_by(place, from_on) AS place
        FROM placed WHERE from_on IS NOT NULL GROUP BY student, term ORDER BY student, term""",
    "term_registration_events register": """
        SELECT student AS registration, term, 'register' AS action,
            min(from_on) AS effective_on, min_by(place, from_on) AS place
        FROM placed WHERE from_on IS NOT NULL GROUP BY student, term ORDER BY student, term""",
    "enrolments": "SELECT student AS registration, section, place FROM placed "
    "ORDER BY student, section",
    "enrolment_events enrol": "SELECT student AS registration, section, 'enrol' AS action, "
    "from_on AS effective_on, place FROM placed ORDER BY student, section",
    "enrolment_events end": """
        SELECT student AS registration, section,
            if(left_on <= starts_on, 'drop', 'withdraw') AS action, left_on AS effective_on, place
        FROM placed WHERE from_on IS NOT NULL AND left_on IS NOT NULL ORDER BY student, section""",
    "enrolment_events grade": """
        SELECT student AS registration, section, 'grade' AS action, ends_on AS effective_on,
            result AS grade, told_at AS place
        FROM placed WHERE from_on IS NOT NULL AND left_on IS NULL AND result <> 'Withdrawn'
        ORDER BY student, section""",
}
_ODD = (
    (
        "left_on IS NULL AND result = 'Withdrawn'", "told_at",
        "final_result says Withdrawn, and no day says since when; the enrolment goes on.",
        "Give date_unregistration.",
    ),
    (
        "left_on IS NOT NULL AND result <> 'Withdrawn'", "told_at",
        "final_result says otherwise than the day of leaving; the result is not taken.",
        "Correct one of the two.",
    ),
)  # fmt: skip


def read(folder: Path) -> Given:
    """Read the dataset's folder.

    Raises:
        Refused: A file is not there, or cannot be read (M991).
    """
    tables = {name: pa.concat_tables(rows_of(folder / file)) for name, file in _FILES.items()}
    found: list[Finding] = []
    with table_desk(tables) as bench:
        for name, query in _PREPARED.items():
            bench.execute(f"CREATE TABLE {name} AS {query}")
        pieces = list(asked(bench, _QUERIES))
        found += _odd(bench)
    return Given(_SYSTEM, pieces, tuple(found))


def _odd(bench: Workbench) -> Iterator[Finding]:
    for condition, place, message, cure in _ODD:
        rows = bench.execute(f"SELECT {place} FROM placed WHERE {condition} ORDER BY ALL")  # noqa: S608 - our own words
        for (where,) in rows.fetchall():
            yield Finding(where, "M992", message, cure, "warning")
