"""A folder of CSV files comes in by a mapping; what the mapping names wrongly is refused."""

from __future__ import annotations

import pytest

from matricula.cli.loading import mapping
from matricula.kernel.errors import Refused

STUDENTS = (
    "STU_ID,FIRST,LAST,DOB,PROG,IN,OUT,STATUS\n"
    'B-1,"Amara\nNgozi",Okafor,01/05/2005,BIO,2026-09-01,,S\n'
    "B-2,Béla,Bartók,31/02/2004,BIO,2025-09-01,2026-03-01,S\n"
    "B-3,Chidi,Eze,02/03/2003,CHE,2025-09-01,,X\n"
)
MAPPING = """
system: banner
tables:
  programmes:
    file: students.csv
    once: true
    columns: {code: PROG, title: PROG, department: {value: SCI}, award: {value: BSc},
              terms: {value: 6}}
  persons:
    file: students.csv
    columns:
      person: STU_ID
      given: FIRST
      family: LAST
      born_on: {column: DOB, format: "%d/%m/%Y"}
      since: {value: 2026-09-01}
  registrations:
    file: students.csv
    where: {STATUS: [S]}
    columns: {registration: {text: "{STU_ID}/1"}, person: STU_ID, programme: PROG,
              cohort: {column: IN, words: {2026-09-01: 2026, 2025-09-01: 2025}},
              mode: {value: full}}
  registration_events:
    - file: students.csv
      columns: {registration: {text: "{STU_ID}/1"}, action: {value: admit}, effective_on: IN}
    - file: students.csv
      where: OUT
      columns: {registration: {text: "{STU_ID}/1"}, action: {value: withdraw}, effective_on: OUT}
"""


def _folder(tmp_path, students=STUDENTS, told=MAPPING):
    (tmp_path / "students.csv").write_text(students, encoding="utf-8")
    (tmp_path / "mapping.yaml").write_text(told, encoding="utf-8")
    return tmp_path, tmp_path / "mapping.yaml"


def _read(tmp_path, **told):
    given = mapping.read(*_folder(tmp_path, **told))
    rows = {}
    for name, table in given.pieces:
        rows.setdefault(name, []).extend(table.to_pylist())
    return given.source, rows


def test_each_field_comes_from_its_column_its_value_or_its_text(tmp_path):
    source, rows = _read(tmp_path)

    assert source == "banner"
    assert rows["persons"][0] == {
        "person": "B-1", "given": "Amara\nNgozi", "family": "Okafor", "born_on": "2005-05-01",
        "since": "2026-09-01", "place": "students.csv:2",
    }  # fmt: skip
    assert rows["registrations"][1]["registration"] == "B-2/1"
    assert [one["cohort"] for one in rows["registrations"]] == ["2026", "2025"]


def test_a_row_stands_on_the_line_on_which_it_begins(tmp_path):
    _, rows = _read(tmp_path)

    # The first student's name has two lines.
    assert [one["place"] for one in rows["persons"]] == [
        "students.csv:2", "students.csv:4", "students.csv:5",
    ]  # fmt: skip


def test_a_day_that_cannot_be_read_stays_as_it_was_written(tmp_path):
    _, rows = _read(tmp_path)

    assert rows["persons"][1]["born_on"] == "31/02/2004"


def test_only_rows_with_a_value_or_with_one_of_some_are_kept(tmp_path):
    _, rows = _read(tmp_path)

    assert [one["person"] for one in rows["registrations"]] == ["B-1", "B-2"]
    assert [(one["registration"], one["action"]) for one in rows["registration_events"]] == [
        ("B-1/1", "admit"), ("B-2/1", "admit"), ("B-3/1", "admit"), ("B-2/1", "withdraw"),
    ]  # fmt: skip


def test_what_several_rows_say_alike_is_taken_once(tmp_path):
    _, rows = _read(tmp_path)

    assert [one["code"] for one in rows["programmes"]] == ["BIO", "CHE"]


@pytest.mark.parametrize(
    ("change", "code", "place", "says"),
    [
        (("system: banner\n", ""), "M999", "system", "Field required"),
        (
            ("family: LAST", "family: SURNAME"),
            "M999",
            "tables.persons.family",
            "no column SURNAME",
        ),
        (("where: OUT", "where: GONE"), "M999", "registration_events.where", "no column GONE"),
        (("family: LAST", "family: {}"), "M999", "persons.0.columns.family", "give one of"),
        (
            ("family: LAST", "family: {column: A, value: B}"),
            "M999",
            "columns.family",
            "give one of",
        ),
        (("persons:", "people:"), "M991", "tables.people", "no table people"),
        (("family: LAST", "surname: LAST"), "M991", "tables.persons", "no column surname"),
        (("tables:", "tables: ["), "M999", "mapping.yaml", "no YAML"),
        (("students.csv", "pupils.csv"), "M991", "pupils.csv", "cannot be read"),
    ],
)
def test_a_mapping_that_names_what_is_not_there_is_refused_with_its_place(
    tmp_path, change, code, place, says
):
    with pytest.raises(Refused, match=says) as refused:
        _read(tmp_path, told=MAPPING.replace(*change, 1))

    assert refused.value.code == code
    assert place in refused.value.place


@pytest.mark.parametrize(
    ("students", "says"),
    [
        ("", "is empty"),
        (STUDENTS + "B-4,Dewi\n", "has 2 values in line 6, and 8 columns"),
        (STUDENTS + 'B-4,"Dewi,Wirawan\n', "malformed"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_line(tmp_path, students, says):
    with pytest.raises(Refused, match=says) as refused:
        _read(tmp_path, students=students)

    assert refused.value.code == "M991"


def test_a_file_that_is_no_utf_8_text_is_refused(tmp_path):
    folder, told = _folder(tmp_path)
    (folder / "students.csv").write_bytes("STU_ID\nBéla\n".encode("latin-1"))

    with pytest.raises(Refused, match="UTF-8"):
        list(mapping.read(folder, told).pieces)
