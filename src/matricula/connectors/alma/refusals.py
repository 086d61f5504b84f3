"""What it means for one user when Alma refuses. Names fields, never values.

Alma's sentences may hold an identifier: of them only its codes are repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import SkipRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matricula.connectors.alma.fields import Field
    from matricula.connectors.alma.wire import Answer

_EXISTS, _MISSING, _BAD_GROUP = "401851", "401664", "401852"
_ABOUT = {_BAD_GROUP: "user_group", "401854": "external_id", "401857": "account_type"}


def refusal(answer: Answer, sent: Iterable[Field]) -> SkipRow:
    """Say what a refused creation or change means for its user."""
    if answer.names_nobody:
        return gone()
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


def several(count: int) -> SkipRow:
    """Say that what should identify one user names more."""
    return SkipRow(
        f"{count} users answer to what should identify one.",
        code="M606",
        cure="Have the library merge them or correct their identifiers.",
    )


def not_ours(because: str) -> SkipRow:
    """Say that the user who was found is not to be written."""
    return SkipRow(
        f"The user that is there is not taken over: {because}.",
        code="M606",
        cure="Have the library decide whose account it is.",
    )


def gone() -> SkipRow:
    """Say that the user has been deleted behind our back."""
    return SkipRow(
        "The user is gone: Alma does not know the identifier any more.",
        code="M605",
        cure="Find out who deleted it; the next full run sees that it is missing.",
    )


def kept(what: str) -> SkipRow:
    """Say that a user who has something open is not deleted."""
    return SkipRow(
        f"The user is kept, who has {what}.",
        code="M736",
        cure="Wait until the library has settled it, or write `on_exit: suspend`.",
    )


def kept_otherwise(fields: Iterable[Field], what_was_done: str) -> SkipRow:
    """Say that Alma stored something else than it was sent."""
    names = ", ".join(field.name for field in fields)
    return SkipRow(
        f"Alma does not keep {names} as it was sent; {what_was_done}.",
        code="M604",
        cure="Write it in the form that Alma keeps, or take the field out of the flow.",
    )
