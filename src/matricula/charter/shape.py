"""Check the shape of a charter's text, and publish that shape as a JSON Schema.

Every unknown key, missing key and wrong value is found in one pass and said in words.
"""

from __future__ import annotations

import difflib
import types
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from matricula.charter.grammar import CharterPart
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_core import ErrorDetails

    from matricula.charter.text import Node, Path_

_FLOW_ANSWERS = {
    "purpose": "why the copy exists",
    "from": "whose fields are carried",
    "to": "which resource receives the copy",
    "fields": "which fields are granted",
    "cadence": "how fresh the copy is",
    "on_exit": "what happens when a record leaves",
    "on_drift": "what happens when somebody edits the copy",
    "errors_to": "which office sees errors",
    "if_unavailable": "what happens while a system is down",
}
_KINDS = {
    "string_type": "text; put it in quotes if it must look like a number or a truth value",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "dict_type": "a map of keys and values",
    "model_type": "a map of keys and values",
    "list_type": "a list",
}


def shape_findings(root: Node) -> list[Finding]:
    """List everything in a charter's text that is not of the charter's shape."""
    try:
        CharterPart.model_validate(root.plain())
    except ValidationError as error:
        found = [_say(root, detail) for detail in error.errors()]
        return list(dict.fromkeys(found))
    return []


def schema() -> dict[str, Any]:
    """Give the JSON Schema of one charter file; the parts may stand in several files."""
    found = CharterPart.model_json_schema(by_alias=True)
    # A file holds some of the keys; only the folder as a whole holds them all.
    found.pop("required")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def _say(root: Node, detail: ErrorDetails) -> Finding:
    path = _path(root, detail["loc"])
    node = root.at(path)
    kind = detail["type"]
    word = ".".join(str(step) for step in path) or "the charter"
    if kind == "missing":
        return _say_missing(path, node, str(path[-1]))
    if kind == "extra_forbidden":
        return _say_unknown(path, node)
    if kind.startswith("M"):
        context = detail.get("ctx", {})
        return Finding(node.place, kind, f"{word}: {context['reason']}", context["cure"])
    if kind in _KINDS:
        return _say_kind(path, node, word, kind)
    reason = f"`{node.plain()}` is not one of its words" if kind == "literal_error" else "empty"
    reason = "a count is not negative" if kind == "greater_than_equal" else reason
    return Finding(node.place, "M113", f"{word}: {reason}.", _cure(kind, detail))


def _path(root: Node, location: tuple[int | str, ...]) -> Path_:
    """Follow an error's location; words that only name a branch of the shape are dropped."""
    path: list[str | int] = []
    for place, step in enumerate(location):
        node = root.at(tuple(path))
        known = node.map() if isinstance(step, str) else dict(enumerate(node.list()))
        last = place == len(location) - 1
        if step in known or (last and step != "[key]" and isinstance(node.value, dict)):
            path.append(step)
    return tuple(path)


def _say_missing(path: Path_, node: Node, key: str) -> Finding:
    owner = ".".join(str(step) for step in path[:-1]) or "The charter"
    where = path[0], len(path)
    if where == ("flows", 3) and key in _FLOW_ANSWERS:
        return Finding(
            node.place, "M210", f"{owner} does not say {_FLOW_ANSWERS[key]} (`{key}:`).",
            f"A flow answers all eight questions; add `{key}:`.",
        )  # fmt: skip
    if where == ("flows", 3) and key == "match":
        return Finding(
            node.place, "M216", f"{owner} does not say how a copy that exists is found.",
            "Add `match:` with a target field and the expression it equals.",
        )  # fmt: skip
    if where == ("flows", 5) and key == "because":
        return Finding(
            node.place, "M211", f"{owner} does not say why the target needs it.",
            "Add `because:` with the reason, or do not copy the field.",
        )  # fmt: skip
    if where == ("entities", 5) and key == "owner":
        return Finding(
            node.place, "M202", f"{owner} has no owner.",
            "Add `owner:` with the one resource whose value counts.",
        )  # fmt: skip
    if where == ("systems", 3) and key == "steward":
        return Finding(
            node.place, "M204", f"{owner} has no steward.",
            "Add `steward:` with the office that answers for its data.",
        )  # fmt: skip
    return Finding(
        node.place, "M111", f"{owner} lacks the key `{key}`.", f"Add `{key}:`."
    )  # fmt: skip


def _say_unknown(path: Path_, node: Node) -> Finding:
    key = str(path[-1])
    owner = ".".join(str(step) for step in path[:-1]) or "the charter"
    allowed = keys_at(CharterPart, path[:-1])
    near = difflib.get_close_matches(key, allowed, n=1, cutoff=0.5)
    cure = f"Did you mean `{near[0]}`?" if near else f"Use one of {', '.join(allowed)}."
    return Finding(node.place, "M110", f"`{key}` is no key of {owner}.", cure)


def _say_kind(path: Path_, node: Node, word: str, kind: str) -> Finding:
    if path[:1] == ("entities",) and path[-1:] == ("owner",) and len(node.list()) > 1:
        owners = " and by ".join(str(child.plain()) for child in node.list())
        return Finding(
            node.place, "M201", f"{path[1]}.{path[3]} is claimed by {owners}.",
            "One field has one owner; remove one claim.",
        )  # fmt: skip
    cure = f"Write {_KINDS[kind]}."
    if path[-1:] == ("share",) and isinstance(node.plain(), int | float):
        cure = f"Write it with its sign: {node.plain()}%."
    return Finding(node.place, "M112", f"{word} is {_called(node.plain())}.", cure)


def _called(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list):
        return "a list"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _cure(kind: str, detail: ErrorDetails) -> str:
    if kind == "literal_error":
        return f"Use one of {detail['ctx']['expected']}."
    if kind == "greater_than_equal":
        return "Write 0 or more."
    return "Fill it in, or remove the key where it may be left out."


def keys_at(shape: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """List the keys that may stand at a place of a text of some shape."""
    here: Any = shape
    for step in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            fields = {f.alias or n: f.annotation for n, f in here.model_fields.items()}
            here = _inner(fields[str(step)])
        else:
            here = _inner(next(a for a in reversed(get_args(here)) if a is not Ellipsis))
    return [field.alias or name for name, field in here.model_fields.items()]


def _inner(annotation: Any) -> Any:  # noqa: ANN401 - a type annotation
    """Take off Annotated and None."""
    origin = get_origin(annotation)
    if origin in {Union, types.UnionType}:
        return _inner(next(a for a in get_args(annotation) if a is not type(None)))
    return _inner(get_args(annotation)[0]) if hasattr(annotation, "__metadata__") else annotation
