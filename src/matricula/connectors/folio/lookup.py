"""List and find users, and believe no answer that was not checked here.

FOLIO only estimates how many users a query finds, so a listing ends with a page that brings
nobody new. Every page begins with the last user of the page before, by identifier: whoever is
deleted meanwhile is noticed and hides nobody.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from matricula.connectors.folio import mapping
from matricula.connectors.folio.fields import FIELDS, GROUP, NUMBER
from matricula.connectors.folio.mapping import quoted
from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.refuse import Misfit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.folio.fields import Field
    from matricula.connectors.folio.mapping import User
    from matricula.connectors.folio.settings import FolioSettings
    from matricula.connectors.folio.wire import Wire
    from matricula.connectors.kit.protocol import Value

_ATTEMPTS = 4
_AT_ONCE = 40


class _Moved(Exception):
    """The listing is another one than it was a page ago."""


class Lookup:
    """Look-ups among the users of one tenant. Safe to use from several threads."""

    def __init__(self, wire: Wire, settings: FolioSettings) -> None:
        self._wire, self._settings = wire, settings
        self._lock = threading.Lock()
        self._groups: dict[str, str] | None = None

    def groups(self, *, anew: bool = False) -> dict[str, str]:
        """Name the patron groups by identifier."""
        with self._lock:
            if self._groups is None or anew:
                self._groups = self._wire.groups()
            return self._groups

    def everybody(self) -> list[User]:
        """Read all users that are ours.

        Raises:
            Untrusted: The listing moved whenever it was read (M440).
        """
        why = ""
        for _ in range(_ATTEMPTS):
            try:
                return [one for page in self._pages() for one in page if self.is_ours(one)]
            except _Moved as moved:
                why = str(moved)
        raise Untrusted(
            f"The listing of users changed each of {_ATTEMPTS} times: {why}.",
            code="M440",
            cure="Read it at a quieter hour.",
        )

    def find(self, wanted: Mapping[Field, Value], *, everywhere: bool = False) -> list[User]:
        """Find all users that equal every wanted value; a blank is nobody's.

        Args:
            wanted: Field to value.
            everywhere: Users of other groups too, as a creation must know of them.
        """
        if any(value in (None, "") for value in wanted.values()):
            return []
        try:
            exact = {field: mapping.canonical(field, value) for field, value in wanted.items()}
        except Misfit:
            return []
        groups = self.groups()
        asked = [field for field in wanted if field.type == "text" and field.name != GROUP]
        if asked:
            field = min(asked, key=lambda one: (not one.identifies, one.name))
            candidates = self._wire.users(f"{field.asked}=={quoted(exact[field])}")
        else:
            candidates = self.everybody()
        found = [one for one in candidates if not mapping.differing(one, exact, groups)]
        return [one for one in found if everywhere or self.is_ours(one)]

    def by_numbers(self, numbers: Sequence[str]) -> dict[str, User]:
        """Find users by the numbers that we know them by, many at once."""
        found: dict[str, User] = {}
        for start in range(0, len(numbers), _AT_ONCE):
            some = numbers[start : start + _AT_ONCE]
            query = f"{NUMBER}==({' or '.join(map(quoted, some))})"
            for one in self._wire.users(query):
                if mapping.number_of(one) in some:
                    found[mapping.number_of(one)] = one
        return found

    def is_ours(self, user: User) -> bool:
        """Say whether a user is of a group that the charter names."""
        named = self._settings.patron_groups
        return not named or mapping.read_field(user, FIELDS[GROUP], self.groups()) in named

    def _pages(self) -> Iterator[list[User]]:
        seen: set[str] = set()
        last, size = "", self._settings.page_size
        while True:
            overlap = 1 if last else 0
            page = self._wire.users(
                "cql.allRecords=1 sortBy id", offset=len(seen) - overlap, limit=size
            )
            ids = [str(one.get("id") or "") for one in page]
            if overlap and ids[:1] != [last]:
                raise _Moved("a page does not begin where the one before it ended")
            fresh = page[overlap:]
            if not fresh:
                return
            if not seen.isdisjoint(ids[overlap:]) or "" in ids:
                raise _Moved("a user is listed twice, or has no identifier")
            seen.update(ids)
            last = ids[-1]
            yield fresh
