"""Find records by the values of fields, and believe no answer that was not checked.

Servers without filters, and servers that say they have them and answer with everybody,
are asked for the whole listing, once for all look-ups of a call.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import TryAgain, Untrusted
from matricula.connectors.kit.scim.attributes import EXTERNAL_ID
from matricula.connectors.kit.scim.values import Misfit, canonical
from matricula.connectors.scim import mapping
from matricula.connectors.scim.listing import BadQuery, Listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.kit.scim.attributes import Attribute
    from matricula.connectors.scim.mapping import Record
    from matricula.connectors.scim.service import Kind, Service
    from matricula.connectors.scim.wire import Endpoint

_BAD_FILTER = 400


class Lookup:
    """Look-ups in one kind of record during one call; keeps a listing it had to fetch.

    Safe to use from several threads.
    """

    def __init__(self, endpoint: Endpoint, kind: Kind, service: Service, *, size: int) -> None:
        self._endpoint = endpoint
        self._kind = kind
        self._service = service
        self._size = size
        self._lock = threading.Lock()
        self._everybody: list[Record] | None = None

    def by_id(self, record_id: str) -> Record | None:
        """Fetch a record; None when there is none."""
        answer = self._endpoint.get(record_id)
        found = answer.record if answer.good else None
        # A server that ignores the last segment of a path answers with the collection.
        return found if found and str(found.get("id")) == record_id else None

    def everything(self) -> list[Record]:
        """Fetch all records.

        Raises:
            TryAgain: The listing would not hold still.
        """
        return self.by_fields({})

    def by_fields(self, wanted: Mapping[Attribute, Value]) -> list[Record]:
        """Find all records that equal every wanted value; a blank is nobody's.

        Raises:
            TryAgain: The listing would not hold still.
        """
        if any(value in (None, "") for value in wanted.values()):
            # Nobody is asked: a server might answer such a filter with everybody.
            return []
        try:
            candidates = self._candidates(wanted)
        except Untrusted as error:
            raise TryAgain(error.message, code=error.code, cure=error.cure) from error
        return [one for one in candidates if mapping.holds(one, wanted)]

    def _candidates(self, wanted: Mapping[Attribute, Value]) -> list[Record]:
        field = _most_telling(wanted)
        if field is None or not self._service.filters or self._everybody is not None:
            return self._all()
        try:
            text = mapping.filter_for(field, wanted[field])
        except Misfit:
            return []
        try:
            found = self._pages({"filter": text})
        except BadQuery as refusal:
            if refusal.status != _BAD_FILTER:
                raise
            return self._all()
        if any(not mapping.holds(one, {field: wanted[field]}) for one in found):
            # It answered with others too, so it does not filter, whatever it says.
            self._service.filters = False
            self._everybody = found
        return found

    def _all(self) -> list[Record]:
        with self._lock:
            if self._everybody is None:
                self._everybody = self._pages({})
            return self._everybody

    def _pages(self, query: Mapping[str, str]) -> list[Record]:
        listing = Listing(self._endpoint, query, self._size)
        return [one for page in listing.read(list) for one in page]


def _most_telling(wanted: Mapping[Attribute, Value]) -> Attribute | None:
    """Choose the field to ask for: an identifier before a text that many may share."""

    def rank(field: Attribute) -> tuple[bool, bool, bool, str]:
        return (
            field.name != EXTERNAL_ID.name,
            not field.unique,
            field.form != "single",
            field.name,
        )

    usable = []
    for field, value in wanted.items():
        try:
            known = canonical(field, value) is not None
        except Misfit:
            known = True
        if known and field.form != "list" and field.type == "text":
            usable.append(field)
    return min(usable, key=rank, default=None)
