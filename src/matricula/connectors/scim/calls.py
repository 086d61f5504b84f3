"""What a write asks of a server: plans that yield calls and are sent what became of them.

A plan is a generator that knows one record and nothing of the wire. Whoever drives it decides
whether its calls go out one at a time or many at once: see `rounds`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from matricula.connectors.kit.errors import ConnectorError
from matricula.connectors.scim.wire import Answer, Change, unknown

if TYPE_CHECKING:
    from matricula.connectors.kit.claims import Claims
    from matricula.connectors.kit.protocol import Outcome, Value
    from matricula.connectors.kit.scim.attributes import Attribute
    from matricula.connectors.scim.lookup import Lookup
    from matricula.connectors.scim.mapping import Record
    from matricula.connectors.scim.service import Kind, Service
    from matricula.connectors.scim.wire import Endpoint

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Find:
    """Look records up; the plan is sent those that equal every wanted value."""

    wanted: Mapping[Attribute, Value]


@dataclass(frozen=True, slots=True)
class Get:
    """Fetch a record; the plan is sent an `Answer`.

    Attributes:
        whole: As the record alone is answered. A listing may leave attributes out, which
            must never be taken for absence where a record is to be replaced.
        shown: These attributes alone.
    """

    record_id: str
    whole: bool = True
    shown: str = ""


Call = Find | Get | Change
Steps = Generator[Call, Any, Result]


@dataclass(frozen=True, slots=True)
class Task:
    """One plan and the writes that it settles.

    Attributes:
        keys: Of the writes' outcomes.
        about: What it concerns; two tasks about the same are done one after the other.
        begin: Makes the plan anew, from the first look on.
        asks: What it looks up first.
    """

    keys: Sequence[str]
    about: Hashable
    begin: Callable[[], Steps[list[Outcome]]]
    asks: Sequence[Mapping[Attribute, Value]] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where records of one kind are written, during one batch."""

    endpoint: Endpoint
    kind: Kind
    service: Service
    lookup: Lookup
    claims: Claims

    def perform(self, call: Call) -> object:
        """Do one call by itself; gives what the plan is to be sent.

        Raises:
            ConnectorError: Of the kit, named after the next move.
        """
        match call:
            case Find():
                return self.lookup.by_fields(call.wanted)
            case Get():
                return self.endpoint.get(call.record_id, call.shown)
            case Change(write=write) if write is not None:
                with self.claims.making(write):
                    return self.noted(call, self.endpoint.send(call))
        return self.endpoint.send(call)

    def noted(self, change: Change, answer: Answer) -> Answer:
        """Note for whom a record was made, if one was."""
        if change.write is not None and answer.good and answer.record.get("id"):
            record_id = str(answer.record["id"])
            self.claims.made(change.write, record_id)
            self.lookup.met(record_id)
        return answer

    def present(self, record_id: str) -> Steps[Answer]:
        """Fetch a record that is to be changed, whole where it is to be replaced."""
        answer: Answer = yield Get(record_id)
        if not answer.good or self.service.patches or not self.kind.on_request:
            return answer
        # What it shows to those who ask must come along, or a replacement would erase it.
        more: Answer = yield Get(record_id, shown=self.kind.on_request)
        if not more.good:
            return more
        return replace(more, record=_laid_over(answer.record, more.record))


def _laid_over(record: Record, more: Record) -> Record:
    """Add what one answer shows and the other does not, within extensions too."""
    return {
        name: {**more[name], **record[name]}
        if isinstance(record.get(name), dict) and isinstance(more.get(name), dict)
        else record.get(name, more.get(name))
        for name in dict.fromkeys([*record, *more])
    }


def looked_at(record_id: str, *, whole: bool = True) -> Steps[Answer]:
    """Fetch a record that the server has just agreed to write.

    Raises:
        ReadBack: It cannot be had, whatever the reason: the write is not undone by that.
    """
    try:
        answer: Answer = yield Get(record_id, whole)
    except ConnectorError as error:
        raise unknown(error.message) from error
    if not answer.good:
        raise unknown(f"A record just written is answered with {answer.status}.")
    return answer
