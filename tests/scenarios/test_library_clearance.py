"""What a library says of a student reaches the register, whichever way it is asked.

The parts of a charter beside the two connectors, as they are, around a student system in a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from matricula.cli import main
from matricula.connectors import koha, sip2
from matricula.connectors.koha.simulator import Running
from matricula.connectors.koha.simulator import koha as run_koha
from matricula.connectors.sip2.simulator import Desk, Person
from matricula.connectors.sip2.simulator import sip2 as run_sip2
from matricula.sis.received import queries as received
from tests.world import Said

if TYPE_CHECKING:
    from collections.abc import Iterator

AMARA, BELA, CHIDI = "00000001", "00000002", "00000003"
_STUDENTS = (
    "student_no,given_name,family_name,email,status\n"
    f"{AMARA},Amara,Okafor,amara@northfield.example,active\n"
    f"{BELA},Bela,Kovács,bela@northfield.example,active\n"
    f"{CHIDI},Chidi,Eze,chidi@northfield.example,active\n"
)
_AROUND_IT = """
institution: Northfield University
timezone: Europe/London
currency: GBP
stewards:
  registrar: {name: Registry, notify: registrar@northfield.example}
  library: {name: University Library, notify: library@northfield.example}
systems:
  office:
    connector: files
    steward: registrar
    settings: {folder: drop, resources: {students: {file: students.csv, key: [student_no]}}}
  sis: {connector: register, steward: registrar}
entities:
  student:
    key: student_no
    roster: office.students
    found_by:
      library.clearance: cardnumber
    fields:
      student_no: {owner: office.students, type: text}
      given_name: {owner: office.students, type: text, class: personal}
      family_name: {owner: office.students, type: text, class: personal}
      email: {owner: office.students, type: text, class: personal}
      status: {owner: office.students, type: [active, on_leave, withdrawn]}
      library_loans: {owner: library.clearance.loans, type: integer, class: personal}
      overdue_loans: {owner: library.clearance.overdue, type: integer, class: personal}
      library_fines: {owner: library.clearance.owed, type: money, class: personal}
      library_access: {owner: library.clearance.access, type: [open, blocked], class: personal}
"""


@dataclass
class Campus:
    """A charter's folder, and the commands that are given in it."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    def write(self, part: Path, **replaced: str) -> None:
        """Lay down a charter with the part beside a connector, addressed to a simulator."""
        for name in ("charter", "drop", "exchange/library"):
            (self.folder / name).mkdir(parents=True)
        text = part.read_text(encoding="utf-8")
        for old, new in replaced.items():
            lines = text.splitlines()
            lines = [
                line.split(f"{old}:")[0] + f"{old}: {new}" if line.strip().startswith(f"{old}: ")
                else line for line in lines
            ]  # fmt: skip
            text = "\n".join(lines) + "\n"
        (self.folder / "charter" / "library.yaml").write_text(text, encoding="utf-8")
        (self.folder / "charter" / "around.yaml").write_text(_AROUND_IT, encoding="utf-8")
        self.students(_STUDENTS)

    def students(self, text: str) -> None:
        (self.folder / "drop" / "students.csv").write_text(text, encoding="utf-8")

    def run(self, *words: str) -> Said:
        self.capture.readouterr()
        code = main.run(["--charter", str(self.folder / "charter"), *words])
        told = self.capture.readouterr()
        return Said(code, told.out, told.err)

    def sync(self) -> Said:
        said = self.run("sync")
        assert said.code in (0, 1), said.out + said.err
        return said

    def sign(self) -> None:
        for steward in ("registrar", "library"):
            said = self.run("sign", "--as", steward)
            assert said.code == 0, said.out + said.err


def _known(number: str) -> dict[str, Any] | None:
    found = received.of_student(number)["clearance"]
    return found[0] if found else None


@pytest.fixture
def campus(
    db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Campus:  # fmt: skip
    """An empty campus."""
    settings.HOME = tmp_path / "home"
    for name in ("KOHA_USER", "SIP2_USER"):
        monkeypatch.setenv(name, "matricula" if name == "KOHA_USER" else "term1")
    for name in ("KOHA_PASSWORD", "SIP2_PASSWORD"):
        monkeypatch.setenv(name, "open-sesame")
    return Campus(tmp_path, capsys)


@pytest.fixture
def library(campus: Campus) -> Iterator[Running]:
    """A Koha that the campus writes its patrons to and asks for clearance."""
    with run_koha() as running:
        campus.write(Path(koha.__file__).parent / "charter.yaml", url=running.url)
        campus.sign()
        yield running


@pytest.fixture
def desk(campus: Campus) -> Iterator[Desk]:
    """A library behind SIP2."""
    with run_sip2() as running:
        campus.write(
            Path(sip2.__file__).parent / "charter.yaml",
            host="127.0.0.1", port=f"{running.port}\n      tls: false",
        )  # fmt: skip
        campus.sign()
        yield running


def test_a_koha_gets_its_patrons_and_the_register_what_they_still_have(
    campus: Campus, library: Running
):
    campus.sync()
    amara, bela = (library.library.numbered(n) for n in (AMARA, BELA))
    library.library.loans[amara] = [date(2020, 1, 1)]
    library.library.debits[bela], library.library.credits[bela] = [4.5], [4.5]

    campus.sync()

    owing, fined, clear = (_known(n) for n in (AMARA, BELA, CHIDI))
    assert owing is not None
    assert (owing["overdue_loans"], owing["is_clear"]) == (1, False)
    assert fined is not None
    assert (float(fined["library_fines"]), fined["is_clear"]) == (4.5, False)
    assert clear is not None
    assert (clear["library_access"], clear["is_clear"]) == ("open", True)


def test_a_leaver_of_a_koha_expires_and_keeps_what_is_owed(campus: Campus, library: Running):
    campus.sync()
    amara = library.library.numbered(AMARA)
    library.library.loans[amara] = [date(2020, 1, 1)]
    campus.students(_STUDENTS.replace(
        "amara@northfield.example,active", "amara@northfield.example,withdrawn"))  # fmt: skip

    campus.sync()
    campus.sync()

    expiry = library.library.patrons[amara]["expiry_date"]
    assert date.fromisoformat(expiry) < library.library.today()
    found = _known(AMARA)
    assert found is not None
    assert (found["library_access"], found["is_clear"]) == ("blocked", False)


def test_a_library_behind_sip2_is_asked_about_whom_a_flow_names(campus: Campus, desk: Desk):
    desk.add(Person(AMARA, loans=1, overdue=1, owed="2.50"))
    desk.add(Person(BELA))

    campus.sync()
    campus.sync()

    owing, clear = _known(AMARA), _known(BELA)
    assert owing is not None
    assert (owing["overdue_loans"], float(owing["library_fines"])) == (1, 2.5)
    assert owing["is_clear"] is False
    assert clear is not None
    assert clear["is_clear"] is True
    # Whom the library does not know is neither clear nor held.
    assert _known(CHIDI) is None
