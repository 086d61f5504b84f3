from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections

from matricula.cli import sitting
from matricula.hub import letters
from matricula.hub.incidents import Trouble, report
from matricula.hub.models import Incident, Letter
from matricula.site.mail import server
from tests.counterparts.faulty_wire import faulty_wire
from tests.counterparts.mail_server import mail_server

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

# London's clock is UTC on these days.
NIGHT = datetime(2026, 11, 24, 22, tzinfo=UTC)
MORNING = datetime(2026, 11, 25, 7, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def post(settings):
    with mail_server() as running:
        settings.SMTP = server(f"smtp://127.0.0.1:{running.port}")
        settings.MAIL_FROM = "matricula@example.org"
        yield running


def write(world, at):
    return letters.send_due(replace(sitting.sit_down(world.folder / "charter"), at=at))


def refused_record(at, key="00001", steward="it"):
    message = f"lms.users refused to update {key}: it is locked."
    trouble = Trouble(
        "M604", "lms-accounts", steward, message, "Unlock it.", flow="lms-accounts", key=key
    )
    report([trouble], at=at)


def holding(at, steward="library"):
    trouble = Trouble(
        "M501", "library.patrons", steward, "Too many would leave.", "Look at the plan.",
        flow="lms-accounts",
    )  # fmt: skip
    report([trouble], at=at)


def to(post):
    return [letter.to for letter in post.got]


def test_an_office_is_written_once_a_day_what_is_open_for_it(world, post):
    refused_record(NIGHT)
    refused_record(NIGHT, key="00002")

    sent = [write(world, at) for at in (NIGHT + HOUR, MORNING, MORNING + HOUR, MORNING + DAY)]

    assert sent == [0, 1, 0, 1]
    assert to(post) == ["it@example.org"] * 2
    assert post.got[0].subject == "Testing University: 2 to see to"
    assert "refused to update 00001" in post.got[0].body
    assert "What to do: Unlock it." in post.got[0].body
    assert "2 overdue" not in post.got[0].body


def test_what_comes_up_during_the_day_waits_for_the_morning(world, post):
    refused_record(MORNING + HOUR)

    sent = [write(world, MORNING + 2 * HOUR), write(world, MORNING + DAY)]

    assert sent == [0, 1]


def test_nobody_is_written_when_nothing_is_open(world, post):
    refused_record(NIGHT)
    Incident.objects.update(closed_at=NIGHT)

    assert write(world, MORNING) == 0
    assert post.got == []


def test_what_holds_a_flow_is_written_at_once_and_once(world, post):
    holding(MORNING + HOUR)

    sent = [write(world, MORNING + HOUR + timedelta(minutes=n)) for n in (1, 2)]

    assert sent == [1, 0]
    assert to(post) == ["library@example.org"]
    assert "held by M501 library.patrons" in post.got[0].subject


def test_a_source_that_holds_its_flows_is_written_to_its_office_at_once(world, post):
    world.settle()
    world.write_patrons("")
    world.run("sync")

    write(world, datetime.now(UTC))
    write(world, datetime.now(UTC))

    assert [to for to in to(post) if to == "library@example.org"] == ["library@example.org"]
    assert "library.patrons" in post.got[0].body


def test_what_turns_out_to_be_the_owners_is_written_to_its_office_at_once_too(world, post):
    world.settle()
    world.sis("UPDATE students SET status = 'withdrawn' WHERE student_no < '00009'")

    for flow in ("lms-accounts", "lms-enrolments"):
        world.run("sync", "--flow", flow)
        write(world, datetime.now(UTC))

    (incident,) = Incident.objects.filter(code="M501")
    assert (incident.steward, incident.flow) == ("registrar", "lms-accounts, lms-enrolments")
    assert to(post) == ["it@example.org", "registrar@example.org"]


def test_a_letter_holds_no_value_of_a_record(world, post):
    world.settle()
    world.sis("UPDATE students SET name = ? WHERE student_no = '00001'", "Zebedee" * 20)
    world.run("sync")

    write(world, datetime.now(UTC) + DAY)

    assert "00001" in post.got[0].body
    assert "Zebedee" not in post.got[0].body
    assert "s00001@" not in post.got[0].body


def test_a_server_that_is_away_is_tried_again_and_complained_of_after_two_hours(world, post):
    refused_record(NIGHT)
    post.stop()

    early = write(world, MORNING)
    tried = Letter.objects.count()
    write(world, MORNING + timedelta(minutes=5))
    again = Letter.objects.count()
    quiet = Incident.objects.filter(code="M670").count()
    write(world, MORNING + 2 * HOUR)
    complaint = Incident.objects.get(code="M670", closed_at=None)
    post.start()
    late = write(world, MORNING + 3 * HOUR)

    assert (early, tried, again, quiet) == (0, 1, 1, 0)
    assert complaint.steward == "registrar"
    assert late >= 1
    assert to(post).count("it@example.org") == 1
    assert not Incident.objects.filter(code="M670", closed_at=None).exists()


def test_what_holds_a_flow_is_still_written_once_the_server_is_back(world, post):
    holding(MORNING)
    post.stop()
    write(world, MORNING + timedelta(minutes=1))
    post.start()

    sent = write(world, MORNING + HOUR)

    assert sent == 1
    assert to(post) == ["library@example.org"]


def test_an_address_that_is_refused_keeps_nobody_else_waiting(world, post):
    refused_record(NIGHT)
    refused_record(NIGHT, key="00002", steward="planning")
    post.refuses = {"it@example.org"}

    write(world, MORNING)

    (complaint,) = Incident.objects.filter(code="M671")
    assert to(post) == ["planning@example.org"]
    assert complaint.steward == "registrar"
    assert "550" in complaint.message
    assert "it@example.org" not in complaint.message


def test_a_letter_that_may_have_arrived_is_not_sent_again_and_is_named_the_next_day(world, post):
    refused_record(NIGHT)
    post.hangs_up = True

    write(world, MORNING)
    post.hangs_up = False
    write(world, MORNING + HOUR)
    first = list(post.got)
    write(world, MORNING + DAY)
    write(world, MORNING + 2 * DAY)

    # By the last of these days it is overdue too, which the office above hears of.
    mine = [letter for letter in post.got if letter.to == "it@example.org"]
    assert len(first) == 1
    assert len(mine) == 3
    assert "A letter of 2026-11-25 07:30 may not have reached you." in mine[1].body
    assert "may not have reached you" not in mine[2].body


def test_an_overdue_incident_is_written_to_the_office_above_too(world, post):
    refused_record(NIGHT - 3 * DAY)

    write(world, MORNING)

    assert sorted(to(post)) == ["it@example.org", "registrar@example.org"]
    above = next(letter.body for letter in post.got if letter.to == "registrar@example.org")
    assert "Escalated to you from Identity and Access." in above
    assert "OVERDUE" in above


def test_without_a_mail_server_nothing_is_written_and_the_status_says_so(world):
    refused_record(NIGHT)

    sent = write(world, MORNING)

    assert sent == 0
    assert not Letter.objects.exists()
    assert "Letters are off" in world.run("status").out


def test_a_letter_can_be_looked_at_before_it_is_sent(world, post):
    world.settle()
    refused_record(NIGHT - 300 * DAY)

    shown = world.run("letters", "--preview", "it").out
    unknown = world.run("letters", "--preview", "nobody")

    assert shown.startswith("Subject: Testing University: 1 to see to, 1 overdue\n")
    assert "refused to update 00001" in shown
    assert "M517" in unknown.err
    assert post.got == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_a_letter_once(world, post):
    refused_record(NIGHT)
    desk = replace(sitting.sit_down(world.folder / "charter"), at=MORNING)
    ready = threading.Barrier(2)

    def work():
        ready.wait()
        letters.send_due(desk)
        connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert to(post) == ["it@example.org"]


def _loses_the_first_word(wire):
    wire.drops, wire.at = True, b"mail FROM"


def _loses_the_receipt(wire):
    wire.drops, wire.at = True, b"\r\n.\r\n"


def _halves_the_receipt(wire):
    wire.truncates, wire.at = True, b"\r\n.\r\n"


def _doubles_the_receipt(wire):
    wire.duplicates, wire.at = True, b"\r\n.\r\n"


def _is_slow(wire):
    wire.delay_seconds = 0.05


def _is_cut(wire):
    wire.cut()


# What breaks, and whether the letter came that day and is named the next.
_BREAKS = [
    (_loses_the_first_word, 0, True), (_loses_the_receipt, 1, True),
    # Half of "250 OK" is a receipt still.
    (_halves_the_receipt, 1, False), (_doubles_the_receipt, 1, False),
    (_is_slow, 1, False), (_is_cut, 1, False),
]  # fmt: skip


@pytest.mark.parametrize("case", _BREAKS, ids=[case[0].__name__ for case in _BREAKS])
def test_whatever_the_network_does_a_letter_comes_once_that_day_or_is_named_the_next(
    world, post, settings, case
):
    breaks, arrived, named = case
    refused_record(NIGHT)

    with faulty_wire(post.port) as wire:
        settings.SMTP = server(f"smtp://127.0.0.1:{wire.port}")
        breaks(wire)
        write(world, MORNING)
        wire.heal()
        write(world, MORNING + HOUR)
        that_day = to(post).count("it@example.org")
        write(world, MORNING + DAY)

    mine = [letter.body for letter in post.got if letter.to == "it@example.org"]
    assert (that_day, len(mine)) == (arrived, arrived + 1)
    assert ("may not have reached you" in mine[-1]) is named
    assert "refused to update 00001" in mine[-1]
