from __future__ import annotations

import csv
from collections import Counter

import pytest

from tests.examples.open_university import script

pytestmark = pytest.mark.timeout(1500)
DAYS = [*range(-360, 0, 10), *range(0, 450, 10)]


def active_by_hand(data, day):
    """Count straight from the file: registered by then, or with no day, and not yet gone."""
    with (data / "studentRegistration.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return Counter(
        (row["code_module"], row["code_presentation"])
        for row in rows
        if (not row["date_registration"] or int(row["date_registration"]) <= day)
        and (not row["date_unregistration"] or int(row["date_unregistration"]) > day)
    )


def test_active_students_agree_with_the_file_on_every_tenth_day(shared, tmp_path):
    data = shared / "data" / "oulad"
    out = tmp_path / "active.csv"

    said = script(
        "replay.py", "--data", str(data), f"--days={','.join(map(str, DAYS))}",
        "--active-csv", str(out),
    )  # fmt: skip

    assert said.returncode == 0, said.stderr
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 22 * len(DAYS)
    for day in DAYS:
        found = {
            (row["code_module"], row["code_presentation"]): int(row["active"])
            for row in rows
            if int(row["day"]) == day and int(row["active"])
        }
        assert found == dict(active_by_hand(data, day)), f"day {day}"
