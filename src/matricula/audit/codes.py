"""The refusals of the audit, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M701": Code(
        "The audit was touched",
        "An entry, a value, a seal or a checkpoint is not as it was written.",
        "Compare with the last export or checkpoint handed out; find out who wrote to the "
        "database.",
    ),
    "M702": Code(
        "There is no key for checkpoints",
        "A checkpoint is signed with the operator's Ed25519 key, which is not there.",
        "Make one with `matricula audit key FILE` and set MATRICULA_AUDIT_KEY=file:FILE.",
    ),
    "M703": Code(
        "A key is there already",
        "A key is never replaced: checkpoints signed with it could no longer be checked.",
        "Name another file.",
    ),
}
