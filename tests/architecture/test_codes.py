"""Every refusal has a code, every code one meaning and one heading."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tests.architecture.documents import anchors, generator
from tests.architecture.source import REPOSITORY, written

if TYPE_CHECKING:
    from collections.abc import Iterable

CODE = re.compile(r"M[1-9][0-9]{2}")


def _codes(nodes: Iterable[ast.AST]) -> list[ast.Constant]:
    return [
        node
        for node in nodes
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and CODE.fullmatch(node.value)
    ]


def _named() -> dict[str, str]:
    """Every code that the source names outside the tables of codes, and one place of it."""
    return {
        node.value: module.at(node)
        for module in written()
        if not module.name.endswith("codes")
        for node in _codes(module.nodes)
    }


def _handed_on(node: ast.AST) -> list[ast.AST]:
    """What a node gives to an error, a finding, a fault, a reason or a trouble.

    Arguments of a call and what they default to; the first of a pair, which is unpacked into
    one (`("M712", message)`); the `code` of a row; and what a name stands for. A plain list of
    codes raises nothing.
    """
    if isinstance(node, ast.Call):
        return [*node.args, *(keyword.value for keyword in node.keywords)]
    if isinstance(node, ast.arguments):
        return [*node.defaults, *(value for value in node.kw_defaults if value)]
    if isinstance(node, ast.Tuple) and len(_codes(ast.walk(node))) == 1 and len(node.elts) > 1:
        return [node.elts[0]]
    if isinstance(node, ast.Dict):
        return [value for key, value in zip(node.keys, node.values, strict=True) if _is_code(key)]
    if isinstance(node, ast.Assign):
        several = isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)
        return list(node.value.elts) if several else [node.value]
    return []


def _is_code(key: ast.AST | None) -> bool:
    return isinstance(key, ast.Constant) and key.value == "code"


def _raised() -> set[object]:
    """Every code that is handed to something."""
    return {
        code.value
        for module in written()
        if not module.name.endswith("codes")
        for node in module.nodes
        for code in _handed_on(node)
        if isinstance(code, ast.Constant) and CODE.fullmatch(str(code.value))
    }


def test_every_code_that_is_raised_is_listed_in_a_room():
    listed = generator().all_codes()

    unlisted = [f"{place} {code}" for code, place in _named().items() if code not in listed]

    assert unlisted == [], "\n".join(unlisted)


def test_every_listed_code_is_raised_somewhere():
    raised = _raised()

    idle = [code for code in generator().all_codes() if code not in raised]

    assert idle == [], "\n".join(idle)


def test_every_code_says_why_and_what_to_do():
    curt = [
        name
        for name, code in generator().all_codes().items()
        if not (code.title and code.why.endswith(".") and code.cure.endswith("."))
    ]

    assert curt == [], "\n".join(curt)


def test_every_code_has_a_heading_in_the_reference():
    headings = anchors(REPOSITORY / "docs" / "reference" / "errors.md")

    missing = [code for code in generator().all_codes() if code.lower() not in headings]

    assert missing == [], "\n".join(missing)


def test_only_our_own_errors_are_raised_with_a_code():
    bare = [
        m.at(node)
        for m in written()
        for node in m.nodes
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
        and node.exc.func.id in {"Exception", "RuntimeError", "BaseException"}
    ]

    assert bare == [], "\n".join(bare)
