"""Who may load records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts import rules as scopes
from matricula.accounts.actions import permit

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from matricula.accounts.rules import Acting

# Who may do what, by the name of the action: what reaches everybody is done by nobody less.
ALLOWED: Mapping[str, Mapping[str, Collection[str]]] = {
    "load records": {"registrar": (scopes.ALL,)},
    "make records up": {"registrar": (scopes.ALL,)},
}


def may(acting: Acting, what: str) -> None:
    """Let somebody load.

    Raises:
        Refused: They may not (M903).
    """
    permit(acting, what, ALLOWED[what])
