from __future__ import annotations

from datetime import date

import pytest

from matricula.charter.compile import load

TEXT = """
institution: Testing University
timezone: Europe/London
stewards:
  registrar: {name: Registrar, notify: registrar@example.org}
systems:
  sis: {connector: sql, steward: registrar}
entities:
  course:
    key: [code, term]
    roster: sis.courses
    fields:
      code: {owner: sis.courses, type: text}
      term: {owner: sis.courses, type: text}
      ends: {owner: sis.courses, type: integer}
  result:
    key: id
    roster: sis.results
    fields:
      id: {owner: sis.results, type: text}
      code: {owner: sis.results, type: text}
      term: {owner: sis.results, type: text}
      day: {owner: sis.results, type: integer}
    refs:
      course: {to: course, by: [code, term]}
    expects:
      in-time: {that: day <= course.ends, because: late work is not marked}
"""


def loaded(folder, text):
    (folder / "charter.yaml").write_text(text, encoding="utf-8")
    return load(folder, today=date(2026, 11, 23))


def test_an_expectation_reads_through_a_ref_of_several_parts(tmp_path):
    compiled = loaded(tmp_path, TEXT)

    result = compiled.charter.entities["result"]
    assert result.refs["course"].entity == "course"
    assert [(r.field, r.of) for r in result.expects["in-time"].that.reads] == [
        ("course", "ends"), ("day", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "code", "reason"),
    [
        ("to: course", "to: curse", "M222", "which is no entity"),
        ("by: [code, term]", "by: [code]", "M222", "gives 1 part(s)"),
        ("by: [code, term]", "by: [code, year]", "M222", "reads year"),
        ("by: [code, term]", "by: [code, term.x]", "M222", "reads term.x"),
        ("      course: {to", "      day: {to", "M222", "has the name of a field"),
        ("course.ends", "course.begins", "M304", "begins"),
        ("day <= course.ends", "day", "M3", ""),
        ("day <= course.ends", "course is not null", "M308", "a ref of several parts"),
        ("by: [code, term]", "by: [course.code, term]", "M222", "reads course.code"),
    ],
)
def test_a_ref_that_leads_nowhere_is_refused(tmp_path, old, new, code, reason):
    compiled = loaded(tmp_path, TEXT.replace(old, new))

    assert compiled.charter is None
    assert any(f.code.startswith(code) and reason in f.message for f in compiled.findings)
