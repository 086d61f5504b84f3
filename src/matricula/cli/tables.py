"""Tables that fit: words are never cut, and what is too wide becomes one block for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = 2
# A column of sentences is read, not spelled: it keeps room for some words.
_READABLE = 20


def without_zeros(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, keep: Sequence[str]
) -> tuple[list[str], list[list[object]]]:
    """Leave out the columns that hold nothing but zeros, save those that are always shown."""
    told = [
        place
        for place, column in enumerate(columns)
        if column in keep or any(row[place] != 0 for row in rows)
    ]
    return [columns[place] for place in told], [[row[place] for place in told] for row in rows]


def widths(
    columns: Sequence[str], rows: Sequence[Sequence[str]], *, within: int
) -> list[int] | None:
    """Find how wide each column is; None where not even the words fit beside one another.

    The first column names the row and is kept whole.
    """
    cells = [[column, *(row[place] for row in rows)] for place, column in enumerate(columns)]
    found = [max(map(cell_len, of)) for of in cells]
    least = [_least(of, whole=place == 0) for place, of in enumerate(cells)]
    room = within - _GAP * (len(columns) - 1)
    if sum(least) > room:
        return None
    while sum(found) > room:
        _, widest = max((found[n], n) for n in range(len(found)) if found[n] > least[n])
        found[widest] -= 1
    return found


def _least(cells: Sequence[str], *, whole: bool) -> int:
    longest = max(map(cell_len, cells))
    if whole:
        return longest
    word = max((cell_len(word) for cell in cells for word in cell.split()), default=0)
    return max(word, min(longest, _READABLE))


def blocks(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[tuple[str, list[str]]]:
    """Give each row as a heading and lines of what is not empty, each with its column's name."""
    wide = max(map(cell_len, columns))
    return [
        (
            row[0],
            [
                f"  {name}{' ' * (wide - cell_len(name))}  {cell}"
                for name, cell in zip(columns[1:], row[1:], strict=True)
                if cell
            ],
        )
        for row in rows
    ]
