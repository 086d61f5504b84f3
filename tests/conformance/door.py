"""A door: one way to be let into one system, and what `check --live` says when it stays shut.

A door is written in `doors/`, one module for each kind of system. What stands in it is shown by
the reference's table and tried by `test_credentials.py`.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager

HERE = Path(__file__).parent
# With what JSON, addresses, pages and shells write otherwise, so that no form of it is missed.
SECRET = "Op3n-s&s@me/+=%'x#\"<7"
WRONG = "Wr0ng-s&s@me/+=%'y#\"<8"
VARIABLE = "MATRICULA_TEST_DOOR"


def _nothing(_: Any = None) -> None:
    """Change nothing."""


@dataclass(slots=True)
class Porter:
    """A system that runs, and what may be done to whom it lets in.

    Attributes:
        settings: The system's, as the charter has them.
        secrets: What the settings refer to: variable of the environment to value.
        office: More of the office's entry in the charter.
        announces: Of the student system, where it tells us of changes.
        prepare: Given Django's settings before each command.
        expire: Ends the credential.
        take: Takes a permission away.
        handed_out: Gives the further secrets there are meanwhile, such as tokens.
    """

    settings: dict[str, Any]
    secrets: dict[str, str] = field(default_factory=lambda: {VARIABLE: SECRET})
    office: Mapping[str, Any] = field(default_factory=dict)
    announces: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Any], object] = _nothing
    expire: Callable[[], object] = _nothing
    take: Callable[[str], object] = _nothing
    handed_out: Callable[[], Iterable[str]] = tuple


@dataclass(frozen=True, slots=True)
class Door:
    """One way in.

    Attributes:
        name: As the table has it.
        connector: As the registry has it; empty where it leads to no system.
        resource: What the charter reads or writes there.
        column: A text field of it that identifies records.
        open: Given pytest's request, a context manager whose value is the running system.
        wrong: Words of what is said to a wrong credential.
        expired: Words of what is said to one that has ended.
        endless: Why none ends there, or why an end cannot be told from a wrong one.
        lacking: Names of permissions, as the system's maker has them, each of which is taken
            away in turn and must be said.
        unasked: Why no permission is asked about.
        writes: Whether the charter writes to the resource, or reads it.
        commits: Whether the system is our own, whose threads see only what is committed.
        exits: What becomes of a copy that is no longer granted.
    """

    name: str
    connector: str
    resource: str
    column: str
    open: Callable[[Any], AbstractContextManager[Porter]]
    wrong: tuple[str, ...]
    expired: tuple[str, ...] = ()
    endless: str = ""
    lacking: tuple[str, ...] = ()
    unasked: str = ""
    writes: bool = False
    commits: bool = False
    exits: str = "leave"

    def charter(self, porter: Porter) -> str:
        """Write the charter of a university that has this system and little else."""
        systems: dict[str, Any] = {"archive": _ARCHIVE, "sis": _SIS | dict(porter.announces)}
        if self.connector:
            systems["campus"] = {
                "connector": self.connector, "steward": "it", "settings": porter.settings,
            }  # fmt: skip
        told: dict[str, Any] = {
            "institution": "Testing University",
            "timezone": "Europe/London",
            "currency": "GBP",
            "stewards": {"it": _OFFICE | dict(porter.office)},
            "systems": systems,
        }
        here = f"campus.{self.resource}", self.column
        reads = bool(self.connector) and not self.writes
        roster, column = here if reads else ("sis.students", "number")
        target, copied = here if self.writes else ("archive.students", "number")
        known = {"number": {"owner": f"{roster}.{column}", "type": "text"}}
        told["entities"] = {"student": {"key": "number", "roster": roster, "fields": known}}
        told["flows"] = {"copies": self._flow(target, copied)}
        return json.dumps(told, indent=1)

    def _flow(self, target: str, copied: str) -> dict[str, Any]:
        return {
            "purpose": "What is told of credentials is tried.",
            "from": "student",
            "to": target,
            "match": {copied: "number"},
            "fields": {copied: {"is": "number", "because": "records are told apart"}},
            "cadence": {"on_change": True},
            "on_exit": self.exits,
            "on_drift": "report",
            "if_unavailable": {"queue": True},
            "guard": {"exits": {"share": "10%"}},
            "errors_to": "it",
        }


_OFFICE = {"name": "Identity and Access", "notify": "it@example.org"}
_SIS = {
    "connector": "sql",
    "steward": "it",
    "settings": {
        "url": "sqlite:///sis.db",
        "resources": {"students": {"table": "students", "key": ["number"]}},
    },
}
_ARCHIVE = {"connector": "warehouse", "steward": "it", "settings": {"folder": "archive"}}


def doors() -> list[Door]:
    """Give every door."""
    found: list[Door] = []
    for path in sorted((HERE / "doors").glob("[a-z]*.py")):
        spec = importlib.util.spec_from_file_location(f"doors_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += module.DOORS
    return found
