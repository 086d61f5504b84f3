"""The story, step by step: each step says what it is for, then runs what anybody could run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from matricula.cli import show
from matricula.cli.demo import library

if TYPE_CHECKING:
    from collections.abc import Callable

    from matricula.cli.demo.counterparts import Campus

_STEWARDS = ("registrar", "academics", "library", "it", "planning")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays.

    Attributes:
        folder: The university's files, the charter, the home.
        campus: The systems that are connected.
        her: The number of the student whom the story follows.
        days: From which day she leaves, and her last day.
        seed: Of what the libraries have lent.
        run: Runs a `matricula` command, printed as one would type it; its exit code.
        ask: Runs one silently; what it printed.
    """

    folder: Path
    campus: Campus
    her: str
    days: tuple[str, str]
    seed: int
    run: Callable[..., int]
    ask: Callable[..., str]


def tell(stage: Stage) -> None:
    """Tell the story to its end."""
    for place, (title, step) in enumerate(_STEPS, start=1):
        show.say("")
        show.say(f"{place}. {title}")
        step(stage)


def _two_owners(stage: Stage) -> None:
    broken = stage.folder / "broken" / "charter"
    shutil.copytree(stage.folder / "charter", broken)
    rival = broken / "rival.yaml"
    rival.write_text(
        "entities:\n  student:\n    fields:\n"
        "      email: {owner: idp.users.mail, type: text, class: personal}\n",
        encoding="utf-8",
    )
    stage.run("check", "--charter", str(broken))
    shutil.rmtree(stage.folder / "broken")


def _check(stage: Stage) -> None:
    stage.run("check")


def _plan(stage: Stage) -> None:
    stage.run("plan", "--rows", "2")


def _sign_and_apply(stage: Stage) -> None:
    for steward in _STEWARDS:
        stage.run("sign", "--as", steward)
    stage.run("plan", "--rows", "0")
    stage.run("apply")


def _nothing_to_do(stage: Stage) -> None:
    stage.run("plan", "--rows", "0")


def _borrow(stage: Stage) -> None:
    show.say("Weeks pass; the University Library lends, and not everybody brings back.")
    library.lend(stage.campus, seed=stage.seed, surely=stage.her)
    stage.run("sync")
    stage.run("explain", "student", stage.her, "--in", "sis", "--field", "overdue_loans")


def _withdrawal(stage: Stage) -> tuple[str, ...]:
    effective, attended = stage.days
    return (
        "register", "withdraw", stage.her, "--effective", effective,
        "--last-attended", attended, "--why", "personal", "--role", "registrar",
    )  # fmt: skip


def _preview(stage: Stage) -> None:
    show.say(f"Student {stage.her} wants to leave. What would that mean, and where?")
    stage.run(*_withdrawal(stage), "--preview")


def _withdraw_while_away(stage: Stage) -> None:
    show.say("Moodle is in maintenance; the registrar does not have to know.")
    stage.campus.moodle.is_closed = True
    stage.run(*_withdrawal(stage))
    stage.run("sync", "--changed")
    show.say("This charter lets Moodle be silent for a second only, so that nobody has to wait.")
    time.sleep(1.5)
    stage.run("obligations", stage.her, "--unmet", "--role", "registrar")
    stage.campus.moodle.is_closed = False


def _back_again(stage: Stage) -> None:
    stage.run("sync", "--changed")
    stage.run("obligations", stage.her, "--unmet", "--role", "registrar")
    _say_of_her(stage)


def _take_back(stage: Stage) -> None:
    shown = json.loads(stage.ask("register", "show", stage.her, "--json", "--role", "registrar"))
    act = shown["history"][-1]["act"]
    show.say("She changes her mind.")
    stage.run("register", "reverse", act, "--role", "registrar")
    stage.run("sync", "--changed")
    stage.run("register", "show", stage.her, "--role", "registrar")
    _say_of_her(stage)


def _edit_in_the_wrong_place(stage: Stage) -> None:
    account = _ask_scim(stage)
    patch = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "displayName", "value": "Somebody Else"}],
    }
    address = f"{stage.campus.scim}/Users/{account['id']}"
    httpx2.patch(address, json=patch, headers=_let_in(stage)).raise_for_status()
    show.say("Somebody edits a name in the identity provider.")
    stage.run("plan", "--rows", "3")
    stage.run("drift")
    stage.run("apply")
    show.say(f"The identity provider says again: {_ask_scim(stage)['displayName']}")


def _explain(stage: Stage) -> None:
    stage.run("explain", "student", stage.her, "--in", "idp", "--field", "userType")


def _empty_backup(stage: Stage) -> None:
    koha = stage.campus.library.library
    whole, koha.patrons = koha.patrons, {}
    show.say("The library's database is put back from a backup of its first day. It is empty.")
    stage.run("sync")
    stage.run("incidents")
    _read_a_letter(stage)
    koha.patrons = whole
    show.say("The right backup is found.")
    stage.run("sync")
    stage.run("incidents")


def _read_a_letter(stage: Stage) -> None:
    """Let a worker write to the offices, and open what arrived at the mail server."""
    stage.run("worker", "--rounds", "1")
    for path in sorted((stage.folder / "letters" / "new").iterdir()):
        letter = message_from_bytes(path.read_bytes(), policy=policy.default)
        body = letter.get_body()
        show.say(f"A letter to {letter['To']}: {letter['Subject']}")
        show.say(textwrap.indent(str(body.get_content()).strip() if body else "", "    "))


def _audit(stage: Stage) -> None:
    stage.run("audit", "verify")
    export = stage.folder / "audit.jsonl"
    stage.run("audit", "export", str(export))
    verifier = Path(__file__).parents[4] / "verifier" / "verify_audit.py"
    if not verifier.exists():
        return
    altered = stage.folder / "audit-altered.jsonl"
    text = export.read_text(encoding="utf-8")
    altered.write_text(text.replace("Somebody Else", "Anybody Else", 1), encoding="utf-8")
    for path in (export, altered):
        show.say(f"$ python verifier/verify_audit.py {path.name}")
        sys.stdout.flush()
        subprocess.run([sys.executable, str(verifier), str(path)], check=False)  # noqa: S603 - our own words
    altered.unlink()


def _status(stage: Stage) -> None:
    stage.run("status")


def _say_of_her(stage: Stage) -> None:
    """Ask the systems themselves, without Matricula."""
    campus = stage.campus
    show.say(f"The identity provider says: {_ask_scim(stage)['userType']}")
    (account,) = campus.moodle.site.users.by("idnumber", stage.her)
    show.say(f"Moodle says: {'suspended' if account['suspended'] else 'may enter'}")
    koha = campus.library.library
    expires = koha.patrons[koha.numbered(stage.her)]["expiry_date"]
    show.say(f"Koha says: the card is good until {expires}")


def _let_in(stage: Stage) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {stage.campus.token}",
        "Content-Type": "application/scim+json",
    }


def _ask_scim(stage: Stage) -> dict[str, str]:
    question = {"filter": f'externalId eq "{stage.her}"'}
    answer = httpx2.get(f"{stage.campus.scim}/Users", params=question, headers=_let_in(stage))
    account: dict[str, str] = answer.raise_for_status().json()["Resources"][0]
    return account


_STEPS: tuple[tuple[str, Callable[[Stage], None]], ...] = (
    ("A charter with two owners for one field is refused before anything connects.", _two_owners),
    ("The charter as the offices agreed it.", _check),
    (
        "What would change in every other system. Nothing is signed, so nothing would go out.",
        _plan,
    ),
    ("The offices sign; the plan is applied, exactly as shown.", _sign_and_apply),
    ("The same again: nothing to do.", _nothing_to_do),
    ("What the libraries know comes back into the register.", _borrow),
    ("A withdrawal, previewed: every consequence in every system, and nothing kept.", _preview),
    (
        "The withdrawal, done while a system is away: what is owed stands there, with its office.",
        _withdraw_while_away,
    ),
    ("The system is back: everything owed has happened.", _back_again),
    ("Taken back: everything is as it was, and both acts stay in the history.", _take_back),
    ("Copies edited in the wrong place are named and put back.", _edit_in_the_wrong_place),
    ("Why is this value here?", _explain),
    ("A system that lost everything takes nobody along, and its office is told.", _empty_backup),
    ("The audit, proved untouched, also without Matricula.", _audit),
    ("How everything stands.", _status),
)
