"""Say in a charter's words what is wrong with a system's settings, and on which line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.charter.shape import keys_at
from matricula.kernel.findings import Finding
from matricula.kernel.words import meant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    from matricula.charter.model import System
    from matricula.charter.text import Node

_WRITE = {
    "string": "text; put it in quotes if it looks like a number or a truth value",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "decimal": "a number",
    "tuple": "a list, such as [student_no]",
    "list": "a list, such as [student_no]",
    "set": "a list, such as [student_no]",
    "dict": "a map of keys and values",
    "model": "a map of keys and values",
}
_LIMITS = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
}
_EMPTY = ("too_short", "string_too_short")


def finding(
    system: System, settings: type[BaseModel], told: ErrorDetails, text: Node | None
) -> Finding:
    """Turn one complaint about a system's settings into a finding.

    Args:
        system: Whose settings.
        settings: Their shape.
        told: What pydantic says.
        text: The charter's text, for the line; the system's own line where it is None.
    """
    steps = _steps(system.settings, told["loc"])
    where = ".".join([system.name, *steps])
    kind = told["type"]
    message, cure = _words(where, kind, told)
    if kind == "missing":
        message, cure = f"{where} is missing.", f"Add `{steps[-1]}:`."
    if kind == "extra_forbidden":
        owner = ".".join([system.name, *steps[:-1]])
        message = f"{owner} has no setting {steps[-1]}."
        cure = meant(steps[-1], keys_at(settings, steps[:-1]))
    return Finding(_place(system, text, steps), "M602", message, cure)


def _steps(settings: Mapping[str, object], location: tuple[int | str, ...]) -> list[str]:
    """Follow a location as far as it stands in the text; the rest names branches of the shape."""
    steps: list[str] = []
    here: object = settings
    for place, step in enumerate(location):
        below = dict(enumerate(here)) if isinstance(here, list) else here
        is_last = place == len(location) - 1
        if not isinstance(below, dict) or (step not in below and not is_last):
            continue
        here = below.get(step)
        steps.append(str(step))
    return steps


def _words(where: str, kind: str, told: ErrorDetails) -> tuple[str, str]:
    given = told["input"]
    context = told.get("ctx", {})
    stem = kind.partition("_")[0]
    if kind in _EMPTY:
        return f"{where} is empty.", "Fill it in."
    if kind in _LIMITS:
        return f"{where} is {given}.", f"Write {_LIMITS[kind].format(**context)}."
    if kind in {"literal_error", "enum"}:
        return f"{where} is not one of its words.", f"Use one of {context.get('expected')}."
    if stem in _WRITE and kind != "value_error":
        return f"{where} is {_called(given)}.", f"Write {_WRITE[stem]}."
    said = str(context.get("error") or told["msg"]).rstrip(".")
    return f"{where}: {said}.", "Correct it; the connector's page in the reference shows how."


def _called(given: object) -> str:
    """Name a value by its kind alone: it may be a secret that was written in the wrong place."""
    kinds = {bool: "a truth value", int: "a number", float: "a number", str: "text"}
    if given is None:
        return "empty"
    if isinstance(given, dict):
        return "a map"
    return "a list" if isinstance(given, list) else kinds.get(type(given), "something else")


def _place(system: System, text: Node | None, steps: list[str]) -> str:
    if text is None:
        return system.place
    path: list[str | int] = ["systems", system.name, "settings"]
    for step in steps:
        is_list = bool(text.at(tuple(path)).list())
        path.append(int(step) if is_list else step)
    node = text.at(tuple(path))
    return node.place
