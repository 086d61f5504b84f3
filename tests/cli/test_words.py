"""What a person reads on a terminal: whole words, nothing hidden, nothing promised in vain."""

from __future__ import annotations

import pytest

from matricula.cli import show
from matricula.kernel.findings import Finding

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_on_a_narrow_terminal_no_word_is_cut_and_no_line_is_wider(world, narrow):
    world.settle()
    world.write_patrons("cardnumber\n")

    said = [
        world.run(*words).out
        for words in (
            ("plan",), ("status",), ("matrix",), ("incidents",), ("explain", "student", "00001"),
        )
    ]  # fmt: skip

    assert all(len(line) <= 80 for out in said for line in out.splitlines())
    words = {word for out in said for line in out.splitlines() for word in line.split()}
    assert {"warehouse-students", "warehouse.students", "student.student_no"} <= words
    assert "lms.users.idnumber" in words


def test_columns_that_hold_only_zeros_are_left_out_of_a_plan(world):
    world.settle()
    world.sis("UPDATE students SET name = 'Amara Hughes' WHERE student_no = '00001'")

    said = world.run("plan")

    heading = said.out.splitlines()[0].split()
    assert heading == ["flow", "target", "update", "unchanged"]


def test_an_identifier_that_is_not_made_yet_is_named_in_the_plan(world):
    said = world.run("plan")

    assert "userid=(id of lms-accounts 00001, once made)" in said.out


def test_a_flow_that_is_wholly_held_says_so_though_it_has_no_change(world):
    world.settle()
    world.write_patrons("cardnumber\n")

    said = world.run("plan")

    row = next(line for line in said.out.splitlines() if line.startswith("warehouse-students "))
    assert row.split()[-1] == "all"


def test_what_the_sources_state_wrongly_is_printed_by_sync_as_by_plan(world):
    world.settle()
    others = "".join(f"{number:05d},1.50\n" for number in range(2, 41))
    world.write_patrons(f"cardnumber,fines\n00001,much\n{others}")
    planned = world.run("plan")

    synced = world.run("sync")

    found = [line for line in planned.out.splitlines() if line.startswith("found: ")]
    assert found
    assert [line for line in synced.out.splitlines() if line.startswith("found: ")] == found


def test_a_record_that_is_set_aside_is_no_nothing_to_do(world):
    world.settle()
    world.sis("UPDATE students SET email = 's00002@example.org' WHERE student_no = '00001'")
    world.lms("CREATE UNIQUE INDEX one_email ON users (email)")
    world.run("sync")

    said = [world.run("sync").out, world.run("plan").out]

    assert all("1 record(s) of lms-accounts stay set aside" in out for out in said)


def test_drift_promises_nothing_that_is_held(world):
    world.settle()
    world.lms("UPDATE users SET fullname = 'Somebody Else' WHERE idnumber = '00002'")
    world.run("plan")
    promised = world.run("drift").out
    world.edit_charter("is: name,", "is: trim(name),")
    world.run("plan")

    held = world.run("drift").out

    assert "restored by the next apply" in promised
    assert "restored once Identity and Access, Registrar's Office signed" in held


def test_before_a_full_pass_drift_says_that_nobody_has_looked(world):
    said = world.run("drift")

    assert "Nobody has looked yet" in said.out
    assert "No copy is known" not in said.out


def test_a_signature_names_the_offices_that_are_awaited_by_their_titles(world):
    said = world.run("sign", "--as", "registrar")

    assert "lms-accounts still waits for Identity and Access." in said.out


def test_line_100_of_a_file_is_a_number_and_no_picture(capsys):
    show.findings([Finding("ownership.yaml:100", "M250", "It is idle.", "Remove it.")])

    assert "ownership.yaml:100: M250" in capsys.readouterr().err
