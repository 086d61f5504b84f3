"""Take sections with their histories."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.sis.curriculum import loading as curriculum
from matricula.sis.loading.actions import catalogue, histories, settling

if TYPE_CHECKING:
    from matricula.sis.loading.actions.desk import Desk

_WRITTEN = (
    "SELECT s.id, s.section AS code, v.version AS module_version_id, t.id AS term_id, "
    "c.id AS campus_id, s.capacity, y.state::VARCHAR AS state FROM new_sections AS s "
    "JOIN story_sections AS y ON y.owner = s.n "
    "JOIN taught AS v ON v.module = s.module AND v.term = s.term "
    "JOIN known_terms AS t ON t.code = s.term JOIN known_campuses AS c ON c.code = s.campus"
)
_EVENTS = (
    "SELECT e.id, e.subject_id AS section_id, e.action::VARCHAR AS action, "
    "e.before::VARCHAR AS from_state, e.after::VARCHAR AS to_state, s.capacity, "
    "coalesce(e.reason, '') AS reason, e.effective_on FROM new_section_events AS e "
    "JOIN new_sections AS s ON s.id = e.subject_id"
)


def take(desk: Desk) -> None:
    """Take sections, each taught as the version of its module that holds when its term begins."""
    histories.judge(desk, "sections")
    _versions(desk)
    there = curriculum.there("sections", settling.asked(desk, "sections"))
    settling.remember(desk, "sections", there)
    settling.settle(desk, "sections", curriculum.take_numbers)
    catalogue.insert_new(desk, "sections", _WRITTEN)
    known = desk.column("SELECT id FROM known_sections WHERE NOT is_new")
    histories.attach(desk, "sections")
    histories.compare(desk, "sections", curriculum.histories(known))
    histories.gather(desk, "sections", curriculum.take_numbers)
    catalogue.insert_new(desk, "section_events", _EVENTS)


def _versions(desk: Desk) -> None:
    found = list(catalogue.versions(desk))
    rows = pa.table(
        {
            "module": pa.array([module for module, *_ in found], pa.string()),
            "term": pa.array([term for _, term, _ in found], pa.string()),
            "version": pa.array([version for *_, version in found], pa.int64()),
        }
    )
    columns = {"module": "VARCHAR", "term": "VARCHAR", "version": "BIGINT"}
    desk.keep("taught", columns, rows.to_batches())
    desk.find(
        "sections", "untaught",
        f"SELECT s.n, s.place, 'module', '' FROM {desk.good('sections')} AS s "  # noqa: S608 - our own names
        "ANTI JOIN taught AS v ON v.module = s.module AND v.term = s.term",
    )  # fmt: skip
