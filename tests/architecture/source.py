"""The product's own source as syntax trees, read once for all rules of the house."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).parents[2]
SOURCE = REPOSITORY / "src" / "matricula"


@dataclass(frozen=True, slots=True)
class Module:
    """One module: its dotted name below `matricula`, its path, text, tree and all its nodes."""

    name: str
    path: Path
    text: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]

    @property
    def room(self) -> str:
        """The room it stands in; empty for the package itself."""
        return self.name.partition(".")[0]

    def at(self, node: ast.AST) -> str:
        """Say where a node is, the way the rules report it."""
        return f"{self.path.relative_to(REPOSITORY)}:{getattr(node, 'lineno', 1)}"


@cache
def modules() -> tuple[Module, ...]:
    """Read every module of the product."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        text = path.read_text(encoding="utf-8")
        name = name.removesuffix("__init__").removesuffix(".")
        tree = ast.parse(text)
        found.append(Module(name, path, text, tree, tuple(ast.walk(tree))))
    return tuple(found)


def written() -> tuple[Module, ...]:
    """Every module that a person wrote: migrations are written by Django."""
    return tuple(m for m in modules() if "migrations" not in m.name.split("."))


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module, inner ones too."""
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def dotted(node: ast.AST) -> str:
    """Write a chain of names, such as `sys.stdout.write`; `?` where it is no name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "?"


def imported(module: Module) -> Iterator[tuple[str, ast.AST]]:
    """Every name that a module imports, in full: `django.db.models`."""
    for node in module.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node
