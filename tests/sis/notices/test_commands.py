"""Notices on the command line: sent, delivered by a real server, read, and acknowledged."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from matricula.accounts.models import Account, Grant
from matricula.cli import main
from tests.sis.charter import CHARTER

pytestmark = pytest.mark.any_database
LONG_AGO = date(2020, 9, 1)


@pytest.fixture
def desk(amara, bela, tmp_path, capsys, monkeypatch):
    """A registrar, Amara, and the words after `matricula register notice`."""
    (tmp_path / "charter.yaml").write_text(CHARTER, encoding="utf-8")
    (tmp_path / "text").write_text("The laboratory is closed.", encoding="utf-8")
    at = datetime(2020, 9, 1, tzinfo=UTC)
    for name, role, scope, person in (
        ("ada", "registrar", "all", None), ("amara", "student", "own", amara.person),
    ):  # fmt: skip
        Grant.objects.create(
            account=Account.objects.create(name=name, person=person, opened_at=at), role=role,
            scope=scope, starts_on=LONG_AGO, granted_by="test", why="test", granted_at=at,
        )  # fmt: skip

    def run(who, *words):
        monkeypatch.setenv("MATRICULA_ACTOR", who)
        capsys.readouterr()
        code = main.run(["--charter", str(tmp_path), "register", "notice", *words])
        told = capsys.readouterr()
        return code, told.out + told.err

    run.text = str(tmp_path / "text")
    return run


def _json(desk, *words):
    code, said = desk(*words, "--json")
    assert code == 0, said
    return json.loads(said)


def _send(desk, *more):
    return desk(
        "ada", "send", "programme:BIO", "--subject", "Closed", "--body", desk.text, *more
    )  # fmt: skip


def test_a_notice_is_sent_at_once_and_read_and_who_has_not_read_it_is_listed(desk, post):
    code, said = _send(desk, "--must-acknowledge")
    assert desk("amara", "acknowledge", "00000001")[0] == 0

    rows = _json(desk, "ada", "show", "00000001", "--not-acknowledged")

    assert code == 0
    assert "It is notice 00000001." in said
    assert "Sent 2, refused 0, still to be sent 0." in said
    assert [one["student"] for one in rows] == ["00000002"]
    assert len(post.got) == 2


def test_the_same_notice_twice_in_a_row_is_sent_once(desk, post):
    _send(desk)

    code, said = _send(desk)

    assert code == 1
    assert "M978: The same was sent to programme:BIO as notice 00000001 within a day." in said
    assert len(post.got) == 2


def test_a_preview_sends_nothing_and_keeps_nothing(desk, post):
    code, said = _send(desk, "--preview")

    assert code == 0
    assert "Preview" in said
    assert post.got == []
    assert _json(desk, "ada", "show") == []


def test_what_waits_is_delivered_later(desk, post, settings):
    server, settings.SMTP = settings.SMTP, None
    _, said = _send(desk)
    settings.SMTP = server

    delivered = _json(desk, "ada", "deliver")

    assert "MATRICULA_SMTP_URL" in said
    assert (delivered["sent"], delivered["waiting"]) == (2, 0)
    assert [one["notice"] for one in _json(desk, "ada", "show")] == ["00000001"]


def test_what_may_have_arrived_is_sent_again_when_somebody_says_so(desk, post):
    from datetime import timedelta

    from matricula.sis.notices.models import Delivery

    post.hangs_up = True
    _send(desk)
    post.hangs_up = False
    long_ago = Delivery.objects.get(state="sending")
    Delivery.objects.filter(pk=long_ago.pk).update(tried_at=long_ago.tried_at - timedelta(days=1))

    _, unsure = desk("ada", "deliver")
    code, said = desk("ada", "deliver", "00000001", "--again")

    assert "may have arrived or not" in unsure
    assert code == 0
    assert "Sent 1" in said


def test_a_student_sends_nothing_and_reads_no_list(desk):
    for words in (("deliver",), ("show",), ("show", "00000001"), ("send", "programme:BIO",
                  "--subject", "Party", "--body", desk.text)):  # fmt: skip
        code, said = desk("amara", *words)
        assert code != 0
        assert "M903" in said or "M976" in said
