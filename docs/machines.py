"""Draw the register's state machines from the tables by which the register acts.

A picture and, for whoever does not see it, the same as a table: each action with the states in
which it may happen and the one to which it leads.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.kernel.histories import Move

_WIDE, _HIGH, _ACROSS, _DOWN, _EDGE = 132, 34, 232, 74, 24


def places(moves: Mapping[str, Move]) -> dict[str, tuple[int, int]]:
    """Give each state a column, by how many actions lead there at least, and a row in it."""
    columns: dict[str, int] = {"": 0}
    left = True
    while left:
        left = False
        for move in moves.values():
            reached = [columns[source] for source in move.sources if source in columns]
            if reached and move.target not in columns:
                columns[move.target] = min(reached) + 1
                left = True
    rows: dict[int, int] = {}
    found = {}
    for state, column in columns.items():
        found[state] = (column, rows.get(column, 0))
        rows[column] = rows.get(column, 0) + 1
    return found


def picture(title: str, moves: Mapping[str, Move]) -> str:
    """Draw one machine as SVG; its title and every label can be read aloud."""
    placed = places(moves)
    wide = (max(column for column, _ in placed.values()) + 1) * _ACROSS
    high = (max(row for _, row in placed.values()) + 1) * _DOWN + _EDGE
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" role="img" '
            f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="12">'
        ),
        f"<title>{escape(title)}</title>",
        (
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="#667"/></marker></defs>'
        ),
    ]
    parts += _arrows(moves, placed)
    parts += [_box(state, place) for state, place in placed.items()]
    return "\n".join([*parts, "</svg>", ""])


def _corner(place: tuple[int, int]) -> tuple[int, int]:
    column, row = place
    return column * _ACROSS + _EDGE, row * _DOWN + _EDGE


def _box(state: str, place: tuple[int, int]) -> str:
    x, y = _corner(place)
    if not state:
        return f'<circle cx="{x + _WIDE // 2}" cy="{y + _HIGH // 2}" r="7" fill="#334"/>'
    return (
        f'<rect x="{x}" y="{y}" width="{_WIDE}" height="{_HIGH}" rx="6" fill="#eef2f7" '
        f'stroke="#667"/><text x="{x + _WIDE // 2}" y="{y + 21}" text-anchor="middle" '
        f'fill="#223">{escape(state)}</text>'
    )


def _arrows(moves: Mapping[str, Move], placed: Mapping[str, tuple[int, int]]) -> list[str]:
    """Draw what leads from each state to each other; several actions share an arrow."""
    labels: dict[tuple[str, str], list[str]] = {}
    for action, move in moves.items():
        for source in sorted(move.sources):
            if source in placed:
                labels.setdefault((source, move.target), []).append(action)
    return [
        _arrow(placed[source], placed[target], ", ".join(names))
        for (source, target), names in labels.items()
    ]


def _arrow(source: tuple[int, int], target: tuple[int, int], label: str) -> str:
    (x, y), (u, v) = _corner(source), _corner(target)
    ahead = target[0] > source[0]
    start = (x + (_WIDE if ahead else _WIDE // 2), y + (_HIGH // 2 if ahead else _HIGH))
    end = (u if ahead else u + _WIDE // 2, v + (_HIGH // 2 if ahead else _HIGH))
    if ahead:
        bend = (end[0] - start[0]) // 2
        path = f"M{start[0]} {start[1]}C{start[0] + bend} {start[1]} {end[0] - bend} {end[1]} "
        middle = ((start[0] + end[0]) // 2, (start[1] + end[1]) // 2 - 5)
    else:
        sag = 26
        path = f"M{start[0]} {start[1]}C{start[0]} {start[1] + sag} {end[0]} {end[1] + sag} "
        middle = ((start[0] + end[0]) // 2, max(start[1], end[1]) + sag - 5)
    return (
        f'<path d="{path}{end[0]} {end[1]}" fill="none" stroke="#667" marker-end="url(#tip)"/>'
        f'<text x="{middle[0]}" y="{middle[1]}" text-anchor="middle" fill="#245" '
        f'font-size="10.5" paint-order="stroke" stroke="#fff" stroke-width="3">'
        f"{escape(label)}</text>"
    )


def table(moves: Mapping[str, Move]) -> Sequence[str]:
    """Say the same in a table."""
    lines = ["| action | in | leads to |", "|---|---|---|"]
    for action, move in moves.items():
        sources = ", ".join(source or "nothing yet" for source in sorted(move.sources))
        lines.append(f"| {action} | {sources} | {move.target} |")
    return lines


def every() -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Name the register's state machines, with a title and the table by which each acts."""
    from matricula.sis.admissions import rules as admissions
    from matricula.sis.curriculum import rules as curriculum
    from matricula.sis.enrolment import rules as enrolment
    from matricula.sis.holds import rules as holds
    from matricula.sis.registration import rules as registration

    return {
        "application": ("An application", admissions.TRANSITIONS),
        "registration": ("A registration", registration.TRANSITIONS),
        "term-registration": ("A registration in a term", enrolment.TERMS.moves),
        "enrolment": ("An enrolment", enrolment.ENROLMENTS.moves),
        "hold": ("A hold", holds.TRANSITIONS),
        "section": ("A section", curriculum.TRANSITIONS),
    }
