"""Forms as PHP reads them: nested by their names, and cut at `max_input_vars` without a word."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

_PART = re.compile(r"\[([^\]]*)\]")


def read_form(body: bytes, max_input_vars: int) -> dict[str, Any]:
    """Read a form; what comes after the first so many variables is dropped silently."""
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    nested: dict[str, Any] = {}
    for name, value in pairs[:max_input_vars]:
        head, _, _ = name.partition("[")
        _put(nested, [head, *_PART.findall(name)], value)
    return {key: _lists(value) for key, value in nested.items()}


def _put(home: dict[str, Any], path: list[str], value: str) -> None:
    for part in path[:-1]:
        home = home.setdefault(part, {})
    home[path[-1] or str(len(home))] = value


def _lists(value: Any) -> Any:  # noqa: ANN401 - as nested as a form is
    if not isinstance(value, dict):
        return value
    parts = {key: _lists(one) for key, one in value.items()}
    if all(key.isdigit() for key in parts):
        return list(parts.values())
    return parts
