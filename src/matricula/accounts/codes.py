"""The refusals of accounts, for the reference."""

from __future__ import annotations

from matricula.kernel.codes import Code

CODES = {
    "M900": Code(
        "No agreement comes of it",
        "Somebody agrees to one act of somebody else, about one record, for a few days.",
        "Correct what the message names. `matricula register agreements` lists the open ones.",
    ),
    "M901": Code(
        "There is no such account",
        "Whoever acts on the register has an account, so that the audit can name them.",
        "Ask an operator to open one.",
    ),
    "M902": Code(
        "No role to act in",
        "A person acts in one role at a time, and only while it is granted.",
        "Choose a role you hold, or ask an operator for a grant.",
    ),
    "M903": Code(
        "Not permitted",
        "What no grant allows is refused: the role may not, or not within this scope.",
        "Ask for a grant, or ask whoever holds the role.",
    ),
    "M904": Code(
        "The account is there already",
        "An account's name is never given twice, for the audit keeps it for ever.",
        "Choose another name.",
    ),
    "M905": Code(
        "The grant makes no sense",
        "A grant is a role within a scope that this role may have.",
        "Use one of the roles and scopes that the message lists.",
    ),
    "M906": Code(
        "The glass stays whole",
        "Reading a record without a grant needs a ground, and is told and kept.",
        "Give the ground.",
    ),
    "M909": Code(
        "A second person is missing",
        "What rewrites the past or takes something for good is agreed by two people. The second "
        "one agrees beforehand, under their own account, to one act about one record, and holds "
        "on that day the role in which it is done, or the registrar's.",
        "Have them give the command that the message names; then name them with --approver.",
    ),
}
