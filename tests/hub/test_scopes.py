"""A pass over some flows decides nothing for the others."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def test_a_change_delivered_by_one_flow_still_reaches_the_others(world):
    world.settle()
    world.sis(
        "UPDATE students SET name = 'Ada Byron', status = 'on_leave' WHERE student_no = '00001'"
    )

    one = world.run("sync", "--changed", "--flow", "lms-accounts", "--json").json
    rest = world.run("sync", "--changed", "--json").json

    assert one["delivered"]["lms-accounts"]["answered"] == 1
    assert "lms-accounts" not in rest["delivered"]
    assert rest["delivered"]["warehouse-students"]["answered"] == 1


def test_a_flow_synced_alone_goes_on_from_what_changed(world):
    world.settle()
    for name in ("Ada Byron", "Ada Lovelace"):
        world.sis("UPDATE students SET name = ? WHERE student_no = '00001'", name)
        said = world.run("sync", "--changed", "--flow", "lms-accounts", "--json").json

        assert said["delivered"]["lms-accounts"] == {"answered": 1} | {
            word: 0 for word in said["delivered"]["lms-accounts"] if word != "answered"
        }
        (flow,) = [part for part in said["flows"] if part["flow"] == "lms-accounts"]
        assert flow["unchanged"] == 0


def test_a_changed_text_is_looked_for_in_every_copy(world):
    world.settle()
    world.edit_charter("is: name,", "is: upper(name),")
    world.sign_all()

    said = world.run("sync", "--changed", "--json").json

    # More than the guard lets out at once, so that all of them stand still and are told.
    assert said["delivered"]["lms-accounts"] == {"held": 40}
