"""A data dictionary of the warehouse, written from the charter that fills it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.warehouse.mapping import (
    CHANGE,
    CLOSED_BY,
    IS_CURRENT,
    KEY,
    RUN_AT,
    SURROGATE,
    VALID_FROM,
    VALID_TO,
)
from matricula.connectors.warehouse.statements import CURRENT_ENDING, HISTORY_ENDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from matricula.charter.model import Charter, Field, Flow, FlowField, ValueType

_ABOUT_HISTORY: Mapping[str, str] = {
    SURROGATE: "number of this version, given once in this table",
    KEY: "the record's key in the charter",
    VALID_FROM: "instant (UTC) from which the version holds",
    VALID_TO: "instant (UTC) at which it ended; empty while it holds",
    IS_CURRENT: "whether it holds now",
    CHANGE: "what began it: created, updated or resumed",
    CLOSED_BY: "what ended it: updated, suspended or deleted; empty while it holds",
    RUN_AT: "instant (UTC) of the run that wrote it",
}
_CLASSES = ("public", "personal", "sensitive")


def dictionary(charter: Charter, system: str) -> str:
    """Write the data dictionary of one warehouse as Markdown.

    For every table and column: what it means, whose it is, how confidential it is, which
    flow brings it and for which purpose, and who answers for it.

    Args:
        charter: Compiled.
        system: The warehouse's name in the charter.
    """
    flows = [flow for flow in charter.flows.values() if flow.target.system == system]
    office = charter.steward_of(system).title
    version = f"Charter {charter.digest}" if charter.digest else "A charter without a digest"
    parts = [
        f"# Data dictionary of {system}",
        f"{charter.institution}. {version}. {office} answers for this warehouse.",
        *_tables(charter, flows),
        "## Columns that every table has",
        _table(("column", "meaning"), _ABOUT_HISTORY.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _tables(charter: Charter, flows: list[Flow]) -> Iterator[str]:
    for resource in sorted({flow.target.resource for flow in flows}):
        yield f"## {resource}"
        yield (
            f"Every version is in `{resource}{HISTORY_ENDING}`, what holds now in "
            f"`{resource}{CURRENT_ENDING}`."
        )
        mine = [flow for flow in flows if flow.target.resource == resource]
        yield _table(
            ("flow", "purpose", "basis", "about", "errors go to"),
            ((f.name, f.purpose, f.basis, f.entity, _title(charter, f.errors_to)) for f in mine),
        )
        yield _table(
            ("column", "type", "meaning", "from", "owner", "class", "steward", "flow"),
            (
                _column(charter, flow, column)
                for flow in mine
                for column in sorted(flow.fields.values(), key=lambda one: one.name)
            ),
        )


def _column(charter: Charter, flow: Flow, column: FlowField) -> tuple[str, ...]:
    read = _fields_read(charter, flow, column)
    owners = dict.fromkeys(str(field.owner) for field in read.values())
    stewards = dict.fromkeys(
        charter.steward_of(field.owner.system).title for field in read.values()
    )
    classes = [field.data_class for field in read.values()]
    return (
        column.name,
        _type(column.expression.type),
        column.because,
        column.expression.text,
        ", ".join(owners) or "this flow",
        max(classes, key=_CLASSES.index, default="public"),
        ", ".join(stewards) or _title(charter, flow.errors_to),
        flow.name,
    )


def _fields_read(charter: Charter, flow: Flow, column: FlowField) -> dict[str, Field]:
    """Find the entity fields that a column is made of, those behind a reference too."""
    entity = charter.entities[flow.entity]
    found: dict[str, Field] = {}
    for read in column.expression.reads:
        field = entity.fields[read.field]
        found[f"{entity.name}.{read.field}"] = field
        if read.of:
            other = charter.entities[field.type.entity]
            found[f"{other.name}.{read.of}"] = other.fields[read.of]
    if column.expression.link:
        for name in column.expression.link.arguments:
            if name in entity.fields:
                found[f"{entity.name}.{name}"] = entity.fields[name]
    return found


def _type(type_: ValueType) -> str:
    if type_.kind == "enum":
        return f"one of {', '.join(type_.values)}"
    if type_.kind == "ref":
        return f"key of {type_.entity}"
    return f"money in {type_.currency}" if type_.kind == "money" else type_.kind


def _title(charter: Charter, steward: str) -> str:
    return charter.stewards[steward].title


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def _cell(text: str) -> str:
    # A bar or a line break would end the cell.
    return " ".join(text.replace("|", "\\|").split())
