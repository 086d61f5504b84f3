"""Read a folder of YAML 1.2 files as one tree in which every value knows its place.

The files are merged by their top-level keys. Only what a reader of the text can see at
once is taken: no anchors, aliases, tags or merge keys, no tabs in the margin. Nothing is
constructed but text, numbers, truth values, lists and maps. What the words mean is the
business of `matricula.charter.shape` and of the rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Path_ = tuple[str | int, ...]
Scalar = str | int | float | bool | None

_DEPTH = 30
_LONGEST_NUMBER = 100
_ENDINGS = (".yaml", ".yml")
# Half of a pair of UTF-16, which `"\\uD800"` can spell and no text can hold.
_HALF = re.compile("[\ud800-\udfff]")
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
    """What a folder says: one merged tree, and what could not be read.

    `is_whole` says that no file is left out of the tree.
    """

    root: Node
    findings: list[Finding] = field(default_factory=list)
    is_whole: bool = True

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
        before = len(text.findings)
        root = _read_file(text, path, name)
        if root is not None:
            _merge(text, root)
        elif len(text.findings) > before:
            text.is_whole = False
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
        events = _plain_events(text, content, name)
    except YAMLError as error:
        _refuse_unreadable(text, error, name)
        return None
    if not events:
        return None
    following = iter(events)
    root = _convert(text, following, next(following), _Place(name))
    if isinstance(root.value, dict):
        return root
    text.refuse(
        root.place, "M109", "A charter file is a map from keys such as `systems:` to values.",
        cure="Begin the file with one of the charter's keys.",
    )  # fmt: skip
    return None


def _plain_events(text: Text, content: str, name: str) -> list[Any]:
    """Parse a file into the events of its values; what hides meaning from a reader is refused.

    Returns:
        Nothing where the file is empty, or something was refused.
    """
    found: list[Any] = []
    documents = depth = refused = 0
    for event in _events(content):
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        documents += isinstance(event, DocumentStartEvent)
        if depth > _DEPTH or documents > 1:
            _refuse_shape(text, f"{name}:{event.start_mark.line + 1}", is_deep=depth > _DEPTH)
            return []
        trick = _trick(event)
        if trick:
            refused += 1
            text.refuse(
                f"{name}:{event.start_mark.line + 1}", "M108",
                f"A charter says everything where it stands; this is {trick}.",
                cure="Write the value out.",
            )  # fmt: skip
        if isinstance(event, (NodeEvent, MappingEndEvent, SequenceEndEvent)):
            found.append(event)
    return [] if refused else found


@lru_cache(maxsize=32)
def _events(content: str) -> tuple[Any, ...]:
    """Parse a file, as far as it is not too deep; a worker reads the same one every second."""
    found: list[Any] = []
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(content):
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        found.append(event)
        if depth > _DEPTH:
            break
    return tuple(found)


def _refuse_shape(text: Text, place: str, *, is_deep: bool) -> None:
    if is_deep:
        message = f"The text is nested more than {_DEPTH} deep."
        text.refuse(place, "M109", message, cure="Write it flatter.")
    else:
        message = "The YAML cannot be read: a second document begins here."
        text.refuse(place, "M103", message, cure="Remove the line `---`, or make it two files.")


def _trick(event: Any) -> str:  # noqa: ANN401 - ruamel's events have no common type
    if type(event).__name__ == "AliasEvent":
        return f"an alias (*{event.anchor})"
    if getattr(event, "anchor", None):
        return f"an anchor (&{event.anchor})"
    if getattr(event, "tag", None):
        return f"a tag ({event.tag})"
    if _HALF.search(getattr(event, "value", None) or ""):
        return r"half a character (\uD800 to \uDFFF), which no text can hold"
    return ""


def _refuse_unreadable(text: Text, error: YAMLError, name: str) -> None:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it breaks off"
    line = mark.line + 1 if mark else 1
    text.refuse(
        f"{name}:{line}", "M103", f"The YAML cannot be read: {problem}.",
        cure="Correct the line, or the quote, bracket or indentation that begins before it.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in a file, and under which keys, a value stands."""

    name: str
    path: Path_ = ()

    def line(self, event: Any) -> str:  # noqa: ANN401 - ruamel is untyped
        return f"{self.name}:{event.start_mark.line + 1}"

    def below(self, step: str | int) -> _Place:
        return _Place(self.name, (*self.path, step))


def _convert(text: Text, events: Iterator[Any], first: Any, at: _Place) -> Node:  # noqa: ANN401 - untyped
    """Build the value that begins with an event, up to its end."""
    if isinstance(first, SequenceStartEvent):
        items: list[Node] = []
        for event in _children(events, SequenceEndEvent):
            items.append(_convert(text, events, event, at.below(len(items))))
        return Node(items, at.line(first))
    if isinstance(first, MappingStartEvent):
        return Node(_convert_map(text, events, at), at.line(first))
    return Node(_scalar(first), at.line(first))


def _convert_map(text: Text, events: Iterator[Any], at: _Place) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for event in _children(events, MappingEndEvent):
        place = at.line(event)
        if not isinstance(event, ScalarEvent):
            text.refuse(
                place, "M103", "A key is one word; this one is a list or a map.",
                cure="Put the value in quotes if it begins with a bracket or a brace.",
            )  # fmt: skip
            _skip(events, event, at)
            _skip(events, next(events), at)
            continue
        key = event.value
        child = _convert(text, events, next(events), at.below(key))
        child.place = place
        if key in found:
            _refuse_twice(text, (*at.path, key), found[key], child)
        else:
            found[key] = child
    return found


def _children(events: Iterator[Any], end: type) -> Iterator[Any]:
    """Give the first event of each value until the end of the list or map around them."""
    for event in events:
        if isinstance(event, end):
            return
        yield event


def _skip(events: Iterator[Any], first: Any, at: _Place) -> None:  # noqa: ANN401 - untyped
    """Pass over a value that counts for nothing."""
    _convert(Text(Node({}, at.name)), events, first, at)


def _scalar(event: ScalarEvent) -> Scalar:
    """Read a scalar by the core schema of YAML 1.2; what is quoted is text."""
    word: str = event.value
    if event.style is not None:
        return word
    if word in _WORDS:
        return _WORDS[word]
    # A longer one is no number that a charter has a use for, and Python may refuse it.
    if len(word) <= _LONGEST_NUMBER and _WHOLE.fullmatch(word):
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
