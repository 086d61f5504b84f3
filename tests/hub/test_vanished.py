from __future__ import annotations

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def _half(world) -> None:
    rows = "".join(f"{n:05d},0.50\n" for n in range(1, 21))
    world.write_patrons(f"cardnumber,fines\n{rows}")


def test_half_a_file_is_told_its_office_even_where_nothing_leaves(world):
    world.edit_charter(
        "on_exit: suspend\n    on_drift: report", "on_exit: leave\n    on_drift: report"
    )
    world.settle()
    _half(world)

    said = world.run("sync")

    assert "M415: library.patrons: 20 of 40 known identifiers are gone" in said.out
    told = [(i["code"], i["steward"]) for i in world.run("incidents", "--json").json]
    assert ("M415", "library") in told


def test_what_vanished_stays_told_though_the_next_reading_shows_nothing_new(world):
    world.settle()
    _half(world)
    world.run("sync")

    world.run("sync")

    assert "M415" in [i["code"] for i in world.run("incidents", "--json").json]


def test_what_vanished_and_came_back_is_told_no_more(world):
    world.settle()
    whole = (world.folder / "drop" / "patrons.csv").read_text(encoding="utf-8")
    _half(world)
    world.run("sync")
    world.write_patrons(whole)

    world.run("sync")

    assert "M415" not in [i["code"] for i in world.run("incidents", "--json").json]


def test_identifiers_that_changed_for_good_are_taken_once_the_kept_reading_is_removed(world):
    world.settle()
    world.sis("UPDATE students SET student_no = 'A' || student_no")
    world.sis("UPDATE enrolments SET student_no = 'A' || student_no")
    refused = world.plan("--flow", "warehouse-students")["warehouse-students"]
    for path in (world.folder / "home" / "snapshots" / "sis.students").iterdir():
        path.unlink()

    taken = world.plan("--flow", "warehouse-students")["warehouse-students"]

    assert any("M407" in reason for reason in refused["reasons"])
    assert taken["create"] == 40
