"""Take students and their registrations, with everything that happened to them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.kernel.errors import Refused
from matricula.sis.acts.actions import next_numbers, pass_over
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.loading.actions import histories, persons, settling
from matricula.sis.loading.actions.staff import by_person, remember_by_person
from matricula.sis.registration import loading as registration
from matricula.sis.registration import queries, rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from matricula.sis.loading.actions.desk import Desk

_DIGITS = 8
_HELD = {
    "id": "BIGINT", "student_id": "BIGINT", "attempt": "BIGINT", "programme": "VARCHAR",
    "cohort": "VARCHAR", "curriculum": "VARCHAR", "mode": "VARCHAR",
}  # fmt: skip
_WRITTEN = (
    "SELECT r.id, u.student_id, u.attempt, r.programme, r.curriculum, r.cohort, r.mode, "
    "r.expected_end_on, b.id AS predecessor_id, coalesce(r.is_dual, FALSE) AS is_dual "
    "FROM new_registrations AS r JOIN under AS u ON u.id = r.id "
    "LEFT JOIN known_registrations AS b ON b.registration = r.predecessor ORDER BY r.id"
)
_EVENTS = (
    "SELECT id, subject_id AS registration_id, action::VARCHAR AS action, "
    "before::VARCHAR AS from_state, after::VARCHAR AS to_state, "
    "coalesce(reason, '') AS reason, effective_on, last_attended_on, ends_on "
    "FROM new_registration_events ORDER BY id"
)


def take(desk: Desk) -> None:
    """Take students; whoever is one already keeps the number."""
    settling.refer(desk, "students")
    by_person(desk, "students")
    asked = desk.column("SELECT id FROM known_persons WHERE NOT is_new")
    remember_by_person(desk, "students", registration.students_there(asked))
    settling.settle(desk, "students", registration.take_numbers)
    _give_numbers(desk)
    rows = desk.batches(
        "SELECT id, person_id AS person, number, matriculated_on AS first_matriculated_on "
        "FROM matriculated ORDER BY id"
    )
    desk.count("students", loaded=registration.insert(desk.doing, "students", rows))
    persons.give(desk, "student", "matriculated", "matriculated_on")
    desk.run(
        "CREATE TABLE pupil AS SELECT person, id, number, person_id FROM matriculated UNION ALL "
        "SELECT t.person, t.id, t.number, f.person_id FROM there_students AS t "
        "JOIN found_students AS f ON f.id = t.id"
    )


def _give_numbers(desk: Desk) -> None:
    lacking = desk.number("SELECT count(*) FROM new_students WHERE number IS NULL")
    first = next_numbers("student", lacking)[0] if lacking else 0
    desk.run(
        "CREATE TABLE matriculated AS SELECT s.id, s.person, p.id AS person_id, "  # noqa: S608 - our own names
        f"s.matriculated_on, coalesce(s.number, lpad(({first} - 1 + count(*) FILTER "
        f"(s.number IS NULL) OVER (ORDER BY s.id ROWS UNBOUNDED PRECEDING))::VARCHAR, {_DIGITS}, "
        "'0')) AS number FROM new_students AS s JOIN known_persons AS p ON p.person = s.person"
    )
    given = desk.number(
        "SELECT max(number::BIGINT) FROM new_students "  # noqa: S608
        f"WHERE regexp_full_match(number, '[0-9]{{{_DIGITS}}}')"
    )
    if given:
        # Numbers that another system gave are never given again by ours.
        pass_over("student", given)


def take_registrations(desk: Desk) -> None:
    """Take registrations with their histories: by student, programme, cohort and their order."""
    histories.judge(desk, "registrations", keep=True)
    _follow_curricula(desk)
    _continue(desk)
    _find_there(desk)
    _overlap(desk)
    settling.settle(desk, "registrations", registration.take_numbers)
    _place_under(desk)
    rows = desk.batches(_WRITTEN)
    desk.count("registrations", loaded=registration.insert(desk.doing, "registrations", rows))
    histories.attach(desk, "registrations")
    known = desk.column("SELECT id FROM known_registrations WHERE NOT is_new")
    histories.compare(desk, "registrations", registration.histories(known))
    histories.gather(desk, "registrations", registration.take_numbers)
    count = registration.insert(desk.doing, "registration_events", desk.batches(_EVENTS))
    desk.count("registration_events", loaded=count)


def _follow_curricula(desk: Desk) -> None:
    """Find which curriculum each registration follows, where the bundle does not say."""
    desk.find(
        "registrations", "unknown",
        f"SELECT n, place, 'curriculum', '' FROM {desk.good('registrations')} AS c "  # noqa: S608
        "ANTI JOIN known_curricula AS k ON k.programme = c.programme AND k.version = c.curriculum "
        "WHERE c.curriculum IS NOT NULL",
    )  # fmt: skip
    asked = desk.rows(
        f"SELECT DISTINCT programme, cohort FROM {desk.good('registrations')} "  # noqa: S608
        "WHERE curriculum IS NULL ORDER BY ALL"
    )
    found = []
    for programme, cohort in asked:
        try:
            found.append((programme, cohort, curriculum.version_for(programme, cohort)))
        except Refused:
            desk.find(
                "registrations", "unwritten",
                "SELECT n, place, 'cohort', '' FROM cast_registrations "  # noqa: S608
                f"WHERE programme = {_literal(programme)} AND cohort = {_literal(cohort)} "
                "AND curriculum IS NULL",
            )  # fmt: skip
    names = ("programme", "cohort", "version")
    rows = pa.table({name: [one[i] for one in found] for i, name in enumerate(names)},
                    schema=pa.schema([(name, pa.string()) for name in names]))  # fmt: skip
    desk.keep("followed", dict.fromkeys(names, "VARCHAR"), rows.to_batches())
    desk.run(
        "UPDATE cast_registrations SET curriculum = f.version FROM followed AS f "
        "WHERE f.programme = cast_registrations.programme "
        "AND f.cohort = cast_registrations.cohort AND curriculum IS NULL"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _continue(desk: Desk) -> None:
    """Find registrations that continue one which is not taken, however far back."""
    found = 1
    while found:
        rows = desk.good("registrations")
        found = desk.find(
            "registrations", "parent",
            f"SELECT c.n, c.place, 'predecessor', '' FROM {rows} AS c ANTI JOIN {rows} AS p "  # noqa: S608
            "ON p.registration = c.predecessor WHERE c.predecessor IS NOT NULL",
        )  # fmt: skip


def _find_there(desk: Desk) -> None:
    """Say which registrations are there: the how many-th of a student's for one cohort."""
    students = desk.column("SELECT id FROM known_students WHERE NOT is_new")
    desk.keep("held", _HELD, registration.there(students))
    settling.remember(desk, "registrations", [])
    desk.run(
        "CREATE TABLE counted AS SELECT r.n, r.place, r.registration, p.id AS student_id, "  # noqa: S608
        "r.programme, r.cohort, y.begins_on, coalesce(r.is_dual, FALSE) AS is_dual, "
        "row_number() OVER (PARTITION BY p.id, r.programme, r.cohort "
        "ORDER BY y.begins_on, r.n) AS nth "
        f"FROM {desk.good('registrations')} AS r JOIN pupil AS p ON p.person = r.person "
        "JOIN story_registrations AS y ON y.owner = r.n"
    )
    desk.run(
        "INSERT INTO there_registrations BY NAME "
        "SELECT h.id, c.registration, h.mode, h.curriculum FROM counted AS c "
        "JOIN (SELECT *, row_number() OVER (PARTITION BY student_id, programme, cohort "
        "ORDER BY attempt) AS nth FROM held) AS h ON h.student_id = c.student_id "
        "AND h.programme = c.programme AND h.cohort = c.cohort AND h.nth = c.nth"
    )


def _overlap(desk: Desk) -> None:
    """Find new registrations that would run beside another one of the same student.

    Few students have several, so these are looked at by the rules themselves.
    """
    several = (
        "SELECT student_id FROM (SELECT student_id FROM counted WHERE NOT is_dual UNION ALL "
        "SELECT student_id FROM held WHERE id NOT IN (SELECT id FROM there_registrations)) "
        "GROUP BY student_id HAVING count(*) > 1"
    )
    new = desk.rows(
        "SELECT c.student_id, c.n, c.place, s.action::VARCHAR, s.effective_on, "  # noqa: S608
        "t.id IS NOT NULL AS is_there FROM counted AS c "
        "JOIN step_registrations AS s ON s.owner = c.n "
        "LEFT JOIN there_registrations AS t ON t.registration = c.registration "
        f"WHERE NOT c.is_dual AND c.student_id IN ({several}) "
        "ORDER BY c.student_id, c.begins_on, c.n, s.effective_on, s.n"
    )
    held: dict[int, list[list[tuple[date, date | None]]]] = {}
    for student, stretches in _held_stretches(desk, several):
        held.setdefault(student, []).append(stretches)
    for (student, n, place, is_there), steps in groupby(
        new, key=lambda row: (row[0], row[1], row[2], row[5])
    ):
        mine = _stretches((action, on) for *_, action, on, _ in steps)
        days = (rules.overlap(mine, other) for other in held.setdefault(student, []))
        day = next((day for day in days if day is not None), None)
        if day is not None and not is_there:
            desk.note("registrations", "overlap", str(day), n=n, place=place)
        else:
            held[student].append(mine)


def _held_stretches(
    desk: Desk, students: str
) -> Iterator[tuple[int, list[tuple[date, date | None]]]]:
    """Give when registrations in the register that the bundle does not tell of are live."""
    rows = desk.rows(
        f"SELECT id, student_id FROM held WHERE student_id IN ({students}) "  # noqa: S608
        "AND id NOT IN (SELECT id FROM there_registrations)"
    )
    owners = dict(rows)
    for number, events in queries.events(owners).items():
        yield owners[number], rules.live_stretches(events)


def _stretches(steps: Iterator[tuple[str, date]]) -> list[tuple[date, date | None]]:
    found: list[tuple[date, date | None]] = []
    began: date | None = None
    for action, on in steps:
        is_live = rules.TRANSITIONS[action].target in rules.LIVE
        if is_live and began is None:
            began = on
        elif not is_live and began is not None:
            found.append((began, on))
            began = None
    return [*found, (began, None)] if began is not None else found


def _place_under(desk: Desk) -> None:
    """Say under whom each registration is, and for the how many-th time they register."""
    desk.run(
        "CREATE TABLE under AS SELECT k.id, k.registration, p.id AS student_id, "
        "p.number AS student_no, p.person_id, c.programme, c.cohort, "
        "coalesce(h.attempt, coalesce(m.attempts, 0) + row_number() OVER "
        "(PARTITION BY p.id, h.id IS NULL ORDER BY c.begins_on, c.n)) AS attempt "
        "FROM known_registrations AS k JOIN counted AS c ON c.registration = k.registration "
        "JOIN pupil AS p ON p.id = c.student_id LEFT JOIN held AS h ON h.id = k.id "
        "LEFT JOIN (SELECT student_id, max(attempt) AS attempts FROM held GROUP BY 1) AS m "
        "ON m.student_id = p.id"
    )
