"""A system whose secret or connector cannot be had stands still alone; the others get theirs."""

from __future__ import annotations

import sys

import duckdb
import pytest

from matricula.connectors.registry import connector_class
from matricula.hub.models import Incident

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

# A connector of another distribution that fetches its secret while it is made.
EAGER = """
from matricula.connectors.kit.secrets import credential
from matricula.connectors.sql.connector import SqlConnector
from matricula.kernel import secrets

class Eager(SqlConnector):
    def __init__(self, settings, context):
        FETCH
        super().__init__(settings, context)
"""


def _bring(world, monkeypatch, fetch: str) -> None:
    """Install a distribution that brings the connector `eager`, as pip would."""
    place = world.folder / "installed"
    told = place / "eager-1.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: eager\nVersion: 1\n")
    (told / "entry_points.txt").write_text("[matricula.connectors]\neager = eager:Eager\n")
    (place / "eager.py").write_text(EAGER.replace("FETCH", fetch))
    monkeypatch.syspath_prepend(place)
    monkeypatch.delitem(sys.modules, "eager", raising=False)
    # A process looks through what is installed once; pip would have installed it before.
    connector_class.cache_clear()


def _assert_the_lms_alone_stands_still(world, code: str) -> None:
    opened = Incident.objects.filter(closed_at=None).exclude(code="M515")
    told = {(one.code, one.steward, one.system) for one in opened}
    assert told == {(code, "it", "lms")}
    assert world.in_lms("SELECT count(*) FROM users WHERE fullname = 'New'") == [(0,)]
    kept = world.folder / "warehouse" / "students_history.parquet"
    assert kept.stat().st_size
    assert _statuses(world)["00001"] == "on_leave"


def _statuses(world) -> dict[str, str]:
    path = str(world.folder / "warehouse" / "warehouse.duckdb")
    with duckdb.connect(path, read_only=True) as warehouse:
        return dict(
            warehouse.execute("SELECT student_no, status FROM students_current").fetchall()
        )


def _change(world) -> None:
    world.sis("UPDATE students SET name = 'New', status = 'on_leave' WHERE student_no = '00001'")


@pytest.mark.parametrize("words", [("sync",), ("sync", "--changed")])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00"])
def test_a_missing_secret_holds_the_flows_of_its_system_alone(world, words, content):
    secret = world.folder / "lms-url"
    address = "sqlite:///lms.db"
    secret.write_text(address, encoding="utf-8")
    world.edit_charter(f'"{address}"', f'"file:{secret}"', "charter.yaml")
    world.settle()
    _change(world)
    if content is None:
        secret.unlink()
    else:
        secret.write_bytes(content)

    said = world.run(*words)

    assert said.code == 1
    _assert_the_lms_alone_stands_still(world, "M613")

    secret.write_text(address, encoding="utf-8")
    assert world.run("sync").code == 0
    assert world.in_lms("SELECT count(*) FROM users WHERE fullname = 'New'") == [(1,)]
    assert not Incident.objects.filter(closed_at=None, system="lms").exists()


@pytest.mark.parametrize("words", [("sync",), ("sync", "--changed")])
@pytest.mark.parametrize(
    ("fetch", "code"),
    [
        ("credential('env:MATRICULA_NOT_THERE')", "M613"),
        ("secrets.reveal('env:MATRICULA_NOT_THERE')", "M613"),
        ("b'\\xff'.decode()", "M654"),
    ],
)
def test_a_connector_that_cannot_be_made_holds_its_own_flows_alone(
    world, monkeypatch, words, fetch, code
):
    world.settle()
    _bring(world, monkeypatch, fetch)
    charter = world.folder / "charter" / "charter.yaml"
    before, _, after = charter.read_text(encoding="utf-8").partition(
        "  lms:\n    connector: sql\n"
    )
    charter.write_text(f"{before}  lms:\n    connector: eager\n{after}", encoding="utf-8")
    world.sign_all()
    _change(world)

    said = world.run(*words)

    assert said.code == 1
    _assert_the_lms_alone_stands_still(world, code)
