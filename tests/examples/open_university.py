"""Runs the Open University example as a person would: its scripts, then commands."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[2] / "examples" / "open-university"
WHOLE = bool(os.environ.get("MATRICULA_TEST_WHOLE"))
STEWARDS = ("registry", "assessments", "it", "tutors", "planning")


@dataclass(frozen=True, slots=True)
class Example:
    """A prepared working folder."""

    work: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a `matricula` command in the working folder."""
        command = [sys.executable, "-c", "from matricula.cli.main import main; main()", *words]
        return subprocess.run(
            command,
            cwd=self.work,
            env={**os.environ, "MATRICULA_HOME": str(self.work / "home"), **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def plan(self) -> tuple[int, dict[str, Any]]:
        """Plan, and give the exit code and the JSON."""
        said = self.run("plan", "--json")
        return said.returncode, json.loads(said.stdout)


def script(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run one of the example's scripts."""
    command = [sys.executable, str(EXAMPLE / name), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def part_of(whole: Path, module: str, place: Path) -> Path:
    """Write down what the dataset says of one module of seven, line by line as it stands there.

    The whole is given where MATRICULA_TEST_WHOLE is set.
    """
    if WHOLE:
        return whole
    with (whole / "assessments.csv").open(encoding="utf-8", newline="") as file:
        set_ = {r["id_assessment"] for r in csv.DictReader(file) if r["code_module"] == module}
    for path in whole.glob("*.csv"):
        head, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        column = 1 if path.name == "vle.csv" else 0
        kept = [line for line in lines if line.split(",")[column].strip('"') in {module, *set_}]
        (place / path.name).write_text("".join([head, *kept]), encoding="utf-8")
    return place
