"""Runs the Open University example as a person would: its scripts, then commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parents[2] / "examples" / "open-university"
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
