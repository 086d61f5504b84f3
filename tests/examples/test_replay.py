from __future__ import annotations

import csv
from collections import Counter

import pytest

from tests.examples.open_university import script

pytestmark = pytest.mark.timeout(600)
# Every thirtieth day, every tenth around the beginning, when many come and go, and the two
# around the one on which many left: what happens in between arrives together. Day by day it is
# the same command without --together.
DAYS = [*range(-360, 450, 30), -20, -10, 10, 11, 12]


def active_by_hand(rows, day):
    """Count straight from the file: registered by then, or with no day, and not yet gone."""
    return Counter(
        (row["code_module"], row["code_presentation"])
        for row in rows
        if (not row["date_registration"] or int(row["date_registration"]) <= day)
        and (not row["date_unregistration"] or int(row["date_unregistration"]) > day)
    )


def test_active_students_agree_with_the_file_and_the_real_drop_is_held_until_it_is_approved(
    shared, tmp_path
):
    data = shared / "data" / "oulad"
    out = tmp_path / "active.csv"

    said = script(
        "replay.py", "--data", str(data), f"--days={','.join(map(str, DAYS))}", "--together",
        "--active-csv", str(out),
    )  # fmt: skip

    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[:-1] == [
        "day 12 is held: 217 exits of 2106 copies of FFF|2014J; the guard allows 211.",
        "day 12 is approved by the head of the support teams and delivered",
    ]
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (data / "studentRegistration.csv").open(encoding="utf-8", newline="") as file:
        registered = list(csv.DictReader(file))
    assert len(rows) == 22 * len(DAYS)
    for day in DAYS:
        found = {
            (row["code_module"], row["code_presentation"]): int(row["active"])
            for row in rows
            if int(row["day"]) == day and int(row["active"])
        }
        assert found == dict(active_by_hand(registered, day)), f"day {day}"
