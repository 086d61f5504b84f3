"""Whether a record is there that somebody names by its kind and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.sis.admissions import queries as admissions
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.holds import queries as holds
from matricula.sis.holds import rules as holding
from matricula.sis.people import queries as people
from matricula.sis.registration import queries as registration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matricula.accounts.rules import About


def must_be_there(about: About) -> None:
    """Go on only with a record that there is. What is yet to be loaded is always there.

    Raises:
        Refused: There is none (M911, M921, M931, M943, M951), or its key is not one (M900).
    """
    look = _KINDS.get(about.entity)
    if look is not None:
        look(about.key)


def _persons(key: str) -> None:
    """Find one person, or the two of a merge: `3|5`."""
    for number in key.split("|"):
        if not (number.isascii() and number.isdigit()):
            raise _no_key("person", key, "a person's number, or two with a stroke between")
        people.person(int(number))


def _ruling(key: str) -> None:
    """Know a ruling by its words: a policy, a kind, its cause or none, a service."""
    known = {
        f"{profile} {kind} {cause} {service}".replace("  ", " ")
        for profile in holding.PROFILES
        for kind, causes in holding.KINDS.items()
        for cause in ("", *causes)
        for service in holding.SERVICES
    }
    if key not in known:
        raise _no_key("hold policy", key, "POLICY KIND CAUSE SERVICE, as the refusal does")


def _no_key(kind: str, key: str, form: str) -> Refused:
    return Refused("M900", f"There is no {kind} {key}.", cure=f"Write {form}.")


_KINDS: Mapping[str, Callable[[str], object]] = {
    "student": registration.student,
    "person": _persons,
    "application": admissions.row,
    "hold": holds.row,
    "hold policy": _ruling,
    "term": curriculum.term,
}
