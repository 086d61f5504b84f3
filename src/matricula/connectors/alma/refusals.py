"""What it means for one user when Alma refuses. Names fields, never values.

Alma's sentences may hold an identifier: of them only its codes are repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.refuse import Of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matricula.connectors.alma.fields import Field
    from matricula.connectors.alma.wire import Answer

OF_USER = Of("Alma", "user", "the library")
_EXISTS, _MISSING, _BAD_GROUP = "401851", "401664", "401852"
_ABOUT = {_BAD_GROUP: "user_group", "401854": "external_id", "401857": "account_type"}


def refusal(answer: Answer, sent: Iterable[Field]) -> SkipRow:
    """Say what a refused creation or change means for its user."""
    if answer.names_nobody:
        return OF_USER.gone()
    if answer.code == _EXISTS:
        names = ", ".join(field.name for field in sent if field.identifies)
        return SkipRow(
            f"{names or 'An identifier'} is already used by another user ({_EXISTS}).",
            code="M606",
            cure="Find out which of the two is right, and have the library correct the other.",
        )
    what = _ABOUT.get(answer.code, "this user")
    if answer.code == _MISSING:
        what = "this user for want of a field that the library has made mandatory"
    return SkipRow(
        f"Alma refuses {what} ({answer.code or answer.status}).",
        code="M604",
        cure="Correct the value at its owner; codes must be ones that Alma's code tables have.",
    )
