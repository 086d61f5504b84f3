"""The engine computes and can do nothing else: no web, no network, no clock, no chance."""

from __future__ import annotations

import ast
import subprocess
import sys

import duckdb
import pyarrow as pa
import pytest

from matricula.engine.workbench import open_workbench, register
from tests.architecture.source import SOURCE, dotted, written

OUTSIDE = ("django", "httpx2", "sqlalchemy", "psycopg", "adbc_driver_manager", "scim2_models")
IMPURE = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time",
    "os.environ", "os.getenv", "new_id", "random.random", "uuid.uuid4", "secrets.token_hex",
}  # fmt: skip


def test_the_engine_and_the_charter_load_without_web_network_or_register():
    names = [f"matricula.{m.name}" for m in written() if m.room in {"kernel", "charter", "engine"}]
    script = (
        "import importlib, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        f"outside = {OUTSIDE!r} + ('matricula.connectors', 'matricula.hub', 'matricula.site')\n"
        "print([name for name in outside if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_the_engine_asks_no_clock_no_chance_and_no_environment():
    asked = [
        f"{m.at(node)} {dotted(node)}"
        for m in written()
        if m.room == "engine"
        for node in m.nodes
        if isinstance(node, ast.Attribute | ast.Name) and dotted(node) in IMPURE
    ]

    assert asked == [], "\n".join(asked)


def test_the_engine_computes_on_the_sealed_calculator_alone():
    opened = [
        m.at(node)
        for m in written()
        if m.room == "engine" and m.name != "engine.workbench"
        for node in m.nodes
        if isinstance(node, ast.Call) and dotted(node.func) == "duckdb.connect"
    ]

    assert opened == [], "\n".join(opened)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('{there}')",
        "SELECT * FROM '{there}'",
        "SELECT * FROM read_text('{there}')",
        "SELECT * FROM glob('{folder}/*')",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "ATTACH '{folder}/other.duckdb'",
        "EXPORT DATABASE '{folder}/export'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET memory_limit = '100GB'",
        "SELECT * FROM read_csv('https://northfield.example/a.csv')",
        "SELECT * FROM a_python_variable",
    ],
)
def test_the_sealed_calculator_refuses_the_outside(statement: str, tmp_path):
    there = tmp_path / "there.csv"
    there.write_text("a\n1\n", encoding="utf-8")
    a_python_variable = pa.table({"a": [1]})

    with open_workbench() as connection, pytest.raises(duckdb.Error):
        connection.execute(statement.format(there=there, folder=tmp_path)).fetchall()

    assert a_python_variable.num_rows == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"]


def test_the_sealed_calculator_still_computes_on_what_it_is_given():
    with open_workbench() as connection:
        register(connection, "given", pa.table({"a": [1, 2]}))

        total = connection.execute("SELECT sum(a) FROM given").fetchone()

    assert total == (3,)


def test_the_package_tells_type_checkers_that_it_is_typed():
    assert (SOURCE / "py.typed").is_file()
