"""List and find users, and believe no answer that was not checked here."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from matricula.connectors.alma import mapping
from matricula.connectors.alma.fields import GROUP, ID, IDENTIFIER
from matricula.connectors.kit import batches
from matricula.connectors.kit.errors import GiveUp, Untrusted
from matricula.connectors.kit.http import not_understood
from matricula.connectors.kit.listing import Listing, Moved, Page
from matricula.connectors.kit.refuse import Misfit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matricula.connectors.alma.fields import Field
    from matricula.connectors.alma.mapping import User
    from matricula.connectors.alma.settings import AlmaSettings
    from matricula.connectors.alma.wire import Wire
    from matricula.connectors.kit.protocol import Value

_ATTEMPTS = 4


class Lookup:
    """Look-ups among the users of one Alma. Safe to use from several threads."""

    def __init__(self, wire: Wire, settings: AlmaSettings) -> None:
        self._wire = wire
        self._settings = settings

    def pages(self) -> Iterator[list[User]]:
        """Read the whole records of all users that are ours, some at a time.

        Raises:
            Untrusted: The listing moved whenever it was read (M440).
        """
        settings = self._settings
        found = batches.flowing(self._wire.user, self._ids(), concurrency=settings.concurrency)
        while some := list(islice(found, settings.page_size)):
            # Who is deleted meanwhile is simply not there any more.
            yield [one.record for one in some if one.good and self.is_ours(one.record)]

    def find(self, wanted: Mapping[Field, Value], *, everywhere: bool = False) -> list[User]:
        """Find all users that equal every wanted value; a blank is nobody's.

        Args:
            wanted: Field to value.
            everywhere: Users who are not ours too, as a creation must know of them.

        Raises:
            GiveUp: Alma cannot be asked for any of the fields (M607).
        """
        if any(value in (None, "") for value in wanted.values()):
            return []
        try:
            exact = {field: mapping.canonical(field, value) for field, value in wanted.items()}
        except Misfit:
            return []
        found = [one for one in self._candidates(exact) if not mapping.differing(one, exact)]
        return [one for one in found if everywhere or self.is_ours(one)]

    def is_ours(self, user: User) -> bool:
        """Say whether a user is external, and of a group that the charter names."""
        groups = self._settings.user_groups
        group = (user.get(GROUP) or {}).get("value")
        external = (user.get("account_type") or {}).get("value") == "EXTERNAL"
        return external and (not groups or group in groups)

    def _candidates(self, wanted: Mapping[Field, Value]) -> list[User]:
        for field in sorted(wanted, key=lambda one: one.name != ID):
            if field.identifies:
                answer = self._wire.user(str(wanted[field]), field.id_type)
                return [answer.record] if answer.good else []
        for field in wanted:
            if field.asked:
                return self._searched(f"{field.asked}~{wanted[field]}")
        raise GiveUp(
            f"Alma cannot be asked who has a certain {', '.join(f.name for f in wanted)}.",
            code="M607",
            cure=f"Match on {ID} or on {IDENTIFIER}TYPE.",
        )

    def _searched(self, query: str) -> list[User]:
        found: list[User] = []
        while True:
            answer = self._wire.listed(len(found), self._settings.page_size, query)
            page, total = _page(answer.record)
            found += page
            if not page or len(found) >= total:
                break
        ids = list(dict.fromkeys(str(one.get(ID)) for one in found))
        whole = batches.each(self._wire.user, ids, concurrency=1)
        return [one.record for one in whole if one.good]

    def _ids(self) -> list[str]:
        why = ""
        for _ in range(_ATTEMPTS):
            try:
                return self._listed()
            except Moved as moved:
                why = str(moved)
        raise Untrusted(
            f"The listing of users changed each of {_ATTEMPTS} times: {why}.",
            code="M440",
            cure="Read it at a quieter hour.",
        )

    def _listed(self) -> list[str]:
        settings = self._settings
        listing = Listing(self._page, _id, settings.page_size, settings.concurrency)
        ids: list[str] = []
        total = None
        for page in listing.pages():
            ids += map(_id, page.records)
            total = page.total
        if len(ids) != total:
            raise Moved(f"{total} users are declared and {len(ids)} were listed")
        return ids

    def _page(self, offset: int, limit: int) -> Page:
        return Page(*_page(self._wire.listed(offset, limit).record))


def _id(user: User) -> str:
    return str(user.get(ID))


def _page(record: User) -> tuple[list[User], int]:
    page, total = record.get("user") or [], record.get("total_record_count")
    if not isinstance(page, list) or not isinstance(total, int) or isinstance(total, bool):
        raise not_understood("a listing of users without its total or its users")
    return page, total
