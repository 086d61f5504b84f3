"""The ownership matrix: which system owns each field, and which hold a copy of it.

A value first, then a picture of it. The picture reads as a table too: it has a title, a
description, and every cell says in words what its colour shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from matricula.charter.lineage import fields_read

if TYPE_CHECKING:
    from matricula.charter.model import Charter, Flow

_ROW = 22
_FIELD_WIDTH = 230
_COLUMN = 170
_HEAD = 58
_COLOURS = {"owner": "#1d4e89", "copy": "#d6e6f5", "initially": "#f6ecc9", "": "#ffffff"}
_INK = {"owner": "#ffffff"}
_LONGEST = 26


@dataclass(frozen=True, slots=True)
class Cell:
    """What one system is to one field.

    Attributes:
        role: `owner`, `copy`, `initially` (proposed once) or empty.
        flows: That write the copy, sorted.
    """

    role: str = ""
    flows: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Say it in words; empty for nothing."""
        if self.role in {"owner", ""}:
            return self.role
        return f"{self.role} ({', '.join(self.flows)})"


@dataclass(frozen=True, slots=True)
class Row:
    """One field and its cells, one for each system of the matrix."""

    field: str
    data_class: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Fields by systems."""

    institution: str
    systems: tuple[str, ...]
    rows: tuple[Row, ...]

    def as_json(self) -> dict[str, object]:
        """Give it as a JSON value."""
        return {
            "systems": list(self.systems),
            "fields": [
                {
                    "field": row.field,
                    "class": row.data_class,
                    "cells": {
                        system: {"role": cell.role, "flows": list(cell.flows)}
                        for system, cell in zip(self.systems, row.cells, strict=True)
                        if cell.role
                    },
                }
                for row in self.rows
            ],
        }


def ownership_matrix(charter: Charter) -> Matrix:
    """Draw up the matrix of a charter, in its own order."""
    copies = _copies(charter)
    rows = [
        Row(
            f"{entity.name}.{field.name}",
            field.data_class,
            tuple(
                Cell("owner")
                if field.owner.system == system
                else copies.get((f"{entity.name}.{field.name}", system), Cell())
                for system in charter.systems
            ),
        )
        for entity in charter.entities.values()
        for field in entity.fields.values()
    ]
    return Matrix(charter.institution, tuple(charter.systems), tuple(rows))


def _copies(charter: Charter) -> dict[tuple[str, str], Cell]:
    """Find for each field and system the flows that write its value there."""
    kept: dict[tuple[str, str], set[str]] = {}
    proposed: dict[tuple[str, str], set[str]] = {}
    for flow in charter.flows.values():
        for word, initially in _carried(charter, flow):
            into = proposed if initially else kept
            into.setdefault((word, flow.target.system), set()).add(flow.name)
    cells = {place: Cell("initially", tuple(sorted(flows))) for place, flows in proposed.items()}
    return cells | {place: Cell("copy", tuple(sorted(flows))) for place, flows in kept.items()}


def _carried(charter: Charter, flow: Flow) -> list[tuple[str, bool]]:
    return [
        (word, field.initially)
        for field in flow.fields.values()
        for word in fields_read(charter, flow, field.expression)
    ]


def matrix_svg(matrix: Matrix) -> str:
    """Draw the matrix as one SVG document."""
    width = _FIELD_WIDTH + _COLUMN * len(matrix.systems)
    height = _HEAD + _ROW * len(matrix.rows) + 8
    owned = sum(cell.role == "owner" for row in matrix.rows for cell in row.cells)
    frame = (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="12" '
        'aria-labelledby="matrix-title matrix-description">'
    )
    description = (
        f"A table of {len(matrix.rows)} fields and {len(matrix.systems)} systems. {owned} cells "
        "say owner; every field has one. Others say copy or initially, with the flows that "
        "write it, or nothing."
    )
    lines = [
        frame,
        f'<title id="matrix-title">Who owns what at {escape(matrix.institution)}</title>',
        f'<desc id="matrix-description">{description}</desc>',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        '<g role="table">',
        *_heading(matrix),
        *(line for place, row in enumerate(matrix.rows) for line in _row(matrix, row, place)),
        "</g>",
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _heading(matrix: Matrix) -> list[str]:
    heading = escape(f"{matrix.institution}: who owns what")
    lines = [
        f'<text x="8" y="20" font-size="15" font-weight="bold">{heading}</text>',
        '<g role="row" font-weight="bold">',
        f'<text role="columnheader" x="8" y="{_HEAD - 8}">field</text>',
    ]
    for place, system in enumerate(matrix.systems):
        x = _FIELD_WIDTH + _COLUMN * place + 6
        lines.append(f'<text role="columnheader" x="{x}" y="{_HEAD - 8}">{escape(system)}</text>')
    return [*lines, "</g>"]


def _row(matrix: Matrix, row: Row, place: int) -> list[str]:
    y = _HEAD + _ROW * place
    mark = "" if row.data_class == "public" else f" ({row.data_class})"
    lines = [
        '<g role="row">',
        f'<text role="rowheader" x="8" y="{y + 15}">{escape(_cut(row.field + mark, 34))}</text>',
    ]
    for column, (system, cell) in enumerate(zip(matrix.systems, row.cells, strict=True)):
        x = _FIELD_WIDTH + _COLUMN * column
        said = escape(f"{row.field} in {system}: {cell.text or 'nothing'}")
        lines.append(
            f'<g role="cell"><title>{said}</title><rect x="{x}" y="{y}" '
            f'width="{_COLUMN - 2}" height="{_ROW - 2}" fill="{_COLOURS[cell.role]}" '
            f'stroke="#c8d2dc"/><text x="{x + 6}" y="{y + 15}" '
            f'fill="{_INK.get(cell.role, "#1b2733")}">{escape(_cut(cell.text, _LONGEST))}</text>'
            "</g>"
        )
    return [*lines, "</g>"]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"
