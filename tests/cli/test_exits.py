"""What commands answer to programs: exit codes, and one JSON value on standard output."""

from __future__ import annotations

import json

import pytest

from matricula.cli import main

pytestmark = pytest.mark.django_db


def test_plan_exits_with_two_for_changes_with_one_unread_and_with_zero_for_nothing_to_do(world):
    first = world.run("plan", "--flow", "warehouse-students").code
    for steward in ("registrar", "library", "planning"):
        world.run("sign", "--as", steward)
    world.run("sync", "--flow", "warehouse-students")
    nothing = world.run("plan", "--flow", "warehouse-students").code
    (world.folder / "drop" / "patrons.csv").unlink()

    unread = world.run("plan", "--flow", "warehouse-students").code

    assert (first, nothing, unread) == (2, 0, 1)


def test_every_command_that_speaks_json_says_one_value_and_nothing_beside_it(world):
    world.sign_all()
    commands = [
        ("check",), ("check", "--live"), ("matrix",), ("checklist",), ("plan",), ("sync",),
        ("plan", "--changed"), ("sync", "--changed"), ("status",), ("incidents",),
        ("incidents", "--all"), ("drift",), ("explain", "student", "00001"),
        ("explain", "student", "nobody"), ("audit", "verify"),
    ]  # fmt: skip

    said = {words: world.run(*words, "--json").out for words in commands}

    for words, out in said.items():
        assert out.endswith("\n"), words
        assert json.loads(out) is not None, words


def test_a_refusal_leaves_standard_output_empty_for_whoever_reads_json(world):
    world.sign_all()

    said = world.run("apply", "--json", "beef")

    assert (said.code, said.out) == (1, "")
    assert "M513" in said.err


def test_a_charter_that_is_not_there_is_said_in_one_line(tmp_path, capsys):
    code = main.run(["--charter", str(tmp_path / "nowhere"), "plan"])

    told = capsys.readouterr()
    assert (code, told.out) == (1, "")
    assert "M101" in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "--nonsense"),
        ("nonsense",),
        ("sign",),
        ("plan", "--rows", "many"),
        ("sql", "no-such-flow"),
        ("plan", "--flow", "no-such-flow"),
        ("sign", "--as", "nobody"),
        ("audit", "verify", "--checkpoint", "nowhere.json"),
    ],
)
def test_what_was_typed_wrongly_is_refused_in_words_with_one(world, words):
    said = world.run(*words)

    assert said.code == 1
    assert said.out == ""
    assert said.err.strip()
    assert "Traceback" not in said.err
