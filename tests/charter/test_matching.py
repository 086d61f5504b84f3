"""What may be compared, and with whom."""

from __future__ import annotations

from datetime import date

import pytest

from matricula.charter.compile import load
from matricula.charter.model import ResourceRef

TEXT = """
institution: Testing University
timezone: Europe/London
stewards:
  registrar: {name: Registrar, notify: registrar@example.org}
systems:
  sis: {connector: sql, steward: registrar}
  library: {connector: files, steward: registrar}
entities:
  student:
    key: no
    roster: sis.students
    found_by: {library.patrons: card}
    fields:
      no: {owner: sis.students, type: text}
      name: {owner: sis.students, type: text, class: personal}
      born: {owner: sis.students, type: date, class: personal}
      fines: {owner: library.patrons, type: integer}
    matching:
      compare: {name: name, born: date}
      with: {library.patrons: {name: fullname}}
      because: nobody is to have two numbers
"""


def loaded(folder, text):
    (folder / "charter.yaml").write_text(text, encoding="utf-8")
    return load(folder, today=date(2026, 11, 23))


def test_what_is_compared_and_from_which_probability_on_is_the_charters_word(tmp_path):
    matching = loaded(tmp_path, TEXT).charter.entities["student"].matching

    assert matching.compare == {"name": "name", "born": "date"}
    assert matching.others == {ResourceRef("library", "patrons"): {"name": "fullname"}}
    assert matching.propose == 0.9


@pytest.mark.parametrize(
    ("old", "new", "code", "reason"),
    [
        ("born: date}\n      with", "fines: exact}\n      with", "M223", "does not own"),
        ("born: date}\n      with", "age: exact}\n      with", "M223", "does not own"),
        ("with: {library.patrons", "with: {library.loans", "M223", "owns no field"),
        ("with: {library.patrons", "with: {sis.students", "M223", "owns no field"),
        ("{name: fullname}", "{no: card}", "M223", "is not compared"),
        ("born: date}\n      with", "born: sound}\n      with", "M113", "not one of its words"),
        ("      because: nobody is to have two numbers\n", "", "M111", "because"),
    ],
)
def test_what_nobody_could_compare_is_refused(tmp_path, old, new, code, reason):
    assert old in TEXT

    compiled = loaded(tmp_path, TEXT.replace(old, new))

    assert compiled.charter is None
    assert any(f.code == code and reason in f.message for f in compiled.findings)
