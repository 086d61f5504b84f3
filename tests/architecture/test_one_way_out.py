"""Every write to another system passes the gate. A second way is a bug even if it works."""

from __future__ import annotations

import ast

from tests.architecture.source import Module, dotted, imported, written

GATE = "hub.gate"


def _may_write(module: Module) -> bool:
    """The gate, and inside the connectors' room what a connector is made of and tried with."""
    return module.name == GATE or module.room == "connectors"


def _is_a_file(call: ast.Call) -> bool:
    """A file's `write` takes one thing; a connector's takes a resource, writes and `at=`."""
    return len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], ast.Starred)


def _second_doors(module: Module) -> list[str]:
    called = {id(node.func): node for node in module.nodes if isinstance(node, ast.Call)}
    return [
        f"{module.at(node)} {dotted(node)}"
        for node in module.nodes
        if isinstance(node, ast.Attribute)
        and node.attr == "write"
        and not (id(node) in called and _is_a_file(called[id(node)]))
    ]


def _module(text: str, name: str = "cli.somewhere") -> Module:
    from tests.architecture.source import SOURCE

    tree = ast.parse(text)
    return Module(name, SOURCE / "somewhere.py", text, tree, tuple(ast.walk(tree)))


def test_nobody_but_the_gate_writes_to_a_connected_system():
    second = [door for m in written() if not _may_write(m) for door in _second_doors(m)]

    assert second == [], "\n".join(second)


def test_the_rule_sees_a_call_an_alias_and_a_look_up_by_name():
    calls = _module("connector.write('users', writes, at=now)")
    alias = _module("send = connector.write")
    named = _module("getattr(connector, 'write')(1)")
    a_file = _module("file.write('text')")

    assert len(_second_doors(calls)) == 1
    assert len(_second_doors(alias)) == 1
    assert _fetched_by_name(named) != []
    assert _second_doors(a_file) == []


def _fetched_by_name(module: Module) -> list[str]:
    return [
        module.at(node)
        for node in module.nodes
        if isinstance(node, ast.Call)
        and dotted(node.func) in {"getattr", "operator.methodcaller", "methodcaller"}
        and any(isinstance(a, ast.Constant) and a.value == "write" for a in node.args)
    ]


def test_nobody_fetches_the_verb_by_its_name():
    fetched = [place for m in written() for place in _fetched_by_name(m)]

    assert fetched == [], "\n".join(fetched)


def test_the_gate_itself_is_there_and_writes():
    (gate,) = [m for m in written() if m.name == GATE]

    assert len(_second_doors(gate)) >= 1


def test_the_hub_knows_connectors_by_protocol_and_registry_alone():
    by_name = [
        f"{m.at(node)} {name}"
        for m in written()
        if m.room in {"hub", "audit", "charter", "engine"}
        for name, node in imported(m)
        if name.startswith("matricula.connectors.")
        and not name.startswith(("matricula.connectors.kit", "matricula.connectors.registry"))
    ]

    assert by_name == [], "\n".join(by_name)
