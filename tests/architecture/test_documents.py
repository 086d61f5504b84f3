"""What the documents say is so: links lead somewhere, commands exist, nothing leaks."""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import click
import pytest
from ruamel.yaml import YAML

from matricula.cli.main import cli
from matricula.connectors.registry import connector_class
from tests.architecture.documents import FENCE, LINK, anchors, pages, without_code
from tests.architecture.source import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

README = REPOSITORY / "README.md"
# Each with one letter in brackets, so that this file does not hold what it looks for.
LEAK = re.compile(
    "pypi[.]org|files[.]pythonhosted|crates[.]io|npmjs[.]com|/(?:wor[k]|roo[t]|hom[e]/[a-z]+)/"
)
_AFTER_COMMAND = {"|", ">", ">>", "&&", ";"}
GUIDES = {
    "canvas": "connect-canvas.md", "files": "connect-files.md",
    "ldap": "connect-ldap.md", "moodle": "connect-moodle.md",
    "oneroster_csv": "connect-oneroster.md", "scim": "connect-scim.md",
    "sql": "connect-sql.md", "warehouse": "connect-warehouse.md",
}  # fmt: skip
REQUIRED = ("README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")


def _commands(text: str) -> list[str]:
    """Every line of a fence that calls `matricula`, with or without a prompt before it."""
    found = []
    for fence in FENCE.finditer(text):
        if fence["kind"] not in {"", "sh", "bash", "console", "shell"}:
            continue
        for line in fence["body"].replace("\\\n", " ").splitlines():
            match = re.match(r"\s*(?:\$ )?((?:[A-Z_]+=\S+ )*)matricula (?P<rest>.*)", line)
            if match:
                found.append(match["rest"])
    return found


def _parse(words: list[str]) -> None:
    """Let the command line read words without running anything."""
    command: click.Command = cli
    name, rest = "matricula", list(words)
    context: click.Context | None = None
    while True:
        context = command.make_context(name, list(rest), parent=context)
        if not isinstance(command, click.Group):
            return
        _, rest, _ = command.make_parser(context).parse_args(list(rest))
        if not rest and command.invoke_without_command:
            # `plan` does something by itself and has commands below it as well.
            return
        name, below, rest = command.resolve_command(context, rest)
        assert name is not None
        assert below is not None
        command = below


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git repository: nothing says which files are the project's")
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [REPOSITORY / name for name in names if (REPOSITORY / name).is_file()]


@pytest.mark.parametrize("name", REQUIRED)
def test_the_project_says_what_it_is_and_on_what_terms(name: str):
    assert (REPOSITORY / name).stat().st_size > 300


def test_every_link_leads_somewhere():
    broken = []
    for page in pages():
        for match in LINK.finditer(without_code(page.read_text(encoding="utf-8"))):
            target = match["to"] or match["picture"]
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            there = (page.parent / file).resolve() if file else page
            if not there.exists() or (anchor and anchor not in anchors(there)):
                broken.append(f"{page.relative_to(REPOSITORY)}: {target}")

    assert broken == [], "\n".join(broken)


def test_every_page_of_the_documentation_is_reached_from_the_first():
    docs = REPOSITORY / "docs"
    reached: set[Path] = set()
    waiting = [docs / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or not page.is_file() or page.suffix != ".md":
            continue
        reached.add(page)
        for match in LINK.finditer(without_code(page.read_text(encoding="utf-8"))):
            target = (match["to"] or match["picture"]).partition("#")[0]
            if target and not re.match(r"[a-z]+:", target):
                waiting.append((page.parent / target).resolve())

    lost = [str(p.relative_to(docs)) for p in sorted(docs.rglob("*.md")) if p not in reached]

    assert lost == []


def test_the_two_commands_of_the_readme_exist():
    text = README.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))

    named = set(re.findall(r"\bmake ([a-z]+)\b", text))

    assert {"demo", "test"} <= named
    assert named <= targets


def test_every_command_that_a_page_shows_is_understood_by_the_command_line():
    refused = []
    # The reference is written from the command line itself and shows the shape of each command.
    for page in (page for page in pages() if "reference" not in page.parts):
        for line in _commands(page.read_text(encoding="utf-8")):
            words = shlex.split(line, comments=True)
            end = next((n for n, word in enumerate(words) if word in _AFTER_COMMAND), len(words))
            try:
                _parse(words[:end])
            except click.exceptions.Exit:
                continue
            except click.ClickException as error:
                refused.append(f"{page.relative_to(REPOSITORY)}: {line}: {error.format_message()}")

    assert refused == [], "\n".join(refused)


def test_nothing_names_a_package_registry_or_a_place_on_somebodys_machine():
    leaks = []
    for path in _tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        leaks += [f"{path.relative_to(REPOSITORY)}: {word}" for word in LEAK.findall(text)]

    assert leaks == [], "\n".join(leaks)


def test_decisions_are_short_and_answer_the_same_four_questions():
    parts = ["Context", "Decision", "What it costs", "What would change our mind"]
    wrong = []
    for page in sorted((REPOSITORY / "docs" / "decisions").glob("[0-9]*.md")):
        text = page.read_text(encoding="utf-8")
        if re.findall(r"^## (.+)$", text, re.MULTILINE) != parts or len(text.splitlines()) > 40:
            wrong.append(page.name)

    assert wrong == []


def test_every_decision_is_listed_under_its_title():
    folder = REPOSITORY / "docs" / "decisions"
    index = (folder / "index.md").read_text(encoding="utf-8")

    missing = [
        page.name
        for page in sorted(folder.glob("[0-9]*.md"))
        if f"({page.name}) | {page.read_text(encoding='utf-8').splitlines()[0][2:]} |" not in index
    ]

    assert missing == []


def test_a_decision_that_the_code_names_exists():
    known = {page.name[:4] for page in (REPOSITORY / "docs" / "decisions").glob("[0-9]*.md")}

    named = {
        f"{path.relative_to(REPOSITORY)}: {number}"
        for path in _tracked()
        if path.suffix in {".py", ".md", ".toml"}
        for number in re.findall(r"[Dd]ecision (\d{4})\b", path.read_text(encoding="utf-8"))
        if number not in known
    }

    assert named == set()


@pytest.mark.parametrize("name", sorted(GUIDES))
def test_a_guide_names_every_setting_and_shows_settings_that_its_connector_takes(name: str):
    page = (REPOSITORY / "docs" / "how-to" / GUIDES[name]).read_text(encoding="utf-8")
    settings = connector_class(name).Settings
    shown = [
        system["settings"]
        for fence in FENCE.finditer(page)
        if fence["kind"] == "yaml"
        for system in (YAML(typ="safe").load(fence["body"]).get("systems") or {}).values()
    ]

    for told in shown:
        settings.model_validate(told)

    assert shown != []
    assert [
        word for word in sorted(_words(settings.model_json_schema())) if word not in page
    ] == []


def _words(schema: dict[str, Any]) -> set[str]:
    """Every key of a connector's settings, however deep."""
    parts = [schema, *schema.get("$defs", {}).values()]
    return {word for part in parts for word in part.get("properties", {})}
