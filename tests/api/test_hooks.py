from __future__ import annotations

import base64
import json
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection, connections
from django.test import Client
from standardwebhooks import Webhook

from matricula.audit.queries import acts_on
from matricula.cli import sitting
from matricula.hub import announced
from matricula.hub.models import Announcement, DirtyKey, FlowState, Incident
from matricula.hub.worker import what_is_due
from matricula.kernel.errors import Refused

pytestmark = pytest.mark.django_db

KEY = "whsec_" + base64.b64encode(b"a key of thirty-two random bytes").decode()
OTHER = "whsec_" + base64.b64encode(b"another of thirty-two such bytes").decode()
MINUTE = timedelta(minutes=1)


@pytest.fixture
def campus(world, settings, monkeypatch):
    monkeypatch.setenv("SIS_HOOK", KEY)
    for name in ("sis", "lms"):
        world.edit_charter(
            f"  {name}:\n    connector: sql\n",
            f"  {name}:\n    connector: sql\n    announces: {{secret: 'env:SIS_HOOK'}}\n",
            name="charter.yaml",
        )  # fmt: skip
    settings.CHARTER = world.folder / "charter"
    return world


def event(subject="student/00001", **more):
    told = {
        "specversion": "1.0", "id": "a1", "source": "/sis", "type": "sis.student.changed",
        "subject": subject, **more,
    }  # fmt: skip
    return json.dumps({name: value for name, value in told.items() if value is not None})


def headers_of(body, *, message="msg_1", key=KEY, at=None):
    at = at or datetime.now(UTC)
    return {
        "webhook-id": message, "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(key).sign(message, at, body),
    }  # fmt: skip


def post(body, *, system="sis", headers=None, kind="application/cloudevents+json", **signed):
    told = headers_of(body, **signed) if headers is None else headers
    return Client().post(f"/hooks/{system}", body, content_type=kind, headers=told)


def marked():
    return sorted(DirtyKey.objects.values_list("flow", "entity", "key"))


def test_what_a_system_announces_is_marked_for_every_flow_that_reads_it(campus):
    answer = post(event())

    assert (answer.status_code, answer.json()) == (202, {})
    flows = ("lms-accounts", "lms-enrolments", "warehouse-students")
    assert marked() == [(flow, "student", "00001") for flow in flows]
    assert set(DirtyKey.objects.values_list("why", flat=True)) == {"sis announced it"}


def test_a_record_with_a_key_of_several_parts_is_named_as_the_charter_spells_it(campus):
    assert post(event("enrolment/00001|LAW1"), message="a").status_code == 202
    assert post(event("enrolment/00001"), message="b").status_code == 400
    assert marked() == [("lms-enrolments", "enrolment", "00001|LAW1")]


def test_a_flow_that_is_announced_is_looked_at_by_the_worker_at_once_and_once(campus):
    campus.settle()
    long = timedelta(hours=1)
    before = sitting.sit_down(campus.folder / "charter")
    FlowState.objects.update(last_run_at=before.at, tried_at=before.at)

    assert what_is_due(before, look_every=long).changed == ()
    assert post(event("flow/lms-accounts"), system="lms").status_code == 202

    desk = sitting.sit_down(campus.folder / "charter")
    assert what_is_due(desk, look_every=long).changed == ("lms-accounts",)
    FlowState.objects.filter(flow="lms-accounts").update(last_run_at=desk.at)
    assert what_is_due(desk, look_every=long).changed == ()


def test_nothing_that_a_message_says_is_taken_over_from_it(campus):
    campus.settle()
    told = event(data={"name": "Mallory", "status": "withdrawn"})

    assert post(told).status_code == 202
    campus.run("sync")

    assert campus.in_lms("SELECT fullname, suspended FROM users WHERE idnumber = '00001'") == [
        ("Amara Okafor", 0)
    ]
    assert "Mallory" not in json.dumps(list(Announcement.objects.values()), default=str)


def test_a_message_that_was_taken_before_is_acknowledged_and_does_nothing(campus):
    post(event())
    DirtyKey.objects.all().delete()

    # Once more by its sender, with a time of its own, and once more by whoever recorded it.
    again = [post(event(), at=datetime.now(UTC) - n * MINUTE).status_code for n in (0, 2)]

    assert again == [202, 202]
    assert marked() == []


def test_two_systems_may_give_two_messages_one_identity(campus):
    post(event())
    post(event("student/00002"), system="lms")

    assert Announcement.objects.filter(taken=True).count() == 1
    post(event("flow/lms-courses"), system="lms")
    assert Announcement.objects.filter(taken=True).count() == 2


def _wrong(name):
    body = event()
    right = headers_of(body)
    return {
        "another key": headers_of(body, key=OTHER),
        "another body": headers_of(event("student/00002")),
        "another identity": {**right, "webhook-id": "msg_2"},
        "too old": headers_of(body, at=datetime.now(UTC) - 6 * MINUTE),
        "not yet": headers_of(body, at=datetime.now(UTC) + 6 * MINUTE),
        "no headers": {},
        "no signature": {**right, "webhook-signature": ""},
        "no version": {**right, "webhook-signature": "nonsense, , v1, v1a,x v2,y"},
        "not ascii": {**right, "webhook-signature": "v1,\u00fcber"},
        "no number": {**right, "webhook-timestamp": "1e9"},
        "a number beyond time": {**right, "webhook-timestamp": "9" * 30},
        "an endless identity": headers_of(body, message="m" * 300),
    }[name]


@pytest.mark.parametrize(
    "wrong",
    [
        "another key", "another body", "another identity", "too old", "not yet", "no headers",
        "no signature", "no version", "not ascii", "no number", "a number beyond time",
        "an endless identity",
    ],
)  # fmt: skip
def test_what_nobody_has_proven_is_refused_and_audited_without_a_word_of_it(campus, wrong):
    answer = post(event(), headers=_wrong(wrong))

    (entry,) = acts_on("system", "refuse announcement", ["sis"])
    assert (answer.status_code, answer.json()["code"]) == (401, "M596")
    assert "00001" not in answer.content.decode() + repr(entry)
    assert marked() == []
    assert not Announcement.objects.filter(taken=True).exists()


def test_while_a_key_is_replaced_either_counts(campus, monkeypatch):
    monkeypatch.setenv("SIS_HOOK", f"{OTHER} {KEY}")

    assert post(event(), message="a").status_code == 202
    assert post(event(), message="b", key=OTHER).status_code == 202


def test_many_refusals_are_counted_in_one_row_and_keep_the_system_not_out(campus):
    at = datetime(2026, 11, 25, 7, 30, 30, tzinfo=UTC)
    for second in range(15):
        _refused(campus, at + second * timedelta(seconds=1))
    for minute in range(1, 90):
        _refused(campus, at + minute * MINUTE)

    counted = Announcement.objects.filter(taken=False).order_by("at")
    rows = list(counted.values_list("at", "times"))

    assert rows[0] == (at.replace(second=0), 15)
    assert len(rows) == 90
    # However long it lasts, a flood is one act.
    assert len(acts_on("system", "refuse announcement", ["sis"])) == 1
    assert announced.refused_lately(["sis", "lms"], at + 90 * MINUTE) == {"sis": 104, "lms": 0}
    assert post(event()).status_code == 202


def test_what_comes_after_a_quiet_hour_is_audited_again_and_old_counts_are_forgotten(campus):
    at = datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
    for days in (0, 0.5, 9):
        _refused(campus, at + timedelta(days=days))

    assert len(acts_on("system", "refuse announcement", ["sis"])) == 3
    assert Announcement.objects.filter(taken=False).count() == 1


def test_more_than_ten_refusals_in_a_minute_are_told_when_to_come_again(campus):
    at = datetime(2026, 11, 25, 7, 30, tzinfo=UTC)
    codes = [_refused(campus, at + n * timedelta(seconds=1)) for n in range(12)]

    assert codes == ["M596"] * 10 + ["M598"] * 2


def _refused(campus, at):
    charter = sitting.load_charter(campus.folder / "charter")
    with pytest.raises(Refused) as caught:
        announced.take(charter, announced.Posted("sis", {}, event().encode(), at))
    return caught.value.code


def test_a_system_that_announces_too_much_is_told_when_to_come_again(campus, monkeypatch):
    monkeypatch.setattr(announced, "_MOST", 3)

    answers = [post(event(), message=f"m{n}") for n in range(5)]

    assert [a.status_code for a in answers] == [202] * 3 + [429] * 2
    assert answers[-1]["Retry-After"] == "60"
    # It was not taken, so it may be sent again.
    Announcement.objects.update(at=datetime.now(UTC) - 2 * MINUTE)
    assert post(event("student/00009"), message="m4").status_code == 202
    assert ("lms-accounts", "student", "00009") in marked()


@pytest.mark.parametrize("system", ["nobody", "library", "../sis", "systems.sis"])
def test_a_system_that_may_not_announce_is_not_there(campus, system):
    answer = post(event(), system=system)

    assert answer.status_code == 404
    assert acts_on("system", "refuse announcement", [system]) == []


@pytest.mark.parametrize(
    "body",
    [
        "", "{", "[]", "null", '"text"', "[" * 10_000, event(specversion="0.3"), event(id=None),
        event(id=""), event(source=7), event(type=None), event(subject=None), event(""),
        event("student/"), event("student"), event("nobody/1"), event("flow/nothing"),
        event("flow/"), event("student/" + "9" * 600), event("student/1\n2"), event("/"),
        event("flow/warehouse-students/x"),
    ],
    ids=str,
)  # fmt: skip
def test_a_message_that_is_no_event_or_names_nothing_is_refused_and_marks_nothing(campus, body):
    answer = post(body)

    assert (answer.status_code, answer.json()["code"]) == (400, "M597")
    assert marked() == []
    assert not Announcement.objects.filter(taken=True).exists()


@pytest.mark.parametrize("subject", ["student/00001", "flow/warehouse-students"])
def test_a_system_names_only_what_it_owns_or_is_read_or_written(campus, subject):
    # The learning management system owns no field, and the warehouse's flow is not its own.
    assert post(event(subject), system="lms").status_code == 400
    assert marked() == []


@pytest.mark.parametrize("kind", ["application/json", "text/plain", ""])
def test_a_content_type_that_is_no_cloud_event_is_refused(campus, kind):
    assert post(event(), kind=kind or "application/octet-stream").status_code == 400


def test_a_body_that_is_too_large_is_not_even_verified(campus):
    large = event(data="x" * announced.LARGEST)

    answer = post(large)

    assert (answer.status_code, answer.json()["code"]) == (413, "M597")
    assert marked() == []


@pytest.mark.parametrize("path", ["/", "/hooks/", "/hooks/sis/", "/hooks/sis/further"])
def test_nothing_else_is_served(campus, path):
    answer = Client().post(path, event(), content_type="application/cloudevents+json")

    assert answer.status_code == 404


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "options"])
def test_announcements_are_posted(campus, method):
    answer = getattr(Client(), method)("/hooks/sis")

    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_a_secret_that_is_missing_here_is_told_to_the_office_and_not_to_the_sender(
    campus, monkeypatch
):
    monkeypatch.delenv("SIS_HOOK")

    answer = post(event(), key=KEY)

    (trouble,) = Incident.objects.filter(code="M803")
    assert (answer.status_code, answer.json()) == (503, {"code": "M803"})
    assert trouble.steward == "registrar"
    monkeypatch.setenv("SIS_HOOK", KEY)
    assert post(event()).status_code == 202
    assert not Incident.objects.filter(code="M803", closed_at=None).exists()


def test_a_charter_that_is_being_edited_leaves_the_last_one_here_and_a_new_one_counts(campus):
    path = campus.folder / "charter" / "charter.yaml"
    text = path.read_text()
    first = post(event(), message="a").status_code

    path.write_text(text + "\nnonsense: [")
    meanwhile = post(event(), message="b").status_code
    path.write_text(text.replace("    announces: {secret: 'env:SIS_HOOK'}\n", "", 1))
    later = post(event(), message="c").status_code

    assert (first, meanwhile, later) == (202, 202, 404)


def test_a_charter_that_never_compiled_answers_that_it_is_not_ready(campus, settings, tmp_path):
    settings.CHARTER = tmp_path / "nowhere"

    answer = post(event())

    assert answer.status_code == 503
    assert answer["Retry-After"] == "60"


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_held_by_a_delivery_takes_nothing_and_says_when_to_come_again(campus):
    if connection.vendor != "sqlite":
        pytest.skip("only the embedded database is held as a whole")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout=20")
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as delivery:
        delivery.execute("BEGIN IMMEDIATE")
        held = post(event())
    connection.close()

    assert (held.status_code, held.json(), held["Retry-After"]) == (503, {"code": "M806"}, "60")
    assert post(event()).status_code == 202


class _Quiet(WSGIRequestHandler):
    def log_message(self, format, *args):  # noqa: A002 - its own word
        pass


@pytest.mark.django_db(transaction=True)
def test_one_message_that_arrives_many_times_at_once_over_the_network_is_taken_once(campus):
    body = event()
    headers = {**headers_of(body), "content-type": "application/cloudevents+json"}
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=_Quiet)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    statuses = []

    def send():
        wire = HTTPConnection("127.0.0.1", server.server_port, timeout=30)
        wire.request("POST", "/hooks/sis", body, headers)
        statuses.append(wire.getresponse().status)
        wire.close()

    senders = [threading.Thread(target=send) for _ in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    server.shutdown()
    server.server_close()
    connections.close_all()

    assert statuses == [202] * 6
    assert Announcement.objects.filter(taken=True).count() == 1


def test_old_identities_are_forgotten_once_nobody_sends_them_any_more(campus):
    post(event(), message="a")
    Announcement.objects.update(at=datetime.now(UTC) - timedelta(days=8))

    post(event(), message="b")

    assert list(Announcement.objects.values_list("message", flat=True)) == ["b"]
