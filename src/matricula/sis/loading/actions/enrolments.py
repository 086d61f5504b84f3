"""Take term registrations and enrolments, with everything that happened to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.sis.acts.loading import some
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.enrolment import loading as enrolment
from matricula.sis.enrolment import queries
from matricula.sis.enrolment.rules import SEATED, STATUSES, WAITLISTED
from matricula.sis.loading.actions import histories, settling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.sis.loading.actions.desk import Desk

_TERMS = {
    "id": "BIGINT", "registration_id": "BIGINT", "term": "VARCHAR", "load": "VARCHAR",
    "fee_category": "VARCHAR",
}  # fmt: skip
_HELD = {
    "id": "BIGINT", "term_registration_id": "BIGINT", "student_no": "VARCHAR",
    "section": "VARCHAR", "module": "VARCHAR", "credits": "DECIMAL(6, 2)", "basis": "VARCHAR",
    "status": "VARCHAR",
}  # fmt: skip
_TAUGHT = {
    "o": "INTEGER", "section": "VARCHAR", "module": "VARCHAR", "term": "VARCHAR",
    "credits": "DECIMAL(6, 2)", "capacity": "BIGINT",
}  # fmt: skip
_ON_TRANSCRIPT = ", ".join(f"'{name}'" for name, one in STATUSES.items() if one.on_transcript)
_SEATED = ", ".join(f"'{name}'" for name in sorted(SEATED))
_TERMS_WRITTEN = (
    "SELECT t.id, u.id AS registration, u.student_no, u.attempt, u.person_id AS person, "
    "u.programme, u.cohort, t.term, y.state::VARCHAR AS state, t.load, "
    "coalesce(t.fee_category, '') AS fee_category FROM new_term_registrations AS t "
    "JOIN under AS u ON u.registration = t.registration "
    "JOIN story_term_registrations AS y ON y.owner = t.n ORDER BY t.id"
)
_TERM_EVENTS = (
    "SELECT id, subject_id AS term_registration_id, action::VARCHAR AS action, "
    "before::VARCHAR AS from_state, after::VARCHAR AS to_state, "
    "coalesce(reason, '') AS reason, effective_on FROM new_term_registration_events ORDER BY id"
)
_WRITTEN = (
    "SELECT e.id, p.term_registration_id, u.student_no, o.section, o.module, a.attempt, "  # noqa: S608 - our own words
    "coalesce(e.credits, o.credits)::VARCHAR AS credits, coalesce(e.basis, 'graded') AS basis, "
    "y.state::VARCHAR AS status, coalesce(s.grade, '') AS grade, e.waitlist_rank, "
    f"if(y.now IN ({_SEATED}) AND y.state NOT IN ({_SEATED}), y.since, NULL) AS vacated_on, "
    "s.until_on FROM new_enrolments AS e JOIN placed AS p ON p.n = e.n "
    "JOIN attempted AS a ON a.n = e.n JOIN story_enrolments AS y ON y.owner = e.n "
    "JOIN step_enrolments AS s ON s.n = y.last_n JOIN under AS u ON u.id = p.u "
    "JOIN offered AS o ON o.o = p.o ORDER BY e.id"
)
_EVENTS = (
    "SELECT id, subject_id AS enrolment_id, action::VARCHAR AS action, "
    "before::VARCHAR AS from_status, after::VARCHAR AS to_status, "
    "coalesce(reason, '') AS reason, effective_on, last_attended_on, "
    "coalesce(grade, '') AS grade, until_on FROM new_enrolment_events ORDER BY id"
)


def take_terms(desk: Desk) -> None:
    """Take term registrations with their histories."""
    histories.judge(desk, "term_registrations")
    asked = desk.column("SELECT id FROM known_registrations WHERE NOT is_new")
    desk.keep("held_terms", _TERMS, enrolment.terms_there(asked))
    settling.remember(desk, "term_registrations", [])
    desk.run(
        "INSERT INTO there_term_registrations BY NAME SELECT h.id, k.registration, h.term, h.load "
        "FROM held_terms AS h JOIN known_registrations AS k ON k.id = h.registration_id"
    )
    settling.settle(desk, "term_registrations", enrolment.take_numbers)
    rows = desk.batches(_TERMS_WRITTEN)
    count = enrolment.insert(desk.doing, "term_registrations", rows)
    desk.count("term_registrations", loaded=count)
    histories.attach(desk, "term_registrations")
    known = desk.column("SELECT id FROM known_term_registrations WHERE NOT is_new")
    histories.compare(desk, "term_registrations", enrolment.term_histories(known))
    histories.gather(desk, "term_registrations", enrolment.take_numbers)
    count = enrolment.insert(desk.doing, "term_registration_events", desk.batches(_TERM_EVENTS))
    desk.count("term_registration_events", loaded=count)


def take(desk: Desk) -> None:
    """Take enrolments with their histories."""
    histories.judge(desk, "enrolments")
    _in_line(desk)
    codes = list(settling.asked(desk, "sections"))
    desk.keep("offered", _TAUGHT, _offered(codes))
    _in_term(desk)
    _find_there(desk)
    settling.settle(desk, "enrolments", enrolment.take_numbers)
    _count_attempts(desk)
    rows = desk.batches(_WRITTEN)
    desk.count("enrolments", loaded=enrolment.insert(desk.doing, "enrolments", rows))
    histories.attach(desk, "enrolments")
    known = desk.column("SELECT id FROM known_enrolments WHERE NOT is_new")
    histories.compare(desk, "enrolments", enrolment.histories(known))
    histories.gather(desk, "enrolments", enrolment.take_numbers)
    count = enrolment.insert(desk.doing, "enrolment_events", desk.batches(_EVENTS))
    desk.count("enrolment_events", loaded=count)
    _count_seats(desk, codes)


def _in_line(desk: Desk) -> None:
    """Find who waits without a ticket: who comes first is not guessed."""
    desk.find(
        "enrolments", "empty",
        f"SELECT c.n, c.place, 'waitlist_rank', '' FROM {desk.good('enrolments')} AS c "  # noqa: S608
        f"JOIN story_enrolments AS y ON y.owner = c.n AND y.state = '{WAITLISTED}' "
        "WHERE c.waitlist_rank IS NULL",
    )  # fmt: skip


def _offered(codes: list[str]) -> Iterator[pa.RecordBatch]:
    """Say what is taught in sections: their module, their term and what they are worth."""
    count = 0
    for part in some(codes):
        taught = curriculum.sections(part).values()
        yield pa.RecordBatch.from_pydict(
            {
                "o": pa.array(range(count, count + len(taught)), pa.int32()),
                "section": pa.array([one.code for one in taught], pa.string()),
                "module": pa.array([one.module for one in taught], pa.string()),
                "term": pa.array([one.term for one in taught], pa.string()),
                "credits": pa.array([one.credits for one in taught], pa.decimal128(6, 2)),
                "capacity": pa.array([one.capacity for one in taught], pa.int64()),
            }
        )
        count += len(taught)


def _in_term(desk: Desk) -> None:
    """Say in which section and under which term registration each enrolment is."""
    desk.run(
        "CREATE TABLE placed AS SELECT c.n, k.id AS term_registration_id, u.id AS u, o.o "  # noqa: S608
        f"FROM {desk.good('enrolments')} AS c JOIN under AS u ON u.registration = c.registration "
        "JOIN offered AS o ON o.section = c.section JOIN known_term_registrations AS k "
        "ON k.registration = c.registration AND k.term = o.term"
    )
    desk.find(
        "enrolments", "not in term",
        f"SELECT c.n, c.place, 'registration', '' FROM {desk.good('enrolments')} AS c "  # noqa: S608
        "ANTI JOIN placed AS p ON p.n = c.n",
    )  # fmt: skip


def _find_there(desk: Desk) -> None:
    # Whoever was a student already may have more than the bundle knows of.
    asked = desk.column(
        "SELECT DISTINCT p.number FROM pupil AS p JOIN known_students AS k "
        "ON k.id = p.id AND NOT k.is_new ORDER BY 1"
    )
    desk.keep("held_enrolments", _HELD, enrolment.there(asked))
    settling.remember(desk, "enrolments", [])
    desk.run(
        "INSERT INTO there_enrolments BY NAME SELECT h.id, k.registration, h.section, h.credits "
        "FROM held_enrolments AS h JOIN known_term_registrations AS k "
        "ON k.id = h.term_registration_id"
    )


def _count_attempts(desk: Desk) -> None:
    """Say for the how many-th time each module is taken."""
    desk.run(
        "CREATE TABLE attempted AS SELECT p.n, 1 + coalesce(h.times, 0) + count(*) FILTER "  # noqa: S608
        f"(y.state IN ({_ON_TRANSCRIPT})) OVER (PARTITION BY u.student_id, o.module "
        "ORDER BY y.begins_on, p.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS attempt "
        "FROM placed AS p JOIN numbered_enrolments AS i ON i.n = p.n AND i.is_new "
        "JOIN story_enrolments AS y ON y.owner = p.n JOIN under AS u ON u.id = p.u "
        "JOIN offered AS o ON o.o = p.o "
        "LEFT JOIN (SELECT student_no, module, count(*) AS times FROM held_enrolments "
        f"WHERE status IN ({_ON_TRANSCRIPT}) GROUP BY ALL) AS h "
        "ON h.student_no = u.student_no AND h.module = o.module"
    )


def _count_seats(desk: Desk, codes: list[str]) -> None:
    """Say in which sections more have a seat than there are."""
    capacity = dict(desk.rows("SELECT section, capacity FROM offered"))
    acting = desk.doing.acting
    for part in some(codes):
        for code, seats in queries.seats(part, at=acting.at, on=acting.today).items():
            if code in capacity and seats.taken > capacity[code]:
                told = f"{seats.taken} of {capacity[code]}"
                desk.note("sections", "over", told, place=f"section {code}")
