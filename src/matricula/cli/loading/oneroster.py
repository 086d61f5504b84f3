"""OneRoster bundles as bundles of ours: what the standard has of the record, and no more.

The standard has no programmes, no credits and no windows within a term. Students are
registered for the one programme that is named; a module is worth what is corrected later; and
every window of a term is as wide as the term.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.cli.loading.given import Given, asked, table_desk
from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.oneroster.tables import KEY, tables
from matricula.connectors.oneroster_csv.importer import import_bundle
from matricula.kernel.errors import Refused
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from matricula.connectors.oneroster_csv.importer import Imported
    from matricula.engine.workbench import Workbench

_NEEDED = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")
_READ = (*_NEEDED, "roles", "demographics")
# A code that people know where every row has one of its own; the bundle's key elsewhere.
_CODE = """
    SELECT "sourcedId" AS key, if((SELECT count(DISTINCT "{code}") = count(*) FROM {table}),
        "{code}", "sourcedId") AS code FROM {table}"""
_PREPARED: Mapping[str, str] = {
    "course_code": _CODE.format(code="courseCode", table="courses"),
    "class_code": _CODE.format(code="classCode", table="classes"),
    "session": 'SELECT "sourcedId" AS term, title, "startDate"::DATE AS starts_on, '
    '"endDate"::DATE AS ends_on, "schoolYear" AS year, place FROM academicSessions',
    "class": """
        SELECT k.code AS section, m.code AS module, o."orgSourcedId" AS department,
            trim(string_split(c."termSourcedIds", ',')[1]) AS term, c."schoolSourcedId" AS campus,
            c."sourcedId" AS key, c.place, s.starts_on, s.ends_on, s.year
        FROM classes AS c JOIN class_code AS k ON k.key = c."sourcedId"
        LEFT JOIN courses AS o ON o."sourcedId" = c."courseSourcedId"
        LEFT JOIN course_code AS m ON m.key = c."courseSourcedId"
        LEFT JOIN session AS s ON s.term = trim(string_split(c."termSourcedIds", ',')[1])""",
    "entry": """
        SELECT e."userSourcedId" AS person, e.role, coalesce(e."primary", 'false') AS is_primary,
            coalesce(e."beginDate"::DATE, c.starts_on) AS from_on, e."endDate"::DATE AS until_on,
            c.section, c.module, c.department, c.term, c.starts_on, c.ends_on, c.year, e.place,
            e."classSourcedId" AS class
        FROM enrollments AS e LEFT JOIN class AS c ON c.key = e."classSourcedId"
        WHERE coalesce(e.status, 'active') <> 'tobedeleted'""",
    "pupil": """
        SELECT person, min(starts_on) AS from_on, min(year) AS cohort,
            min_by(place, from_on) AS place
        FROM entry WHERE role = 'student' GROUP BY person""",
    "teacher": """
        SELECT person, min(from_on) AS from_on, min_by(department, from_on) AS department,
            min(place) AS place FROM entry WHERE role = 'teacher' GROUP BY person""",
    "somebody": """
        SELECT u.*, coalesce(p.from_on, t.from_on) AS since FROM users AS u
        LEFT JOIN pupil AS p ON p.person = u."sourcedId"
        LEFT JOIN teacher AS t ON t.person = u."sourcedId"
        WHERE (p.person IS NOT NULL OR t.person IS NOT NULL)
            AND coalesce(u.status, 'active') <> 'tobedeleted'""",
}
_QUERIES: Mapping[str, str] = {
    "departments": 'SELECT "sourcedId" AS code, name AS title, place FROM orgs '
    'WHERE "sourcedId" IN (SELECT "orgSourcedId" FROM courses) ORDER BY ALL',
    "campuses": 'SELECT "sourcedId" AS code, name AS title, $zone AS timezone, place FROM orgs '
    'WHERE "sourcedId" IN (SELECT campus FROM class) ORDER BY ALL',
    "modules": 'SELECT k.code, c."orgSourcedId" AS department, c.place FROM courses AS c '
    'JOIN course_code AS k ON k.key = c."sourcedId" ORDER BY c.place',
    "module_versions": """
        SELECT k.code AS module, (SELECT min(starts_on) FROM session) AS starts_on, c.title,
            0 AS credits, 0 AS level, c.place
        FROM courses AS c JOIN course_code AS k ON k.key = c."sourcedId" ORDER BY c.place""",
    "terms": """
        SELECT term AS code, title, starts_on, ends_on, starts_on AS register_from,
            ends_on AS add_until, ends_on AS drop_until, ends_on AS census_on,
            ends_on AS withdraw_until, ends_on AS marks_due_on, ends_on AS board_on, place
        FROM session WHERE term IN (SELECT term FROM class) ORDER BY starts_on, term""",
    "sections": """
        SELECT c.section, c.module, c.term, c.campus, c.place,
            count(e.person) FILTER (e.role = 'student') AS capacity
        FROM class AS c LEFT JOIN entry AS e ON e.class = c.key GROUP BY ALL ORDER BY c.section""",
    "section_events plan": "SELECT section, 'plan' AS action, starts_on AS effective_on, place "
    "FROM class ORDER BY section",
    "section_events open": "SELECT section, 'open' AS action, starts_on AS effective_on, place "
    "FROM class ORDER BY section",
    "section_events finish": "SELECT section, 'finish' AS action, ends_on AS effective_on, place "
    "FROM class WHERE ends_on < $today ORDER BY section",
    "persons": """
        SELECT u."sourcedId" AS person, u."givenName" AS given, u."familyName" AS family,
            u.called_given AS display_given, u.called_family AS display_family,
            d."birthDate" AS born_on, u.email, coalesce(u.phone, u.sms) AS phone, u.since, u.place
        FROM called AS u LEFT JOIN demographics AS d ON d."sourcedId" = u."sourcedId"
        ORDER BY u.place""",
    "numbers key": "SELECT \"sourcedId\" AS person, $system AS system, 'sourcedId' AS kind, "
    '"sourcedId" AS value, since, place FROM called ORDER BY place',
    "numbers identifier": 'SELECT "sourcedId" AS person, $system AS system, '
    "'identifier' AS kind, identifier AS value, since, place FROM called "
    "WHERE identifier IS NOT NULL ORDER BY place",
    "staff": "SELECT person, place FROM teacher ORDER BY person",
    "duties": "SELECT person, 'lecturer' AS kind, department, from_on AS starts_on, place "
    "FROM teacher ORDER BY person",
    "teaching": """
        SELECT person, section, if(lower(is_primary) = 'true', 'lead', 'lecturer') AS duty,
            from_on AS starts_on, coalesce(until_on, ends_on) AS ends_on, place
        FROM entry WHERE role = 'teacher' ORDER BY place""",
    "students": "SELECT person, from_on AS matriculated_on, place FROM pupil ORDER BY person",
    "registrations": "SELECT person AS registration, person, $programme AS programme, cohort, "
    "'full' AS mode, place FROM pupil ORDER BY person",
    "registration_events admit": "SELECT person AS registration, 'admit' AS action, "
    "from_on AS effective_on, place FROM pupil ORDER BY person",
    "registration_events start": "SELECT person AS registration, 'start' AS action, "
    "from_on AS effective_on, place FROM pupil ORDER BY person",
    "term_registrations": "SELECT DISTINCT ON (person, term) person AS registration, term, "
    "'full' AS load, place FROM entry WHERE role = 'student' ORDER BY person, term, place",
    "term_registration_events eligible": "SELECT DISTINCT ON (person, term) person AS "
    "registration, term, 'find eligible' AS action, starts_on AS effective_on, place FROM entry "
    "WHERE role = 'student' ORDER BY person, term, place",
    "term_registration_events register": "SELECT DISTINCT ON (person, term) person AS "
    "registration, term, 'register' AS action, starts_on AS effective_on, place FROM entry "
    "WHERE role = 'student' ORDER BY person, term, place",
    "enrolments": "SELECT person AS registration, section, place FROM entry "
    "WHERE role = 'student' ORDER BY place",
    "enrolment_events enrol": "SELECT person AS registration, section, 'enrol' AS action, "
    "from_on AS effective_on, place FROM entry WHERE role = 'student' ORDER BY place",
    # The last day is one on which they were there.
    "enrolment_events end": "SELECT person AS registration, section, 'withdraw' AS action, "
    "until_on + 1 AS effective_on, until_on AS last_attended_on, place FROM entry "
    "WHERE role = 'student' AND until_on < ends_on AND until_on < $today ORDER BY place",
}
_MARKED = " UNION ALL ".join(
    f"SELECT place, '{name}' FROM {name} WHERE status = 'tobedeleted'"  # noqa: S608 - our own names
    for name in ("users", "classes", "courses", "enrollments")
)
_OTHERS = """
    SELECT place, role FROM enrollments WHERE role NOT IN ('student', 'teacher')
        AND coalesce(status, 'active') <> 'tobedeleted'"""
_IDLE = """
    SELECT u.place, coalesce(u.role, 'none') FROM users AS u
    ANTI JOIN somebody AS s ON s."sourcedId" = u."sourcedId"
    WHERE coalesce(u.status, 'active') <> 'tobedeleted'"""
_LEFT_OUT = (
    (_OTHERS, "role is {}, and the register keeps students and teachers."),
    (_IDLE, "The user neither studies nor teaches in any class (role: {})."),
    (_MARKED, "It is marked tobedeleted in {}."),
)
_NOTES = (
    ("academicSessions.csv", "OneRoster knows no windows within a term: each is the whole term.",
     "Correct them: `matricula register term change`."),
    ("courses.csv", "OneRoster knows no credits; every module is worth 0.",
     "Add a version: `matricula register module version`."),
    ("classes.csv", "OneRoster knows no capacity; a section has as many seats as are taken.",
     "Correct them: `matricula register section resize`."),
)  # fmt: skip


def read(path: Path, *, programme: str, today: date, zone: str, system: str = "") -> Given:
    """Read a bundle, a zip or a folder, of version 1.1 or 1.2.

    Args:
        path: The bundle.
        programme: For which programme its students are registered.
        today: The institution's day.
        zone: The institution's clock.
        system: Whose numbers they are; the bundle says it when it is left out.

    Raises:
        Refused: It cannot be read, or a file that is needed is not in it (M991).
    """
    try:
        imported = import_bundle(path, strict=False)
    except Untrusted as error:
        raise Refused("M991", error.message, cure=error.cure, place=path.name) from error
    lacking = [name for name in _NEEDED if name not in imported.tables]
    if lacking:
        raise Refused(
            "M991", f"{lacking[0]}.csv is not in the bundle, or cannot be relied on.",
            cure="Have the bundle made again.", place=path.name,
        )  # fmt: skip
    source = system or imported.manifest.system_code or "oneroster"
    values = {"zone": zone, "today": today, "system": source, "programme": programme}
    with table_desk(_tables(imported)) as bench:
        pieces = list(_pieces(bench, values))
        left_out = tuple(_left_out(bench))
    notes = tuple(Finding(place, "M996", what, cure, "warning") for place, what, cure in _NOTES)
    return Given(source, pieces, (*imported.findings, *notes, *left_out))


def _tables(imported: Imported) -> dict[str, pa.Table]:
    """Give the files that are read, each with all its columns and where each row stands."""
    found = {}
    for name in _READ:
        rows = imported.tables.get(name)
        # Version 1.2 has all columns that are asked for but the role of a user.
        header = list(
            dict.fromkeys([*tables("1.2").get(name, tables("1.2")["users"]).header, "role"])
        )
        if rows is None:
            rows = pa.table({KEY: pa.array([], pa.string())})
        count = rows.num_rows
        blank = {
            one: pa.nulls(count, pa.string()) for one in header if one not in rows.column_names
        }
        places = [f"{name}.csv:{line}" for line in range(2, count + 2)]
        for column, cells in {**blank, "place": pa.array(places, pa.string())}.items():
            rows = rows.append_column(column, cells)
        found[name] = rows
    return found


def _pieces(bench: Workbench, values: Mapping[str, object]) -> Iterator[tuple[str, pa.Table]]:
    for name, query in _PREPARED.items():
        bench.execute(f"CREATE TABLE {name} AS {query}")
    # An empty preferred name is none: then they are called as on the document.
    bench.execute(
        "CREATE TABLE called AS SELECT *, "
        'coalesce("preferredGivenName", if("preferredFamilyName" IS NOT NULL, "givenName", NULL)) '
        'AS called_given, coalesce("preferredFamilyName", '
        'if("preferredGivenName" IS NOT NULL, "familyName", NULL)) AS called_family FROM somebody'
    )
    for name, value in values.items():
        bench.execute(f"SET VARIABLE {name} = $value", {"value": value})
    queries = {name: _with(query, values) for name, query in _QUERIES.items()}
    yield from asked(bench, queries)


def _with(query: str, values: Mapping[str, object]) -> str:
    """Let a query read values that were set: no value stands in a statement."""
    for name in values:
        query = query.replace(f"${name}", f"getvariable('{name}')")
    return query


def _left_out(bench: Workbench) -> Iterator[Finding]:
    """Name the rows that are no business of the register."""
    for query, message in _LEFT_OUT:
        for place, word in bench.execute(f"{query} ORDER BY ALL").fetchall():
            yield Finding(place, "M992", message.format(word), "Nothing is to be done.", "warning")
