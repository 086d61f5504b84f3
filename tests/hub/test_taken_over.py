"""What was in a target before us is taken over and never deleted."""

from __future__ import annotations

import pytest

from matricula.hub.models import Link

pytestmark = pytest.mark.django_db
COPY = "SELECT id FROM courses WHERE code = 'BIO1'"


def test_a_copy_that_was_there_before_us_is_not_deleted_and_its_office_is_told(world):
    world.lms("INSERT INTO courses (id, code, title) VALUES (5, 'BIO1', 'Biology by hand')")
    world.edit_charter("guard: {exits: {share: 10%}}", "guard: {exits: {share: 50%}}")
    world.settle()
    assert list(Link.objects.filter(was_there=True).values_list("flow", "external_id")) == [
        ("lms-courses", "5")
    ]

    world.sis("DELETE FROM sections WHERE code = 'BIO1'")
    said = world.run("sync", "--json").json

    assert world.in_lms(COPY) == [(5,)]
    assert said["delivered"]["lms-courses"]["refused"] == 1
    assert "M655" in world.run("incidents", "--json").out


@pytest.mark.any_database
def test_a_copy_that_we_made_is_deleted_when_its_record_leaves(world):
    world.edit_charter("guard: {exits: {share: 10%}}", "guard: {exits: {share: 50%}}")
    world.settle()

    world.sis("DELETE FROM sections WHERE code = 'BIO1'")
    world.run("sync")

    assert world.in_lms(COPY) == []
