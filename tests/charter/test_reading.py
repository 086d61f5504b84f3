"""What the charter gives its readers: matrix, checklist, lineage, starter, schema."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from ruamel.yaml import YAML

from matricula.charter.checklist import checklist, checklist_markdown
from matricula.charter.compile import compile_charter, load
from matricula.charter.lineage import origins
from matricula.charter.matrix import Cell, matrix_svg, ownership_matrix
from matricula.charter.shape import schema
from matricula.charter.starter import write_starter
from matricula.kernel.errors import Refused

from .texts import GOOD, TODAY, changed, write

REPOSITORY = Path(__file__).parents[2]


def test_the_matrix_says_who_owns_and_who_copies(tmp_path: Path) -> None:
    charter = compile_charter(write(tmp_path, all=GOOD), today=TODAY)

    matrix = ownership_matrix(charter)

    assert matrix.systems == ("sis", "idp", "lms")
    rows = {row.field: row for row in matrix.rows}
    assert rows["student.login"].cells == (Cell(), Cell("owner"), Cell("copy", ("accounts",)))
    assert rows["student.login"].data_class == "personal"
    assert rows["programme.title"].cells[2].text == "copy (accounts)"
    assert rows["enrolment.student_no"].cells[2].text == "copy (enrolments)"
    assert sum(c.role == "owner" for row in matrix.rows for c in row.cells) == len(matrix.rows)


def test_the_matrix_tells_a_proposal_from_a_copy(tmp_path: Path) -> None:
    text = changed(("login: {is: lower(login)", "login: {initially: lower(login)"))

    matrix = ownership_matrix(compile_charter(write(tmp_path, all=text), today=TODAY))

    cell = next(row for row in matrix.rows if row.field == "student.login").cells[2]
    assert cell.text == "initially (accounts)"
    fields = matrix.as_json()["fields"]
    assert isinstance(fields, list)
    assert fields[7]["cells"]["lms"] == {"role": "initially", "flows": ["accounts"]}


def test_the_picture_of_the_matrix_reads_as_a_table(tmp_path: Path) -> None:
    text = changed(("institution: Northfield", 'institution: "<North> & field"'))
    matrix = ownership_matrix(compile_charter(write(tmp_path, all=text), today=TODAY))

    root = ET.fromstring(matrix_svg(matrix))  # noqa: S314 - our own text

    space = "{http://www.w3.org/2000/svg}"
    title, description = root.find(f"{space}title"), root.find(f"{space}desc")
    assert title is not None
    assert title.text == "Who owns what at <North> & field"
    assert description is not None
    assert f"{len(matrix.rows)} fields and 3 systems" in (description.text or "")
    cells = [e for e in root.iter() if e.get("role") == "cell"]
    assert len(cells) == len(matrix.rows) * 3
    said = [cell.findtext(f"{space}title") for cell in cells]
    assert "student.login in idp: owner" in said
    assert "student.login in sis: nothing" in said


def test_the_checklist_answers_eight_questions_for_every_flow(tmp_path: Path) -> None:
    text = changed(
        ("if_unavailable: {}", "if_unavailable: {queue: false, use_snapshot_for: 90s}"),
        ("cadence: {every: 15m}", "cadence: {every: 1h}\n    review_on: 2027-01-31"),
        ("section: {is: section", "section: {initially: section"),
        ("cadence: {on_change: true, full:", "cadence: {on_change: false, full:"),
        (
            "    errors_to: it\n  enrolments",
            "    guard: {exits: {}}\n    errors_to: it\n  enrolments",
        ),
    )
    charter = compile_charter(write(tmp_path, all=text), today=TODAY)

    answers = checklist(charter)
    page = checklist_markdown(answers)

    assert [one.flow for one in answers] == ["accounts", "enrolments"]
    assert all(len(one.answers) == 8 for one in answers)
    assert answers[0].as_json()["target"] == "lms.users"
    for sentence in (
        "Its legal basis is: contract with the student.",
        "To be reviewed on 2027-01-31.",
        "Registrar's Office answers for",
        "Each student for which `status in ('active', 'on_leave') and coalesce(fees, 0) < 100`",
        "Every enrolment has a copy in lms.enrolments.",
        "name is `full_name`, because people are addressed by it (student.full_name is personal).",
        "section is proposed once as `section`",
        "It is brought up to date in full each day at 02:00.",
        "as soon as a change is seen, and every 1 hour",
        "Its copy is suspended, not deleted.",
        "any number of rows as exits",
        "Identity and Access, at iam@northfield.example.",
        "An owner's last trusted reading is used for up to 90 seconds.",
        "Nothing is kept for later",
    ):
        assert sentence in page


def test_lineage_leads_from_a_copy_to_its_owner_and_back(tmp_path: Path) -> None:
    charter = compile_charter(write(tmp_path, all=GOOD), today=TODAY)

    found = origins(charter, charter.flows["accounts"], "course")

    assert [(o.field, o.owner, o.steward) for o in found] == [
        ("programme.title", "sis.programmes.title", "registrar"),
        ("student.programme", "sis.students.programme", "registrar"),
    ]


def test_the_starter_charter_holds_without_a_word_of_warning(tmp_path: Path) -> None:
    written = write_starter(tmp_path / "charter")

    found = load(tmp_path / "charter", today=date(2036, 1, 1))

    assert found.findings == ()
    assert found.charter is not None
    assert len(written) == len(list((tmp_path / "charter").rglob("*.yaml")))
    targets = {flow.target.system for flow in found.charter.flows.values()}
    assert targets == {"sis", "lms", "library", "idp", "accounting", "warehouse"}
    connectors = {system.connector for system in found.charter.systems.values()}
    assert connectors == {"register", "files", "oneroster_csv", "scim", "warehouse"}


def test_the_starter_never_writes_over_a_charter(tmp_path: Path) -> None:
    folder = write(tmp_path, mine=GOOD)

    with pytest.raises(Refused) as caught:
        write_starter(folder)

    assert caught.value.code == "M120"
    assert [path.name for path in folder.iterdir()] == ["mine.yaml"]


def test_the_starter_is_not_written_into_a_file(tmp_path: Path) -> None:
    (tmp_path / "charter").write_text("mine", encoding="utf-8")

    with pytest.raises(Refused):
        write_starter(tmp_path / "charter")

    assert (tmp_path / "charter").read_text(encoding="utf-8") == "mine"


def test_the_published_schema_is_the_one_that_is_checked() -> None:
    published = REPOSITORY / "docs/reference/charter.schema.json"

    assert json.loads(published.read_text("utf-8")) == schema()


def test_the_schema_accepts_every_file_of_the_starter(tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(schema())
    validator.check_schema(schema())

    for path in write_starter(tmp_path / "charter"):
        content = YAML(typ="safe", pure=True).load(path)
        # YAML's reader makes dates of dates; editors see them as the text they are.
        assert list(validator.iter_errors(json.loads(json.dumps(content, default=str)))) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"flow": {}},
        {"institution": 3},
        {"systems": {"x": {"connector": "sql"}}},
        {"entities": {"x": {"key": [], "roster": "a.b", "fields": {}}}},
    ],
)
def test_the_schema_refuses_what_the_check_refuses(broken: dict[str, object]) -> None:
    validator = jsonschema.Draft202012Validator(schema())

    assert not validator.is_valid(broken)
