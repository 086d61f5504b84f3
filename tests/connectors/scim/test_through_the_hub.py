"""The charter part beside the connector at work: a file, the hub, and identity providers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from matricula.connectors import scim as package
from tests.connectors.scim.test_charter_part import AROUND_IT
from tests.counterparts.faulty_proxy import Fault, Proxy, faulty_proxy
from tests.counterparts.scim_server import shared_server
from tests.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

FILES = """
  sis:
    connector: files
    steward: registrar
    settings:
      folder: drop
      resources:
        students: {file: students.csv, key: [student_no]}
        sections: {file: sections.csv, key: [section_code]}
"""
STUDENTS = """student_no,display_name,email,status
S1,Amara Okafor,amara@n.example,active
S2,Bela Kovács,bela@n.example,active
S3,Chidi Eze,chidi@n.example,on_leave
"""
THREE = [("S1", True), ("S2", True), ("S3", False)]


@dataclass(frozen=True)
class Northfield(World):
    """A file on one side and an identity provider behind a proxy on the other."""

    proxy: Proxy
    kind: str

    def write(self, text: str) -> None:
        (self.folder / "drop" / "students.csv").write_text(text, encoding="utf-8")

    def accounts(self) -> list[tuple[str, bool]]:
        """Who has an account, and whether they get in."""
        token = shared_server(self.kind).token
        answer = httpx2.get(
            f"{self.proxy.url}/Users", headers={"Authorization": f"Bearer {token}"}
        )
        return sorted((one["externalId"], one["active"]) for one in answer.json()["Resources"])


@pytest.fixture
def northfield(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> Iterator[Callable[..., Northfield]]:
    """Make the university, on a server of one kind."""
    from contextlib import ExitStack

    settings.HOME = tmp_path / "home"
    with ExitStack() as stack:

        def make(kind: str = "") -> Northfield:
            server = shared_server(kind)
            monkeypatch.setenv("IDP_SCIM_TOKEN", server.token)
            proxy = stack.enter_context(faulty_proxy(server.tenant()))
            made = Northfield(tmp_path, capsys, proxy, kind)
            _furnish(made)
            return made

        yield make


def _furnish(made: Northfield) -> None:
    for name in ("charter", "drop"):
        (made.folder / name).mkdir()
    around = AROUND_IT.replace("  sis: {connector: register, steward: registrar}\n", FILES)
    part = (Path(package.__file__).parent / "charter.yaml").read_text(encoding="utf-8")
    part = part.replace("https://login.campus.example/scim/v2", made.proxy.url)
    (made.folder / "charter" / "around.yaml").write_text(around, encoding="utf-8")
    (made.folder / "charter" / "idp.yaml").write_text(part, encoding="utf-8")
    made.write(STUDENTS)
    sections = made.folder / "drop" / "sections.csv"
    sections.write_text("section_code\nLAW1\nART1\n", encoding="utf-8")
    for steward in ("registrar", "it"):
        made.run("sign", "--as", steward)


def posts(made: Northfield) -> list[str]:
    return [path.rpartition("/")[2] for method, path in made.proxy.calls if method == "POST"]


def test_accounts_and_groups_go_out_in_bulk_and_then_nothing_is_left_to_do(
    northfield: Callable[..., Northfield],
):
    made = northfield()

    live = made.run("check", "--live")
    first = made.run("sync")
    again = made.run("plan")

    assert live.code == 0, live.out + live.err
    assert first.code == 0, first.out + first.err
    assert made.accounts() == THREE
    assert posts(made) == ["Bulk", "Bulk"]
    assert again.code == 0, again.out


def test_a_bulk_request_whose_answer_is_lost_is_settled_by_reading(
    northfield: Callable[..., Northfield],
):
    made = northfield()
    made.proxy.faults.append(Fault(path="/Bulk", times=1, drop=True))

    made.run("sync")
    made.proxy.faults.clear()
    made.run("sync")

    assert made.accounts() == THREE
    assert made.run("plan").code == 0


def test_a_server_that_only_replaces_records_is_kept_and_what_it_lacks_is_told(
    northfield: Callable[..., Northfield],
):
    made = northfield("bare")

    live = made.run("check", "--live")
    made.run("sync")
    made.write(STUDENTS.replace("S2,Bela Kovács,bela@n.example,active\n", ""))
    said = made.run("sync")

    assert live.code == 0, live.out + live.err
    assert live.out.count("M629") + live.err.count("M629") == 2
    assert said.code == 0, said.out + said.err
    assert made.accounts() == [("S1", True), ("S2", False), ("S3", False)]


def test_a_permission_that_is_missing_is_named_by_the_check(
    northfield: Callable[..., Northfield],
):
    made = northfield()
    made.proxy.faults.append(Fault(method="GET", path="/Groups", forward=False, status=403))

    live = made.run("check", "--live")

    assert live.code != 0
    assert "may not read groups (GET /Groups)" in live.out + live.err
    assert "memberships" not in live.out + live.err
