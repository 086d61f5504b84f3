"""Why a row is not taken, or is not what is there: in words, without the values themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel.findings import Finding
from matricula.sis.loading.rules.tables import LONGEST

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Reason:
    """Why; `{field}` and `{detail}` are filled in.

    Attributes:
        code: The code of the finding.
        says: What is so, in a sentence.
        cure: What to do.
        is_error: Whether the row is not taken for it.
    """

    code: str
    says: str
    cure: str
    is_error: bool = True


_SEE = "See what is said of that row."
REASONS: Mapping[str, Reason] = {
    "empty": Reason("M992", "{field} is empty.", "Give it at the source."),
    "kind": Reason("M992", "{field} is not {detail}.", "Write it so at the source."),
    "word": Reason("M992", "{field} is none of: {detail}.", "Write one of these."),
    "long": Reason("M992", f"{{field}} is longer than {LONGEST} letters.", "Shorten it."),
    "unprintable": Reason(
        "M992", "{field} holds letters that cannot be printed.", "Type it anew."
    ),
    "nameless": Reason(
        "M992", "There is neither a given name nor a family name.", "Give one of them."
    ),
    "unfit": Reason("M992", "{detail}", "Correct it at the source."),
    "unknown": Reason(
        "M993", "{field} names what is neither in the bundle nor in the register.",
        "Add it to the bundle, or correct it.",
    ),
    "parent": Reason("M993", "{field} names a row that was not taken.", _SEE),
    "unwritten": Reason(
        "M993", "No curriculum of the programme is written for the cohort.",
        "Add a version that begins with this cohort or an earlier one.",
    ),
    "untaught": Reason(
        "M993", "The module has no version when the term begins.",
        "Add a version that begins by then.",
    ),
    "not in term": Reason(
        "M993", "The registration is not registered in the section's term.",
        "Add a row to term_registrations.",
    ),
    "twice": Reason("M994", "The same stands in {detail}.", "Keep one of the two rows."),
    "two persons": Reason(
        "M994", "Its numbers are those of different persons: {detail}.",
        "If they are one person, merge them; otherwise correct the numbers.",
    ),
    "illegal": Reason(
        "M995", "To {detail}.", "Give what is missing before it, or correct its day."
    ),
    "no history": Reason(
        "M995", "Nothing says what happened to it.", "Give at least its first event."
    ),
    "broken history": Reason(
        "M995", "A history is taken whole or not at all, and {detail} is not taken.", _SEE
    ),
    "overlap": Reason(
        "M995", "On {detail} the student would be registered twice.",
        "Correct the days, or mark it as dual study.",
    ),
    "moderates": Reason(
        "M995", "Whoever marks in a section does not moderate there.",
        "Name a colleague in one of the two rows.",
    ),
    "differs": Reason(
        "M996", "It is there already, and different: {detail}.",
        "What the register says stays. Correct it there by the ordinary command, or at the "
        "source.",
        is_error=False,
    ),
    "history differs": Reason(
        "M996", "It is there already, and its history is another one: {detail}.",
        "What the register says stays. Record there what happened since, or correct the source.",
        is_error=False,
    ),
    "no reason": Reason(
        "M996", "{detail} of them say no reason where the register asks for one.",
        "They are taken without one. Give it at the source if it is known.", is_error=False,
    ),
    "over": Reason(
        "M996", "More have a seat than there are: {detail}.",
        "It is taken as it is. Give the section more seats, or see who has left.",
        is_error=False,
    ),
    "alike": Reason(
        "M997", "It may be person {detail}.",
        "Say who it is: give that person the number of this row (`matricula register person "
        "add --same-as`), or name the row with --new if it is somebody else.",
    ),
    "alike here": Reason(
        "M997", "It looks like {detail}; both are taken.",
        "If they are one person, merge them: `matricula register person merge`.",
        is_error=False,
    ),
}  # fmt: skip


def as_finding(place: str, why: str, *, field: str, detail: str) -> Finding:
    """Say to a person what was found of a row.

    Args:
        place: Where the row stands.
        why: One of `REASONS`.
        field: The column.
        detail: What fills the sentence.
    """
    reason = REASONS[why]
    says = reason.says.format(field=field, detail=detail)
    return Finding(
        place, reason.code, says, reason.cure, "error" if reason.is_error else "warning"
    )
