"""A student with a book asks to complete: the library's word is a hold, and goes when it is back.

A Koha lends, the charter beside its connector carries what it says into the register, and nobody
presses a button there: neither for the hold nor for its end.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from matricula.accounts import actions as accounts
from matricula.audit.queries import history as audited
from matricula.cli import main, sitting
from matricula.connectors import koha
from matricula.connectors.koha.simulator import Account
from matricula.connectors.koha.simulator import koha as run_koha
from matricula.hub.acting import carry_out, sit_down
from matricula.hub.models import Incident
from matricula.sis.curriculum import actions as curriculum
from matricula.sis.people import actions as people
from matricula.sis.received import actions as received
from matricula.sis.registration import actions as registration
from matricula.sis.registration.queries import student
from tests.world import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matricula.connectors.koha.simulator import Running
    from matricula.sis.acts.actions import Doing

AMARA, BELA = "00000001", "00000002"
DUE = date(2027, 5, 1)
COMPLETE = ("complete", AMARA, "--effective", "2027-06-14")
_AROUND_IT = """
institution: Northfield University
timezone: Europe/London
currency: GBP
stewards:
  registrar: {name: Registrar's Office, notify: registrar@northfield.example}
  library: {name: University Library, notify: library@northfield.example}
systems:
  sis: {connector: register, steward: registrar, settings: {policy: open}}
entities:
  student:
    key: student_no
    roster: sis.students
    found_by:
      library.clearance: cardnumber
    fields:
      student_no: {owner: sis.students, type: text}
      given_name: {owner: sis.students, type: text, class: personal}
      family_name: {owner: sis.students, type: text, class: personal}
      email: {owner: sis.students, type: text, class: personal}
      status:
        owner: sis.students
        type: [admitted, active, on_leave, suspended, withdrawn, completed]
      library_loans: {owner: library.clearance.loans, type: integer, class: personal}
      overdue_loans: {owner: library.clearance.overdue, type: integer, class: personal}
      library_fines: {owner: library.clearance.owed, type: money, class: personal}
      library_access: {owner: library.clearance.access, type: [open, blocked], class: personal}
"""
_ROLES = {"ruth": "registrar", "libby": "librarian", "sam": "registrar"}


class Campus:
    """A register and a Koha; the clock is moved by the tests."""

    def __init__(
        self, folder: Path, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch,
        library: Running,
    ) -> None:  # fmt: skip
        self.folder, self.capture, self.patch, self.koha = folder, capture, patch, library
        self.moment = datetime(2027, 6, 14, 9, tzinfo=UTC)
        patch.setattr(sitting, "now", lambda: self.moment)
        library.library.today = lambda: self.moment.date()  # noqa: PLW0108 - the moment moves

    def run(self, *words: str, who: str = "ruth") -> Said:
        self.patch.setenv("MATRICULA_ACTOR", who)
        self.capture.readouterr()
        code = main.run(["--charter", str(self.folder / "charter"), *words])
        told = self.capture.readouterr()
        return Said(code, " ".join(told.out.split()), " ".join(told.err.split()))

    def register(self, *words: str, who: str = "ruth") -> Said:
        return self.run("register", *words, who=who)

    def json(self, *words: str, who: str = "ruth") -> Any:
        said = self.register(*words, "--json", who=who)
        assert said.code == 0, said.out + said.err
        return said.json

    def does(self, action: Callable[[Doing], object]) -> None:
        """Carry out an act of the registrar, without the command line for speed."""
        self.patch.setenv("MATRICULA_ACTOR", "ruth")
        desk = sitting.sit_down(self.folder / "charter")
        carry_out(desk, sit_down(desk, role="registrar", why="to build with"), action)

    def a_pass(self, days: int = 0) -> None:
        """Let a pass run, some days later."""
        self.moment += timedelta(days=days)
        said = self.run("sync")
        assert said.code in (0, 1), said.out + said.err

    def lends(self, *due: date, owes: float = 0, to: str = AMARA) -> None:
        """Say what somebody has from the library, and owes to it."""
        number = self.koha.library.numbered(to)
        self.koha.library.loans[number] = list(due)
        self.koha.library.debits[number] = [owes] if owes else []

    def holds(self, of: str = AMARA) -> list[tuple[str, str]]:
        return [(one["kind"], one["state"]) for one in self.json("hold", "list", of)]


def _laid_down(folder: Path, url: str) -> None:
    (folder / "charter").mkdir()
    (folder / "exchange" / "library").mkdir(parents=True)
    part = (Path(koha.__file__).parent / "charter.yaml").read_text(encoding="utf-8")
    lines = [
        f"      url: {url}" if line.strip().startswith("url: ") else line
        for line in part.splitlines()
    ]
    (folder / "charter" / "library.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "charter" / "around.yaml").write_text(_AROUND_IT, encoding="utf-8")


def _studies(described: people.Described, doing: Doing) -> None:
    person = people.register(doing, described, on=date(2024, 9, 1))
    attempt = registration.Attempt("BIO", "2024", "full", date(2024, 9, 1))
    made = registration.matriculate(doing, person.pk, attempt)
    registration.record(doing, made, registration.Change("start", date(2024, 9, 2)))


def _build(campus: Campus) -> None:
    assert campus.run("accounts", "found", "ada", who="ada").code == 0
    campus.patch.setenv("MATRICULA_ACTOR", "ada")
    operator = sit_down(sitting.sit_down(campus.folder / "charter"), role="operator", why="test")
    for name, role in _ROLES.items():
        accounts.open_account(operator, name)
        accounts.grant(operator, name, accounts.Wanted(role, "all", "", operator.today))
    campus.does(lambda doing: curriculum.add_department(doing, "SCI", "Science"))
    biology = curriculum.NewProgramme("BIO", "Biology", "SCI", "BSc", 6)
    campus.does(lambda doing: curriculum.add_programme(doing, biology))
    told = {
        "programme": "BIO", "version": "1", "from_cohort": "2020", "to_cohort": "",
        "credits": "180", "requirements": {},
    }  # fmt: skip
    version = curriculum.read_curriculum(told)
    campus.does(lambda doing: curriculum.add_curriculum(doing, version))
    for given, family in (("Amara", "Okafor"), ("Béla", "Bartók")):
        described = people.Described(
            given, family, date(2004, 5, 1), f"{given[0].lower()}@northfield.example"
        )
        campus.does(partial(_studies, described))
    accounts.open_account(operator, "amara", person=student(AMARA).person)
    accounts.grant(operator, "amara", accounts.Wanted("student", "own", "", operator.today))
    assert campus.register("finish", AMARA, "--effective", "2027-06-01").code == 0
    for steward in ("registrar", "library"):
        assert campus.run("sign", "--as", steward).code == 0
    campus.a_pass()


@pytest.fixture
def campus(
    db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Campus]:  # fmt: skip
    """Amara is about to complete, Béla studies; both have cards of the library."""
    settings.HOME = tmp_path / "home"
    monkeypatch.setenv("KOHA_USER", "matricula")
    monkeypatch.setenv("KOHA_PASSWORD", "open-sesame")
    with run_koha() as running:
        _laid_down(tmp_path, running.url)
        made = Campus(tmp_path, capsys, monkeypatch, running)
        _build(made)
        yield made


def test_a_student_with_an_overdue_book_is_refused_brings_it_back_and_completes(campus):
    campus.lends(DUE)
    campus.a_pass()

    refused = campus.register(*COMPLETE)

    assert refused.code == 1
    assert (
        "M941: Hold 00000001 of the Library stands in the way of completion. Something that was "
        "lent is not returned. Its system said so on 2027-06-14."
    ) in refused.err
    assert "Return it to the Library, or pay for it." in refused.err
    assert "dispute hold 00000001; the Library must then answer" in refused.err
    (answer,) = campus.json("hold", "decisions", AMARA)
    assert (answer["service"], answer["about"], answer["result"]) == (
        "completion", f"{AMARA}/1", "refused",
    )  # fmt: skip

    campus.lends()
    campus.a_pass(days=1)
    done = campus.register(*COMPLETE)

    assert done.code == 0, done.err
    assert campus.holds() == [("loan", "released")]
    who = {(entry.actor, entry.action) for entry in audited("hold", "00000001")}
    assert who == {("matricula", "place"), ("matricula", "release")}
    assert campus.json("show", AMARA)["registrations"][0]["state"] == "completed"


def test_the_hold_is_shown_with_the_student_as_it_is_as_it_was_and_as_it_was_known(campus):
    campus.a_pass()
    campus.lends(DUE, DUE)
    campus.a_pass(days=1)
    campus.lends()
    campus.a_pass(days=2)

    (now,) = campus.json("show", AMARA)["holds"]
    (then,) = campus.json("show", AMARA, "--on", "2027-06-15")["holds"]
    (thought,) = campus.json("show", AMARA, "--known-on", "2027-06-15")["holds"]

    assert (now["office"], now["state"], now["lent"]) == ("library", "released", 2)
    assert (then["state"], then["lent"], then["told_on"]) == ("active", 2, "2027-06-15")
    assert thought["state"] == "active"
    assert campus.json("show", AMARA, "--on", "2027-06-14")["holds"] == []
    assert "loan: ancillary" in campus.register("show", AMARA).out


def test_who_leaves_with_a_book_is_told_of_it_in_the_preview_and_leaves_all_the_same(campus):
    campus.lends(DUE, to=BELA)
    campus.a_pass()
    words = (
        "withdraw", BELA, "--effective", "2027-06-14", "--last-attended", "2027-06-10",
        "--why", "personal",
    )  # fmt: skip

    previewed = campus.json(*words, "--preview")["left"]
    done = campus.json(*words)

    (told,) = previewed
    assert told.startswith("Hold 00000001 of the Library stays. Something that was lent is not")
    assert done["left"] == previewed
    campus.a_pass(days=1)
    assert campus.holds(of=BELA) == [("loan", "active")]


def test_a_book_that_is_lent_and_not_overdue_is_in_the_way_of_completing_and_of_nothing_else(
    campus,
):
    campus.lends(date(2027, 7, 1))
    campus.a_pass()

    refused = campus.register(*COMPLETE)

    assert campus.holds() == [("clearance", "active")]
    assert "Something is lent and not back yet." in refused.err
    for service in ("term registration", "transcript", "library"):
        assert campus.json("hold", "check", AMARA, service) == []


def test_while_the_library_is_away_its_word_stands_is_known_to_be_old_and_goes_by_hand(campus):
    campus.lends(DUE)
    campus.a_pass()
    campus.koha.library.loans.clear()
    campus.koha.account = Account(password="another by now")
    campus.a_pass(days=4)

    refused = campus.register(*COMPLETE)
    assert "was last heard on 2027-06-14" in refused.err
    assert "Until the system is heard again the Library releases the hold by hand." in refused.err
    assert Incident.objects.filter(steward="library").exists()

    said = campus.register("hold", "release", "00000001", "--why", "returned", who="libby")
    assert said.code == 0, said.err
    assert campus.register(*COMPLETE).code == 0


def test_a_fine_that_grows_is_one_hold_and_what_is_disputed_of_it_stays_disputed(campus):
    campus.lends(owes=4.5)
    campus.a_pass()
    said = campus.register("hold", "dispute", "00000001", "--why", "amount", who="amara")
    assert said.code == 0, said.err

    campus.lends(owes=5.25)
    campus.a_pass(days=1)

    (one,) = campus.json("hold", "list", AMARA)
    assert (one["kind"], one["state"], one["amount"]) == ("debt", "disputed", "5.25")
    assert campus.json("hold", "check", AMARA, "completion")[0]["outcome"] == "notice"
    (before,) = campus.json("hold", "list", AMARA, "--on", "2027-06-14")
    assert before["amount"] == "4.50"


def test_what_was_delivered_and_nobody_looked_at_yet_counts_for_the_very_next_act(campus):
    row = {
        "student_no": AMARA, "overdue_loans": 1, "library_fines": None, "library_access": None,
        "balance_due": None, "is_clear": False,
    }  # fmt: skip
    received.keep("clearance", ["student_no"], [row], [])

    previewed = campus.register(*COMPLETE, "--preview")
    refused = campus.register(*COMPLETE)

    assert "M941: Hold 00000001 of the Library" in previewed.err
    assert "M941: Hold 00000001 of the Library" in refused.err
    # Only what was refused is a decision; a preview keeps nothing.
    assert len(campus.json("hold", "decisions", AMARA)) == 1


def test_under_the_uk_policy_a_book_is_told_and_keeps_nobody_from_completing(campus):
    campus.lends(DUE, owes=60)
    campus.a_pass()
    around = campus.folder / "charter" / "around.yaml"
    text = around.read_text(encoding="utf-8")
    around.write_text(text.replace("policy: open", "policy: uk"), encoding="utf-8")

    done = campus.json(*COMPLETE)

    assert [sentence.partition(".")[0] for sentence in done["left"]] == [
        "Hold 00000001 of the Library is noted for completion",
        "Hold 00000002 of the Library is noted for completion",
    ]
    (answer,) = campus.json("hold", "decisions", AMARA)
    assert (answer["result"], answer["act"]) == ("passed", done["act"])
    assert {(one["outcome"], one["name"]) for one in answer["checks"]} == {
        ("warned", "hold 00000001"), ("notice", "hold 00000002"),
    }  # fmt: skip


def test_what_is_owed_is_in_the_way_of_the_award_as_the_institution_rules(campus):
    campus.lends(owes=60)
    assert campus.register(*COMPLETE).code == 0
    campus.a_pass()
    about = "hold policy:open debt ancillary conferral"
    assert campus.register("agree", "ruth", about, "--why", "seen", who="sam").code == 0
    words = ("hold", "rule", "debt", "conferral", "block", "--cause", "ancillary")
    assert campus.register(*words, "--threshold", "50.00", "--approver", "sam").code == 0

    refused = campus.register("award", AMARA, "--effective", "2027-06-14")
    campus.lends(owes=49.99)
    campus.a_pass(days=1)
    below = campus.register("award", AMARA, "--effective", "2027-06-15")

    assert "stands in the way of conferral" in refused.err
    assert below.code == 0, below.err
