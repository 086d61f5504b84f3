"""The story, step by step: each step says what it is for, then runs what anybody could run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from matricula.cli import show

if TYPE_CHECKING:
    from collections.abc import Callable

_STEWARDS = ("registrar", "academics", "library", "it", "planning")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the story plays.

    Attributes:
        folder: The university's files, the charter, the home.
        scim: Base address of the identity provider.
        token: Its bearer token.
        her: The number of the student whom the story follows.
        days: Days of the story: from which she leaves, her last day, and today.
        run: Runs a `matricula` command, printed as one would type it; its exit code.
        ask: Runs one silently; what it printed.
    """

    folder: Path
    scim: str
    token: str
    her: str
    days: tuple[str, str]
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
    show.say("The learning management system is away; the registrar does not have to know.")
    away = stage.folder / "lms-away"
    place = (stage.folder / "lms").rename(away)
    stage.run(*_withdrawal(stage))
    stage.run("sync", "--changed")
    show.say("This charter lets the LMS be silent for a second only, so that nobody has to wait.")
    time.sleep(1.5)
    stage.run("obligations", stage.her, "--unmet", "--role", "registrar")
    place.rename(stage.folder / "lms")


def _back_again(stage: Stage) -> None:
    stage.run("sync", "--changed")
    stage.run("obligations", stage.her, "--unmet", "--role", "registrar")
    show.say(f"The identity provider now says: {_ask_scim(stage)['userType']}")


def _take_back(stage: Stage) -> None:
    shown = json.loads(stage.ask("register", "show", stage.her, "--json", "--role", "registrar"))
    act = shown["history"][-1]["act"]
    show.say("She changes her mind.")
    stage.run("register", "reverse", act, "--role", "registrar")
    stage.run("sync", "--changed")
    stage.run("register", "show", stage.her, "--role", "registrar")
    show.say(f"The identity provider says again: {_ask_scim(stage)['userType']}")


def _edit_in_the_wrong_place(stage: Stage) -> None:
    account = _ask_scim(stage)
    patch = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "displayName", "value": "Somebody Else"}],
    }
    address = f"{stage.scim}/Users/{account['id']}"
    httpx2.patch(address, json=patch, headers=_let_in(stage)).raise_for_status()
    show.say("Somebody edits a name in the identity provider.")
    stage.run("plan", "--rows", "3")
    stage.run("drift")
    stage.run("apply")
    show.say(f"The identity provider says again: {_ask_scim(stage)['displayName']}")


def _explain(stage: Stage) -> None:
    stage.run("explain", "student", stage.her, "--in", "idp", "--field", "userType")


def _broken_export(stage: Stage) -> None:
    export = stage.folder / "drop" / "patrons.csv"
    whole = export.read_bytes()
    export.write_bytes(whole[: len(whole) // 2])
    show.say("The library's nightly export breaks off in the middle.")
    stage.run("sync")
    stage.run("incidents")
    export.write_bytes(whole)
    show.say("The library delivers it again, whole.")
    stage.run("sync")
    stage.run("incidents")


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


def _let_in(stage: Stage) -> dict[str, str]:
    return {"Authorization": f"Bearer {stage.token}", "Content-Type": "application/scim+json"}


def _ask_scim(stage: Stage) -> dict[str, str]:
    question = {"filter": f'externalId eq "{stage.her}"'}
    answer = httpx2.get(f"{stage.scim}/Users", params=question, headers=_let_in(stage))
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
    ("A withdrawal, previewed: every consequence in every system, and nothing kept.", _preview),
    (
        "The withdrawal, done while a system is away: what is owed stands there, with its office.",
        _withdraw_while_away,
    ),
    ("The system is back: everything owed has happened.", _back_again),
    ("Taken back: everything is as it was, and both acts stay in the history.", _take_back),
    ("Copies edited in the wrong place are named and put back.", _edit_in_the_wrong_place),
    ("Why is this value here?", _explain),
    ("A source that breaks changes nothing, and its office is told.", _broken_export),
    ("The audit, proved untouched, also without Matricula.", _audit),
    ("How everything stands.", _status),
)
