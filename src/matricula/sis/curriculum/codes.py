"""The refusals of the curriculum, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M921": Code(
        "There is no such programme, module, term or section",
        "What is registered for, enrolled in or taught must be in the curriculum first.",
        "Correct the code, or add it to the curriculum.",
    ),
}
