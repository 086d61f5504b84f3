from __future__ import annotations

from dataclasses import replace

import pytest

from matricula.cli import sitting
from matricula.connectors.kit.errors import TryAgain
from matricula.connectors.sql.connector import SqlConnector
from matricula.hub import ledger, links, settle
from matricula.hub.models import Effect, Link, Run

pytestmark = pytest.mark.django_db


class PowerCut(BaseException):
    """The machine stops after a target took a batch and before that was written down.

    No `Exception`, for nothing catches a power cut and tells of it.
    """


def _cut(*_: object, **__: object) -> None:
    raise PowerCut


def _sync_cut_short(world, monkeypatch) -> None:
    with monkeypatch.context() as cut:
        cut.setattr(ledger, "settle", _cut)
        with pytest.raises(PowerCut):
            world.run("sync")


def _audited(action: str, flow: str) -> list[str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT v.key FROM audit_entry e JOIN audit_act a ON a.number = e.act "
            "JOIN audit_value v ON v.seq = e.seq "
            "WHERE a.action = %s AND a.flow = %s ORDER BY v.key",
            [action, flow],
        )
        return [row[0] for row in cursor.fetchall()]


def _states(flow: str) -> set[tuple[str, str]]:
    return set(Effect.objects.filter(flow=flow).values_list("kind", "state"))


def _effects_of(world, run: str) -> set[tuple[str, str]]:
    told = world.run("runs", "show", run, "--json").json
    return {(e["kind"], e["state"]) for e in told["flows"].get("lms-accounts", ())}


def test_a_report_says_how_far_each_effect_has_come_from_sent_to_verified(world, monkeypatch):
    world.settle()
    world.sis("UPDATE students SET name = 'New Name' WHERE student_no = '00001'")
    _sync_cut_short(world, monkeypatch)
    first = Run.objects.latest("started_at").pk
    sent = _effects_of(world, first)

    world.sis("UPDATE students SET name = 'Newer Name' WHERE student_no = '00001'")
    world.run("sync")
    second = Run.objects.latest("started_at").pk
    after = _effects_of(world, first), _effects_of(world, second)
    world.run("sync")
    seen = _effects_of(world, second)
    world.lms("UPDATE users SET fullname = 'Edited' WHERE idnumber = '00001'")
    world.run("plan")

    assert sent == {("update", "sent")}
    assert after == ({("update", "verified")}, {("update", "answered")})
    assert seen == {("update", "verified")}
    # Somebody edited it since: it was answered, and what is there now is something else.
    assert _effects_of(world, second) == {("update", "answered")}


def test_what_was_intended_and_never_sent_is_void_though_nobody_can_be_asked(world, monkeypatch):
    world.settle()
    world.sis("UPDATE students SET name = 'New Name' WHERE student_no = '00001'")
    with monkeypatch.context() as cut:
        cut.setattr(ledger, "send", _cut)
        with pytest.raises(PowerCut):
            world.run("sync")
    monkeypatch.setattr(SqlConnector, "find", _away)

    said = world.run("sync")

    assert said.code == 0
    assert _states("lms-accounts") >= {("update", "void"), ("update", "answered")}
    assert world.in_lms("SELECT fullname FROM users WHERE idnumber = '00001'") == [("New Name",)]
    assert _audited("update", "lms-accounts") == ["00001"]


@pytest.mark.any_database
def test_a_deletion_that_had_not_been_made_is_not_taken_for_made(world, monkeypatch):
    world.edit_charter("guard: {exits: {share: 10%}}", "guard: {exits: {share: 50%}}")
    world.settle()
    ((number,),) = world.in_lms("SELECT id FROM courses WHERE code = 'BIO1'")
    world.sis("DELETE FROM sections WHERE code = 'BIO1'")
    _sync_cut_short(world, monkeypatch)
    # The batch never arrived: the course space is there as it was.
    world.lms("INSERT INTO courses VALUES (?, 'BIO1', 'Biology')", number)

    world.sis("INSERT INTO sections VALUES ('BIO1', 'Biology')")
    said = world.run("sync")

    assert said.code == 0
    assert ("delete", "void") in _states("lms-courses")
    assert _audited("delete", "lms-courses") == []
    assert Link.objects.get(flow="lms-courses", key="BIO1").confirmed is not None


@pytest.mark.any_database
def test_a_suspension_that_is_uncertain_is_asked_for_again_and_audited_once(world, monkeypatch):
    world.settle()
    world.sis("UPDATE students SET status = 'withdrawn' WHERE student_no = '00004'")

    _sync_cut_short(world, monkeypatch)
    said = world.run("sync")

    assert said.code == 0, said.out
    assert world.in_lms("SELECT suspended FROM users WHERE idnumber = '00004'") == [(1,)]
    assert _audited("suspend", "lms-accounts") == ["00004"]
    assert Link.objects.get(flow="lms-accounts", key="00004").state == "suspended"


@pytest.mark.parametrize("statement", [
    "UPDATE students SET name = 'New Name' WHERE student_no < '00006'",
    "INSERT INTO students VALUES ('99999', 'Zed Z', 'z@example.org', 'active')",
], ids=["changed", "new"])  # fmt: skip
def test_while_nobody_can_look_nothing_uncertain_is_sent_again(world, monkeypatch, statement):
    world.settle()
    monkeypatch.setattr(settle, "_SIZE", 2)
    world.sis(statement)
    _sync_cut_short(world, monkeypatch)
    uncertain = set(Effect.objects.filter(state="intended").values_list("flow", "key"))

    with monkeypatch.context() as away:
        away.setattr(SqlConnector, "find", _away)
        world.run("sync", "--changed")

    opened = Effect.objects.filter(state="unknown")
    assert {pair for pair in opened.values_list("flow", "key") if pair in uncertain}
    for flow, key in opened.values_list("flow", "key"):
        assert Effect.objects.filter(flow=flow, key=key).latest("id").state == "unknown"
        assert Link.objects.get(flow=flow, key=key).state == "unknown"


def _away(*_: object) -> None:
    raise TryAgain("The database is away.", code="M610", cure="Nothing to do by hand.")


@pytest.mark.any_database
def test_a_resume_that_nobody_saw_happen_is_asked_for_again(world, monkeypatch):
    world.settle()
    world.sis("UPDATE students SET status = 'withdrawn' WHERE student_no = '00001'")
    world.run("sync")
    world.sis("UPDATE students SET status = 'active' WHERE student_no = '00001'")
    with monkeypatch.context() as cut:
        cut.setattr(SqlConnector, "write", _cut)
        with pytest.raises(PowerCut):
            world.run("sync")

    world.run("sync")

    assert world.in_lms("SELECT suspended FROM users WHERE idnumber = '00001'") == [(0,)]
    assert len(_audited("resume", "lms-accounts")) == 1


def test_a_lost_creation_is_not_taken_for_the_edited_copy_of_somebody_else(world, monkeypatch):
    world.settle()
    world.sis("INSERT INTO students VALUES ('00099', 'Fay New', 'fay@example.org', 'active')")
    with monkeypatch.context() as cut:
        cut.setattr(SqlConnector, "write", _cut)
        with pytest.raises(PowerCut):
            world.run("sync")
    world.lms("UPDATE users SET idnumber = '00099' WHERE idnumber = '00001'")
    mine = Link.objects.get(flow="lms-accounts", key="00001").external_id

    world.run("sync", "--changed")

    lost = Effect.objects.filter(flow="lms-accounts", key="00099").earliest("id")
    assert lost.state == "void"
    assert world.in_lms(f"SELECT fullname FROM users WHERE id = {mine}") == [("Amara Okafor",)]  # noqa: S608 - our own words
    theirs = Link.objects.get(flow="lms-accounts", key="00099")
    assert (theirs.external_id, bool(theirs.refused)) == (None, True)
    assert "another key's copy" in world.run("incidents").out


def test_only_copies_of_other_keys_in_the_same_resource_that_are_there_are_others(world):
    world.settle()
    desk = sitting.sit_down(world.folder / "charter", only_look=True)
    mine = Link.objects.get(flow="lms-accounts", key="00001").external_id

    def is_others(flow, key):
        return mine in links.others(desk.charter, desk.charter.flows[flow], key)

    assert not is_others("lms-accounts", "00001")
    assert is_others("lms-accounts", "00002")
    assert mine in links.Others("00001", ["another-flow"], ["lms-accounts"])
    Link.objects.filter(flow="lms-accounts", key="00001").update(drift=links.GONE)
    assert not is_others("lms-accounts", "00002")


def test_what_other_entities_hold_in_one_resource_is_told_to_the_engine(world):
    world.settle()
    charter = sitting.sit_down(world.folder / "charter", only_look=True).charter
    accounts, courses = (charter.flows[name] for name in ("lms-accounts", "lms-courses"))
    beside = replace(courses, target=accounts.target)
    both = replace(charter, flows={**charter.flows, "lms-courses": beside})

    told = links.elsewhere(both, [accounts, charter.flows["lms-enrolments"]])

    held = Link.objects.filter(flow="lms-courses").values_list("external_id", flat=True)
    assert set(told) == {"lms-accounts"}
    assert sorted(told["lms-accounts"]["external_id"].to_pylist()) == sorted(held)
