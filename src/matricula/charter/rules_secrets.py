"""Rules: a secret is named in the charter, never written in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.charter.draft import Draft
    from matricula.charter.text import Node

_NAME = re.compile(
    r"(^|_)(password|passwd|passphrase|pwd|secret|token|apikey|api_key|access_key|private_key|"
    r"secret_key|signing_key|credential|credentials)$"
)
_VALUE = re.compile(r"-----BEGIN |^eyJ[\w-]+\.|^(Bearer|Basic) \S")
_QUERY = re.compile(r"[?&;](password|pwd|token|secret|api_?key|access_key)=", re.IGNORECASE)


def secret_findings(draft: Draft) -> Iterator[Finding]:
    """Find secrets written in the settings of a system."""
    for name, node in draft.systems.items():
        settings = node.get("settings")
        if settings:
            yield from _within(f"systems.{name}.settings", settings, top=True)


def _within(word: str, node: Node, *, top: bool = False) -> Iterator[Finding]:
    for key, child in node.map().items():
        # `key:` deeper down names the columns that identify a record.
        named = bool(_NAME.search(key.lower())) or (top and key.lower() == "key")
        yield from _judge(f"{word}.{key}", child, named=named)
    for place, child in enumerate(node.list()):
        yield from _judge(f"{word}.{place}", child, named=False)


def _judge(word: str, node: Node, *, named: bool) -> Iterator[Finding]:
    value = node.value
    if isinstance(value, dict | list):
        yield from _within(word, node)
        return
    text = "" if value is None else str(value)
    if not text or text.startswith(("env:", "file:")) or not (named or _tells(text)):
        return
    # The value itself is never repeated: findings are shown and kept.
    yield Finding(
        node.place, "M217", f"{word} holds a secret in clear.",
        "Write env:NAME or file:PATH, put the secret there, and change it: it has been read.",
    )  # fmt: skip


def _tells(text: str) -> bool:
    if _VALUE.search(text) or _QUERY.search(text):
        return True
    try:
        return "://" in text and bool(urlsplit(text).password)
    except ValueError:
        # An address too odd to take apart may still carry a password before its @.
        return "@" in text
