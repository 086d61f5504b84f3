"""List and find users, and believe no answer that was not checked here.

FOLIO only estimates how many users a query finds, so a listing ends with a page that brings
nobody new. What many look-ups ask for is asked for in few calls.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from matricula.connectors.folio import mapping
from matricula.connectors.folio.fields import FIELDS, GROUP, NUMBER
from matricula.connectors.folio.mapping import quoted
from matricula.connectors.kit import batches
from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.listing import Listing, Moved, Page
from matricula.connectors.kit.refuse import Misfit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from matricula.connectors.folio.fields import Field
    from matricula.connectors.folio.mapping import User
    from matricula.connectors.folio.settings import FolioSettings
    from matricula.connectors.folio.wire import Wire
    from matricula.connectors.kit.protocol import Value

Answered = TypeVar("Answered")
Taken = TypeVar("Taken")
# Users by what a look-up asks for: the field and its value.
Known = dict[tuple[str, str], list["User"]]
_ATTEMPTS = 4
# Gateways take some four thousand characters of an address.
_AT_ONCE, _LONGEST = 100, 2500


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

    def everybody(self, take: Callable[[list[User]], Taken]) -> list[Taken]:
        """Read all users that are ours, page by page.

        Args:
            take: Called with each page; what it returns is collected. Pages of an attempt
                that has to be given up are forgotten.

        Raises:
            Untrusted: The listing moved whenever it was read (M440).
        """
        settings = self._settings
        listing = Listing(self._page, _id, settings.page_size, settings.concurrency)
        why = ""
        for _ in range(_ATTEMPTS):
            try:
                return [
                    take([one for one in page.records if self.is_ours(one)])
                    for page in listing.pages()
                ]
            except Moved as moved:
                why = str(moved)
        raise Untrusted(
            f"The listing of users changed each of {_ATTEMPTS} times: {why}.",
            code="M440",
            cure="Read it at a quieter hour.",
        )

    def find(
        self,
        wanted: Mapping[Field, Value],
        known: Known | None = None,
        *,
        everywhere: bool = False,
    ) -> list[User]:
        """Find all users that equal every wanted value; a blank is nobody's.

        Args:
            wanted: Field to value.
            known: What `learn` found for several look-ups.
            everywhere: Users of other groups too, as a creation must know of them.
        """
        exact = _exact(wanted)
        if exact is None:
            return []
        field = _telling(exact)
        if field is None:
            candidates = [one for page in self.everybody(list) for one in page]
        else:
            asked = (field.name, str(exact[field]))
            known = known if known is not None and asked in known else self._asked([asked])
            candidates = known[asked]
        groups = self.groups() if candidates else {}
        found = [one for one in candidates if not mapping.differing(one, exact, groups)]
        return [one for one in found if everywhere or self.is_ours(one)]

    def learn(self, every: Iterable[Mapping[Field, Value]]) -> Known:
        """Ask in few calls for what `find` would ask for one by one."""
        asked: dict[tuple[str, str], None] = {}
        for wanted in every:
            exact = _exact(wanted) or {}
            field = _telling(exact)
            if field is not None:
                asked[field.name, str(exact[field])] = None
        return self._asked(list(asked))

    def by_numbers(self, numbers: Sequence[str]) -> dict[str, User]:
        """Find users by the numbers that we know them by, many in a call, call after call."""
        wanted = set(numbers)
        # Imports are under way side by side, and each of them asks this.
        pages = (self._holding(FIELDS[NUMBER], some) for some in _portions(numbers))
        found = {mapping.number_of(user): user for page in pages for user in page}
        return {number: user for number, user in found.items() if number in wanted}

    def by_ids(self, user_ids: Iterable[str]) -> dict[str, User]:
        """Find users by FOLIO's own identifiers, many at once."""
        asked = [one for one in dict.fromkeys(user_ids) if one]
        pages = self._each(asked, lambda some: self._wire.users(f"id=={_any(some)}"))
        wanted = set(asked)
        return {str(u["id"]): u for page in pages for u in page if u.get("id") in wanted}

    def preferences(self, user_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Find request preferences as an import writes them, of those users who have one."""
        found: dict[str, dict[str, Any]] = {}
        for some in self._each(user_ids, lambda some: self._wire.preferences(_any(some))):
            found |= some
        return found

    def _asked(self, asked: Sequence[tuple[str, str]]) -> Known:
        known: Known = {one: [] for one in asked}
        for name in dict.fromkeys(name for name, _ in asked):
            field = FIELDS[name]
            for user in self._holding(field, [value for other, value in known if other == name]):
                held = (name, str(mapping.read_field(user, field, {})))
                if held in known:
                    known[held].append(user)
        return known

    def _holding(self, field: Field, values: Sequence[str]) -> list[User]:
        def ask(some: Sequence[str]) -> list[User]:
            return self._wire.users(f"{field.asked}=={_any(some)}")

        return [user for page in self._each(values, ask) for user in page]

    def _each(
        self, values: Sequence[str], ask: Callable[[Sequence[str]], Answered]
    ) -> list[Answered]:
        return batches.each(ask, _portions(values), concurrency=self._settings.concurrency)

    def is_ours(self, user: User) -> bool:
        """Say whether a user is of a group that the charter names."""
        named = self._settings.patron_groups
        return not named or mapping.read_field(user, FIELDS[GROUP], self.groups()) in named

    def _page(self, offset: int, limit: int) -> Page:
        return Page(self._wire.users("cql.allRecords=1 sortBy id", offset=offset, limit=limit))


def _id(user: User) -> str:
    found = user.get("id")
    if not found:
        raise Moved("a user has no identifier")
    return str(found)


def _exact(wanted: Mapping[Field, Value]) -> dict[Field, Value] | None:
    """Write wanted values as FOLIO holds them; None where no user can hold one of them."""
    if any(value in (None, "") for value in wanted.values()):
        return None
    try:
        return {field: mapping.canonical(field, value) for field, value in wanted.items()}
    except Misfit:
        return None


def _telling(exact: Mapping[Field, Value]) -> Field | None:
    """Choose the field to ask for: an identifier before what many may share."""
    usable = [field for field in exact if field.type == "text" and field.name != GROUP]
    return min(usable, key=lambda one: (not one.identifies, one.name), default=None)


def _any(values: Sequence[str]) -> str:
    """Write values as the terms of a query of which one has to be met."""
    return quoted(values[0]) if len(values) == 1 else f"({' or '.join(map(quoted, values))})"


def _portions(values: Sequence[str]) -> list[list[str]]:
    """Divide values so that no address becomes too long."""
    found: list[list[str]] = []
    length = _LONGEST
    for value in values:
        takes = len(quote(quoted(value))) + len(" or ")
        if length + takes > _LONGEST or len(found[-1]) == _AT_ONCE:
            found.append([])
            length = 0
        found[-1].append(value)
        length += takes
    return found
