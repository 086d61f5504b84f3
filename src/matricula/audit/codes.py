"""The refusals of the audit, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

_LOOK = (
    "Keep the database as it is, compare it with a backup and with the checkpoints handed out, "
    "and find out who could write to it."
)

CODES = {
    "M701": Code(
        "The audit is append-only",
        "The database refuses to change or delete what was recorded.",
        "Record a new entry that names the old one.",
    ),
    "M702": Code(
        "There is no key to sign with",
        "A checkpoint is signed with a key that the operator keeps away from the database.",
        "Make one with `matricula audit key FILE` and set MATRICULA_AUDIT_KEY=file:FILE.",
    ),
    "M703": Code(
        "The key cannot be used",
        "The file is no Ed25519 private key in PEM, or a new key would overwrite a file.",
        "Name a key made with `matricula audit key FILE`; write a new one to a new file.",
    ),
    "M704": Code(
        "A checkpoint cannot be read",
        "The file is not a checkpoint written by `matricula audit checkpoint`.",
        "Hand in the file as it was written.",
    ),
    "M710": Code("An entry was altered", "What the entry says is not what was sealed.", _LOOK),
    "M711": Code(
        "An entry is missing", "Entries count without gaps; one was removed or moved.", _LOOK
    ),
    "M712": Code(
        "Something stands outside the seals",
        "A row was added that no append or erasure wrote: an entry, a batch, an act, values, a "
        "permission to erase, a second head.",
        _LOOK,
    ),
    "M713": Code(
        "A batch does not seal its entries",
        "The root or the chain computed from the entries is not the one that was recorded.",
        _LOOK,
    ),
    "M714": Code(
        "The tail is gone",
        "The audit once reached further, as its head or a signed checkpoint says.",
        _LOOK,
    ),
    "M715": Code(
        "The audit was rewritten",
        "A signed checkpoint vouches for another history up to the same entry.",
        _LOOK,
    ),
    "M716": Code(
        "A value was altered",
        "The key, the values or the salt are not what the entry commits to.",
        _LOOK,
    ),
    "M717": Code(
        "A value is missing and no erasure names it",
        "Values may go only by an erasure, which is an entry itself.",
        _LOOK,
    ),
    "M718": Code(
        "A checkpoint's signature is wrong",
        "The signature does not fit the checkpoint, is not spelt as it was made, or another key "
        "made it.",
        _LOOK,
    ),
}
