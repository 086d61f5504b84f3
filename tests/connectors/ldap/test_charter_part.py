"""The part of a charter that lies beside the connector compiles, and fits a real directory."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING

import pytest

from matricula.charter import starter
from matricula.charter.compile import compile_charter
from matricula.connectors import ldap
from matricula.connectors.ldap.settings import LdapSettings
from matricula.connectors.ldap.slapd import SUFFIX
from tests.counterparts.slapd_server import Hand, connected, door

if TYPE_CHECKING:
    from matricula.charter.model import Charter

pytestmark = pytest.mark.any_database
PART = Path(ldap.__file__).parent / "charter.yaml"


@pytest.fixture(scope="module")
def charter(tmp_path_factory: pytest.TempPathFactory) -> Charter:
    folder = tmp_path_factory.mktemp("charter") / "charter"
    copytree(
        Path(starter.__file__).parent, folder, ignore=lambda *_: ["__init__.py", "__pycache__"]
    )
    (folder / "directory.yaml").write_text(PART.read_text(encoding="utf-8"), encoding="utf-8")
    return compile_charter(folder, today=date(2026, 9, 1))


def test_the_part_beside_the_connector_compiles_beside_the_starter(charter: Charter):
    flows = {name for name in charter.flows if name.startswith("directory-")}

    settings = LdapSettings.model_validate(charter.systems["directory"].settings)
    assert settings.layout == "openldap"
    assert len(flows) == 6


def test_every_field_that_the_part_grants_is_there_and_every_required_one_is_granted(
    charter: Charter,
):
    if not door().is_ours:
        pytest.skip("the directory that is named has other branches than the charter part")
    hand = Hand(door())
    present = {one.dn for one in hand.look(SUFFIX, objectClass="organizationalUnit")}
    for branch in ("staff", "people", "suspended", "sections", "intakes", "roles"):
        if f"ou={branch},{SUFFIX}" not in present:
            hand.add(f"ou={branch},{SUFFIX}", objectClass="organizationalUnit", ou=branch)
    hand.close()
    own = charter.systems["directory"].settings["resources"]

    with connected(SUFFIX, resources=own) as connector:
        shapes = {shape.name: shape for shape in connector.describe()}

    for flow in charter.flows.values():
        if flow.target.system != "directory":
            continue
        shape = shapes[flow.target.resource]
        assert set(flow.fields) <= {one.name for one in shape.fields if one.writable}
        assert {one.name for one in shape.fields if one.required} <= set(flow.fields)
        needed = {"suspend": {"suspend", "resume"}, "delete": {"delete"}}.get(flow.on_exit, set())
        assert {"create", *needed} <= shape.writes
