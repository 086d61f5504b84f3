"""What every connector refuses alike: names that are not there, and records in doubt.

The words of each system stand in; the codes, and what is to be done, are the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import GiveUp, SkipRow

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

_LISTED = "Correct the charter; `matricula check --live` lists the fields it has."


class Misfit(Exception):
    """A value that a field cannot hold. Names the field and the reason, never the value."""

    def __init__(self, field: str, why: str) -> None:
        self.field, self.why = field, why
        super().__init__(f"{field} {why}")

    @property
    def refusal(self) -> SkipRow:
        """What it means for a record that was to be written (M604)."""
        return SkipRow(
            f"{self.field} {self.why}.", code="M604", cure="Correct the value at its owner."
        )


def no_resource(system: str, resource: str, known: Iterable[str], *, more: str = "") -> GiveUp:
    """Say that a system has no such resource (M602), and which it has.

    Args:
        system: Its name in the charter.
        resource: What was asked for.
        known: What there is.
        more: How it could be had, as the end of a sentence.
    """
    cure = f"Use one of {', '.join(known)}{more}."
    return GiveUp(f"{system} has no resource {resource}.", code="M602", cure=cure)


def must_have_fields(
    place: str, names: Iterable[str], known: Container[str], *, cure: str = _LISTED
) -> None:
    """Make sure that a resource has fields.

    Args:
        place: `system.resource`.
        names: The fields.
        known: Those that there are.
        cure: What to do, where that is more than to correct the charter.

    Raises:
        GiveUp: It lacks some (M603).
    """
    unknown = sorted({name for name in names if name not in known})
    if unknown:
        raise GiveUp(f"{place} has no field {', '.join(unknown)}.", code="M603", cure=cure)


@dataclass(frozen=True, slots=True)
class Of:
    """What is said of one record of a system that keeps people.

    Attributes:
        system: What the system is called.
        what: What the record is there: a `user`, a `patron`.
        office: Who can do something about it.
    """

    system: str
    what: str
    office: str

    def several(self, count: int) -> SkipRow:
        """Say that what should identify one names more (M606)."""
        return SkipRow(
            f"{count} {self.what}s answer to what should identify one.",
            code="M606",
            cure=f"Have {self.office} merge them or correct their identifiers.",
        )

    def not_ours(self, because: str) -> SkipRow:
        """Say that the one who was found is not to be written (M606)."""
        return SkipRow(
            f"The {self.what} that is there already is not taken over: {because}.",
            code="M606",
            cure=f"Have {self.office} decide whose account it is.",
        )

    def gone(self, more: str = "") -> SkipRow:
        """Say that it has been deleted behind our back (M605); `more` ends the sentence."""
        return SkipRow(
            f"The {self.what} is gone: {self.system} does not know the identifier any more{more}.",
            code="M605",
            cure="Find out who deleted it; the next full run sees that it is missing.",
        )

    def kept(self, why: str) -> SkipRow:
        """Say that one who has something open is not deleted (M736)."""
        return SkipRow(
            f"{self.system} keeps the {self.what}, who has {why}.",
            code="M736",
            cure=f"Wait until {self.office} has settled it, or write `on_exit: suspend`.",
        )

    def kept_otherwise(self, fields: Iterable[str], done: str, *, hint: str = "") -> SkipRow:
        """Say that something else was stored than was sent (M604).

        Args:
            fields: Their names.
            done: What has become of the record.
            hint: What is known of the form that the system keeps.
        """
        return SkipRow(
            f"{self.system} does not keep {', '.join(fields)} as it was sent; {done}.",
            code="M604",
            cure=f"Write it in the form that {self.system} keeps{hint}, or take the field out of "
            "the flow.",
        )
