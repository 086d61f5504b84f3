"""How the command line looks: tables, findings, errors, JSON. Nothing is decided here."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from shutil import get_terminal_size
from textwrap import fill
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from matricula.cli import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matricula.kernel.errors import MatriculaError
    from matricula.kernel.findings import Finding

# Plain text is read by programs and by people with screen readers: no boxes, no truncation.
_WIDE = 200
_NARROWEST = 40
_AS_NUMBERS = ("", "all")


def console(*, err: bool = False) -> Console:
    """Make a console that is wide where nobody looks at it."""
    stream = sys.stderr if err else sys.stdout
    width = _width(stream.isatty()) or _WIDE
    # Line 100 of a file is `:100:`, which would be printed as a picture.
    return Console(file=stream, width=width, highlight=False, emoji=False)


def _width(is_terminal: bool) -> int | None:  # noqa: FBT001 - what it asks
    """Say how wide it is, where somebody looks at it or says so; None elsewhere."""
    asked = os.environ.get("COLUMNS", "")
    if not is_terminal and not asked.isdigit():
        return None
    return max(get_terminal_size().columns, _NARROWEST)


def say(text: str, *, under: int = 0) -> None:
    """Print a sentence; its words stay whole where somebody looks at it.

    Args:
        text: What to say.
        under: How far the lines after the first are indented.
    """
    width = _width(sys.stdout.isatty())
    if width:
        text = fill(
            text, width, subsequent_indent=" " * under, break_long_words=False,
            break_on_hyphens=False, replace_whitespace=False,
        )  # fmt: skip
    console().print(escape(text), soft_wrap=True)


def as_json(value: object) -> None:
    """Print one JSON value."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """Print a table, or a block for each row where it is too narrow; numbers stand right."""
    kept = [[_cell(value) for value in row] for row in rows]
    out = console()
    found = tables.widths(columns, kept, within=out.width)
    if found is None:
        _print_blocks(columns, kept, title)
        return
    drawn = Table(title=escape(title) or None, title_justify="left", box=None, pad_edge=False)
    for place, column in enumerate(columns):
        number = bool(kept) and all(
            row[place].isdigit() or row[place] in _AS_NUMBERS for row in kept
        )
        drawn.add_column(
            column, justify="right" if number else "left", overflow="fold", width=found[place]
        )
    for row in kept:
        drawn.add_row(*[escape(cell) for cell in row])
    out.print(drawn)


def _print_blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    if title:
        say(title)
    indent = max(map(len, columns)) + 4
    for heading, lines in tables.blocks(columns, rows):
        say(heading)
        for line in lines:
            say(line, under=indent)


def _cell(value: object) -> str:
    if value is None:
        return ""
    return instant(value) if isinstance(value, datetime) else _word(value)


def instant(at: datetime | None) -> str:
    """Say when, to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "never"


def value(found: object, most: int = 40) -> str:
    """Write a value the way a person says it, and the beginning of a long one."""
    text = _word(found)
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"


def _word(value: object) -> str:
    words: dict[object, str] = {None: "nothing", True: "yes", False: "no"}
    return words[value] if value is None or isinstance(value, bool) else str(value)


def findings(found: Iterable[Finding]) -> None:
    """Print findings one below the other: place, code, what is wrong, what to do."""
    out = console(err=True)
    for finding in found:
        colour = "red" if finding.severity == "error" else "yellow"
        out.print(
            f"{escape(finding.place)}: [{colour}]{finding.code}[/]: "
            f"{escape(finding.message)} [dim]{escape(finding.cure)}[/]",
            soft_wrap=True,
        )


def error(problem: MatriculaError) -> None:
    """Print an error: where, what, why, and what to do."""
    place = f"{escape(problem.place)}: " if problem.place else ""
    console(err=True).print(
        f"{place}[red]{problem.code}[/]: {escape(problem.message)} [dim]{escape(problem.cure)}[/]",
        soft_wrap=True,
    )
