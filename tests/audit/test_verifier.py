"""The stand-alone verifier: alone, and not to be fooled by one byte."""

from __future__ import annotations

import ast
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matricula.audit.actions import checkpoint, erase
from matricula.audit.queries import export
from tests.audit.witness import AT, VERIFIER, record_ten, run_verifier, run_verifier_alone


@pytest.fixture
def exported(db, tmp_path):
    record_ten()
    erase("student", "bela", actor="officer", why="asked to be forgotten", at=AT)
    checkpoint(at=AT, key=Ed25519PrivateKey.generate())
    export(tmp_path / "audit.jsonl")
    return tmp_path / "audit.jsonl"


def test_the_verifier_imports_nothing_but_python_and_cryptography():
    tree = ast.parse(VERIFIER.read_text(encoding="utf-8"))
    names = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }

    assert names - sys.stdlib_module_names == {"cryptography"}


def test_the_verifier_prints_one_line_a_check(exported):
    code, told = run_verifier_alone(exported)

    assert code == 0
    assert [line[:20] for line in told.splitlines() if line.startswith("holds")] == [
        "holds  11 entries: n",
        "holds  4 batches: ev",
        "holds  10 values: no",
        "holds  1 checkpoints",
    ]


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(choice=st.data())
def test_no_bit_of_an_export_can_be_turned_unnoticed(exported, choice):
    whole = exported.read_bytes()
    place = choice.draw(st.integers(0, len(whole) - 1))
    turned = bytearray(whole)
    turned[place] ^= 1 << choice.draw(st.integers(0, 7))
    altered = exported.with_name("altered.jsonl")
    # The end of the last line carries nothing.
    if place == len(whole) - 1:
        return

    altered.write_bytes(turned)

    assert run_verifier(altered)[0] == 1


@pytest.mark.parametrize("line", range(12))
def test_a_line_of_an_export_can_neither_go_nor_come_twice(exported, line):
    lines = exported.read_bytes().splitlines(keepends=True)
    altered = exported.with_name("altered.jsonl")

    altered.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    without = run_verifier(altered)[0]
    altered.write_bytes(b"".join([*lines[: line + 1], *lines[line:]]))
    twice = run_verifier(altered)[0]

    assert (without, twice) == (1, 1)


def test_an_export_cut_short_names_the_first_entry_that_is_gone(exported):
    lines = exported.read_bytes().splitlines(keepends=True)
    exported.write_bytes(b"".join(lines[:8]))

    code, told = run_verifier(exported)

    # The header, a batch of four, a batch and the first of its four.
    assert (code, "Entry 6 is missing" in told) == (1, True), told


def test_a_file_that_is_no_export_is_refused_in_one_line(tmp_path):
    (tmp_path / "else.jsonl").write_bytes(b"\xff\xfe nothing of ours")

    code, told = run_verifier(tmp_path / "else.jsonl")
    missing = run_verifier_alone(tmp_path / "absent.jsonl")

    assert (code, told[:6], told.count("\n")) == (1, "BROKEN", 1)
    assert (missing[0], missing[1].count("\n")) == (1, 1)
