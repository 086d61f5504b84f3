"""What stands in the home is personal: nobody else may read it, and no link leads away."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

import pytest

pytestmark = pytest.mark.django_db

MATRICULA = (sys.executable, "-c", "from matricula.cli.main import main; main()")


def test_a_new_home_and_an_export_of_the_audit_are_their_owners_alone(own_database, tmp_path):
    command = [*MATRICULA, "audit", "export", "audit.jsonl"]
    environment = {**os.environ, **own_database}

    subprocess.run(
        command, cwd=tmp_path, env=environment, umask=0o022, check=True, capture_output=True
    )

    assert (tmp_path / "home").stat().st_mode & 0o077 == 0
    assert (tmp_path / "audit.jsonl").stat().st_mode & 0o077 == 0


def test_a_link_in_place_of_the_lock_does_no_harm_to_what_it_leads_to(world, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("kept", encoding="utf-8")
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "run.lock").symlink_to(precious)

    with suppress(OSError):
        world.run("plan")

    assert precious.read_text(encoding="utf-8") == "kept"
