"""What stops, breaks or waits in one flow is that flow's own, and is told where it is true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from matricula.cli import sitting
from matricula.connectors.kit.errors import ReadBack, Stop, TryAgain
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.sql.connector import SqlConnector
from matricula.hub.models import Effect, FlowState, Incident, Link, Run, StoredPlan, SystemState
from matricula.hub.worker import Worker, what_is_due

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
_WRITE = SqlConnector.write


def _only(resource, do):
    """Break the writes of one resource; the others go through."""

    def write(connector, name, writes, *, at):
        return do(writes) if name == resource else _WRITE(connector, name, writes, at=at)

    return write


def _raise(error):
    def do(writes):
        raise error

    return do


def _open(code: str) -> list[tuple[str, str]]:
    found = Incident.objects.filter(closed_at=None, code=code)
    return list(found.values_list("place", "steward"))


def _names(world) -> dict[str, str]:
    return dict(world.in_lms("SELECT idnumber, fullname FROM users"))


def test_only_a_plan_that_was_shown_can_be_applied(world):
    world.settle()
    world.sis("UPDATE students SET name = 'Shown' WHERE student_no = '00001'")
    world.run("plan")
    world.sis("UPDATE students SET name = 'Never Shown' WHERE student_no = '00001'")

    first, second = world.run("apply"), world.run("apply")

    assert (first.code, second.code) == (1, 1)
    assert "M511" in second.err
    assert _names(world)["00001"] == "Amara Okafor"
    assert StoredPlan.objects.filter(run__kind="plan").count() == StoredPlan.objects.count()


def test_a_plan_of_which_nothing_could_go_out_is_not_used_up(world):
    digest = world.run("plan", "--json").json["digest"]
    world.run("apply", digest)
    world.sign_all()

    said = world.run("apply", digest)

    assert said.code == 0, said.err
    assert len(world.everything_in_lms()[0]) == 40


def test_a_copy_that_was_there_before_us_is_not_deleted_after_a_lost_answer(world, monkeypatch):
    world.edit_charter("guard: {exits: {share: 10%}}", "guard: {exits: {share: 50%}}")
    world.lms("INSERT INTO courses VALUES (5, 'BIO1', 'Made by hand')")
    lost = ReadBack("No answer came.", code="M612", cure="It is looked up.")

    def write_and_lose(connector, name, writes, *, at):
        _WRITE(connector, name, writes, at=at)
        raise lost

    world.sign_all()
    with monkeypatch.context() as broken:
        broken.setattr(SqlConnector, "write", write_and_lose)
        world.run("sync", "--flow", "lms-courses")
    world.run("sync")
    world.sis("DELETE FROM sections WHERE code = 'BIO1'")
    said = world.run("sync")

    assert said.code == 1
    assert (5, "BIO1", "Biology") in world.everything_in_lms()[1]
    assert Link.objects.get(flow="lms-courses", key="BIO1").was_there
    assert [key for (key,) in Incident.objects.filter(code="M655").values_list("key")] == ["BIO1"]


@pytest.mark.parametrize(
    "broken", [_raise(KeyError("a value")), lambda _: []], ids=["raises", "silent"]
)
def test_a_connector_that_breaks_stops_its_own_flow_alone(world, monkeypatch, broken):
    world.settle()
    world.sis("UPDATE students SET name = 'Ada Byron' WHERE student_no = '00001'")
    world.sis("UPDATE sections SET title = 'Laws' WHERE code = 'LAW1'")

    with monkeypatch.context() as breaking:
        breaking.setattr(SqlConnector, "write", _only("courses", broken))
        said = world.run("sync")

    assert said.code == 1
    assert _names(world)["00001"] == "Ada Byron"
    assert Effect.objects.get(key="LAW1", state="unknown").flow == "lms-courses"
    assert _open("M654") == [("lms.courses", "it")]
    assert "a value" not in said.out + said.err
    assert world.run("sync").code == 0
    assert ("LAW1", "Laws") in world.in_lms("SELECT code, title FROM courses")
    assert _open("M654") == []


def test_a_connector_that_breaks_while_looking_up_holds_nobody_else(world, monkeypatch):
    world.settle()
    Effect.objects.create(
        run="run-x", flow="lms-courses", key="LAW1", kind="update", state="unknown",
        external_id="1", after="{}", intended_at=datetime.now(UTC),
    )  # fmt: skip
    world.sis("UPDATE students SET status = 'on_leave' WHERE student_no = '00001'")

    def broken(*_: object):
        raise KeyError("a value")

    monkeypatch.setattr(SqlConnector, "find", broken)
    world.run("sync")

    assert Link.objects.get(flow="warehouse-students", key="00001").confirmed.count("on_leave")
    assert _open("M651") == [("lms.courses", "it")]


def test_the_worker_outlives_what_nobody_foresaw(world):
    told = []

    def sit_down():
        if not told:
            raise KeyError("a value")
        return sitting.sit_down(world.folder / "charter")

    worker = Worker(sit_down, told.append)
    worker.stopped.wait = lambda _: False

    worker.work(rounds=2)

    assert str(told[0]) == "This round failed: KeyError. The next begins afresh."
    assert worker.stopped.is_set() is False


def test_a_first_load_that_was_interrupted_goes_on(world, monkeypatch):
    world.sign_all()
    done = []

    def five_then_away(writes):
        if done:
            raise TryAgain("It is away.", code="M610", cure="Wait.")
        done.extend(writes[:5])
        return [Outcome(w.key, error=TryAgain("It is away.", code="M610", cure="Wait."))
                for w in writes]  # fmt: skip

    world.lms("INSERT INTO users (id, idnumber, fullname) VALUES (1, '00001', 'A')")
    with monkeypatch.context() as away:
        away.setattr(SqlConnector, "write", _only("users", five_then_away))
        world.run("sync")
    halfway = FlowState.objects.get(flow="lms-accounts").last_full_at
    Link.objects.filter(flow="lms-accounts").delete()
    Link.objects.create(
        flow="lms-accounts",
        key="00001",
        external_id="1",
        state="active",
        confirmed="{}",
        digest="x",
    )

    said = world.run("sync")

    assert halfway is None
    assert said.code == 0, said.out
    assert len(world.everything_in_lms()[0]) == 40


def test_a_system_that_is_busy_for_one_row_is_sent_no_more_and_left_alone_as_it_asks(
    world, monkeypatch
):
    world.settle()
    world.sis("UPDATE students SET name = name || ' X' WHERE student_no < '00006'")
    world.sis("UPDATE sections SET title = 'Laws' WHERE code = 'LAW1'")
    busy = TryAgain("Too many requests.", code="M611", cure="Wait.", after_seconds=3600)
    sent = []

    def refuse(connector, name, writes, *, at):
        sent.append(name)
        return [Outcome(write.key, error=busy) for write in writes]

    with monkeypatch.context() as away:
        away.setattr(SqlConnector, "write", refuse)
        world.run("sync")
    again = world.run("sync")

    assert sent == ["users"]
    state = SystemState.objects.get(system="lms")
    assert (state.is_well, state.by_writing) == (False, True)
    assert "left alone until" in again.out
    assert _names(world)["00001"] == "Amara Okafor"
    SystemState.objects.update(not_before=datetime.now(UTC) - timedelta(seconds=1))
    assert world.run("sync").code == 0
    assert _names(world)["00001"] == "Amara Okafor X"
    assert SystemState.objects.get(system="lms").is_well


def test_what_cannot_be_written_stays_one_incident_although_it_can_be_read(world, monkeypatch):
    world.settle()
    world.sis("UPDATE students SET name = 'Ada Byron' WHERE student_no = '00001'")
    refused = Stop("The account may not write.", code="M613", cure="Grant it.")

    with monkeypatch.context() as broken:
        broken.setattr(SqlConnector, "write", _only("users", _raise(refused)))
        for _ in range(3):
            world.run("sync")

    assert Incident.objects.filter(code="M613").count() == 1
    assert _open("M613") == [("lms", "it")]
    assert world.run("sync").code == 0
    assert _open("M613") == []


def test_a_full_pass_whose_delivery_was_stopped_is_still_to_come(world, monkeypatch):
    world.settle()
    before = FlowState.objects.get(flow="lms-accounts").last_full_at
    world.sis("UPDATE students SET name = 'Ada Byron' WHERE student_no = '00001'")
    away = TryAgain("It is away.", code="M610", cure="Wait.")

    with monkeypatch.context() as broken:
        broken.setattr(SqlConnector, "write", _only("users", _raise(away)))
        world.run("sync")

    assert FlowState.objects.get(flow="lms-accounts").last_full_at == before
    assert FlowState.objects.get(flow="warehouse-students").last_full_at > before


def test_an_edit_is_proposed_to_the_office_that_owns_the_field(world):
    world.edit_charter("on_drift: report\n    if_unavailable: {queue: true}\n"
                       "    guard: {exits: {share: 10%}}\n    errors_to: planning",
                       "on_drift: adopt\n    if_unavailable: {queue: true}\n"
                       "    guard: {exits: {share: 10%}}\n    errors_to: planning")  # fmt: skip
    world.edit_charter("to: warehouse.students", "to: lms.owing")
    world.lms(
        "CREATE TABLE owing (student_no TEXT PRIMARY KEY, status TEXT, fines TEXT, gone INT)"
    )
    world.edit_charter(
        "        courses: {table: courses",
        "        owing: {table: owing, key: [student_no], suspend: "
        "{column: gone, value: 1, resume_value: 0}}\n        courses: {table: courses",
        name="charter.yaml",
    )
    world.settle()
    world.lms("UPDATE owing SET fines = '99.00' WHERE student_no = '00001'")

    world.run("sync")

    assert [steward for _, steward in _open("M660")] == ["library"]
    [proposed] = world.run("drift", "--asks", "library", "--json").json
    assert (proposed["key"], proposed["field"], proposed["found"]) == ("00001", "fines", "99.00")
    assert world.run("drift", "--asks", "registrar", "--json").json == []

    fines = "".join(f"{n:05d},{'99' if n == 1 else n - 1}.50\n" for n in range(1, 41))
    world.write_patrons(f"cardnumber,fines\n{fines}".replace("99.50", "99.00"))
    assert world.run("sync").code == 0

    assert _open("M660") == []
    assert world.run("drift", "--json").json == []
    assert world.in_lms("SELECT fines FROM owing WHERE student_no = '00001'") == [("99.00",)]


def test_a_held_flow_does_not_make_the_others_look_at_everybody(world):
    world.settle()
    (world.folder / "drop" / "patrons.csv").unlink()
    world.sis("UPDATE sections SET title = 'Laws' WHERE code = 'LAW1'")
    world.run("sync", "--changed")
    world.sis("UPDATE sections SET title = 'Law' WHERE code = 'LAW1'")

    said = world.run("sync", "--changed", "--json").json

    parts = {part["flow"]: part for part in said["flows"]}
    assert parts["lms-courses"]["update"] == 1
    assert parts["lms-courses"]["unchanged"] == 0
    assert parts["warehouse-students"]["reasons"]


def test_a_flow_whose_text_is_new_is_looked_at_in_full_and_the_others_are_not(world):
    world.settle()
    world.edit_charter("is: title,", "is: upper(title),")
    desk = sitting.sit_down(world.folder / "charter")
    FlowState.objects.update(last_run_at=desk.at - timedelta(hours=1), tried_at=None)

    due = what_is_due(desk, look_every=timedelta(minutes=1))

    assert due.full == ("lms-courses",)
    assert "lms-accounts" in due.changed


def test_a_look_that_found_nothing_leaves_no_run_behind(world):
    world.settle()
    before = Run.objects.count()

    said = world.run("sync", "--changed")

    assert said.code == 0
    assert Run.objects.count() == before


def test_a_source_that_is_away_is_served_from_its_last_reading_as_long_as_the_charter_says(
    world, monkeypatch
):
    world.edit_charter("if_unavailable: {queue: true}\n    guard: {exits: {share: 10%}, creations",
                       "if_unavailable: {queue: true, use_snapshot_for: 1h}\n"
                       "    guard: {exits: {share: 10%}, creations")  # fmt: skip
    world.settle()
    world.lms("UPDATE users SET fullname = 'Somebody' WHERE idnumber = '00001'")
    (world.folder / "sis.db").rename(world.folder / "away.db")
    (world.folder / "sis.db").mkdir()

    said = world.run("sync", "--json").json

    parts = {part["flow"]: part for part in said["flows"]}
    assert _names(world)["00001"] == "Amara Okafor"
    assert parts["lms-accounts"]["reasons"] == []
    assert "M514" in parts["lms-courses"]["reasons"][0]
    assert {f["code"] for f in said["findings"]} == {"M491"}


def test_a_system_that_is_away_is_nobodys_incident_before_its_time(world, monkeypatch):
    world.edit_charter(
        "if_unavailable: {queue: true}", "if_unavailable: {queue: true, alert_after: 2h}"
    )
    world.settle()
    read = SqlConnector.read

    def away(connector, name):
        if name == "students":
            raise TryAgain("It is away.", code="M610", cure="Wait.")
        return read(connector, name)

    monkeypatch.setattr(SqlConnector, "read", away)

    world.run("sync")
    early = _open("M610")
    SystemState.objects.update(since=datetime.now(UTC) - timedelta(hours=3))
    world.run("sync")

    assert early == []
    assert _open("M610") == [("sis", "registrar")]
