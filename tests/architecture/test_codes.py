"""Every refusal has a code, every code one meaning and one heading."""

from __future__ import annotations

import ast
import re

from tests.architecture.documents import anchors, generator
from tests.architecture.source import REPOSITORY, written

CODE = re.compile(r"M[1-8][0-9]{2}")


def _used() -> dict[str, str]:
    """Every code that the source names outside the tables of codes, and one place of it."""
    return {
        node.value: module.at(node)
        for module in written()
        if not module.name.endswith("codes")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and CODE.fullmatch(node.value)
    }


def test_every_code_that_is_raised_is_listed_in_a_room():
    listed = generator().all_codes()

    unlisted = [f"{place} {code}" for code, place in _used().items() if code not in listed]

    assert unlisted == [], "\n".join(unlisted)


def test_every_listed_code_is_raised_somewhere():
    used = _used()

    idle = [code for code in generator().all_codes() if code not in used]

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
        for node in ast.walk(m.tree)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and isinstance(node.exc.func, ast.Name)
        and node.exc.func.id in {"Exception", "RuntimeError", "BaseException"}
    ]

    assert bare == [], "\n".join(bare)
