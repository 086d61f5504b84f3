"""Find records by the values of fields, and believe no answer that was not checked.

Servers without filters, and servers that say they have them and answer with everybody,
are asked for the whole listing, once for all look-ups of a call.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from matricula.connectors.kit import batches
from matricula.connectors.kit.errors import TryAgain, Untrusted
from matricula.connectors.kit.scim.attributes import EXTERNAL_ID
from matricula.connectors.kit.scim.values import Misfit, canonical
from matricula.connectors.scim import joined, mapping
from matricula.connectors.scim.listing import BadQuery, Listing
from matricula.connectors.scim.wire import Answer, stated_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.kit.scim.attributes import Attribute
    from matricula.connectors.scim.mapping import Record
    from matricula.connectors.scim.service import Kind, Service
    from matricula.connectors.scim.wire import Endpoint

    Wanted = Mapping[Attribute, Value]

Found = TypeVar("Found")
# What servers say to a filter that they do not know, or to an address that is too long.
_BAD_FILTER = frozenset({400, 413, 414, 431, 501})
# Fewer look-ups are as well asked one by one.
_FEW = 3
_WITNESSES = 2


class Lookup:
    """Look-ups in one kind of record during one call; keeps a listing it had to fetch.

    Safe to use from several threads.

    Args:
        endpoint: Of the kind.
        kind: What is looked up.
        service: What the server can do; corrected where it turns out otherwise.
        size: Records asked for at once; 0 leaves it to the server.
        concurrency: Questions under way at once.
    """

    def __init__(
        self, endpoint: Endpoint, kind: Kind, service: Service, *, size: int, concurrency: int
    ) -> None:
        self._endpoint = endpoint
        self._kind = kind
        self._service = service
        self._size = size
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._everybody: list[Record] | None = None
        self._prepared: dict[str, list[Record]] = {}

    def by_id(self, record_id: str) -> Record | None:
        """Fetch a record; None when there is none."""
        answer = self._endpoint.get(record_id)
        found = answer.record if answer.good else None
        # A server that ignores the last segment of a path answers with the collection.
        return found if found and str(found.get("id")) == record_id else None

    def by_ids(self, record_ids: Sequence[str]) -> list[Answer]:
        """Fetch records, many in one question where the server takes it.

        Returns:
            One answer for each id; of a record that a question did not find, its own.
        """
        clauses = {record_id: joined.clause_of(record_id) for record_id in record_ids}
        known: dict[str, Record] = {}
        if self._may_join(len(clauses)):
            for found, _ in self._joined(list(clauses.values())):
                known |= {str(one.get("id")): one for one in found}
            if len(known) > len(clauses) + _WITNESSES:
                self._service.filters = False
        alone = [one for one in clauses if one not in known]
        answers = batches.each(self._endpoint.get, alone, concurrency=self._concurrency)
        single = dict(zip(alone, answers, strict=True))
        return [
            Answer(200, known[one], stated_version(known[one]), listed=True)
            if one in known
            else single[one]
            for one in record_ids
        ]

    def met(self, record_id: str) -> None:
        """Note a record that is there, as a witness for joined questions."""
        known = self._service.known.setdefault(self._kind.name, [])
        if len(known) < _WITNESSES:
            known.append(record_id)

    def everything(self) -> list[Record]:
        """Fetch all records.

        Raises:
            TryAgain: The listing would not hold still.
        """
        return self.by_fields({})

    def many(self, questions: Sequence[Wanted]) -> list[list[Record]]:
        """Answer look-ups as `by_fields` does, many in one question where the server takes it.

        Raises:
            TryAgain: The listing would not hold still.
        """
        self.prepare(questions)
        return batches.each(self.by_fields, questions, concurrency=self._concurrency)

    def prepare(self, questions: Sequence[Wanted]) -> None:
        """Ask beforehand what will be looked up; each answer serves one look-up."""
        clauses = [self._clause(wanted) for wanted in questions]
        # What two ask for is asked again: the first may have made what the second finds.
        once = [one for one in dict.fromkeys(clauses) if one and clauses.count(one) == 1]
        if not self._may_join(len(once)):
            return
        asked = {one: wanted for one, wanted in zip(clauses, questions, strict=True) if one}
        for found, settled in self._joined(once):
            answers = {
                clause: [one for one in found if self._answers(one, asked[clause])]
                for clause in settled
            }
            self._prepared |= answers
            if settled and len(found) > _WITNESSES + sum(map(len, answers.values())):
                self._service.filters = False

    def by_fields(self, wanted: Wanted) -> list[Record]:
        """Find all records that equal every wanted value; a blank is nobody's.

        Raises:
            TryAgain: The listing would not hold still.
        """
        if any(value in (None, "") for value in wanted.values()):
            # Nobody is asked: a server might answer such a filter with everybody.
            return []
        candidates = _patiently(partial(self._candidates, wanted))
        return [one for one in candidates if mapping.holds(one, wanted)]

    def _candidates(self, wanted: Wanted) -> list[Record]:
        field = _most_telling(wanted)
        if field is None or not self._service.filters or self._everybody is not None:
            return self._all()
        clause = self._clause(wanted)
        if not clause:
            return []
        prepared = self._prepared.pop(clause, None)
        if prepared is not None:
            return prepared
        try:
            found = self._pages({"filter": clause})
        except BadQuery as refusal:
            if refusal.status not in _BAD_FILTER:
                raise
            return self._all()
        if any(not self._answers(one, wanted) for one in found):
            # It answered with others too, so it does not filter, whatever it says. These need
            # not be all: some servers find what merely contains a text.
            self._service.filters = False
        return found

    def _clause(self, wanted: Wanted) -> str:
        field = _most_telling(wanted)
        if any(value in (None, "") for value in wanted.values()):
            return ""
        try:
            return mapping.filter_for(field, wanted[field]) if field is not None else ""
        except Misfit:
            return ""

    def _answers(self, record: Record, wanted: Wanted) -> bool:
        field = _most_telling(wanted)
        return field is not None and mapping.holds(record, {field: wanted[field]})

    def _may_join(self, clauses: int) -> bool:
        service = self._service
        joins = service.filters and service.joins
        return joins and clauses >= _FEW and self._everybody is None

    def _joined(self, clauses: Sequence[str]) -> list[tuple[list[Record], Sequence[str]]]:
        """Ask joined questions.

        Returns:
            For each, the records it found, and the clauses whose every answer is among them.
        """
        witnesses = _patiently(self._witnesses)
        if witnesses is None:
            return []
        parts = list(joined.parts(clauses, witnesses, self._service.page_limit))
        ask = partial(self._ask_joined, witnesses)
        return batches.each(ask, parts, concurrency=self._concurrency)

    def _ask_joined(
        self, witnesses: joined.Witnesses, part: Sequence[str]
    ) -> tuple[list[Record], Sequence[str]]:
        if not self._service.joins:
            return [], ()
        question = {"filter": joined.text_of(part, witnesses)}
        try:
            found = _patiently(partial(self._pages, question))
        except BadQuery as refusal:
            if refusal.status not in _BAD_FILTER:
                raise
            self._service.joins = False
            return [], ()
        if joined.is_witnessed(found, witnesses):
            return found, part
        if all(self.by_id(one) is not None for one in witnesses):
            # They are there and were not found, so it leaves parts of a question out.
            self._service.joins = False
        self._service.known.pop(self._kind.name, None)
        return found, ()

    def _witnesses(self) -> joined.Witnesses | None:
        known = self._service.known.setdefault(self._kind.name, [])
        if len(known) < _WITNESSES:
            some = Listing(self._endpoint, {}, min(self._size, _WITNESSES)).first()
            known[:] = [str(one["id"]) for one in some if one.get("id")]
        return (known[0], known[1]) if len(known) >= _WITNESSES else None

    def _all(self) -> list[Record]:
        with self._lock:
            if self._everybody is None:
                self._everybody = self._pages({})
            return self._everybody

    def _pages(self, query: Mapping[str, str]) -> list[Record]:
        listing = Listing(self._endpoint, query, self._size, self._service.cursors)
        return [one for page in listing.read(list) for one in page]


def _patiently(ask: Callable[[], Found]) -> Found:
    try:
        return ask()
    except Untrusted as error:
        raise TryAgain(error.message, code=error.code, cure=error.cure) from error


def _most_telling(wanted: Wanted) -> Attribute | None:
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
