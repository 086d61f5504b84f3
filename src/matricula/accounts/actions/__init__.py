"""What can be done to accounts, one module for each subject.

Everything here joins the caller's transaction and writes its own audit entry.
"""

from __future__ import annotations

from matricula.accounts.actions.agreeing import agree, use_agreement, withdraw_agreement
from matricula.accounts.actions.granting import (
    Wanted,
    a_day_before,
    break_glass,
    end_for,
    end_grant,
    found,
    grant,
    grant_for,
    note_look,
    open_account,
    permit,
    revoke,
)

__all__ = [
    "Wanted", "a_day_before", "agree", "break_glass", "end_for", "end_grant", "found", "grant",
    "grant_for", "note_look", "open_account", "permit", "revoke", "use_agreement",
    "withdraw_agreement",
]  # fmt: skip
