"""Rooms stand on rooms below them, and each says what it is for."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib

from tests.architecture.source import REPOSITORY, SOURCE, imported, modules, written

CONFIGURATION = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS = CONFIGURATION["tool"]["importlinter"]["contracts"]


def _rooms() -> set[str]:
    return {path.parent.name for path in SOURCE.glob("*/__init__.py")}


def test_no_import_breaks_a_contract_between_the_rooms():
    linter = "from importlinter.cli import lint_imports_command; lint_imports_command()"

    done = subprocess.run(
        [sys.executable, "-c", linter], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_room_has_its_place_in_the_order_of_rooms():
    (layers,) = [c["layers"] for c in CONTRACTS if c.get("containers") == ["matricula"]]

    placed = {room for layer in layers for room in layer.replace("|", " ").split()}

    assert placed == _rooms()


def test_every_part_of_the_register_has_its_place_in_the_order_of_parts():
    (layers,) = [c["layers"] for c in CONTRACTS if c.get("containers") == ["matricula.sis"]]

    placed = {part for layer in layers for part in layer.replace("|", " ").split()}

    assert placed == {path.parent.name for path in SOURCE.glob("sis/*/__init__.py")}


def test_every_connector_is_bound_not_to_know_the_others():
    (bound,) = [c["modules"] for c in CONTRACTS if c["type"] == "independence"]

    folders = {path.parent.name for path in SOURCE.glob("connectors/*/__init__.py")} - {"kit"}

    assert folders <= {name.rpartition(".")[2] for name in bound}


def test_every_module_begins_by_saying_what_it_is_for():
    silent = [m.at(m.tree) for m in written() if not ast.get_docstring(m.tree)]

    assert silent == [], "\n".join(silent)


def test_every_room_is_on_the_map_in_the_documentation():
    page = (REPOSITORY / "docs" / "why" / "rooms.md").read_text(encoding="utf-8")

    missing = {room for room in _rooms() if f"`{room}`" not in page}

    assert missing == set()


def test_no_module_reaches_for_a_private_name_of_another():
    reached = [
        f"{module.at(node)} {name}"
        for module in modules()
        for name, node in imported(module)
        if name.startswith("matricula.")
        and any(part.startswith("_") and not part.startswith("__") for part in name.split("."))
    ]

    assert reached == [], "\n".join(reached)
