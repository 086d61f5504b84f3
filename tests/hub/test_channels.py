from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from matricula.cli import sitting
from matricula.hub import channels, letters
from matricula.hub.incidents import Trouble, report
from matricula.hub.models import Incident, Letter
from matricula.site.mail import server
from tests.counterparts.hook_receiver import receiver
from tests.counterparts.mail_server import mail_server
from tests.world import build

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

NIGHT = datetime(2026, 11, 24, 22, tzinfo=UTC)
MORNING = datetime(2026, 11, 25, 7, 30, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SECRET = "VerySecretToken"


@pytest.fixture
def room(world, monkeypatch):
    _give_channel(world)
    with receiver() as running:
        monkeypatch.setenv("IT_CHANNEL", f"json://127.0.0.1:{running.port}/{SECRET}")
        yield running


def _give_channel(world):
    world.edit_charter(
        "notify: it@example.org", "notify: it@example.org, channel: env:IT_CHANNEL",
        name="charter.yaml",
    )  # fmt: skip


def tell(world, at):
    return letters.send_due(replace(sitting.sit_down(world.folder / "charter"), at=at))


def refused_record(at, key="00001", steward="it"):
    trouble = Trouble(
        "M604", "lms-accounts", steward, f"lms.users refused to update {key}: Amara is locked.",
        "Unlock it.", flow="lms-accounts", key=key,
    )  # fmt: skip
    report([trouble], at=at)


def holding(at, place="lms.users"):
    trouble = Trouble(
        "M501", place, "it", "Too many would leave.", "Look.", flow="lms-accounts"
    )  # fmt: skip
    report([trouble], at=at)


def said(room):
    return [json.loads(post.body) for post in room.got]


def test_what_holds_a_flow_is_told_at_once_and_once(world, room):
    holding(MORNING + HOUR)

    sent = [tell(world, MORNING + HOUR + n * MINUTE) for n in (1, 2)]

    (message,) = said(room)
    assert sent == [1, 0]
    assert message["title"] == "Testing University, Identity and Access: 1 hold copies back"
    assert "M501 at lms.users (flows lms-accounts)" in message["message"]


def test_the_daily_message_counts_and_holds_no_key_and_no_value(world, room):
    for key in ("00001", "00002", "00003"):
        refused_record(NIGHT, key=key)

    sent = [tell(world, at) for at in (NIGHT + HOUR, MORNING, MORNING + HOUR, MORNING + DAY)]

    told = said(room)
    assert sent == [0, 1, 0, 1]
    assert told[0]["title"].endswith("3 to see to")
    assert "3 x M604 at lms-accounts" in told[0]["message"]
    assert not {"00001", "Amara", "locked"} & set(json.dumps(told).replace(",", " ").split())
    assert "0000" not in json.dumps(told)


def test_an_office_without_a_channel_is_told_nowhere(world, room):
    refused_record(NIGHT, steward="library")

    assert tell(world, MORNING) == 0
    assert room.got == []


def test_mail_and_channel_are_told_each_for_itself(world, room, settings):
    holding(NIGHT)
    with mail_server() as post:
        settings.SMTP = server(f"smtp://127.0.0.1:{post.port}")
        settings.MAIL_FROM = "matricula@example.org"
        post.stop()

        only_channel = tell(world, NIGHT + MINUTE)
        post.start()
        then_mail = tell(world, NIGHT + HOUR)

    assert (only_channel, then_mail) == (1, 1)
    assert len(room.got) == 1
    assert [letter.to for letter in post.got] == ["it@example.org"]


def test_a_channel_that_is_away_is_tried_again_and_complained_of_after_two_hours(world, room):
    holding(MORNING)
    room.stop()

    early = tell(world, MORNING + MINUTE)
    quiet = Incident.objects.filter(code="M593").count()
    tell(world, MORNING + 3 * HOUR)
    complaint = Incident.objects.get(code="M593", closed_at=None)
    room.start()
    late = tell(world, MORNING + 4 * HOUR)

    assert (early, quiet) == (0, 0)
    assert complaint.steward == "registrar"
    assert late >= 1
    assert any("M501" in message["message"] for message in said(room))
    assert not Incident.objects.filter(code="M593", closed_at=None).exists()


def test_a_message_that_was_taken_without_an_answer_is_not_sent_again_and_named_the_next_day(
    world, room
):
    refused_record(NIGHT)
    room.answers = lambda _: (0, {})

    tell(world, MORNING)
    room.answers = lambda _: (204, {})
    tell(world, MORNING + HOUR)
    that_day = len(room.got)
    tell(world, MORNING + DAY)

    assert that_day == 1
    assert "A message of 2026-11-25 07:30 may not have come." in said(room)[1]["message"]
    assert [m.state for m in Letter.objects.order_by("id")] == ["named", "sent"]


def test_a_service_that_takes_a_message_and_then_says_nothing_is_not_told_the_same_again(
    world, room, monkeypatch
):
    holding(MORNING)
    # Apprise repeats by itself what it is told to repeat, and we tell it once.
    url = f"json://127.0.0.1:{room.port}/?rto=0.2&retry=3&wait=0"
    monkeypatch.setenv("IT_CHANNEL", url)
    room.meanwhile = lambda: time.sleep(0.5)

    tell(world, MORNING + MINUTE)
    at_once = len(room.got)
    room.meanwhile = bool
    tell(world, MORNING + HOUR)

    assert at_once == 1
    assert "A message of 2026-11-25 07:31 may not have come." in said(room)[1]["message"]
    assert [letter.state for letter in Letter.objects.order_by("id")] == ["named", "sent"]


@pytest.mark.parametrize(
    ("status", "state"),
    [(403, "refused"), (404, "refused"), (429, "away"), (503, "away"), (500, "intended")],
)
def test_a_service_that_answers_otherwise_is_believed_as_far_as_it_can_be(
    world, room, status, state
):
    holding(MORNING)
    room.answers = lambda _: (status, {})

    tell(world, MORNING + MINUTE)

    assert Letter.objects.get().state == state
    assert Incident.objects.filter(code="M592").exists() is (state == "refused")


def test_a_reference_to_nothing_and_a_url_that_is_none_are_told_without_the_url(
    world, room, monkeypatch
):
    holding(MORNING)
    monkeypatch.setenv("IT_CHANNEL", f"nonsense-{SECRET}")

    tell(world, MORNING + MINUTE)
    wrong = Incident.objects.get(code="M592")
    monkeypatch.delenv("IT_CHANNEL")
    tell(world, MORNING + DAY)
    missing = Incident.objects.get(code="M592")

    assert "is no Apprise URL" in wrong.message
    assert "env:IT_CHANNEL is not there" in missing.message
    assert room.got == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("json://desk.example/{}", "goes over json://"),
        ("xml://desk.example:8080/{}", "write xmls://"),
        ("mailto://it:{}@desk.example", "goes over mailto://"),
        ("rsyslog://desk.example", "choose a service that is encrypted"),
        ("jsons://desk.example/{}?verify=no", "no certificate is looked at"),
        ("jsons://desk.example/{}?redirect=yes", "sent on to any address"),
        ("mailtos://it:{}@desk.example?mode=insecure", "goes in the clear"),
    ],
)
def test_a_channel_on_which_anybody_could_read_along_is_refused_before_anything_is_said(
    world, room, monkeypatch, url, why
):
    monkeypatch.setenv("IT_CHANNEL", url.format(SECRET))
    holding(MORNING)

    checked = world.run("check", "--live")
    sent = tell(world, MORNING + MINUTE)

    assert checked.code == 1
    said_aloud = " ".join((checked.out + checked.err).split())
    assert "stewards.it cannot be told where it talks" in said_aloud
    assert why in said_aloud
    assert SECRET not in said_aloud
    assert sent == 0
    assert Incident.objects.filter(code="M592").exists()


@pytest.mark.parametrize(
    "url",
    ["jsons://desk.example/x", "json://localhost:9/x", "mailto://it:x@gmail.com", "ntfy://x"],
)
def test_a_channel_that_is_encrypted_or_on_this_machine_is_good(monkeypatch, url):
    monkeypatch.setenv("IT_CHANNEL", url)

    # It raises where it is not.
    assert channels.must_be_known("env:IT_CHANNEL") is None


def test_the_address_of_a_channel_stands_nowhere(world, room, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    refused_record(NIGHT)
    for status in (204, 500, 403, 0):
        room.answers = lambda _, status=status: (status, {})
        holding(MORNING + status * MINUTE, place=f"place{status}")
        tell(world, MORNING + status * MINUTE + 7 * HOUR * (status // 100))

    said_aloud = capsys.readouterr()
    kept = json.dumps([*Letter.objects.values(), *Incident.objects.values()], default=str)
    assert SECRET in room.got[0].path
    assert SECRET not in said_aloud.out + said_aloud.err + caplog.text + kept
    assert "127.0.0.1" not in said_aloud.err + kept


_WRITING = """
import sys
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from matricula.cli import sitting
desk = sitting.sit_down(Path(sys.argv[1]))
from matricula.hub import channels, letters
from matricula.hub.incidents import Trouble, report
if sys.argv[2]:
    report([Trouble("M604", "lms.users", "it", "It is locked.", "Unlock it.", key="00001")],
           at=datetime.fromisoformat(sys.argv[2]))
for told in sys.argv[3:]:
    letters.send_due(replace(desk, at=datetime.fromisoformat(told)))
"""


def test_a_message_whose_worker_is_killed_after_it_arrived_is_not_sent_again_that_day(
    ready_database, tmp_path, capsys
):
    world = build(tmp_path, capsys)
    _give_channel(world)

    with receiver() as room:
        url = f"json://127.0.0.1:{room.port}"
        environment = {**os.environ, **ready_database, "IT_CHANNEL": url}

        def start(*words):
            command = [sys.executable, "-c", _WRITING, str(world.folder / "charter"), *words]
            return subprocess.Popen(command, cwd=world.folder, env=environment)

        killed = start(NIGHT.isoformat(), MORNING.isoformat())
        room.meanwhile = lambda: (killed.send_signal(signal.SIGKILL), killed.wait())
        assert killed.wait(timeout=60) == -signal.SIGKILL
        room.meanwhile = bool
        later = [at.isoformat() for at in (MORNING + HOUR, MORNING + DAY)]
        assert start("", *later).wait(timeout=60) == 0

    assert len(room.got) == 2
    assert "A message of 2026-11-25 07:30 may not have come." in said(room)[1]["message"]
