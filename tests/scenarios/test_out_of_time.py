"""What is not of this moment: altered plans, older backups, wrong clocks, changes that collide."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db import connection

from matricula.cli import sitting
from matricula.hub import runs
from matricula.hub.models import Approval, Effect
from tests.scenarios.test_bad_files import instead

if TYPE_CHECKING:
    import pytest

    from tests.scenarios.college import College


def _rename(college: College, number: str, old: str, new: str) -> None:
    college.rewrite(
        college.students, instead(f"{number},{old}".encode(), f"{number},{new}".encode())
    )


def _withdraw(college: College, *numbers: str) -> None:
    for number in numbers:
        leaves = instead(
            f"{number}@example.org,active".encode(), f"{number}@example.org,withdrawn".encode()
        )
        college.rewrite(college.students, leaves)


def _name(college: College, number: str) -> str:
    query = f"SELECT fullname FROM users WHERE idnumber = '{number}'"  # noqa: S608 - our own number
    return college.in_lms(query)[0][0]


def _planned(college: College) -> str:
    digest: str = json.loads(college.run("plan", "--json").out)["digest"]
    return digest


def test_a_plan_whose_kept_rows_were_edited_does_only_what_was_shown(college: College):
    _rename(college, "00003", "Chidi Eze", "Chidi Obi")
    digest = _planned(college)
    (kept,) = (college.folder / "home" / "runs").glob("*/changes.parquet")
    rows = pq.read_table(kept)
    place = rows.schema.get_field_index("after")
    edited = pc.replace_substring(rows["after"], "Chidi Obi", "Somebody Else")
    pq.write_table(rows.set_column(place, "after", edited.cast(pa.string())), kept)

    said = college.run("apply", digest)

    assert said.code == 0, said.err
    assert _name(college, "00003") == "Chidi Obi"


def test_a_plan_approved_twice_is_approved_once_and_goes_out_once(
    college: College, monkeypatch: pytest.MonkeyPatch
):
    _withdraw(college, "00001", "00002", "00003", "00004")
    digest = _planned(college)
    monkeypatch.setenv("MATRICULA_ACTOR", "wanjiru")
    words = ("plan", "approve", digest, "--as", "it", "--why", "the term has ended")

    approved = [college.run(*words).code for _ in range(2)]
    applied = [college.run("apply", digest) for _ in range(2)]

    assert approved == [0, 0]
    assert sorted(Approval.objects.values_list("flow", flat=True)) == [
        "lms-accounts", "lms-enrolments",
    ]  # fmt: skip
    assert [said.code for said in applied] == [0, 1]
    assert "M512" in applied[1].err
    assert Effect.objects.filter(flow="lms-accounts", kind="suspend").count() == 4


def test_a_guard_taken_away_in_the_very_change_that_empties_lets_nothing_out(college: College):
    before = college.targets()
    charter = college.folder / "charter" / "charter.yaml"
    college.rewrite(charter, instead(b"exits: {share: 10%}", b"exits: {share: 100%, count: 9999}"))
    college.rewrite(college.students, lambda told: told[: told.index(b"\n00008") + 1])

    said = [college.run(*words) for words in (("sync",), ("sync", "--changed"), ("plan",))]

    assert [one.code for one in said] == [1, 1, 2]
    assert all("M510" in one.out for one in said)
    assert college.targets() == before


def test_a_hub_restored_from_an_older_backup_goes_on_without_doing_anything_twice(
    college: College,
):
    home, backup = college.folder / "home", college.folder / "backup"
    connection.close()
    shutil.copytree(home, backup)
    _rename(college, "00003", "Chidi Eze", "Chidi Obi")
    _withdraw(college, "00005")
    college.rewrite(
        college.students, lambda told: told + b"30001,Ada,a@x.org,active,2026-09-01,1\n"
    )
    college.run("sync")
    after = college.everything()
    connection.close()
    shutil.rmtree(home)
    shutil.copytree(backup, home)

    said = college.run("sync")
    planned = college.run("plan", "--json")

    assert said.code == 0, said.out
    assert planned.code == 0, planned.out
    assert college.everything() == after
    assert college.run("audit", "verify").code == 0


def test_a_target_restored_from_an_older_backup_is_brought_up_to_date_once(college: College):
    place, backup = college.folder / "targets" / "lms.db", college.folder / "lms.backup"
    shutil.copyfile(place, backup)
    _rename(college, "00003", "Chidi Eze", "Chidi Obi")
    _withdraw(college, "00005")
    college.rewrite(
        college.students, lambda told: told + b"30001,Ada,a@x.org,active,2026-09-01,1\n"
    )
    college.run("sync")
    users, enrolments, people = college.everything()
    shutil.copyfile(backup, place)

    said = college.run("sync")
    planned = college.run("plan", "--json")

    assert said.code == 0, said.out
    assert planned.code == 0, planned.out
    # What had been deleted stands there again, and may be somebody's doing by now: it is left.
    assert college.everything() == [
        users,
        sorted({*enrolments, ("5", "ART1"), ("5", "LAW1")}),
        people,
    ]


def test_a_clock_that_went_back_loses_and_repeats_nothing(college: College):
    _rename(college, "00003", "Chidi Eze", "Chidi Once")
    college.run("sync")
    _rename(college, "00003", "Chidi Once", "Chidi Twice")
    _withdraw(college, "00005")
    desk = sitting.sit_down(college.folder / "charter")

    done = runs.sync(replace(desk, at=desk.at - timedelta(hours=3)))
    again = college.run("sync")

    assert done.is_whole
    assert again.code == 0, again.out
    assert _name(college, "00003") == "Chidi Twice"
    assert college.in_lms("SELECT suspended FROM users WHERE idnumber = '00005'") == [(1,)]
    told = Effect.objects.filter(flow="lms-accounts", key="00003", kind="update")
    assert told.count() == 2
    assert college.run("audit", "verify").code == 0


def test_two_owners_who_take_away_at_once_leave_nothing_behind(college: College):
    _withdraw(college, "00005")
    college.campus("DELETE FROM enrolments WHERE student_no = '00005'")

    said = college.run("sync")

    assert said.code == 0, said.out
    assert college.in_lms("SELECT suspended FROM users WHERE idnumber = '00005'") == [(1,)]
    (number,) = college.in_lms("SELECT id FROM users WHERE idnumber = '00005'")[0]
    assert [
        row for row in college.in_lms("SELECT userid FROM enrolments") if row[0] == str(number)
    ] == []
    assert college.run("plan", "--json").code == 0


def test_progress_that_cannot_be_written_down_loses_and_repeats_nothing(college: College):
    _rename(college, "00003", "Chidi Eze", "Chidi Obi")
    indexes, aside = college.folder / "home" / "indexes", college.folder / "aside"
    indexes.rename(aside)
    indexes.write_text("a file where a folder should be", encoding="utf-8")

    failed = college.run("sync")
    in_between = _name(college, "00003")
    indexes.unlink()
    aside.rename(indexes)
    again = college.run("sync", "--changed")

    assert (failed.code, "Traceback" in failed.err) == (1, False)
    assert in_between == "Chidi Obi"
    assert again.code == 0, again.out
    told = Effect.objects.filter(flow="lms-accounts", key="00003", kind="update")
    assert list(told.values_list("state", flat=True)) == ["answered"]
