"""A signature is what an office did, not a row in a table; and it is for one destination."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from matricula.hub.models import Signature
from tests.world import STEWARDS

pytestmark = pytest.mark.django_db


def _write_rows(world, *flows: str) -> None:
    """Write into the table what a signing would leave there, and nothing into the audit."""
    from matricula.cli import sitting

    desk = sitting.sit_down(world.folder / "charter")
    Signature.objects.bulk_create(
        Signature(
            flow=flow.name, flow_digest=flow.digest, steward=name, actor="mallory",
            signed_at=desk.at,
        )
        for flow in desk.charter.flows.values()
        if not flows or flow.name in flows
        for name in STEWARDS
    )  # fmt: skip


@pytest.mark.any_database
def test_rows_written_straight_into_the_table_sign_nothing(world):
    _write_rows(world)

    said = world.run("sync")

    assert said.code == 1
    assert "M518" in said.out
    assert world.everything_in_lms() == [[], [], []]


def test_an_office_can_sign_where_a_forged_row_stands(world):
    _write_rows(world)

    world.settle()

    assert not Signature.objects.filter(actor="mallory", steward="registrar").exists()
    assert len(world.in_lms("SELECT id FROM users")) == 40


@pytest.mark.any_database
def test_a_row_is_no_signature_for_another_text_than_the_audit_names(world):
    world.settle()
    world.edit_charter("is: name,", "is: upper(name),")
    _write_rows(world, "lms-accounts")

    flows = world.plan()

    assert any("M518" in reason for reason in flows["lms-accounts"]["reasons"])
    assert flows["lms-courses"]["reasons"] == []


def test_an_entry_that_no_batch_seals_bears_no_signature_out(world):
    _write_rows(world)
    digest = Signature.objects.filter(flow="lms-accounts").first().flow_digest
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_act (number, at, actor, action, entity, why, flow, "
            "charter_version, run) VALUES (9000, '', 'mallory', 'sign', 'flow', '', '', '', '')"
        )
        for number, steward in enumerate(STEWARDS, start=9000):
            cursor.execute(
                "INSERT INTO audit_entry (seq, act, values_digest, leaf) "
                "VALUES (%s, 9000, '', '')",
                [number],
            )
            cursor.execute(
                "INSERT INTO audit_value (seq, salt, key, before, after) "
                "VALUES (%s, '', 'lms-accounts', '', %s)",
                [number, f'{{"steward":"{steward}","text":"{digest}"}}'],
            )

    flows = world.plan("--flow", "lms-accounts")

    assert any("M518" in reason for reason in flows["lms-accounts"]["reasons"])


@pytest.mark.any_database
def test_data_is_not_sent_to_a_new_place_until_the_offices_sign_again(world):
    world.settle()
    world.edit_charter("/lms.db", "/elsewhere.db", name="charter.yaml")
    (world.folder / "elsewhere.db").write_bytes((world.folder / "lms.db").read_bytes())
    before = (world.folder / "elsewhere.db").read_bytes()
    world.sis("UPDATE students SET name = 'Amara Hughes' WHERE student_no = '00001'")

    said = world.run("sync", "--flow", "lms-accounts")

    assert said.code == 1
    assert "M510" in said.out
    assert (world.folder / "elsewhere.db").read_bytes() == before


@pytest.mark.any_database
def test_the_signatures_of_all_flows_are_held_against_the_audit_in_one_query(world):
    world.sign_all()

    with CaptureQueriesContext(
        connection,
    ) as asked:
        world.run("sync")

    about = [q for q in asked.captured_queries if "v.key IN" in q["sql"] and "'sign'" in q["sql"]]
    assert len(about) == 1
