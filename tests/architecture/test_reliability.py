"""The page on what has been tried names tests that exist, and hides nothing that is not tried."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tests.architecture.source import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = REPOSITORY / "docs" / "reliability.md"
LETTERS = "ABCDEFGHIJKLMN"


def _tests() -> set[str]:
    """Name every test of the suite, by its syntax alone."""
    trees = (
        ast.parse(path.read_text(encoding="utf-8"))
        for path in (REPOSITORY / "tests").rglob("test_*.py")
    )
    return {
        node.name
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def _rows() -> Iterator[tuple[str, str]]:
    """Every row of the page's tables: what happens, and what is said of it."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "what happens":
            assert len(cells) == 2, line
            yield cells[0], cells[1]


def test_every_test_that_the_page_names_exists():
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8")))

    assert sorted(named - _tests()) == []
    assert len(named) > 100


def test_every_row_names_a_test_or_says_that_nothing_tries_it():
    silent = [what for what, said in _rows() if not re.search(r"`test_\w+`|\*not tried\*", said)]

    assert silent == []


def test_every_letter_of_what_must_be_survived_has_its_table():
    headings = re.findall(r"^## ([A-Z])\. ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert "".join(headings) == LETTERS
