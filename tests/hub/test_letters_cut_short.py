from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests.counterparts.mail_server import mail_server
from tests.world import build

NIGHT = datetime(2026, 11, 24, 22, tzinfo=UTC)
MORNING = datetime(2026, 11, 25, 7, 30, tzinfo=UTC)
DAY = timedelta(days=1)

# What a worker does for the letters at some instants, in a process of its own.
_WRITING = """
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from matricula.cli import sitting
desk = sitting.sit_down(Path(sys.argv[1]))
from matricula.hub import letters
from matricula.hub.incidents import Trouble, report
instants = [datetime.fromisoformat(told) for told in sys.argv[3:]]
if sys.argv[2]:
    report([Trouble("M604", "lms.users", "it", "It is locked.", "Unlock it.", key="00001")],
           at=datetime.fromisoformat(sys.argv[2]))
for at in instants:
    letters.send_due(replace(desk, at=at))
"""


@pytest.mark.parametrize(("stage", "arrived"), [("RCPT", 0), ("DATA", 1)])
def test_a_letter_whose_worker_is_killed_is_not_sent_again_by_two_others_and_named_the_next_day(
    ready_database, tmp_path, capsys, stage, arrived
):
    if not ready_database["MATRICULA_DATABASE_URL"]:
        pytest.skip("two workers need PostgreSQL")
    world = build(tmp_path, capsys)

    with mail_server() as post:
        environment = {
            **os.environ, **ready_database, "MATRICULA_MAIL_FROM": "matricula@example.org",
            "MATRICULA_SMTP_URL": f"smtp://127.0.0.1:{post.port}",
        }  # fmt: skip

        def start(*words):
            command = [sys.executable, "-c", _WRITING, str(world.folder / "charter"), *words]
            return subprocess.Popen(command, cwd=world.folder, env=environment)

        killed = start(NIGHT.isoformat(), MORNING.isoformat())
        post.meanwhile[stage] = lambda: (killed.send_signal(signal.SIGKILL), killed.wait())
        assert killed.wait(timeout=60) == -signal.SIGKILL
        post.meanwhile.clear()
        later = [at.isoformat() for at in (MORNING + timedelta(minutes=5), MORNING + DAY)]
        others = [start("", *later) for _ in range(2)]
        ended = [other.wait(timeout=60) for other in others]

    mine = [letter.body for letter in post.got if letter.to == "it@example.org"]
    assert ended == [0, 0]
    assert len(mine) == arrived + 1
    assert "A letter of 2026-11-25 07:30 may not have reached you." in mine[-1]
    assert "It is locked." in mine[-1]
