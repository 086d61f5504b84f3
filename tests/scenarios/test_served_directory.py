"""An identity provider pulls exactly what the charter grants: plan, signature, gate and ledger."""

from __future__ import annotations

import pytest

from tests.api.providers import Provider, provider

pytestmark = pytest.mark.django_db
DIRECTORY = """
systems:
  idp: {connector: scim_provider, steward: it}
flows:
  idp-accounts:
    purpose: Every student can sign in, and nobody else can.
    basis: contract with the student
    from: student
    to: idp.users
    match: {externalId: student_no}
    where: status in ('active', 'on_leave')
    fields:
      externalId: {is: student_no, because: the stable key}
      userName: {is: lower(email), because: people sign in with it}
      name.familyName: {is: "split_part(name, ' ', -1)", because: applications greet the person}
      "emails[work]": {is: email, because: sign-in notices reach the student}
      active: {is: "status = 'active'", because: who is on leave cannot sign in}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 90%}}
    errors_to: it
  idp-sections:
    purpose: Applications know the classes of the term.
    from: section
    to: idp.groups
    match: {externalId: code}
    fields:
      externalId: {is: code, because: the stable key}
      displayName: {is: title, because: people recognise the class by it}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 90%}}
    errors_to: it
  idp-places:
    purpose: Applications know who is in which class.
    basis: contract with the student
    from: enrolment
    to: idp.memberships
    match: {group: "link('idp-sections', code)", user: "link('idp-accounts', student_no)"}
    where: student_no.status in ('active', 'on_leave')
    fields:
      group: {is: "link('idp-sections', code)", because: which class}
      user: {is: "link('idp-accounts', student_no)", because: who}
    cadence: {on_change: true}
    on_exit: delete
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 90%}}
    errors_to: it
"""


@pytest.fixture
def served(world, settings):
    (world.folder / "charter" / "directory.yaml").write_text(DIRECTORY, encoding="utf-8")
    # The other targets are other stories.
    (world.folder / "charter" / "flows.yaml").unlink()
    settings.CHARTER = world.folder / "charter"
    return world


def total(asking: Provider, path: str = "/Users", **query: str) -> int:
    return asking.get(path, count=0, **query).json()["totalResults"]


def person(asking: Provider, number: str) -> dict:
    (found,) = asking.get("/Users", filter=f'externalId eq "{number}"').json()["Resources"]
    return found


def test_nothing_is_served_before_it_is_signed_and_everything_that_is_granted_after(served):
    asking = provider()
    said = served.run("sync")
    assert said.code == 1
    assert total(asking) == 0

    served.sign_all()
    assert served.run("sync").code == 0

    assert (total(asking), total(asking, "/Groups")) == (40, 3)
    told = person(asking, "00001")
    assert told["name"] == {"familyName": "Okafor"}
    # The record has fines; no flow grants them to this system.
    assert set(told) == {"schemas", "id", "externalId", "userName", "name", "emails", "active",
                         "meta"}  # fmt: skip
    groups = asking.get("/Groups").json()["Resources"]
    assert sum(len(group.get("members", ())) for group in groups) == 80
    again = served.run("plan", "--json").json["flows"]
    assert all(not flow["create"] and not flow["update"] for flow in again)


def test_who_withdraws_is_gone_from_accounts_and_classes_and_comes_back(served):
    served.sign_all()
    assert served.run("sync").code == 0
    asking = provider()
    before = person(asking, "00002")["id"]
    mine = f'members.value eq "{before}"'
    assert total(asking, "/Groups", filter=mine) > 0

    served.sis("UPDATE students SET status = 'withdrawn' WHERE student_no = '00002'")
    assert served.run("sync").code == 0

    assert asking.get(f"/Users/{before}").status_code == 404
    assert total(asking, "/Groups", filter=mine) == 0
    assert total(asking, filter='externalId eq "00002"') == 0
    served.sis("UPDATE students SET status = 'active' WHERE student_no = '00002'")
    served.run("sync")
    served.run("sync")
    after = person(asking, "00002")
    assert after["name"]["familyName"] == "Bartók"
    # An `id` is never given twice.
    assert after["id"] != before
    mine = f'members.value eq "{after["id"]}"'
    assert total(asking, "/Groups", filter=mine) > 0


def test_who_goes_on_leave_is_kept_out_and_stays_in_the_class(served):
    served.sign_all()
    assert served.run("sync").code == 0
    asking = provider()
    one = person(asking, "00003")

    served.sis("UPDATE students SET status = 'on_leave' WHERE student_no = '00003'")
    assert served.run("sync").code == 0

    assert (one["active"], person(asking, "00003")["active"]) == (True, False)
    assert total(asking, "/Groups", filter=f'members.value eq "{one["id"]}"') > 0


def test_an_edit_behind_the_gate_is_drift_and_is_put_back(served):
    from matricula.connectors.scim_provider.models import Record

    served.sign_all()
    assert served.run("sync").code == 0
    asking = provider()
    one = person(asking, "00003")
    held = Record.objects.get(identifier=one["id"])
    held.document = held.document.replace("Eze", "Edited")
    held.save()
    assert person(asking, "00003")["name"]["familyName"] == "Edited"

    served.run("sync")

    assert person(asking, "00003")["name"]["familyName"] == "Eze"


def test_a_field_taken_out_of_the_charter_is_served_no_longer_from_that_moment(served):
    served.sign_all()
    assert served.run("sync").code == 0
    asking = provider()
    assert "emails" in person(asking, "00001")

    served.edit_charter(
        '      "emails[work]": {is: email, because: sign-in notices reach the student}\n', "",
        "directory.yaml",
    )  # fmt: skip

    assert "emails" not in person(asking, "00001")
    assert asking.get("/Users", filter="emails pr").status_code == 400


def test_a_live_check_finds_a_field_that_is_not_served(served):
    served.edit_charter("name.familyName: {is", "wizardry: {is", "directory.yaml")

    said = served.run("check", "--live")

    assert said.code == 1
    assert "wizardry" in said.out + said.err
