"""What is given to a command and cannot be meant is refused before anything is opened."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from matricula.cli.main import cli

POSTPONE = ["incidents", "postpone", "1", "--as", "it"]


@pytest.mark.parametrize("day", ["31.12.2026", "2026-02-30", "tomorrow", ""])
def test_what_is_no_day_is_named_with_how_one_is_written(day):
    said = CliRunner().invoke(cli, [*POSTPONE, "--until", day, "--why", "the lab is moving"])

    assert said.exit_code == 2
    assert f"{day!r} is no day. Write year, month and day: 2027-01-31." in said.output


@pytest.mark.parametrize(
    "words",
    [
        [*POSTPONE, "--until", "2026-12-31"], ["undo", "run_1"], ["release", "accounts"],
        ["matches", "same", "1"], ["drift", "accept", "a", "b", "c", "--until", "2026-12-31",
         "--as", "it"],
    ],
)  # fmt: skip
def test_a_blank_is_no_ground(words):
    said = CliRunner().invoke(cli, [*words, "--why", "  "])

    assert said.exit_code == 2
    assert "Invalid value for '--why': it is blank." in said.output
