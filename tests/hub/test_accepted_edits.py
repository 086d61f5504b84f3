"""An edit that an office accepts stands for a while: not reported, not put back, not run over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from matricula.audit.queries import history
from matricula.connectors.kit.protocol import Write
from matricula.hub import accepted
from matricula.hub.models import AcceptedEdit, Effect, Incident

pytestmark = pytest.mark.django_db
OWN = "own@elsewhere.example"
TOMORROW = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
YESTERDAY = datetime.now(UTC).date() - timedelta(days=2)


def accept(world, *, field="email", until=TOMORROW, steward="it", why="a guest's address"):
    return world.run(
        "drift", "accept", "lms-accounts", "00001", field, "--until", until, "--as", steward,
        "--why", why,
    )  # fmt: skip


def held(world) -> tuple[str, str]:
    [row] = world.in_lms("SELECT fullname, email FROM users WHERE idnumber = '00001'")
    return row


def told(world) -> list[tuple[str, str]]:
    return [(d["field"], d["next"]) for d in world.run("drift", "--json").json]


def test_an_accepted_edit_stands_until_its_day_has_passed_and_is_put_back_then_by_itself(world):
    world.settle()
    world.lms("UPDATE users SET email = ? WHERE idnumber = '00001'", OWN)
    world.run("plan")
    refused = [
        accept(world, steward="library"), accept(world, until="2001-01-01"),
        accept(world, field="fullname"),
    ]  # fmt: skip
    before = told(world)

    assert accept(world).code == 0

    assert [(said.code, "M530" in said.err) for said in refused] == [(1, True)] * 3
    assert [field for field, _ in before] == ["email"]
    assert told(world) == [("email", f"accepted until {TOMORROW} by Identity and Access")]
    entries = history("student", "00001", limit=9)
    assert [e.why for e in entries if e.action == "accept edit"] == ["a guest's address"]

    # What else changes goes out around it, the owner's own new value for the field included.
    world.sis("UPDATE students SET name = 'Amara O', email = 'new@x' WHERE student_no = '00001'")
    assert world.run("sync").code == 0
    assert held(world) == ("Amara O", OWN)
    last = Effect.objects.latest("pk").pk
    world.sis("UPDATE students SET email = 'newer@x' WHERE student_no = '00001'")
    assert world.run("sync").code == 0
    assert held(world) == ("Amara O", OWN)
    assert not world.plan()["lms-accounts"]["drifted"]
    assert not Incident.objects.filter(closed_at=None).exists()
    # Nothing was sent, so nothing is said to have been.
    assert not Effect.objects.filter(pk__gt=last, flow="lms-accounts").exists()

    # It is that value alone: another one is drift, and what was accepted comes back.
    world.lms("UPDATE users SET email = 'third@x' WHERE idnumber = '00001'")
    assert world.run("sync").code == 0
    assert held(world) == ("Amara O", OWN)

    AcceptedEdit.objects.update(until=YESTERDAY)
    assert world.run("sync").code == 0
    assert held(world) == ("Amara O", "newer@x")
    assert not AcceptedEdit.objects.exists()


def test_a_write_carries_what_is_accepted_for_connectors_that_replace_whole_records(world):
    desk = _desk(world)
    AcceptedEdit.objects.create(
        flow="lms-accounts", key="00001", field="email", value=f'{{"email":"{OWN}"}}',
        until=desk.at.date(), steward="it", actor="a", why="w", accepted_at=desk.at,
    )  # fmt: skip
    told = {"email": "new@x", "fullname": "Amara"}

    def write(key, kind, *changed):
        return Write(key, kind, "7", told, frozenset(changed))

    def carried(one, *, restored=()):
        sent = accepted.carry(desk, "lms-accounts", [one], restored=restored)
        return [(w.fields["email"], set(w.changed)) for w in sent.values()]

    both = ("email", "fullname")
    assert carried(write("00001", "update", *both)) == [(OWN, {"fullname"})]
    assert carried(write("00001", "resume", *both)) == [(OWN, {"fullname"})]
    assert carried(write("00001", "update", "email")) == []
    assert carried(write("00001", "update", "email"), restored={"00001"}) == [(OWN, {"email"})]
    assert carried(write("00002", "update", *both)) == [("new@x", set(both))]


def _desk(world):
    from matricula.cli import sitting

    return sitting.sit_down(world.folder / "charter", only_look=True)
