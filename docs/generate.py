"""Write docs/reference/ from the code: nothing that the code can say is written by hand.

The list of how-to guides is written from their titles.

`python docs/generate.py` writes, `python docs/generate.py --check` only compares and names
the pages that are out of date. The glossary is the one page of the folder written by hand.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import django

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "matricula.site.settings")
# The register's rules and codes stand beside its tables.
django.setup()

import conformance  # noqa: E402 - the path and the tables first
import machines  # noqa: E402 - the same

from matricula.charter.shape import schema  # noqa: E402
from matricula.cli.main import cli  # noqa: E402
from matricula.connectors.registry import connector_class, names  # noqa: E402
from matricula.site.environment import VARIABLES  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from matricula.kernel.codes import Code

REPOSITORY = Path(__file__).parents[1]
DOCS = REPOSITORY / "docs"
SOURCE = REPOSITORY / "src" / "matricula"
WRITTEN_BY = "<!-- Written by docs/generate.py from the code; changes made here are lost. -->"

KINDS_OF_CODE = {
    "M1": "The charter's text and shape",
    "M2": "The charter's meaning",
    "M3": "Expressions",
    "M4": "Reading and snapshots",
    "M5": "Planning, guarding, applying",
    "M6": "Delivery and connectors",
    "M7": "The audit",
    "M73": "Campus systems",
    "M74": "Campus systems",
    "M75": "What other systems ask of us",
    "M76": "What other systems ask of us",
    "M8": "The command line and its settings",
    "M9": "Accounts and the register",
}


def all_codes() -> dict[str, Code]:
    """Gather the codes of every room.

    Raises:
        ValueError: Two rooms gave one code a meaning.
    """
    found: dict[str, Code] = {}
    for path in sorted(SOURCE.rglob("codes.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        own = getattr(importlib.import_module(f"matricula.{name}"), "CODES", {})
        twice = sorted(set(found) & set(own))
        if twice:
            message = f"{', '.join(twice)}: listed in matricula.{name} and in another room"
            raise ValueError(message)
        found.update(own)
    return dict(sorted(found.items()))


def errors_page() -> str:
    """Every error code with its reason and its cure."""
    lines = [
        "# Error codes",
        "",
        "Every refusal carries one of these codes. A code is never given a second meaning.",
    ]
    kind = ""
    for name, code in all_codes().items():
        its_kind = KINDS_OF_CODE.get(name[:3]) or KINDS_OF_CODE[name[:2]]
        if its_kind != kind:
            kind = its_kind
            lines += ["", f"## {kind}"]
        lines += ["", f"### {name}", "", f"**{code.title}.** {code.why}", ""]
        lines += [f"*What to do:* {code.cure}"]
    return _page(lines)


def walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name, groups before what is in them."""
    yield " ".join(path), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from walk(below, (*path, name))


def commands_page() -> str:
    """Every command with its arguments and options."""
    lines = [
        "# Commands",
        "",
        "Exit codes: 0 done or nothing to do, 1 refused or failed, 2 (`plan` alone) there are",
        "changes, 130 stopped with Ctrl-C.",
    ]
    for name, command in walk(cli, ("matricula",)):
        lines += ["", f"## {name}", "", _prose(command.help or command.short_help or "")]
        context = click.Context(command, info_name=name)
        pieces = " ".join(command.collect_usage_pieces(context))
        lines += ["", "```", f"{name} {pieces}".strip(), "```"]
        rows = [_option_row(p, context) for p in command.params if isinstance(p, click.Option)]
        if rows:
            lines += ["", "| Option | Meaning |", "|---|---|", *rows]
    return _page(lines)


def _option_row(option: click.Option, context: click.Context) -> str:
    names_ = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    value = "" if option.is_flag else f" {option.make_metavar(context)}"
    meaning = (option.help or "").strip()
    if option.show_default and option.default is not None:
        meaning += f" Default: {option.default}."
    if option.required:
        meaning += " Required."
    return f"| {names_}{_cell(value)} | {_cell(meaning)} |"


def charter_page() -> str:
    """Every key that a charter may have, from its JSON Schema."""
    lines = [
        "# Charter keys",
        "",
        "`*` stands for a name you choose, `[]` for each entry of a list. The schema for editors",
        "is [charter.schema.json](charter.schema.json).",
        "",
        *_key_table(schema()),
    ]
    return _page(lines)


def connectors_page() -> str:
    """The settings of every connector, from the models that check them."""
    lines = [
        "# Connectors' settings",
        "",
        "What stands under `settings:` of a system in the charter. A secret is written `env:NAME`",
        "or `file:PATH`, never as itself.",
    ]
    for name in names():
        kind = connector_class(name)
        module = importlib.import_module(kind.__module__)
        about = (kind.__doc__ or module.__doc__ or "").strip().split("\n\n")[0]
        lines += ["", f"## {name}", "", _prose(about), ""]
        readme = REPOSITORY / "src" / Path(*kind.__module__.split(".")[:-1]) / "README.md"
        if readme.is_file():
            there = readme.relative_to(REPOSITORY)
            lines += [f"What it needs and its traps: [{there.parent.name}](../../{there}).", ""]
        lines += _key_table(_settings_schema(kind))
    return _page(lines)


def _settings_schema(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a class that brings its Settings
    return dict(kind.Settings.model_json_schema(by_alias=True))


def environment_page() -> str:
    """Every variable of the environment."""
    lines = ["# Environment", "", "| Variable | Meaning | When it is not set |", "|---|---|---|"]
    lines += [f"| `{name}` | {v.meaning} | {v.default} |" for name, v in VARIABLES.items()]
    return _page(lines)


def guides_page() -> str:
    """Every how-to guide under its own title."""
    lines = ["# How-to guides", ""]
    for path in sorted((DOCS / "how-to").glob("*.md")):
        if path.name != "index.md":
            title = path.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")
            lines.append(f"- [{title}]({path.name})")
    return _page(lines)


def schema_file() -> str:
    """The charter's JSON Schema, for editors."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _key_table(root: Mapping[str, Any]) -> list[str]:
    rows = ["| Key | Holds | Default | Meaning |", "|---|---|---|---|"]
    for path, shape, required in keys(root, root, ""):
        default = "required" if required else _default(shape)
        meaning = _cell(_first_sentences(str(shape.get("description", ""))))
        rows.append(f"| `{path}` | {_cell(_holds(shape, root))} | {default} | {meaning} |")
    return rows


def keys(
    root: Mapping[str, Any], shape: Mapping[str, Any], path: str, depth: int = 0
) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Every key below a shape of a JSON Schema: its path, its shape, whether it is required."""
    resolved = _resolve(root, shape)
    told = _told_in(resolved)
    for name, below in resolved.get("properties", {}).items():
        own = {**_named(root, below)}
        # What is said where the key is used counts more than what its shape says of itself.
        own["description"] = (
            told.get(name) or below.get("description") or own.get("description", "")
        )
        here = f"{path}.{name}".lstrip(".")
        yield here, own, name in resolved.get("required", ())
        for inner, step in _inside(root, below):
            if depth < 8:  # a shape that holds itself would never end  # noqa: PLR2004 - deep enough
                yield from keys(root, inner, here + step, depth + 1)


def _inside(
    root: Mapping[str, Any], shape: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The shapes that a value may hold further keys in, and the step that leads there."""
    for choice in _choices(root, shape):
        if "properties" in choice:
            yield choice, ""
        for holder in [choice.get("additionalProperties"), *_patterns(choice)]:
            if isinstance(holder, dict):
                yield from ((inner, f".*{step}") for inner, step in _inside(root, holder))
        if isinstance(choice.get("items"), dict):
            yield from ((inner, f"[]{step}") for inner, step in _inside(root, choice["items"]))


def _patterns(shape: Mapping[str, Any]) -> list[Any]:
    return list(shape.get("patternProperties", {}).values())


def _choices(root: Mapping[str, Any], shape: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    resolved = _resolve(root, shape)
    branches = resolved.get("anyOf") or resolved.get("oneOf") or resolved.get("allOf")
    if not branches:
        return [resolved]
    return [choice for branch in branches for choice in _choices(root, branch)]


def _resolve(root: Mapping[str, Any], shape: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = shape.get("$ref", "")
    return root["$defs"][reference.rpartition("/")[2]] if reference else shape


def _named(root: Mapping[str, Any], shape: Mapping[str, Any]) -> dict[str, Any]:
    """A property's shape with what a reference in it says, its own words first."""
    inner = [choice for choice in _choices(root, shape) if "properties" in choice]
    if len(inner) == 1 and "$ref" not in shape:
        shape = {"description": inner[0].get("description", ""), **shape}
    found = {**_resolve(root, shape), **{k: v for k, v in shape.items() if k != "$ref"}}
    return {k: v for k, v in found.items() if k != "description" or v}


def _holds(shape: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    words = []
    for choice in _choices(root, shape):
        if "const" in choice:
            words.append(f"`{choice['const']}`")
        elif "enum" in choice:
            words += [f"`{word}`" for word in choice["enum"]]
        elif choice.get("type") != "null":
            kind = str(choice.get("type", "anything"))
            words.append({"object": "map", "array": "list", "string": "text"}.get(kind, kind))
    return ", ".join(dict.fromkeys(words))


def _default(shape: Mapping[str, Any]) -> str:
    value = shape.get("default")
    return "" if value in (None, "", [], {}) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _told_in(shape: Mapping[str, Any]) -> dict[str, str]:
    """What a Google docstring says of its attributes, by name."""
    _, _, part = str(shape.get("description", "")).partition("Attributes:\n")
    told = re.findall(r"^ {4}(\w+): (.*(?:\n {8,}.*)*)", part, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in told}


def _first_sentences(text: str) -> str:
    return " ".join(text.partition("Attributes:")[0].split())


def _prose(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").rstrip()


def _page(lines: list[str]) -> str:
    return "\n".join([lines[0], "", WRITTEN_BY, *lines[1:]]) + "\n"


def machines_page() -> str:
    """Every state machine of the register, as a picture and as a table."""
    lines = [
        "# The register's state machines", "",
        (
            "Drawn from the tables by which the register acts. Beside what stands here every "
            "action may be taken back by a later one that supersedes it."
        ),
    ]  # fmt: skip
    for name, (title, moves) in machines.every().items():
        lines += ["", f"## {title}", "", f"![{title}](../pictures/machine-{name}.svg)", ""]
        lines += machines.table(moves)
    return _page(lines)


def conformance_page() -> str:
    """Every promise of the kit's suite, and on which connector it is tried."""
    return _page(conformance.page())


def bundle_page() -> str:
    """Every table of a bundle that is loaded, with its columns."""
    from matricula.sis.loading.rules.stories import STORIES
    from matricula.sis.loading.rules.tables import KINDS, TABLES

    lines = [
        "# The tables of a bundle", "",
        (
            "What [a load](../how-to/import.md) takes, in this order. Columns in bold "
            "must have a value; those marked * tell rows apart."
        ),
    ]  # fmt: skip
    actions = {one.events: ", ".join(one.moves) for one in STORIES.values()}
    for name, table in TABLES.items():
        lines += ["", f"## {name}", "", "| column | is | names | words |", "|---|---|---|---|"]
        for column in table.columns:
            shown = f"**{column.name}**" if column.required else column.name
            mark = " *" if column.name in table.key else ""
            words = actions.get(name, "") if column.name == "action" else ", ".join(column.words)
            lines.append(
                f"| {shown}{mark} | {KINDS[column.kind][1]} | {column.refers} | {words} |"
            )
    return _page(lines)


def _picture_of(name: str) -> Callable[[], str]:
    return lambda: machines.picture(*machines.every()[name])


PAGES: Mapping[str, Callable[[], str]] = {
    "how-to/index.md": guides_page,
    "reference/errors.md": errors_page,
    "reference/environment.md": environment_page,
    "reference/charter.md": charter_page,
    "reference/charter.schema.json": schema_file,
    "reference/commands.md": commands_page,
    "reference/connectors.md": connectors_page,
    "reference/conformance.md": conformance_page,
    "reference/machines.md": machines_page,
    "reference/bundle.md": bundle_page,
    **{f"pictures/machine-{name}.svg": _picture_of(name) for name in machines.every()},
}


def outdated() -> list[str]:
    """Name the pages that the code would write differently."""
    found = []
    for name, write in PAGES.items():
        path = DOCS / name
        if not path.is_file() or path.read_text(encoding="utf-8") != write():
            found.append(name)
    return found


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them."""
    if arguments == ["--check"]:
        old = outdated()
        if old:
            print(f"Out of date in docs: {', '.join(old)}. Run `make docs`.")
        return 1 if old else 0
    for name, write in PAGES.items():
        (DOCS / name).write_text(write(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
