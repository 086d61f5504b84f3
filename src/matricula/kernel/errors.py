"""The errors Matricula raises itself.

    MatriculaError            has a code, a message, a place and a cure
    +-- CharterRefused        a charter with findings; all of them at once
    +-- Refused               an order that may not be carried out (unsigned, stale, guarded)
    +-- AuditBroken           the audit does not verify
    +-- SettingMissing        the environment lacks something

The errors of connectors are named after the next move and live in the kit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matricula.kernel.findings import Finding


class MatriculaError(Exception):
    """Something that cannot be done, said in full.

    Args:
        code: A stable code with a heading in the reference.
        message: The thing, the rule and the value. Never a personal value; use the key.
        place: Where: `file:line`, `system.resource`, a flow, a run.
        cure: What to do.
    """

    def __init__(self, code: str, message: str, *, cure: str, place: str = "") -> None:
        self.code = code
        self.message = message
        self.place = place
        self.cure = cure
        super().__init__(str(self))

    def __str__(self) -> str:
        """Render the way the command line prints it."""
        where = f"{self.place}: " if self.place else ""
        return f"{where}{self.code}: {self.message} {self.cure}".strip()


class CharterRefused(MatriculaError):
    """A charter that does not compile, with every finding."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        first = self.findings[0]
        super().__init__(first.code, first.message, cure=first.cure, place=first.place)


class Refused(MatriculaError):
    """An order that may not be carried out as things stand."""


class AuditBroken(MatriculaError):
    """The audit does not verify; the message names the first entry that fails."""


class SettingMissing(MatriculaError):
    """The environment lacks a setting or a secret that the charter names."""
