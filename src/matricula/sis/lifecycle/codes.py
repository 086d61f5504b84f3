"""The refusals of a student's life, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M910": Code(
        "It does not follow from what was done",
        "Whoever did not leave cannot be taken back, and what was taken back is not taken back "
        "twice. Nor is an act that left nothing to take back, such as a ruling on holds.",
        "Look at the student's history.",
    ),
}
