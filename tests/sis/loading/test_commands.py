"""Records come in by a command: counted, named with their lines, and kept only when asked for."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime

import pytest

from matricula.accounts.models import Account, Grant
from matricula.cli import main, sitting
from matricula.sis.people.models import Person
from matricula.sis.registration.models import Student
from tests.cli.loading.test_oneroster import bundle
from tests.sis.charter import CHARTER

LONG_AGO = date(2020, 9, 1)
STUDENTS = "NO,GIVEN,FAMILY,PROGRAMME,SINCE\n1,Amara,Okafor,BIO,2026-09-01\n2,Bela,,ART,soon\n"
MAPPING = """
system: banner
tables:
  persons:
    file: students.csv
    columns: {person: NO, given: GIVEN, family: FAMILY, since: {value: 2026-09-01}}
  numbers:
    file: students.csv
    columns: {person: NO, system: {value: banner}, kind: {value: student}, value: NO,
              since: {value: 2026-09-01}}
  students:
    file: students.csv
    columns: {person: NO, matriculated_on: SINCE}
  registrations:
    file: students.csv
    columns: {registration: NO, person: NO, programme: PROGRAMME, cohort: {value: 2026},
              mode: {value: full}}
  registration_events:
    file: students.csv
    columns: {registration: NO, action: {value: admit}, effective_on: SINCE}
"""


@pytest.fixture
def typed(register, tmp_path, capsys, monkeypatch, settings):
    """Type `matricula register` and words as the registrar; give the exit code and the output."""
    settings.HOME = tmp_path / "home"
    (tmp_path / "home").mkdir()
    folder = tmp_path / "charter"
    folder.mkdir()
    (folder / "charter.yaml").write_text(CHARTER, encoding="utf-8")
    account = Account.objects.create(name="ada", opened_at=datetime(2020, 9, 1, tzinfo=UTC))
    Grant.objects.create(
        account=account, role="registrar", scope="all", value="", starts_on=LONG_AGO,
        granted_by="test", why="test", granted_at=datetime(2020, 9, 1, tzinfo=UTC),
    )  # fmt: skip
    monkeypatch.setenv("MATRICULA_ACTOR", "ada")
    monkeypatch.setattr(sitting, "bring_up_to_date", lambda: None)

    def run(*words):
        capsys.readouterr()
        code = main.run(["--charter", str(folder), "register", *map(str, words)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "students.csv").write_text(STUDENTS, encoding="utf-8")
    (folder / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    return ("import", folder, "--kind", "csv", "--mapping", folder / "mapping.yaml")


def test_a_folder_comes_in_and_every_row_that_does_not_is_named_with_its_line(
    typed, files, tmp_path
):
    report = tmp_path / "report.csv"

    code, said, wrong = typed(*files, "--report", report)

    assert code == 0
    assert "students.csv:3: M992: matriculated_on is not a day" in wrong
    assert Student.objects.count() == 1
    with report.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["place"] for row in rows} == {"students.csv:3"}
    assert "matricula sync" in said


def test_a_preview_counts_the_same_and_keeps_nothing(typed, files):
    code, said, _ = typed(*files, "--preview", "--json")

    told = json.loads(said)
    counts = {one["table"]: one["taken"] for one in told["tables"]}
    assert (code, told["preview"], told["act"]) == (0, True, "")
    assert (counts["persons"], counts["students"]) == (2, 1)
    assert Person.objects.count() == 0


def test_a_oneroster_bundle_comes_in_for_a_programme(typed, tmp_path):
    code, said, _ = typed(
        "import", bundle(tmp_path / "b"), "--kind", "oneroster", "--programme", "BIO", "--json"
    )

    counts = {one["table"]: one["taken"] for one in json.loads(said)["tables"]}
    assert code == 0
    assert (counts["students"], counts["enrolments"], counts["teaching"]) == (1, 2, 2)


@pytest.mark.parametrize(("kind", "asks"), [("csv", "--mapping"), ("oneroster", "--programme")])
def test_what_a_kind_needs_is_asked_for(typed, tmp_path, kind, asks):
    code, _, wrong = typed("import", tmp_path, "--kind", kind)

    assert code != 0
    assert asks in wrong


def test_a_small_university_is_made_up_in_an_empty_register_alone(typed):
    code, said, _ = typed("generate", "--students", "12", "--terms", "2", "--json")
    again, _, wrong = typed("generate", "--students", "12", "--terms", "2")

    counts = {one["table"]: one["taken"] for one in json.loads(said)["tables"]}
    assert (code, counts["students"]) == (0, 12)
    assert again != 0
    assert "M998" in wrong
