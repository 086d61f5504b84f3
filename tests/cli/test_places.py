"""Where commands write and look: refused in words, before anything is signed or made."""

from __future__ import annotations

import pytest

from matricula.audit.models import Checkpoint
from matricula.cli import main
from tests.alone import run_alone, write_charter

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.mark.parametrize(
    "words", [("audit", "export"), ("audit", "checkpoint"), ("audit", "key"), ("matrix", "--svg")]
)
def test_a_file_that_cannot_be_written_is_refused_in_words(world, monkeypatch, words):
    world.run("audit", "key", str(world.folder / "key.pem"))
    monkeypatch.setenv("MATRICULA_AUDIT_KEY", f"file:{world.folder}/key.pem")

    said = world.run(*words, str(world.folder / "nowhere" / "file"))

    assert said.code == 1
    assert "M810" in said.err
    assert "nowhere/file cannot be written: no such file or directory" in said.err
    assert Checkpoint.objects.count() == 0


def test_a_checkpoint_that_can_be_written_holds_what_was_signed(world, monkeypatch):
    world.run("audit", "key", str(world.folder / "key.pem"))
    monkeypatch.setenv("MATRICULA_AUDIT_KEY", f"file:{world.folder}/key.pem")
    path = world.folder / "checkpoint.json"

    said = world.run("audit", "checkpoint", str(path))

    assert said.code == 0
    assert Checkpoint.objects.count() == 1
    assert Checkpoint.objects.get().signature in path.read_text(encoding="utf-8")


def test_a_key_that_is_no_reference_is_refused_with_how_to_write_one(world, monkeypatch):
    monkeypatch.setenv("MATRICULA_AUDIT_KEY", "k.pem")

    said = world.run("audit", "checkpoint", str(world.folder / "checkpoint.json"))

    assert "M703" in said.err
    assert "MATRICULA_AUDIT_KEY=file:PATH" in said.err


def test_a_starter_that_cannot_be_written_is_refused_in_words(tmp_path, capsys):
    (tmp_path / "file").write_text("", encoding="utf-8")

    code = main.run(["--charter", str(tmp_path / "file" / "charter"), "init"])

    assert code == 1
    assert "M810" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("status",), ("incidents",), ("drift",), ("explain", "student", "1"), ("audit", "verify"),
        ("audit", "export", "audit.jsonl"),
    ],
)  # fmt: skip
def test_a_command_that_only_tells_refuses_a_home_that_is_not_there_and_makes_none(
    tmp_path, words
):
    write_charter(tmp_path)

    said = run_alone(tmp_path, *words)

    assert said.returncode == 1
    assert "M809: Nothing was kept yet in " in said.stderr
    assert not (tmp_path / "home").exists()
    assert not (tmp_path / "audit.jsonl").exists()


def test_a_home_beside_the_charter_is_pointed_out(tmp_path):
    (tmp_path / "demo" / ".matricula").mkdir(parents=True)
    write_charter(tmp_path / "demo")

    said = run_alone(
        tmp_path, "--charter", "demo/charter", "status", MATRICULA_HOME=str(tmp_path / "other")
    )

    assert f"set MATRICULA_HOME={tmp_path}/demo/.matricula" in said.stderr


def test_help_about_the_audit_makes_nothing(tmp_path):
    said = run_alone(tmp_path, "audit", "verify", "--help")

    assert said.returncode == 0
    assert not (tmp_path / "home").exists()
