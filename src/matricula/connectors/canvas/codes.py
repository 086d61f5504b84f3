"""The refusals of Canvas that only Canvas has, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M745": Code(
        "Kept by Canvas",
        "Somebody changed the field in Canvas itself. Canvas keeps such a change against every "
        "import that has no permission to override it, and says nothing.",
        "Let the flow report or adopt such edits, or name the field under "
        "`override_sis_stickiness:` in the system's settings.",
    ),
    "M746": Code(
        "Import failed",
        "Canvas broke an import off, or somebody aborted it, before it came to this row.",
        "Look at the import in Canvas (Admin, SIS Import). Its rows are sent again by themselves.",
    ),
}
