"""What a reading met and could not use, as findings for the office that answers for it."""

from __future__ import annotations

from matricula.kernel.findings import Finding

# Where a whole column is wrong, the first records say it as well as all of them.
_SHOWN = 20


def read_as_absent(findings: list[Finding], place: str, why: str, *, office: str) -> None:
    """Note a value that does not fit its field, and counts as absent (M436).

    Args:
        findings: Of the reading; beyond twenty nothing is added.
        place: `resource, record ID, field NAME`.
        why: What is wrong with the value, as the end of `The value ...`; never the value.
        office: Who can correct it, as in `Have ... correct the record`.
    """
    if len(findings) < _SHOWN:
        cure = f"Have {office} correct the record."
        findings.append(Finding(place, "M436", f"The value {why}.", cure, "warning"))
