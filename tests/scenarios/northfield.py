"""Northfield University with Matricula's own register, and the counterparts of the demonstration.

The demonstration's charter, as it is, and its systems (`systems.py`). The university is built
by the acts that its offices would do.
Autumn term 1 September to 14 December 2026, census on 25 September, half of the fees back
until 31 October. BIO101-A has two seats: Amara and Bela have them, Chidi waits.
"""

from __future__ import annotations

import io
import unicodedata
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from matricula.accounts import actions as accounts
from matricula.cli import main, sitting
from matricula.connectors.sip2.simulator import Person
from matricula.hub import letters
from matricula.hub.acting import carry_out, sit_down
from matricula.sis.curriculum import actions as curriculum
from matricula.sis.curriculum.rules import MeetingTime, TermDates
from matricula.sis.enrolment import actions as enrolment
from matricula.sis.people import actions as people
from matricula.sis.registration import actions as registration
from matricula.site.mail import server
from tests.scenarios.systems import connect
from tests.world import Said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import ExitStack
    from pathlib import Path

    from matricula.accounts.rules import Acting
    from matricula.hub.desk import Desk
    from matricula.sis.acts.actions import Doing
    from tests.counterparts.mail_server import Got
    from tests.scenarios.systems import Systems

STEWARDS = ("registrar", "academics", "library", "it", "planning")
AMARA, BELA, CHIDI, DEWI, ELIF = "00000001", "00000002", "00000003", "00000004", "00000005"
_ROLES = {
    "ruth": "registrar", "sam": "registrar", "sol": "scheduler", "ina": "admissions",
    "bo": "bursar", "libby": "librarian",
}  # fmt: skip
_STRETCHES = {
    "A": (date(2026, 9, 1), date(2026, 12, 14)), "S": (date(2027, 1, 18), date(2027, 5, 14))
}  # fmt: skip
_TERMS = (
    TermDates(
        code="2026A", title="Autumn 2026", register_from=date(2026, 8, 1),
        starts_on=date(2026, 9, 1), add_until=date(2026, 9, 18),
        drop_until=date(2026, 9, 25), census_on=date(2026, 9, 25),
        withdraw_until=date(2026, 11, 20), ends_on=date(2026, 12, 14),
        marks_due_on=date(2027, 1, 8), board_on=date(2027, 1, 15),
        bands=((date(2026, 10, 31), 50),),
    ),
    TermDates(
        code="2027S", title="Spring 2027", register_from=date(2026, 9, 1),
        starts_on=date(2027, 1, 18), add_until=date(2027, 1, 29),
        drop_until=date(2027, 2, 5), census_on=date(2027, 2, 5),
        withdraw_until=date(2027, 4, 9), ends_on=date(2027, 5, 14),
        marks_due_on=date(2027, 6, 4), board_on=date(2027, 6, 11), bands=(),
    ),
)  # fmt: skip
_MODULES = ("BIO101", "BIO102", "CHE101", "CHE102")
_PEOPLE = (
    ("Amara", "Okafor", "2004-05-01"), ("Béla", "Bartók", "2003-07-12"),
    ("Chidi", "Eze", "2004-01-30"), ("Dewi", "Wirawan", "2002-11-08"),
    ("Elif", "Yılmaz", "2004-09-19"),
)  # fmt: skip


@dataclass
class Northfield:
    """The university at work; its clock is moved by the tests."""

    folder: Path
    moment: datetime = datetime(2026, 8, 20, 9, tzinfo=UTC)
    systems: Systems = field(init=False)

    def on(self, day: str, hour: int = 9) -> None:
        """Let it be a day at the university."""
        self.moment = datetime.fromisoformat(f"{day}T{hour:02d}:00:00").replace(tzinfo=UTC)

    def run(self, *words: str, who: str = "ruth") -> Said:
        """Have an account give a command."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sitting, "now", lambda: self.moment)
            patch.setenv("MATRICULA_ACTOR", who)
            for name, secret in self.systems.campus.secrets().items():
                patch.setenv(name, secret)
            with redirect_stdout(out), redirect_stderr(err):
                code = main.run(["--charter", str(self.folder / "charter"), *words])
        return Said(code, out.getvalue(), err.getvalue())

    def register(self, *words: str, who: str = "ruth") -> Said:
        """Have an account give a command of the register that must be done."""
        said = self.run("register", *words, who=who)
        assert said.code == 0, f"{' '.join(words)}: {said.out}{said.err}"
        return said

    def does(self, *words: str, who: str = "ruth") -> dict[str, Any]:
        """The same, with what followed as a value."""
        found: dict[str, Any] = self.register(*words, "--json", who=who).json
        return found

    def settle(self) -> None:
        """Build the university and load every system, so that each holds what it should."""
        with self.systems.running():
            _build(self)
            for steward in STEWARDS:
                assert self.run("sign", "--as", steward).code == 0
            # The libraries can say something of whom they know: in the second pass.
            for _ in ("the cards", "what is on them"):
                said = self.run("sync")
                assert said.code == 0, said.out + said.err
            self.systems.keep()

    def deliver(self) -> None:
        """Let a pass over what changed run."""
        said = self.run("sync", "--changed")
        assert said.code in (0, 1), said.out + said.err

    def look(self) -> None:
        """Let a full pass run, which reads every target as well."""
        self.run("sync")

    def owed(self, *words: str) -> list[dict[str, Any]]:
        """List obligations."""
        found: list[dict[str, Any]] = self.run("obligations", *words, "--json").json
        return found

    def states(self, act: str) -> dict[tuple[str, str], str]:
        """Say how the obligations of an act stand, by flow and record."""
        return {(o["flow"], o["key"]): o["state"] for o in self.owed() if o["act"] == act}

    @contextmanager
    def acting(self, account: str, role: str) -> Iterator[tuple[Desk, Acting]]:
        """Sit an account down in a role, to build with; without the command line for speed."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sitting, "now", lambda: self.moment)
            patch.setenv("MATRICULA_ACTOR", account)
            desk = sitting.sit_down(self.folder / "charter")
            yield desk, sit_down(desk, role=role, why="to build with")

    @contextmanager
    def lms_away(self) -> Iterator[None]:
        """Have Moodle in maintenance."""
        self.systems.campus.moodle.is_closed = True
        try:
            yield
        finally:
            self.systems.campus.moodle.is_closed = False

    def write_letters(self) -> list[Got]:
        """Have the offices written to; give the letters that arrived by that."""
        before = len(self.systems.mail.got)
        with self.acting("ruth", "registrar") as (desk, _), pytest.MonkeyPatch.context() as patch:
            port = self.systems.mail.port
            patch.setattr(settings, "SMTP", server(f"smtp://127.0.0.1:{port}"))
            patch.setattr(settings, "MAIL_FROM", "matricula@northfield.example")
            letters.send_due(desk)
        return self.systems.mail.got[before:]


def build(folder: Path, running: ExitStack) -> Northfield:
    """Make the university's folder and start its systems; `settle` does the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    north = Northfield(folder)
    north.systems = connect(folder, running, lambda: north.moment.date())  # noqa: PLW0108 - of the moment that it will be
    return north


def _build(north: Northfield) -> None:
    assert north.run("accounts", "found", "ada", who="ada").code == 0
    with north.acting("ada", "operator") as (_, who):
        for name, role in _ROLES.items():
            accounts.open_account(who, name)
            accounts.grant(who, name, accounts.Wanted(role, "all", "", who.today))
        for name, person in (("amara", 1), ("chidi", 3)):
            accounts.open_account(who, name, person=person)
            accounts.grant(who, name, accounts.Wanted("student", "own", "", who.today))
    with north.acting("ruth", "registrar") as office:
        _teach(*office)
        _admit(*office)
    north.on("2026-09-02")
    with north.acting("ruth", "registrar") as (desk, who):
        for number in (AMARA, BELA, CHIDI):
            for code in _MODULES if number == AMARA else _MODULES[:2]:
                carry_out(desk, who, partial(_enrol, number, f"{code}-A"))
    # All but Elif had a card of the library before anything was connected.
    for number in (AMARA, BELA, CHIDI, DEWI):
        north.systems.campus.library.library.add({
            "cardnumber": number, "surname": "?", "category_id": "ST", "library_id": "CPL",
        })  # fmt: skip
    for number in (BELA, DEWI):
        north.systems.campus.law.add(Person(number))
    north.on("2026-09-03")


def _enrol(number: str, section: str, doing: Doing) -> object:
    return enrolment.add(doing, number, section)


def _teach(desk: Desk, who: Acting) -> None:
    def do(action: Callable[..., object], *arguments: object) -> None:
        carry_out(desk, who, lambda doing: action(doing, *arguments))

    do(curriculum.add_department, "SCI", "Science")
    do(curriculum.add_campus, "MAIN", "Main", "Europe/London")
    for code in _MODULES:
        version = curriculum.NewVersion(
            title=f"Module {code}", credits=Decimal(15), level=4, starts_on=date(2020, 9, 1)
        )
        do(curriculum.add_module, code, "SCI", version)
    for code, title in (("BIO", "Biology"), ("CHE", "Chemistry")):
        do(curriculum.add_programme, curriculum.NewProgramme(code, title, "SCI", "BSc", 6))
        told = {
            "programme": code, "version": "1", "from_cohort": "2020", "to_cohort": "",
            "credits": "180", "requirements": {"all_of": [{"module": f"{code}101"}]},
        }  # fmt: skip
        do(curriculum.add_curriculum, curriculum.read_curriculum(told))
    for term in _TERMS:
        do(curriculum.add_term, term)
    for term, letter in (("2026A", "A"), ("2027S", "S")):
        for place, code in enumerate(_MODULES, start=1):
            section = f"{code}-{letter}"
            seats = 2 if code == "BIO101" else 30
            do(curriculum.plan_section, curriculum.NewSection(section, code, term, "MAIN", seats))
            meets = MeetingTime(place, time(9), time(11), *_STRETCHES[letter], room="")
            do(curriculum.schedule_meeting, section, meets)
            do(enrolment.move_section, section, "open")


def _admit(desk: Desk, who: Acting) -> None:
    for given, family, born in _PEOPLE:
        described = people.Described(
            given, family, date.fromisoformat(born), f"{_in_letters(given)}@northfield.example"
        )
        carry_out(desk, who, partial(_matriculate, described))


def _in_letters(name: str) -> str:
    """Spell a name as an address may have it."""
    spelled = unicodedata.normalize("NFD", name.lower())
    return "".join(sign for sign in spelled if sign.isascii())


def _matriculate(described: people.Described, doing: Doing) -> None:
    person = people.register_matched(doing, described, on=date(2026, 8, 20))
    attempt = registration.Attempt("BIO", "2026", "full", date(2026, 8, 20))
    made = registration.matriculate(doing, person.pk, attempt)
    registration.record(doing, made, registration.Change("start", date(2026, 9, 1)))
    enrolment.register_term(doing, made.student.number, "2026A")
