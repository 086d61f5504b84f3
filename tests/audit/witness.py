"""Entries to tamper with, the tampering itself, and the two who must notice: ours and theirs."""

from __future__ import annotations

import importlib.util
import io
import re
import subprocess
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from matricula.audit import guards
from matricula.audit.actions import Entry, append
from matricula.audit.queries import export
from matricula.audit.verify import Verified, verify
from matricula.kernel.errors import AuditBroken

if TYPE_CHECKING:
    from types import ModuleType

AT = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
VERIFIER = Path(__file__).parents[2] / "verifier" / "verify_audit.py"


def entry(key: str, *, entity: str = "student", action: str = "update", run: str = "r1") -> Entry:
    return Entry(
        actor="sync", action=action, entity=entity, key=key, why="to open an account",
        flow="accounts", charter_version="c1", run=run,
        before={"mail": f"{key}@old.example"}, after={"mail": f"{key}@new.example"},
    )  # fmt: skip


def record_ten() -> None:
    """Entries 1 to 4, 5 to 8, and 9 and 10, each lot sealed as one batch."""
    for keys in (["amara", "bela", "chidi", "dewi"], ["s5", "s6", "s7", "s8"], ["s9", "amara"]):
        append([entry(key) for key in keys], at=AT)


def tamper(*statements: str) -> None:
    """Do as somebody would who owns the database: drop the triggers, then change rows."""
    guards.remove(connection)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@cache
def verifier_module() -> ModuleType:
    """The stand-alone verifier within this process: starting another takes much longer."""
    specification = importlib.util.spec_from_file_location("verify_audit", VERIFIER)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def run_verifier(export_file: Path, *options: object) -> tuple[int, str]:
    told = io.StringIO()
    with redirect_stdout(told):
        code = verifier_module().main([str(export_file), *map(str, options)])
    return code, told.getvalue()


def run_verifier_alone(export_file: Path) -> tuple[int, str]:
    """Run it as an outsider does: a process of its own, in no environment of ours."""
    command = [sys.executable, "-I", str(VERIFIER), str(export_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def assert_untouched(folder: Path, *, checkpoint: Path | None = None) -> Verified:
    found = verify(checkpoint=checkpoint)
    export(folder / "audit.jsonl")
    options = ["--checkpoint", checkpoint] if checkpoint else []
    code, told = run_verifier(folder / "audit.jsonl", *options)
    assert (code, told.splitlines()[-1]) == (0, "The audit is untouched."), told
    return found


def assert_both_name(seq: int, folder: Path, *, checkpoint: Path | None = None) -> str:
    """Both verifiers refuse and name the entry; says with which code ours did."""
    named = re.compile(rf"\b[Ee]ntry {seq}\b")
    with pytest.raises(AuditBroken) as refused:
        verify(checkpoint=checkpoint)
    assert named.search(refused.value.message), refused.value.message
    export(folder / "audit.jsonl")
    options = ["--checkpoint", checkpoint] if checkpoint else []
    code, told = run_verifier(folder / "audit.jsonl", *options)
    assert code == 1, told
    assert named.search(told), told
    return refused.value.code


def assert_both_say(named: str, folder: Path, *, code: str = "") -> None:
    """Both verifiers refuse in these words; ours with this code, if one is given."""
    with pytest.raises(AuditBroken, match=re.escape(named)) as refused:
        verify()
    assert refused.value.code == (code or refused.value.code)
    export(folder / "audit.jsonl")
    exit_code, told = run_verifier(folder / "audit.jsonl")
    assert exit_code == 1, told
    assert named in told, told
