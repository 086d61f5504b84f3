"""What the house does not do: hidden control flow, back doors, loud rooms, promises for later."""

from __future__ import annotations

import ast
import re

from tests.architecture.source import REPOSITORY, dotted, functions, imported, modules, written

# The machine's word order is kept apart here, so that this file does not contain it.
LATER = re.compile(r"#.*\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
SILENCED = re.compile(
    r"#\s*(?:noqa(?::\s*(?P<rules>[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*))?"
    r"|type:\s*ignore(?:\[(?P<kinds>[a-z, -]+)\])?)(?P<reason>.*)"
)
VAGUE = re.compile(r"(Manager|Helper|Utils?|Processor|Data|Info)$")


def test_nothing_happens_behind_a_callers_back_through_signals():
    hidden = [
        f"{m.at(node)} {name}"
        for m in modules()
        for name, node in imported(m)
        if name.startswith(("django.dispatch", "django.db.models.signals"))
        or name.rpartition(".")[2] == "receiver"
    ]

    assert hidden == [], "\n".join(hidden)


def test_no_row_does_business_while_it_is_saved_or_deleted():
    overridden = [
        f"{m.at(node)} {node.name}"
        for m in written()
        for node in m.nodes
        if isinstance(node, ast.ClassDef)
        and any(
            dotted(base).endswith("Model") and "Base" not in dotted(base) for base in node.bases
        )
        for method in node.body
        if isinstance(method, ast.FunctionDef)
        and method.name in {"save", "delete", "full_clean", "clean"}
    ]

    assert overridden == [], "\n".join(overridden)


def test_there_is_no_admin_that_writes_any_column_without_a_reason():
    back_doors = [
        f"{m.at(node)} {name}"
        for m in modules()
        for name, node in imported(m)
        if name.startswith("django.contrib.admin")
    ]
    settings = (REPOSITORY / "src/matricula/site/settings.py").read_text(encoding="utf-8")

    assert back_doors == [], "\n".join(back_doors)
    assert "django.contrib.admin" not in settings


def test_only_the_command_line_speaks_to_the_terminal():
    loud = [
        m.at(node)
        for m in written()
        if m.room != "cli"
        for node in m.nodes
        if isinstance(node, ast.Call)
        and dotted(node.func) in {"print", "sys.stdout.write", "sys.stderr.write", "click.echo"}
    ]

    assert loud == [], "\n".join(loud)


def test_no_comment_promises_something_for_later():
    promised = [
        f"{m.path.relative_to(REPOSITORY)}:{number}"
        for m in written()
        for number, line in enumerate(m.text.splitlines(), 1)
        if LATER.search(line)
    ]

    assert promised == [], "\n".join(promised)


def test_a_silenced_rule_is_named_and_its_reason_stands_beside_it():
    unexplained = [
        f"{path.relative_to(REPOSITORY)}:{number}"
        for path in _python_files()
        for number in _unexplained(path.read_text(encoding="utf-8"))
    ]

    assert unexplained == [], "\n".join(unexplained)


def _unexplained(text: str) -> list[int]:
    """Lines that silence a rule without its name, or without a reason in the file so far."""
    explained: set[str] = set()
    silent = []
    before = ""
    for number, line in enumerate(text.splitlines(), 1):
        above, before = before.strip(), line
        found = SILENCED.search(line)
        if not found or "r" + '"#' in line:
            continue
        named = found["rules"] or found["kinds"] or ""
        if named and (above.startswith("# ") or re.search(r"[A-Za-z]{2}", found["reason"])):
            explained.add(named)
        elif named not in explained:
            silent.append(number)
    return silent


def test_the_rule_on_silenced_rules_sees_a_missing_name_and_a_missing_reason():
    quiet = "a = 1  # no" + "qa"
    named = "a = 1  # no" + "qa: S608"
    reasoned = "a = 1  # no" + "qa: S608 - quoted names"
    typed = "a = 1  # type: " + "ignore[arg-type]  # an Arrow table"

    assert _unexplained(quiet) == [1]
    assert _unexplained(named) == [1]
    assert _unexplained(f"{reasoned}\n{named}") == []
    assert _unexplained(typed) == []
    assert _unexplained(f"# The names are quoted.\n{named}") == []


def test_names_say_what_a_thing_is():
    vague = [
        f"{m.at(node)} {node.name}"
        for m in written()
        for node in m.nodes
        if isinstance(node, ast.ClassDef) and VAGUE.search(node.name)
    ]
    rooms = [
        str(m.path.relative_to(REPOSITORY))
        for m in written()
        if m.path.stem in {"utils", "util", "helpers", "helper", "common", "misc", "managers"}
    ]

    assert vague == [], "\n".join(vague)
    assert rooms == [], "\n".join(rooms)


def test_every_test_asserts_something():
    silent = []
    for path in sorted((REPOSITORY / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        silent += [
            f"{path.relative_to(REPOSITORY)}:{node.lineno} {node.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef)
            and node.name.startswith("test_")
            and not _asserts(node)
        ]

    assert silent == [], "\n".join(silent)


def test_no_function_has_a_mutable_default():
    shared = [
        f"{m.at(node)} {node.name}"
        for m in written()
        for node in functions(m)
        for default in [*node.args.defaults, *node.args.kw_defaults]
        if isinstance(default, ast.List | ast.Dict | ast.Set)
    ]

    assert shared == [], "\n".join(shared)


def _asserts(test: ast.FunctionDef) -> bool:
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = dotted(node.func).rpartition(".")[2].lstrip("_")
            if name in {"raises", "fail"} or name.startswith(("assert_", "check_", "verify_")):
                return True
    return False


def _python_files() -> list:
    folders = ("src", "tests", "docs", "bench", "examples")
    return sorted(path for folder in folders for path in (REPOSITORY / folder).rglob("*.py"))
