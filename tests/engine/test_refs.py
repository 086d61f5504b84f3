"""Refs of several parts: flows read through them, in full and over dirty keys alone."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from matricula.charter.compile import compile_charter
from matricula.charter.lineage import fields_read
from matricula.charter.model import ResourceRef
from matricula.engine import delta, line
from matricula.engine.workbench import Bench, open_workbench
from tests.engine.campus import aside, feed_of, plan_of, texts

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from matricula.charter.model import Charter

ASSESSMENTS, RESULTS = ResourceRef("sis", "assessments"), ResourceRef("sis", "results")
REGISTRATIONS, TUTORS = ResourceRef("sis", "registrations"), ResourceRef("sis", "tutors")
TEXT = """
institution: Testing University
timezone: Europe/London
stewards:
  registrar: {name: Registrar, notify: registrar@example.org}
systems:
  sis: {connector: sql, steward: registrar}
  board: {connector: sql, steward: registrar}
entities:
  tutor:
    key: no
    roster: sis.tutors
    fields:
      no:   {owner: sis.tutors, type: text}
      room: {owner: sis.tutors, type: text}
  registration:
    key: [module, student]
    roster: sis.registrations
    fields:
      module:  {owner: sis.registrations, type: text}
      student: {owner: sis.registrations, type: text}
      left:    {owner: sis.registrations, type: integer}
      tutor:   {owner: sis.registrations, type: text}
  assessment:
    key: code
    roster: sis.assessments
    fields:
      code:   {owner: sis.assessments, type: text}
      module: {owner: sis.assessments, type: text}
  result:
    key: [code, student]
    roster: sis.results
    fields:
      code:    {owner: sis.results, type: ref(assessment)}
      student: {owner: sis.results, type: text}
      day:     {owner: sis.results, type: integer}
    refs:
      registration: {to: registration, by: [code.module, student]}
      tutor: {to: tutor, by: registration.tutor}
flows:
  late:
    purpose: The board sees what came late.
    from: result
    to: board.results
    match: {code: code, student: student}
    fields:
      code:    {is: code, because: which}
      student: {is: student, because: whose}
      late:    {is: "day > registration.left", because: it does not count}
      room:    {is: tutor.room, because: where to ask}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    errors_to: registrar
"""
TABLES = {
    TUTORS: texts(["no", "room"], [("T1", "B12"), ("T2", "C7")]),
    REGISTRATIONS: texts(
        ["module", "student", "left", "tutor"],
        [("AAA", "Amara", "100", "T1"), ("BBB", "Amara", "10", "T2"), ("AAA", "Bela", None, "T2")],
    ),
    ASSESSMENTS: texts(["code", "module"], [("1", "AAA"), ("2", "BBB")]),
    RESULTS: texts(
        ["code", "student", "day"],
        [("1", "Amara", "50"), ("2", "Amara", "50"), ("1", "Bela", "50"), ("2", "Bela", "50")],
    ),
}


@pytest.fixture
def made(tmp_path: Path) -> Charter:
    (tmp_path / "charter.yaml").write_text(TEXT, encoding="utf-8")
    return compile_charter(tmp_path, today=date(2026, 11, 23))


def held(plan: Any) -> dict[str, tuple[Any, Any]]:
    """What the board would hold of each result: late, and where to ask."""
    told = {row["key"]: json.loads(row["after"]) for row in plan.changes.to_pylist()}
    return {key: (state["late"], state["room"]) for key, state in told.items()}


def changed(resource: ResourceRef, names: list[str], *rows: tuple[Any, ...]) -> dict[Any, Any]:
    return TABLES | {resource: texts(names, rows)}


def dirty_results(made: Charter, now: dict[ResourceRef, pa.Table]) -> list[str]:
    """The results that must be computed again when `TABLES` becomes `now`."""
    indexes = []
    for tables in (TABLES, now):
        with open_workbench(Bench(small=True)) as bench:
            line.take_in(bench, made, feed_of(tables))
            found = delta.index_all(bench, made.entities.values())
            indexes.append({pair: index.read_all() for pair, index in found})
            if len(indexes) == 1:
                continue
            found = delta.dirty_keys(bench, made, indexes[1], indexes[0])
    assert found is not None
    return sorted(set(found["result"]["key"].to_pylist()))


def test_a_copy_is_made_from_what_stands_behind_refs_of_several_parts(made):
    plan = plan_of(made, TABLES)

    assert held(plan) == {
        "1|Amara": (False, "B12"),
        "2|Amara": (True, "C7"),
        "1|Bela": (None, "C7"),
        "2|Bela": (None, None),
    }


def test_what_leads_to_a_record_is_carried_and_signed_like_what_is_read_there(made):
    flow = made.flows["late"]

    assert flow.carries == (
        "assessment.module", "registration.left", "registration.tutor", "result.code",
        "result.day", "result.student", "tutor.room",
    )  # fmt: skip
    assert fields_read(made, flow, flow.fields["room"].expression) == (
        "assessment.module", "registration.tutor", "result.code", "result.student", "tutor.room",
    )  # fmt: skip
    assert line.sources_of(made, flow) == [ASSESSMENTS, REGISTRATIONS, RESULTS, TUTORS]


def test_another_way_to_the_record_needs_another_signature(made, tmp_path):
    text = TEXT.replace("by: [code.module, student]", "by: [code, student]")
    (tmp_path / "charter.yaml").write_text(text, encoding="utf-8")

    other = compile_charter(tmp_path, today=date(2026, 11, 23))

    assert other.flows["late"].digest != made.flows["late"].digest


def test_a_record_behind_a_ref_makes_dirty_who_refers_to_it(made):
    now = changed(
        REGISTRATIONS, ["module", "student", "left", "tutor"], ("AAA", "Amara", "20", "T1"),
        ("BBB", "Amara", "10", "T2"), ("AAA", "Bela", None, "T2"),
    )  # fmt: skip

    assert dirty_results(made, now) == ["1|Amara"]


def test_a_record_behind_two_refs_makes_dirty_who_refers_to_it(made):
    now = changed(TUTORS, ["no", "room"], ("T1", "B12"), ("T2", "D1"))

    assert dirty_results(made, now) == ["1|Bela", "2|Amara"]


def test_a_record_that_a_ref_passes_through_makes_dirty_who_refers_to_it(made):
    now = changed(ASSESSMENTS, ["code", "module"], ("1", "AAA"), ("2", "AAA"))

    assert dirty_results(made, now) == ["2|Amara", "2|Bela"]


def test_a_record_that_comes_or_goes_behind_a_ref_makes_dirty_who_refers_to_it(made):
    now = changed(
        REGISTRATIONS, ["module", "student", "left", "tutor"], ("AAA", "Amara", "100", "T1"),
        ("AAA", "Bela", None, "T2"), ("BBB", "Bela", None, "T1"),
    )  # fmt: skip

    assert dirty_results(made, now) == ["2|Amara", "2|Bela"]


def test_a_value_of_the_wrong_type_behind_a_ref_leaves_the_copy_as_it_is(made):
    now = changed(
        REGISTRATIONS, ["module", "student", "left", "tutor"], ("AAA", "Amara", "soon", "T1"),
        ("BBB", "Amara", "10", "T2"), ("AAA", "Bela", None, "T2"),
    )  # fmt: skip

    plan = plan_of(made, now)

    assert aside(plan) == [("1|Amara", "M410")]
    assert "1|Amara" not in held(plan)
