"""What it means for one record when a SCIM server refuses. Names fields, never values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import ConnectorError, GiveUp, SkipRow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matricula.connectors.kit.scim.attributes import Attribute
    from matricula.connectors.scim.wire import Answer

_CONFLICT, _NO_SUCH_PLACE = 409, 404
_NO_SUCH_VERB = frozenset({405, 501})


def refusal(answer: Answer, sent: Iterable[Attribute]) -> ConnectorError:
    """Say what a refused creation or change means for its record.

    A server's own sentence may hold personal values, so of it only the names of fields
    that were sent are repeated.
    """
    fields = list(sent)
    if answer.status in _NO_SUCH_VERB or (answer.status == _NO_SUCH_PLACE and fields):
        return GiveUp(
            f"The server does not provide for this verb ({answer.status}).",
            code="M607",
            cure="Look at what the server says it supports; change the flow accordingly.",
        )
    kind = str(answer.record.get("scimType") or "")
    named = _named(str(answer.record.get("detail") or ""), fields)
    if answer.status == _CONFLICT:
        names = named or [field.name for field in fields if field.unique]
        said = ", ".join(names) or "A value that must be unique"
        return SkipRow(
            f"{said} is already used by another record (409 {kind}".rstrip() + ").",
            code="M606",
            cure="Find out which of the two records is right, and correct the other.",
        )
    said = ", ".join(named) or (fields[0].name if len(fields) == 1 else "this record")
    return SkipRow(
        f"The server refuses {said} ({answer.status} {kind}".rstrip() + ").",
        code="M604",
        cure="Correct the value at its owner; the server's log says what it dislikes.",
    )


def gone() -> SkipRow:
    """Say that the record has been deleted behind our back."""
    return SkipRow(
        "The record is gone: the server does not know its id any more.",
        code="M605",
        cure="Find out who deleted it; the next full run sees that it is missing.",
    )


def protected() -> SkipRow:
    """Say that a server which lets us write others does not let us write this one."""
    return SkipRow(
        "The server lets us write other records and not this one (403).",
        code="M613",
        cure="Have its office say whether the record is protected; take it out of the flow's "
        "`where` if it is to stay so.",
    )


def belongs_to_another(match: Iterable[Attribute], because: str) -> SkipRow:
    """Say that a record which looks like ours is not to be taken over."""
    names = ", ".join(field.name for field in match) or "its identifier"
    return SkipRow(
        f"The record found by {names} belongs to another: {because}.",
        code="M606",
        cure="Have the system's office decide whose account it is and give it the right "
        "externalId, or free the value.",
    )


def kept_otherwise(fields: Iterable[Attribute], what_was_done: str) -> SkipRow:
    """Say that a server answered well and yet keeps something else than was sent."""
    names = ", ".join(field.name for field in fields)
    return SkipRow(
        f"The server does not keep {names} as it was sent; {what_was_done}.",
        code="M604",
        cure="Take the field out of the flow, or write it in the form that the server keeps.",
    )


def _named(detail: str, fields: list[Attribute]) -> list[str]:
    words = {word.casefold() for word in re.findall(r"[A-Za-z$][\w$]*", detail)}
    return [
        field.name
        for field in fields
        if {field.name.casefold(), field.attribute.casefold()} & words
        and (not field.sub or field.sub == "value" or field.sub.casefold() in words)
    ]
