"""Settle the rows of an import: what Canvas says of each, and what it holds afterwards.

Canvas passes over fields that somebody changed in it, and references that it does not know,
without a word. So what it holds is looked at, whether it said something or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.canvas import lines, refusals
from matricula.connectors.kit.errors import ReadBack
from matricula.connectors.kit.protocol import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.canvas.imports import Message, Result
    from matricula.connectors.canvas.lines import Line
    from matricula.connectors.canvas.mapping import Row
    from matricula.connectors.canvas.tables import Spec
    from matricula.connectors.kit.errors import ConnectorError


def outcomes(
    spec: Spec,
    placed: Mapping[tuple[str, int], Line],
    result: Result,
    seen: Mapping[str, Row],
) -> dict[str, Outcome]:
    """Say what became of every line, by key.

    Args:
        spec: Of which resource.
        placed: The lines by file and number.
        result: What Canvas says of the import.
        seen: What it holds now, by `_id`.
    """
    settled: dict[str, Outcome] = {}
    for (file, number), line in placed.items():
        error = _wrong(spec, line, result, seen.get(line.external_id), (file, number))
        if error is None:
            settled[line.key] = Outcome(line.key, line.external_id, adopted=line.adopted)
        else:
            settled[line.key] = Outcome(line.key, error=error)
    return settled


def unseen(result: Result, error: ConnectorError) -> ReadBack:
    """Say that an import is over and that nobody could look at what it did."""
    return ReadBack(
        f"Import {result.number} is over, and its rows could not be looked at: {error.message}",
        code="M612",
        cure="They are looked up before anything else.",
    )


def _wrong(
    spec: Spec, line: Line, result: Result, seen: Row | None, place: tuple[str, int]
) -> ConnectorError | None:
    told = result.messages.get(place) or _of_renaming(line, result)
    differing = lines.difference(spec, line, seen)
    if told and (differing or _hides_its_effect(spec, line, told)):
        return refusals.refused(result, told.file, told.row, told.text)
    if not differing:
        return None
    if not result.went_through:
        return refusals.failed(result)
    if differing <= spec.sticky and not line.fresh:
        return refusals.kept_by_canvas(differing)
    return refusals.not_taken(differing - {"_id"}, result)


def _hides_its_effect(spec: Spec, line: Line, told: Message) -> bool:
    """Tell whether a message is about a field of which Canvas does not show what was written."""
    _, words = refusals.meaning(told.text)
    return any(name in words for name in line.meant if not spec.by_name[name].told)


def _of_renaming(line: Line, result: Result) -> Message | None:
    """Find what Canvas said of a renaming: those lines are few, and name the SIS ID."""
    if not line.renamed:
        return None
    named = f"'{line.renamed}'", f"'{line.external_id}'"
    every = (*result.messages.values(), *result.unplaced)
    about = (one for one in every if one.file == lines.CHANGES)
    return next((one for one in about if any(name in one.text for name in named)), None)
