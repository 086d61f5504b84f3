"""Read a folder of YAML 1.2 files as one tree in which every value knows its place.

The files are merged by their top-level keys. Only what a reader of the text can see at
once is taken: no anchors, aliases, tags or merge keys, no tabs in the margin. Nothing is
constructed but text, numbers, truth values, lists and maps. What the words mean is the
business of `matricula.charter.shape` and of the rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Path_ = tuple[str | int, ...]
Scalar = str | int | float | bool | None

_DEPTH = 30
_ENDINGS = (".yaml", ".yml")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(slots=True)
class Node:
    """A value of the text and where it stands.

    Attributes:
        value: A scalar, a list of nodes, or a map of nodes by key.
        place: `file:line` of its key, or of itself where it has none.
    """

    value: Scalar | list[Node] | dict[str, Node]
    place: str

    def plain(self) -> Any:  # noqa: ANN401 - any YAML value
        """Give the bare value, without places."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def map(self) -> dict[str, Node]:
        """Give the map it is, or an empty one."""
        return self.value if isinstance(self.value, dict) else {}

    def list(self) -> list[Node]:
        """Give the list it is, or an empty one."""
        return self.value if isinstance(self.value, list) else []

    def get(self, key: str) -> Node | None:
        """Give the value under a key, if there is one."""
        return self.map().get(key)

    def text(self, key: str) -> str:
        """Give the text under a key; empty where there is none."""
        child = self.get(key)
        return child.value if child and isinstance(child.value, str) else ""

    def at(self, path: Path_) -> Node:
        """Follow a path as far as it exists."""
        here = self
        for step in path:
            below: dict[Any, Node] = (
                dict(enumerate(here.value)) if isinstance(here.value, list) else dict(here.map())
            )
            if step not in below:
                return here
            here = below[step]
        return here


@dataclass(slots=True)
class Text:
    """What a folder says: one merged tree, and what could not be read."""

    root: Node
    findings: list[Finding] = field(default_factory=list)

    def refuse(self, place: str, code: str, message: str, *, cure: str) -> None:
        """Note something that cannot be taken."""
        self.findings.append(Finding(place, code, message, cure))


def read_folder(folder: Path) -> Text:
    """Read every YAML file below a folder, in the order of their names."""
    text = Text(Node({}, f"{folder.name}:1"))
    if not folder.is_dir():
        text.refuse(
            f"{folder.name}:1", "M101", f"There is no folder {folder}.",
            cure="Name the charter's folder with --charter, or write one with `matricula init`.",
        )  # fmt: skip
        return text
    paths = sorted(p for p in folder.rglob("*") if p.suffix in _ENDINGS and p.is_file())
    if not paths:
        text.refuse(
            f"{folder.name}:1", "M102", f"The folder {folder} has no YAML file.",
            cure="Write the charter into it, or begin with `matricula init`.",
        )  # fmt: skip
    for path in paths:
        name = path.relative_to(folder).as_posix()
        root = _read_file(text, path, name)
        if root is not None:
            _merge(text, root)
    if paths and not text.root.map() and not text.findings:
        text.refuse(
            f"{folder.name}:1", "M102", f"The files of {folder} say nothing.",
            cure="Write the charter into them, or begin with `matricula init`.",
        )  # fmt: skip
    return text


def _read_file(text: Text, path: Path, name: str) -> Node | None:
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        text.refuse(
            f"{name}:{line}", "M107", f"The file is not UTF-8: byte {error.start + 1} is not.",
            cure="Save the file as UTF-8.",
        )  # fmt: skip
        return None
    if _has_margin_tabs(text, content, name):
        return None
    return _read_content(text, content, name)


def _has_margin_tabs(text: Text, content: str, name: str) -> bool:
    lines = [n for n, line in enumerate(content.split("\n"), 1) if re.match(r" *\t", line)]
    for line in lines:
        text.refuse(
            f"{name}:{line}", "M104", "The line begins with a tab; YAML counts spaces only.",
            cure="Replace the tab by spaces.",
        )  # fmt: skip
    return bool(lines)


def _read_content(text: Text, content: str, name: str) -> Node | None:
    try:
        if _uses_tricks(text, content, name):
            return None
        composed = YAML(typ="safe", pure=True).compose(content)
    except YAMLError as error:
        _refuse_unreadable(text, error, name)
        return None
    if composed is None:
        return None
    root = _convert(text, composed, name, ())
    if isinstance(root.value, dict):
        return root
    text.refuse(
        root.place, "M109", "A charter file is a map from keys such as `systems:` to values.",
        cure="Begin the file with one of the charter's keys.",
    )  # fmt: skip
    return None


def _uses_tricks(text: Text, content: str, name: str) -> bool:
    """Refuse what hides the text's meaning from its reader, before anything is built."""
    found = False
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(content):
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if depth > _DEPTH:
            text.refuse(
                f"{name}:{event.start_mark.line + 1}", "M109",
                f"The text is nested more than {_DEPTH} deep.", cure="Write it flatter.",
            )  # fmt: skip
            return True
        trick = _trick(event)
        if trick:
            found = True
            text.refuse(
                f"{name}:{event.start_mark.line + 1}", "M108",
                f"A charter says everything where it stands; this is {trick}.",
                cure="Write the value out.",
            )  # fmt: skip
    return found


def _trick(event: Any) -> str:  # noqa: ANN401 - ruamel's events have no common type
    if type(event).__name__ == "AliasEvent":
        return f"an alias (*{event.anchor})"
    if getattr(event, "anchor", None):
        return f"an anchor (&{event.anchor})"
    if getattr(event, "tag", None):
        return f"a tag ({event.tag})"
    return ""


def _refuse_unreadable(text: Text, error: YAMLError, name: str) -> None:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it breaks off"
    line = mark.line + 1 if mark else 1
    text.refuse(
        f"{name}:{line}", "M103", f"The YAML cannot be read: {problem}.",
        cure="Correct the line, or the quote, bracket or indentation that begins before it.",
    )  # fmt: skip


def _convert(text: Text, node: Any, name: str, path: Path_) -> Node:  # noqa: ANN401 - untyped
    place = f"{name}:{node.start_mark.line + 1}"
    if isinstance(node, SequenceNode):
        items = [_convert(text, child, name, (*path, n)) for n, child in enumerate(node.value)]
        return Node(items, place)
    if isinstance(node, MappingNode):
        return Node(_convert_map(text, node, name, path), place)
    return Node(_scalar(node), place)


def _convert_map(text: Text, node: MappingNode, name: str, path: Path_) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for key_node, value_node in node.value:
        place = f"{name}:{key_node.start_mark.line + 1}"
        if not isinstance(key_node, ScalarNode):
            text.refuse(
                place, "M103", "A key is one word; this one is a list or a map.",
                cure="Put the value in quotes if it begins with a bracket or a brace.",
            )  # fmt: skip
            continue
        key = key_node.value
        child = _convert(text, value_node, name, (*path, key))
        child.place = place
        if key in found:
            _refuse_twice(text, (*path, key), found[key], child)
        else:
            found[key] = child
    return found


def _scalar(node: ScalarNode) -> Scalar:
    """Read a scalar by the core schema of YAML 1.2; what is quoted is text."""
    word: str = node.value
    if node.style is not None:
        return word
    if word in _WORDS:
        return _WORDS[word]
    if _WHOLE.fullmatch(word):
        return int(word, 0) if word[:2] in {"0o", "0x"} else int(word)
    return float(word) if _NUMBER.fullmatch(word) else word


def _merge(text: Text, root: Node) -> None:
    merged = text.root.map()
    for key, node in root.map().items():
        known = merged.setdefault(key, node)
        if known is node:
            continue
        if isinstance(node.value, dict) and isinstance(known.value, dict):
            _merge_maps(text, key, known.value, node.value)
        elif isinstance(node.value, list) and isinstance(known.value, list):
            known.value.extend(node.value)
        else:
            _refuse_twice(text, (key,), known, node)


def _merge_maps(text: Text, key: str, known: dict[str, Node], more: dict[str, Node]) -> None:
    for name, child in more.items():
        if name in known:
            _refuse_twice(text, (key, name), known[name], child)
        else:
            known[name] = child


def _refuse_twice(text: Text, path: Path_, first: Node, second: Node) -> None:
    word = ".".join(str(step) for step in path)
    text.refuse(
        second.place, "M105", f"{word} is declared at {first.place} and again at {second.place}.",
        cure="A name is declared once; remove or rename one of the two.",
    )  # fmt: skip
    for message, place in _claims(path, first, second):
        text.refuse(
            place, "M201", message, cure="One field has one owner; remove one claim."
        )  # fmt: skip


def _claims(path: Path_, first: Node, second: Node) -> Iterator[tuple[str, str]]:
    """Find the fields that two declarations of one thing give to an owner each."""
    in_entity = path[:1] == ("entities",)
    if in_entity and len(path) == 4 and path[2] == "fields":  # noqa: PLR2004 - a field's path
        pairs = [(f"{path[1]}.{path[3]}", first, second)]
    elif in_entity and len(path) == 2:  # noqa: PLR2004 - an entity's path
        one, other = (n.get("fields") or Node({}, n.place) for n in (first, second))
        shared = [name for name in one.map() if name in other.map()]
        pairs = [(f"{path[1]}.{name}", one.map()[name], other.map()[name]) for name in shared]
    else:
        pairs = []
    for word, one, other in pairs:
        owners = one.text("owner"), other.text("owner")
        if all(owners):
            claims = f"{owners[0]} ({one.place}) and by {owners[1]} ({other.place})"
            yield f"{word} is claimed by {claims}.", other.place
