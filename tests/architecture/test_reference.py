"""The reference says what the code says, whole and up to date."""

from __future__ import annotations

import ast
import re

import click
import pytest

from matricula.charter.shape import schema
from matricula.cli.main import cli
from matricula.connectors.registry import connector_class, names
from matricula.site.environment import VARIABLES
from tests.architecture.documents import generator
from tests.architecture.source import REPOSITORY, dotted, modules

REFERENCE = REPOSITORY / "docs" / "reference"
GLOSSARY = (
    "charter system resource field entity key owner steward flow snapshot crosswalk golden_record "
    "desired confirmed observed link plan change guard effect drift incident match_case obligation"
)  # fmt: skip


def _page(name: str) -> str:
    return (REFERENCE / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def written_by_code():
    return generator()


def test_the_reference_is_what_the_code_would_write_today(written_by_code):
    assert written_by_code.outdated() == [], "run `make docs`"


def test_every_command_and_every_option_is_documented_and_explained(written_by_code):
    page = _page("commands.md")

    missing = []
    for name, command in written_by_code.walk(cli, ("matricula",)):
        if f"## {name}\n" not in page or not command.help:
            missing.append(name)
        for option in command.params:
            if not isinstance(option, click.Option):
                continue
            told = all(f"`{word}`" in page for word in option.opts)
            if not (told and option.help):
                missing.append(f"{name} {option.opts[0]}")

    assert missing == [], "\n".join(missing)


def test_every_key_of_a_charter_is_documented_and_explained(written_by_code):
    page = _page("charter.md")
    root = schema()

    found = list(written_by_code.keys(root, root, ""))
    missing = [
        path for path, shape, _ in found if f"`{path}`" not in page or not shape.get("description")
    ]

    assert len(found) > 40
    assert missing == [], "\n".join(missing)


@pytest.mark.parametrize("name", names())
def test_every_setting_of_a_connector_is_documented(name: str, written_by_code):
    root = connector_class(name).Settings.model_json_schema(by_alias=True)
    section = _page("connectors.md").partition(f"\n## {name}\n")[2].partition("\n## ")[0]

    found = [path for path, _, _ in written_by_code.keys(root, root, "")]
    missing = [path for path in found if f"`{path}`" not in section]

    assert found != []
    assert missing == [], "\n".join(missing)


@pytest.mark.parametrize("name", names())
def test_every_connector_has_a_page_on_what_it_can_do_and_what_to_watch(name: str):
    kind = connector_class(name)
    module = kind.__module__.split(".")

    readme = REPOSITORY / "src" / "/".join(module[:-1]) / "README.md"

    assert readme.is_file(), f"{readme.relative_to(REPOSITORY)} is missing"
    assert len(readme.read_text(encoding="utf-8")) > 500


def test_every_variable_of_the_environment_is_documented_and_none_that_is_not_read():
    page = _page("environment.md")
    read = {
        name
        for m in modules()
        if m.name != "site.environment"
        for node in m.nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for name in re.findall(r"^MATRICULA_[A-Z_]+$", node.value)
    }

    assert set(VARIABLES) == read
    assert [name for name in VARIABLES if f"`{name}`" not in page] == []


def test_settings_come_from_the_environment_in_few_places():
    readers = {
        m.name
        for m in modules()
        for node in m.nodes
        if isinstance(node, ast.Attribute) and dotted(node) in {"os.environ", "os.getenv"}
    }

    # A web server begins with `site.wsgi`, which only says where the settings are.
    allowed = {"site.settings", "site.wsgi", "kernel.secrets"}
    assert {name for name in readers - allowed if not name.startswith(("cli", "audit"))} == set()


def test_the_glossary_has_a_line_for_every_word_of_the_vocabulary():
    page = _page("glossary.md")

    missing = [w for w in GLOSSARY.split() if f"| **{w.replace('_', ' ')}** |" not in page]

    assert missing == []
