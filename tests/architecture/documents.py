"""The pages people read, as the tests see them."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING, Any

from tests.architecture.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<to>[^)\s]+)\)|!\[[^\]]*\]\((?P<picture>[^)\s]+)\)")


def generator() -> Any:
    """Load docs/generate.py, which is no part of any package."""
    spec = importlib.util.spec_from_file_location(
        "matricula_docs_generate", REPOSITORY / "docs" / "generate.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pages() -> list[Path]:
    """Every Markdown page of the project."""
    folders = ("docs", "src", "examples", "bench")
    below = [p for folder in folders for p in (REPOSITORY / folder).rglob("*.md")]
    return sorted([*REPOSITORY.glob("*.md"), *below])


def without_code(text: str) -> str:
    """A page's prose: what stands in fences is no link and no heading."""
    return FENCE.sub("", text)


def anchors(path: Path) -> set[str]:
    """The anchors that a page's headings give, as code hosts make them."""
    headings = re.findall(r"^#{1,6} (.+)$", without_code(path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}
