from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import standardwebhooks.webhooks
from django.db import connections
from jsonschema import Draft7Validator, FormatChecker
from standardwebhooks import Webhook, WebhookVerificationError

from matricula.cli import sitting
from matricula.hub import numbers, outbox, webhooks
from matricula.hub.incidents import Trouble, close_others, report
from matricula.hub.models import Incident, Message, Run, Subscriber
from matricula.hub.worker import Worker
from tests.counterparts.hook_receiver import receiver
from tests.world import build

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC).replace(microsecond=0)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
KEY = "whsec_" + base64.b64encode(b"a key of thirty-two random bytes").decode()
OLDER = "whsec_" + base64.b64encode(b"another of thirty-two such bytes").decode()
KINDS = ("incident.opened", "incident.closed", "flow.delivered")
ALL = f"[{', '.join(KINDS)}]"


class _Then(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW.astimezone(tz)


@pytest.fixture(autouse=True)
def read_at_once(monkeypatch):
    """The other implementation of the signatures reads the clock, and refuses what is old.

    This file may well be read minutes before its tests are run.
    """
    monkeypatch.setattr(standardwebhooks.webhooks, "datetime", _Then)


@pytest.fixture
def hook(world, monkeypatch):
    monkeypatch.setenv("LMS_HOOK", KEY)
    with receiver() as running:
        subscribe(world, running.url)
        tell(world, NOW - HOUR)
        yield running


def subscribe(world, url, *, who="connector: sql\n    steward: it\n", events=ALL):
    told = f"subscribes: {{url: '{url}', secret: 'env:LMS_HOOK', events: {events}, because: x}}"
    world.edit_charter(who, f"{who}    {told}\n", name="charter.yaml")


def desk_at(world, at):
    return replace(sitting.sit_down(world.folder / "charter"), at=at)


def tell(world, at):
    return webhooks.tell_due(desk_at(world, at))


def trouble(place="lms.users", flow="lms-accounts", **more):
    return Trouble(
        "M501", place, "it", "Too many would leave.", "Look.", flow=flow, system="lms", **more
    )  # fmt: skip


def events(hook):
    return [json.loads(post.body) for post in hook.got]


def test_an_event_is_signed_as_the_standard_says_and_no_other_key_fits(world, hook):
    report([trouble()], at=NOW)

    assert tell(world, NOW) == 1

    (post,) = hook.got
    event = Webhook(KEY).verify(post.body, post.headers)
    assert post.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert post.headers["webhook-id"] == event["id"]
    assert event["type"] == "matricula.incident.opened"
    assert event["subject"] == f"incident/{Incident.objects.get(code='M501').pk}"
    assert event["data"]["code"] == "M501"
    with pytest.raises(WebhookVerificationError):
        Webhook(OLDER).verify(post.body, post.headers)


def test_every_event_is_a_cloudevent_by_the_published_schema(world, hook, shared):
    schema = json.loads((shared / "standards/cloudevents/cloudevents.json").read_text())
    Run.objects.create(
        id="run-1", kind="sync", actor="it", charter="c", state="done", started_at=NOW,
        finished_at=NOW, summary=json.dumps({"lms-accounts": {"answered": 3, "held": 0}}),
    )  # fmt: skip
    report([trouble()], at=NOW)
    close_others([], codes=["M501"], places=["lms.users"], at=NOW)

    tell(world, NOW)

    told = events(hook)
    assert {e["type"].removeprefix("matricula.") for e in told} == set(KINDS)
    for event in told:
        Draft7Validator(schema, format_checker=FormatChecker()).validate(event)
        assert datetime.fromisoformat(event["time"]) == NOW
        assert event["source"] == "/matricula/Testing%20University"
    assert [e["data"]["counts"] for e in told if "counts" in e["data"]] == [{"answered": 3}]


def test_while_a_key_is_replaced_both_verify(world, hook, monkeypatch):
    monkeypatch.setenv("LMS_HOOK", f"{KEY} {OLDER}")
    report([trouble()], at=NOW)

    tell(world, NOW)

    (post,) = hook.got
    assert Webhook(KEY).verify(post.body, post.headers)
    assert Webhook(OLDER).verify(post.body, post.headers)


def test_a_delivery_is_told_in_counts_and_with_no_key_or_value(world, hook):
    world.settle()
    world.sis("UPDATE students SET name = 'Zebedee' WHERE student_no = '00001'")
    world.run("sync")
    Run.objects.update(started_at=NOW, finished_at=NOW)

    tell(world, NOW)

    told = events(hook)
    changed = [e for e in told if e["subject"] == "flow/lms-accounts"]
    assert [e["data"]["counts"] for e in changed] == [{"answered": 40}, {"answered": 1}]
    assert {e["type"] for e in told} == {"matricula.flow.delivered"}
    assert "00001" not in json.dumps(told)
    assert "Zebedee" not in json.dumps(told)
    # The warehouse is not the learning management system's business.
    assert "flow/warehouse-students" not in {e["subject"] for e in told}


def test_an_incident_of_one_record_is_no_event(world, hook):
    report([trouble(key="00001")], at=NOW)

    assert tell(world, NOW) == 0


def test_each_fact_is_told_once_and_nothing_from_before_the_subscription(world, hook):
    report([trouble("earlier")], at=NOW - DAY)
    report([trouble()], at=NOW)

    sent = [tell(world, NOW + n * MINUTE) for n in range(3)]

    assert sent == [1, 0, 0]


def test_an_office_is_told_of_its_own(world, monkeypatch):
    monkeypatch.setenv("LMS_HOOK", KEY)
    with receiver() as hook:
        url = hook.url
        world.edit_charter(
            "notify: it@example.org}",
            f"notify: it@example.org, subscribes: {{url: '{url}', secret: 'env:LMS_HOOK', "
            "events: [incident.opened], because: x}}".replace("}}", "}") + "}",
            name="charter.yaml",
        )  # fmt: skip
        tell(world, NOW - HOUR)
        report([trouble(), replace(trouble("library.patrons"), steward="library")], at=NOW)

        tell(world, NOW)

        assert [e["data"]["place"] for e in events(hook)] == ["lms.users"]


def test_of_one_subject_each_waits_for_the_one_before_and_others_do_not(world, hook):
    report([trouble("first"), trouble("second")], at=NOW - MINUTE)
    first = Incident.objects.get(place="first").pk
    close_others([], codes=["M501"], places=["first", "second"], at=NOW)
    hook.answers = lambda post: (
        (500 if f"incident/{first}".encode() in post.body and len(hook.got) < 3 else 204), {}
    )  # fmt: skip

    now = tell(world, NOW)
    before = [(e["subject"], e["type"][-6:]) for e in events(hook)]
    later = tell(world, NOW + 2 * MINUTE)

    told = [(e["subject"], e["type"][-6:]) for e in events(hook)]
    assert (now, later) == (2, 2)
    assert (f"incident/{first}", "closed") not in before
    assert told[-2:] == [(f"incident/{first}", "opened"), (f"incident/{first}", "closed")]


def test_what_was_opened_and_closed_at_one_instant_was_opened_first(world, hook):
    report([trouble()], at=NOW)
    close_others([], codes=["M501"], places=["lms.users"], at=NOW)

    assert tell(world, NOW) == 2
    assert [e["type"] for e in events(hook)] == [
        "matricula.incident.opened", "matricula.incident.closed",
    ]  # fmt: skip


def test_a_server_that_takes_an_event_and_then_says_nothing_gets_it_again_as_the_same(
    world, hook, monkeypatch
):
    report([trouble()], at=NOW)
    monkeypatch.setattr(webhooks, "_SECONDS", 0.2)
    hook.meanwhile = lambda: time.sleep(0.5)

    silent = tell(world, NOW)
    hook.meanwhile = bool
    again = tell(world, NOW + 2 * MINUTE)

    assert (silent, again) == (0, 1)
    assert [post.headers["webhook-id"] for post in hook.got] == [Message.objects.get().event] * 2


@pytest.mark.any_database
def test_each_attempt_bears_the_same_identity_and_its_own_time(world, hook):
    report([trouble()], at=NOW)
    hook.answers = lambda _: (500 if len(hook.got) < 3 else 204, {})

    sent = [tell(world, NOW + n * MINUTE) for n in (0, 0.5, 1, 3, 7)]

    ids = {post.headers["webhook-id"] for post in hook.got}
    times = {post.headers["webhook-timestamp"] for post in hook.got}
    assert sent == [0, 0, 0, 0, 1]
    assert (len(hook.got), len(ids), len(times)) == (3, 1, 3)
    assert len({post.body for post in hook.got}) == 1


def test_what_was_taken_without_an_answer_is_posted_again_under_the_same_identity(world, hook):
    report([trouble()], at=NOW)
    hook.answers = lambda _: (0 if len(hook.got) == 1 else 204, {})

    sent = [tell(world, at) for at in (NOW, NOW + 2 * MINUTE)]

    assert sent == [0, 1]
    assert len(hook.got) == 2
    assert len({post.headers["webhook-id"] for post in hook.got}) == 1


@pytest.mark.parametrize("seed", range(3))
def test_whatever_a_subscriber_answers_each_fact_arrives_in_its_order_under_one_identity(
    world, hook, seed
):
    chance = random.Random(seed)
    taken = []

    def answers(post):
        status = chance.choice([204, 204, 200, 500, 503, 404, 0])
        # What is hung up upon was taken all the same.
        if status in (204, 200, 0):
            taken.append(json.loads(post.body))
        return status, {"Retry-After": "90"} if status == 503 else {}

    hook.answers = answers
    at, desk = NOW, desk_at(world, NOW)
    for turn in range(60):
        if turn < 6:
            report([trouble(f"place{turn}")], at=at)
        if turn in (3, 5, 7):
            close_others([], codes=["M501"], places=[f"place{turn - 2}"], at=at)
        webhooks.tell_due(replace(desk, at=at))
        at += chance.choice([MINUTE, 10 * MINUTE, 2 * HOUR])

    first = list({event["id"]: event for event in taken}.values())
    by_subject = {}
    for event in first:
        by_subject.setdefault(event["subject"], []).append(event["type"].rpartition(".")[2])
    assert not Message.objects.exclude(state="sent").exists()
    assert len(first) == Message.objects.count() == 9
    assert (
        sorted(map(tuple, by_subject.values())) == [("opened",)] * 3 + [("opened", "closed")] * 3
    )


def test_pauses_grow_over_days_and_then_an_event_is_given_up_and_the_next_goes_on(world, hook):
    report([trouble()], at=NOW)
    hook.answers = lambda _: (500, {})
    tell(world, NOW)
    tried = [NOW]
    while (first := Message.objects.earliest("pk")).state == "waiting":
        tried.append(first.next_attempt_at)
        tell(world, tried[-1])

    (complaint,) = Incident.objects.filter(code="M595")
    gaps = [after - before for before, after in pairwise(tried)]
    assert gaps == list(outbox.PAUSES)
    assert tried[-1] - tried[0] > 3 * DAY
    assert complaint.steward == "it"
    assert "status 500" in complaint.message

    hook.answers = lambda _: (204, {})
    report([trouble("library.patrons")], at=tried[-1])
    assert tell(world, tried[-1] + MINUTE) >= 1
    assert not Incident.objects.filter(code="M595", closed_at=None).exists()


def test_a_subscriber_that_asks_for_patience_is_left_alone_for_as_long(world, hook):
    report([trouble("first"), trouble("second")], at=NOW)
    hook.answers = lambda _: (429 if len(hook.got) == 1 else 204, {"Retry-After": "3600"})

    sent = [tell(world, at) for at in (NOW, NOW + 30 * MINUTE, NOW + 61 * MINUTE)]

    assert sent == [0, 0, 2]
    assert len(hook.got) == 3


@pytest.mark.parametrize(
    ("said", "minutes"),
    [("Wed, 01 Jan 2020 00:00:00 GMT", 0), ("soon", 0), ("-5", 0), ("9" * 30, 1440)],
)
def test_an_odd_word_on_when_to_come_again_is_no_trap(world, hook, said, minutes):
    report([trouble()], at=NOW)
    hook.answers = lambda _: (503, {"Retry-After": said})

    tell(world, NOW)

    rest = Subscriber.objects.get().not_before
    assert (rest - NOW if rest else timedelta(0)) == minutes * MINUTE


def test_whoever_is_gone_is_posted_nothing_more_until_the_charter_says_otherwise(world, hook):
    report([trouble("first"), trouble("second")], at=NOW)
    hook.answers = lambda _: (410, {})

    sent = [tell(world, NOW), tell(world, NOW + DAY)]
    (complaint,) = Incident.objects.filter(code="M594")
    told = world.run("webhooks").out
    world.edit_charter("/told", "/elsewhere", name="charter.yaml")
    hook.answers = lambda _: (204, {})
    tell(world, NOW + DAY)
    report([trouble("third")], at=NOW + DAY + HOUR)
    again = tell(world, NOW + DAY + HOUR)

    assert sent == [0, 0]
    assert len(hook.got) == 2
    assert complaint.steward == "it"
    assert "410" in told
    assert again == 1
    assert hook.got[-1].path == "/elsewhere"
    assert not Incident.objects.filter(code="M594", closed_at=None).exists()


def test_a_silent_subscriber_is_asked_ever_less_and_keeps_nothing_else_waiting(world, hook):
    report([trouble(f"place{n}") for n in range(5)], at=NOW)
    hook.stop()

    desk = desk_at(world, NOW)
    for second in range(0, 600, 15):
        webhooks.tell_due(replace(desk, at=NOW + timedelta(seconds=second)))

    assert sum(Message.objects.values_list("attempts", flat=True)) <= 6
    hook.start()
    assert tell(world, NOW + HOUR) == 5


def test_a_redirect_is_not_followed(world, hook):
    report([trouble()], at=NOW)
    hook.answers = lambda _: (307, {"Location": hook.url + "/further"})

    assert tell(world, NOW) == 0
    assert [post.path for post in hook.got] == ["/told"]


@pytest.mark.any_database
def test_a_secret_that_is_missing_or_no_key_is_told_to_the_office_and_nothing_goes_out(
    world, hook, monkeypatch
):
    report([trouble()], at=NOW)
    said = []
    for value in ("", "whsec_c2hvcnQ=", "no base64!"):
        monkeypatch.setenv("LMS_HOOK", value)
        tell(world, NOW)
        said.append(Incident.objects.get(code="M803", closed_at=None).message)
    monkeypatch.setenv("LMS_HOOK", KEY)

    taken = tell(world, NOW)

    assert [word.split()[-2:] for word in said] == [["not", "there."], *[["for", "webhooks."]] * 2]
    assert "c2hvcnQ" not in said[1]
    assert taken >= 1
    assert not Incident.objects.filter(code="M803", closed_at=None).exists()


def test_an_address_that_is_secret_stands_nowhere_but_in_the_request(world, monkeypatch):
    monkeypatch.setenv("LMS_HOOK", KEY)
    with receiver() as hook:
        monkeypatch.setenv("LMS_ADDRESS", f"{hook.url}?token=hidden")
        subscribe(world, "env:LMS_ADDRESS")
        tell(world, NOW - HOUR)
        report([trouble()], at=NOW)
        hook.answers = lambda _: (500, {})
        tell(world, NOW)
        kept = json.dumps([*Message.objects.values(), *Subscriber.objects.values()], default=str)

        monkeypatch.setenv("LMS_ADDRESS", "http://hidden.example.org/")
        tell(world, NOW + HOUR)

    assert hook.got[0].path == "/told?token=hidden"
    assert "hidden" not in kept
    told = Incident.objects.get(code="M803").message
    assert "env:LMS_ADDRESS is no address" in told
    assert "hidden" not in told


def test_whoever_is_taken_out_of_the_charter_is_forgotten(world, hook):
    report([trouble()], at=NOW)
    hook.answers = lambda _: (500, {})
    tell(world, NOW)
    path = world.folder / "charter" / "charter.yaml"
    text = path.read_text()
    path.write_text("\n".join(line for line in text.splitlines() if "subscribes:" not in line))

    tell(world, NOW + HOUR)

    assert not Subscriber.objects.exists()
    assert Message.objects.get().state == "ended"
    assert len(hook.got) == 1
    assert "Nobody subscribes" in world.run("webhooks").out


def test_a_live_check_names_what_messages_need_and_is_not_there_with_its_line(
    world, hook, monkeypatch
):
    for old, new in (
        ("notify: it@example.org", "notify: it@example.org, channel: env:ROOM"),
        ("    connector: files\n", "    connector: files\n    announces: {secret: env:NONE}\n"),
    ):
        world.edit_charter(old, new, name="charter.yaml")
    monkeypatch.setenv("ROOM", "nonsense")
    monkeypatch.delenv("LMS_HOOK")

    told = world.run("check", "--live", "--json").json
    found = {(f["place"].split(":")[-1], f["code"], f["message"]) for f in told["findings"]}

    assert {(code, message) for _, code, message in found if code in {"M592", "M803"}} == {
        (
            "M592",
            "stewards.it cannot be told where it talks: what env:ROOM holds is no Apprise URL.",
        ),
        ("M803", "The secret env:LMS_HOOK is not there."),
        ("M803", "The secret env:NONE is not there."),
    }
    assert all(line.isdigit() for line, _, _ in found)
    assert hook.got == []


def test_what_waits_is_a_number_for_whoever_watches(world, hook):
    report([trouble()], at=NOW)
    hook.answers = lambda _: (500, {})
    tell(world, NOW)

    told = numbers.written(numbers.standing(desk_at(world, NOW).charter, NOW))

    assert 'matricula_events_waiting{subscriber="systems.lms"} 1' in told


def test_the_command_says_what_waits_what_was_said_and_who_acts(world, hook):
    report([trouble()], at=NOW)
    hook.answers = lambda _: (500, {})
    tell(world, NOW)

    (row,) = world.run("webhooks", "--json").json

    assert (row["subscriber"], row["waiting"], row["said"]) == ("systems.lms", 1, "status 500")
    assert row["next"] == "the worker: it posts what waits"


@pytest.mark.django_db(transaction=True)
def test_two_workers_post_an_event_once(world, hook):
    report([trouble()], at=NOW)
    desk = desk_at(world, NOW)
    ready = threading.Barrier(2)

    def work():
        ready.wait()
        webhooks.tell_due(desk)
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(hook.got) == 1


def test_the_worker_posts_and_says_so(world, hook):
    report([trouble()], at=datetime.now(UTC))
    told = []
    worker = Worker(lambda: sitting.sit_down(world.folder / "charter"), told.append)

    worker.work(rounds=1)

    assert [event["data"]["code"] for event in events(hook)] == ["M501"]
    assert [(e.event, e.counts) for e in told] == [("webhooks", {"posted": 1})]


_POSTING = """
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from matricula.cli import sitting
desk = sitting.sit_down(Path(sys.argv[1]))
from matricula.hub import webhooks
from matricula.hub.incidents import Trouble, report
for told in sys.argv[3:]:
    at = datetime.fromisoformat(told)
    webhooks.tell_due(replace(desk, at=at))
    if sys.argv[2]:
        report([Trouble("M501", "lms.users", "it", "x", "y", system="lms")], at=at)
        webhooks.tell_due(replace(desk, at=at))
"""


def test_a_worker_killed_between_posting_and_noting_it_posts_again_under_the_same_identity(
    ready_database, tmp_path, capsys
):
    world = build(tmp_path, capsys)
    with receiver() as hook:
        subscribe(world, hook.url)
        environment = {**os.environ, **ready_database, "LMS_HOOK": KEY}

        def start(*words):
            command = [sys.executable, "-c", _POSTING, str(world.folder / "charter"), *words]
            return subprocess.Popen(command, cwd=world.folder, env=environment)

        killed = start("new", NOW.isoformat())
        hook.meanwhile = lambda: (killed.send_signal(signal.SIGKILL), killed.wait())
        assert killed.wait(timeout=60) == -signal.SIGKILL
        hook.meanwhile = bool
        later = [(NOW + minutes * MINUTE).isoformat() for minutes in (0.5, 2, 10)]
        assert start("", *later).wait(timeout=60) == 0

    assert len(hook.got) == 2
    assert len({post.headers["webhook-id"] for post in hook.got}) == 1
