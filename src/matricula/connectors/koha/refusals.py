"""What it means for one patron when Koha refuses. Names fields, never values.

Koha's own sentences may hold a person's login or card number: of them only the names of
fields are repeated.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.refuse import Of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matricula.connectors.koha.fields import Field
    from matricula.connectors.koha.wire import Answer

OF_PATRON = Of("Koha", "patron", "the library")
HIDDEN = ", or our account may not see it"
KEEPS = " (its preference `uppercasesurnames` turns names to capitals, for one)"
_CONFLICT, _FORBIDDEN, _NOT_FOUND = 409, 403, 404
_KEPT = {
    "has_checkouts": "something on loan",
    "has_debt": "something to pay",
    "has_guarantees": "other patrons to answer for",
    "is_anonymous_patron": "the place of all who are anonymous",
}


def refusal(answer: Answer, sent: Iterable[Field]) -> SkipRow:
    """Say what a refused creation or change means for its patron."""
    fields = {field.name: field for field in sent}
    if answer.status == _NOT_FOUND:
        return OF_PATRON.gone(HIDDEN)
    if answer.status == _FORBIDDEN:
        return SkipRow(
            "The patron is a superlibrarian, whose e-mail address only another may change.",
            code="M604",
            cure="Take this person out of the flow, or have the library write the address.",
        )
    conflict = str(answer.record.get("conflict") or "")
    if answer.status == _CONFLICT:
        return taken(conflict if conflict in fields else _named(answer, fields))
    if str(answer.record.get("error")).startswith("Problem with"):
        # The login is taken, or Koha dislikes it; the sentence ends with it.
        return taken("userid")
    if "unique" in str(answer.record.get("error")).lower():
        return taken(_attributes(fields) or _named(answer, fields))
    return SkipRow(
        f"Koha refuses {_named(answer, fields)} ({answer.status}).",
        code="M604",
        cure="Correct the value at its owner; a category, a library or a type of attribute "
        "must be one that Koha has.",
    )


def refused_attribute(answer: Answer, field: Field) -> SkipRow:
    """Say what a refused extended attribute means; the rest of the patron was written."""
    if answer.status == _CONFLICT:
        return taken(field.name)
    if answer.status == _NOT_FOUND:
        return OF_PATRON.gone(HIDDEN)
    return SkipRow(
        f"Koha refuses {field.name} ({answer.status}); the patron's other fields were written.",
        code="M604",
        cure="Have the library set up this type of attribute, or take it out of `attributes`.",
    )


def taken(names: str) -> SkipRow:
    """Say that a value which only one patron may have is another's."""
    return SkipRow(
        f"{names} is already used by another patron, whatever the case of its letters.",
        code="M606",
        cure="Find out which of the two patrons is right, and have the library correct the other.",
    )


def kept(answer: Answer) -> SkipRow:
    """Say that Koha does not let a patron be deleted, and why."""
    code = str(answer.record.get("error_code") or "")
    if code in _KEPT:
        return OF_PATRON.kept(f"{_KEPT[code]} ({code})")
    return SkipRow(
        f"Koha does not delete the patron ({answer.status}).",
        code="M604",
        cure="Ask the library; its log says why.",
    )


def _named(answer: Answer, fields: dict[str, Field]) -> str:
    errors = answer.record.get("errors")
    paths = [str(one.get("path")) for one in errors or [] if isinstance(one, dict)]
    text = " ".join([*paths, str(answer.record.get("error") or "")])
    words = set(re.findall(r"[a-z_0-9]+", text))
    found = [name for name in fields if name in words]
    return ", ".join(found) or _attributes(fields) or "this patron"


def _attributes(fields: dict[str, Field]) -> str:
    return ", ".join(name for name, field in fields.items() if field.attribute)
