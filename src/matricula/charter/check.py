"""Check a charter: everything that is wrong with it, in one go.

Three looks, each lenient about what the others report: the text itself, its shape, its
meaning. An error in one place does not hide an error in another; a file that cannot be read
is told first, and not what its absence makes of the others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matricula.charter import draft as drafts
from matricula.charter.advice import advice
from matricula.charter.rules_calendar import calendar_findings
from matricula.charter.rules_cycles import cycle_findings
from matricula.charter.rules_flows import flow_findings
from matricula.charter.rules_matching import matching_findings
from matricula.charter.rules_names import name_findings
from matricula.charter.rules_ownership import ownership_findings
from matricula.charter.rules_refs import ref_findings
from matricula.charter.rules_secrets import secret_findings
from matricula.charter.shape import shape_findings
from matricula.charter.text import read_folder

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from matricula.charter.draft import Draft
    from matricula.charter.text import Text
    from matricula.kernel.findings import Finding

_RULES = (
    name_findings,
    ownership_findings,
    ref_findings,
    matching_findings,
    flow_findings,
    cycle_findings,
    secret_findings,
    calendar_findings,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A charter's draft and all that was found, in the order of the text."""

    draft: Draft
    findings: tuple[Finding, ...]

    @property
    def is_clean(self) -> bool:
        """Whether nothing refuses it."""
        return all(finding.severity != "error" for finding in self.findings)


def check(folder: Path, *, today: date) -> Checked:
    """Check a charter.

    Args:
        folder: That holds its YAML files.
        today: The institution's date, for what has become due.
    """
    text = read_folder(folder)
    if not text.root.map():
        return Checked(drafts.draft(text.root), tuple(sorted(text.findings, key=_place)))
    draft = drafts.draft(text.root)
    if not text.is_whole:
        return Checked(draft, _of_what_can_be_read(text, draft))
    found = [*text.findings, *shape_findings(text.root), *draft.findings]
    for rule in _RULES:
        found += rule(draft)
    found += advice(draft, today=today)
    return Checked(draft, tuple(sorted(dict.fromkeys(found), key=_place)))


def _of_what_can_be_read(text: Text, draft: Draft) -> tuple[Finding, ...]:
    """Say which files cannot be read, then what is wrong in the others by themselves.

    What a file declares that cannot be read is missing everywhere, and says nothing.
    """
    unread = {finding.place for finding in text.findings}
    later = "What the files say of one another is looked at once this one can be read."
    first = [replace(f, cure=f"{f.cure} {later}") for f in sorted(text.findings, key=_place)]
    alone = [f for f in shape_findings(text.root) if f.place != text.root.place]
    alone += secret_findings(draft)
    rest = [f for f in alone if f.place not in unread]
    return (*first, *sorted(dict.fromkeys(rest), key=_place))


def _place(finding: Finding) -> tuple[str, int, str]:
    file, _, line = finding.place.rpartition(":")
    return file, int(line), finding.code
