"""The refusals of acts, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M907": Code(
        "An act without a name",
        "Every act says what was done and to which record, or it is not done.",
        "Report it.",
    ),
    "M908": Code(
        "There is no such act",
        "An act is named by the identifier it was given when it was done.",
        "Look it up in the student's history.",
    ),
}
