"""Small, and boring on purpose: budgets for modules and functions, by syntax tree."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.source import Module, functions, written

MODULE_LINES = 400
FUNCTION_LINES = 60
LEVELS = 3
ARGUMENTS = 6

_NESTING = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines without its docstring: explaining at length is welcome."""
    total = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and ast.get_docstring(node, clean=False) is not None:
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def _depth(node: ast.AST) -> int:
    """Count the deepest nesting below a node; an `elif` is on the level of its `if`."""
    deepest = 0
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _SCOPES):
            continue
        chained = isinstance(node, ast.If) and node.orelse == [child] and isinstance(child, ast.If)
        deeper = isinstance(child, _NESTING) and not chained
        deepest = max(deepest, _depth(child) + deeper)
    return deepest


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return len([a for a in every if a.arg not in {"self", "cls"}])


def _parsed(text: str) -> ast.FunctionDef:
    node = ast.parse(text).body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


def test_no_module_is_longer_than_a_person_reads_at_once():
    long = [
        f"{m.at(m.tree)} {len(m.text.splitlines())} lines"
        for m in written()
        if len(m.text.splitlines()) > MODULE_LINES
    ]

    assert long == [], "\n".join(long)


def test_no_function_is_longer_than_a_screen():
    long = [
        f"{m.at(node)} {node.name}: {_lines(node)} lines"
        for m in written()
        for node in functions(m)
        if _lines(node) > FUNCTION_LINES
    ]

    assert long == [], "\n".join(long)


def test_no_function_is_nested_deeper_than_three_levels():
    deep = [
        f"{m.at(node)} {node.name}: {_depth(node)} levels"
        for m in written()
        for node in functions(m)
        if _depth(node) > LEVELS
    ]

    assert deep == [], "\n".join(deep)


def test_no_function_takes_more_than_six_arguments():
    many = [
        f"{m.at(node)} {node.name}: {_arguments(node)} arguments"
        for m in written()
        for node in functions(m)
        if _arguments(node) > ARGUMENTS
    ]

    assert many == [], "\n".join(many)


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("def f():\n    return 1", 0),
        ("def f():\n    if a:\n        pass\n    elif b:\n        pass", 1),
        ("def f():\n    for a in b:\n        with c:\n            if d:\n                pass", 3),
        ("def f():\n    def g():\n        if a:\n            pass\n    return g", 0),
    ],
)
def test_nesting_is_counted_as_a_reader_counts_it(text: str, levels: int):
    assert _depth(_parsed(text)) == levels


def test_every_value_that_passes_between_rooms_is_frozen_unless_it_says_why():
    loose = [
        f"{m.at(node)} {node.name}"
        for m in written()
        for node in m.nodes
        if _passes_between_rooms(m) and isinstance(node, ast.ClassDef)
        for made in node.decorator_list
        if _is_loose(made) and not _says_why(m, node)
    ]

    assert loose == [], "\n".join(loose)


def _passes_between_rooms(module: Module) -> bool:
    return module.room == "kernel" or module.name in {
        "charter.model",
        "engine.plan",
        "engine.state",
        "connectors.kit.protocol",
    }


def _is_loose(made: ast.expr) -> bool:
    if isinstance(made, ast.Name):
        return made.id == "dataclass"
    if not isinstance(made, ast.Call) or getattr(made.func, "id", "") != "dataclass":
        return False
    return not {"frozen", "slots"} <= {keyword.arg for keyword in made.keywords}


def _says_why(module: Module, node: ast.ClassDef) -> bool:
    """A dataclass that changes says so: its docstring speaks of what fills or moves it."""
    words = ("filled", "changes", "grows")
    return any(word in (ast.get_docstring(node) or "").lower() for word in words)
