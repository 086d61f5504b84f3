"""What every action asks of what it was told: that it exists, is new, and says something."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from matricula.kernel.errors import Refused
from matricula.kernel.words import meant

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from django.db.models import Model

Row = TypeVar("Row", bound="Model")
_MOST = 9999


def existing(model: type[Row], code: str) -> Row:
    """Find a department, a campus or a room.

    Raises:
        Refused: There is none (M921).
    """
    # Django names its own so, and means it to be used.
    rows = model._default_manager.order_by("code")  # noqa: SLF001
    found = rows.filter(code=code).first()
    if found is None:
        codes = rows.values_list("code", flat=True)
        raise Refused("M921", f"There is no {word_for(model)} {code}.", cure=meant(code, codes))
    return found


# Other systems keep codes in columns of a width.
_LONGEST_CODE = 100


def must_be_new(model: type[Model], code: str) -> None:
    """Go on only if nothing of this kind has the code yet.

    Raises:
        Refused: Something has (M922), or the code is empty or begins or ends blank (M929).
    """
    must_say(code=code)
    if len(code) > _LONGEST_CODE:
        raise Refused(
            "M929", f"The code has {len(code)} characters; {_LONGEST_CODE} are enough.",
            cure="Choose a shorter one: every connected system must be able to hold it.",
        )  # fmt: skip
    if code != code.strip():
        raise Refused("M929", f"The code {code!r} has a blank at an end.", cure="Leave it out.")
    if model._default_manager.filter(code=code).exists():  # noqa: SLF001 - as above
        raise Refused(
            "M922", f"There is a {word_for(model)} {code} already.",
            cure="Choose another code; codes stay for ever.",
        )  # fmt: skip


def must_say(**told: str) -> None:
    """Go on only if no text is empty.

    Raises:
        Refused: One is (M929).
    """
    for name, text in told.items():
        if not text.strip():
            raise Refused("M929", f"The {name} is empty.", cure=f"Say the {name}.")


def must_count(least: int, **told: int | Decimal) -> None:
    """Go on only if no number is less than it may be, or more than can be kept.

    Raises:
        Refused: One is (M929).
    """
    for name, number in told.items():
        if not least <= number <= _MOST:
            raise Refused(
                "M929", f"{name} is {number}.", cure=f"Write a number from {least} to {_MOST}."
            )


def must_hold(faults: Iterable[str], *, code: str, cure: str, place: str = "") -> None:
    """Go on only if nothing is wrong: the first fault is said, the others are counted.

    Raises:
        Refused: Something is.
    """
    said = list(faults)
    if said:
        more = f" ({len(said) - 1} more)" if len(said) > 1 else ""
        raise Refused(code, f"{said[0]}{more}", cure=cure, place=place)


def word_for(model: type[Model]) -> str:
    """Say what a row of a table is called."""
    return str(model._meta.verbose_name)  # noqa: SLF001 - as above
