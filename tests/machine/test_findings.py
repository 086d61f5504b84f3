"""What episodes of the state machine brought to light, each as a sentence of its own."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from matricula.hub.drift import find_drift
from matricula.hub.models import Effect, Incident
from matricula.hub.status import status
from tests.machine import happenings
from tests.machine.campus import Killed, enter
from tests.machine.faults import Fault

if TYPE_CHECKING:
    from matricula.connectors.kit.protocol import Write
    from tests.machine.campus import Campus
    from tests.machine.target import Record

pytestmark = pytest.mark.django_db(transaction=True)


def card_of(campus: Campus, number: str) -> Record:
    (found,) = campus.places["library"].tables["patrons"].matching({"number": number})
    return found


def open_incidents() -> list[tuple[str, str]]:
    return list(Incident.objects.filter(closed_at=None).values_list("code", "place"))


def next_of(campus: Campus, flow: str) -> str:
    return next(f.next for f in status(campus.present()).flows if f.flow == flow)


def dies_now(_resource: str, write: Write) -> None:
    raise Killed(write.key)


def test_a_copy_that_somebody_took_out_of_a_report_is_over_once_its_record_leaves(campus: Campus):
    campus.places["library"].remove("patrons", card_of(campus, "A2").identifier)
    campus.sync()
    before = open_incidents(), [e.key for e in find_drift(campus.present(), "cards").edits]
    campus.students()["A2"]["status"] = "on_leave"

    done = campus.sync()

    assert before == ([("M660", "cards")], ["A2"])
    assert done is not None
    assert done.plan.is_empty
    assert open_incidents() == []
    assert find_drift(campus.present()).edits == ()
    assert next_of(campus, "cards") == "nobody"
    assert [
        r.fields["number"]
        for r in campus.places["library"].tables["patrons"].records.values()
        if r.fields["number"] == "A2"
    ] == []


def test_an_edit_that_is_reported_stays_known_while_another_field_is_updated(campus: Campus):
    card_of(campus, "A1").asleep = True
    card_of(campus, "A1").fields["owed"] = 99
    campus.students()["A1"]["name"] = "A1 new"

    campus.sync()

    assert card_of(campus, "A1").fields == {"number": "A1", "name": "A1 new", "owed": 99}
    told = [(e.field, e.delivered, e.found) for e in find_drift(campus.present()).edits]
    assert told == [("owed", 0, 99), ("(state)", "active", "suspended")]
    assert next_of(campus, "cards") == "University Library: see drift"


def test_what_a_backup_brings_back_of_what_was_taken_out_is_told_until_it_is_gone(campus: Campus):
    backup = deepcopy(campus.places["lms"].tables)
    campus.students()["A4"]["status"] = "withdrawn"
    campus.sync()
    campus.places["lms"].tables = backup
    seats = backup["seats"].records

    campus.sync()
    told = open_incidents(), next_of(campus, "seats")
    (left,) = [r for r in seats.values() if r.made_for == "A4|LAW"]
    campus.places["lms"].remove("seats", left.identifier)
    campus.sync()

    assert [r.asleep for r in backup["users"].records.values() if r.made_for == "A4"] == [True]
    assert told == ([("M662", "lms.seats")], "Identity and Access: see incidents")
    assert open_incidents() == []
    assert next_of(campus, "seats") == "nobody"


def test_a_copy_that_nobody_saw_woken_is_not_said_to_be(campus: Campus):
    (account,) = campus.places["lms"].tables["users"].matching({"number": "A1"})
    account.asleep = True
    # Alive until the intent is written down, dead before the write has an effect.
    campus.places["lms"].look = dies_now

    died = campus.sync() is None
    campus.places["lms"].look = lambda *_: None
    campus.sync()

    assert died
    assert not account.asleep
    told = list(Effect.objects.filter(flow="accounts", key="A1").order_by("id")[1:])
    assert [(effect.kind, effect.state) for effect in told] == [
        ("restore", "void"),
        ("resume", "answered"),
    ]


def test_a_flow_whose_target_lost_a_field_has_an_office_that_acts_next(campus: Campus):
    place = campus.places["lms"]
    place.renamed.add(("seats", "course"))

    campus.sync()
    held = open_incidents(), next_of(campus, "seats")
    place.renamed.clear()
    campus.sync()

    assert held == ([("M657", "seats")], "Identity and Access: see incidents")
    assert open_incidents() == []
    assert next_of(campus, "seats") == "nobody"


def test_a_copy_of_ours_that_a_listing_hid_stays_ours_and_leaves_with_its_record(campus: Campus):
    place = campus.places["lms"]
    place.faults.append(Fault("read", "skips"))
    campus.sync()
    (seat,) = [r for r in place.tables["seats"].records.values() if r.made_for == "A1|LAW"]
    happenings.change(campus, "withdraw", "A1", "", 0)

    campus.sync()

    assert place.met == {"read skips": 1}
    assert seat.identifier not in place.tables["seats"].records
    assert open_incidents() == []


def test_a_copy_into_which_a_new_students_number_was_written_is_not_taken_over(campus: Campus):
    users = campus.places["lms"].tables["users"]
    (account,) = users.matching({"number": "A1"})
    account.fields["number"] = "A9"
    enter(campus, "A9")

    campus.sync(full=False)

    meanwhile = dict(account.fields), open_incidents()
    campus.sync()
    campus.wait(timedelta(days=1))
    campus.sync()

    as_it_was = {"number": "A9", "name": "A1 0", "email": "A1@0"}
    assert meanwhile == (as_it_was, [("M606", "accounts")])
    assert account.fields["number"] == "A1"
    (new,) = users.matching({"number": "A9"})
    assert (new.identifier != account.identifier, new.fields["name"]) == (True, "A9 0")
    assert open_incidents() == []


def test_a_copy_that_is_to_leave_and_that_a_listing_hid_leaves_in_that_very_pass(campus: Campus):
    place = campus.places["lms"]
    (account,) = place.tables["users"].matching({"number": "A1"})
    happenings.change(campus, "withdraw", "A1", "", 0)
    place.faults.append(Fault("read", "skips", times=2))

    campus.sync()

    assert place.met == {"read skips": 2}
    assert account.asleep
    assert place.tables["seats"].matching({"user": account.identifier}) == []


def test_a_copy_is_not_believed_to_be_gone_where_nobody_can_be_asked(campus: Campus):
    place = campus.places["lms"]
    (account,) = place.tables["users"].matching({"number": "A1"})
    happenings.change(campus, "withdraw", "A1", "", 0)
    place.faults += [Fault("read", "skips", times=2), Fault("find", "broken", times=2)]

    campus.sync()

    assert place.met == {"read skips": 2, "find broken": 2}
    assert account.asleep
    assert place.tables["seats"].matching({"user": account.identifier}) == []


def test_a_copy_that_is_gone_and_wanted_by_nobody_is_looked_up_once(campus: Campus):
    place = campus.places["lms"]
    (account,) = place.tables["users"].matching({"number": "A1"})
    place.remove("users", account.identifier)
    happenings.change(campus, "withdraw", "A1", "", 0)
    campus.sync()
    place.faults.append(Fault("find", "broken", times=9))

    done = campus.sync()

    assert done is not None
    assert done.plan.is_empty
    assert place.met == {}
    assert next_of(campus, "accounts") == next_of(campus, "seats") == "nobody"


def test_a_newcomer_whose_number_a_sleeping_copy_bears_comes_once_the_office_corrected_it(
    campus: Campus,
):
    users = campus.places["lms"].tables["users"]
    (account,) = users.matching({"number": "A1"})
    happenings.change(campus, "withdraw", "A1", "", 0)
    campus.sync()
    account.fields["number"] = "A9"
    enter(campus, "A9")

    campus.sync()
    told = open_incidents(), next_of(campus, "accounts"), dict(account.fields)
    account.fields["number"] = "A1"
    campus.wait(timedelta(days=1))
    campus.sync()

    taken = {"number": "A9", "name": "A1 0", "email": "A1@0"}
    assert told == ([("M606", "accounts")], "Identity and Access: see incidents", taken)
    (new,) = users.matching({"number": "A9"})
    assert (new.identifier != account.identifier, new.made_for) == (True, "A9")
    assert account.asleep
    assert open_incidents() == []
