"""One thing that is wrong, where, why, and what to do about it.

Used for a charter's refusals and for what a reading found in a source. A finding is
a value; raising is the business of `matricula.kernel.errors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A refusal or a warning.

    Attributes:
        place: `file:line` for charter text, `system.resource` (with row and field) for data.
        code: A stable code such as `M201`; each has a heading in the reference.
        message: What is wrong and why, in one or two sentences. Never a personal value.
        cure: What to do.
        severity: An error refuses; a warning informs.
    """

    place: str
    code: str
    message: str
    cure: str
    severity: Severity = "error"

    def __str__(self) -> str:
        """Render the way the command line prints it."""
        return f"{self.place}: {self.code}: {self.message} {self.cure}"
