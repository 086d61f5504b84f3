"""Fifty records in a call: what is refused as a whole is divided, what breaks off is read back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import SkipRow, TryAgain
from matricula.connectors.moodle.simulator import Fault
from matricula.connectors.moodle.wire import MOST_VARIABLES, flattened, portions
from tests.connectors.moodle.campus import change, create, enrol

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.moodle.campus import Campus

CREATE, UPDATE = "core_user_create_users", "core_user_update_users"


def test_fifty_accounts_are_one_call_and_one_look_at_each_identifier(campus: Campus):
    campus.connector.describe()

    campus.make("users", *(create(f"k{n}", campus.person(f"p{n}")) for n in range(50)))

    assert campus.moodle.count(CREATE) == 1
    # The guest, and then idnumbers, user names and addresses.
    assert campus.moodle.count("core_user_get_users_by_field") == 4


def test_one_bad_account_of_fifty_costs_a_few_calls_and_the_others_nothing(campus: Campus):
    people = [campus.person(f"p{n}") for n in range(50)]
    people[17]["email"] = "p17@nowhere"

    outcomes = campus.write("users", *(create(f"k{n}", one) for n, one in enumerate(people)))

    assert [n for n, one in enumerate(outcomes) if one.error is not None] == [17]
    assert isinstance(outcomes[17].error, SkipRow)
    assert campus.moodle.count(CREATE) <= 13
    assert len(campus.rows("users")) == 49


def test_a_call_never_has_more_variables_than_php_reads(make_campus: Callable[..., Campus]):
    site_fields = tuple(f"f{n}" for n in range(20))
    campus = make_campus(profile_fields=site_fields, batch_size=100)
    campus.site.profile_fields |= set(site_fields)
    campus.moodle.max_input_vars = 1000
    more = {f"profile.{name}": "x" for name in site_fields}

    campus.make("users", *(create(f"k{n}", campus.person(f"p{n}", **more)) for n in range(60)))

    assert campus.moodle.count(CREATE) == 4
    assert len(campus.rows("users")) == 60


def test_portions_keep_to_size_and_variables():
    wide = [{f"v{n}": n for n in range(400)}] * 5

    assert [len(one) for one in portions(["a"] * 7, 3)] == [3, 3, 1]
    assert [len(one) for one in portions(wide, 50)] == [2, 2, 1]
    assert portions([], 50) == []
    assert sum(1 for _ in flattened({"": wide[0]})) <= MOST_VARIABLES


def test_a_change_that_breaks_off_is_settled_by_what_the_records_hold(campus: Campus):
    names = ("amara", "bela", "chidi")
    ids = campus.make("users", *(create(n, campus.person(n)) for n in names))
    campus.moodle.faults.append(Fault(UPDATE, is_done=True, code="invalidresponse"))

    outcomes = campus.write("users", *(change(i, department="Law") for i in ids))

    assert [one.error for one in outcomes] == [None, None, None]
    assert campus.moodle.count(UPDATE) == 1


def test_what_a_broken_call_did_not_do_is_sent_again_alone(campus: Campus):
    names = ("amara", "bela", "chidi")
    ids = campus.make("users", *(create(n, campus.person(n)) for n in names))
    campus.wire.write(UPDATE, users=[{"id": ids[0], "department": "Law"}])
    campus.moodle.faults.append(Fault(UPDATE, code="invalidresponse"))
    before = campus.moodle.count(UPDATE)

    outcomes = campus.write("users", *(change(i, department="Law") for i in ids))

    assert [one.error for one in outcomes] == [None, None, None]
    assert campus.moodle.count(UPDATE) == before + 3


def test_a_row_that_spoils_every_answer_is_set_aside_and_the_others_are_done(campus: Campus):
    names = ("amara", "bela", "chidi")
    ids = campus.make("users", *(create(n, campus.person(n)) for n in names))
    campus.moodle.faults.append(Fault(UPDATE, code="invalidresponse", times=2))

    outcomes = campus.write("users", *(change(i, department="Law") for i in ids))

    assert isinstance(outcomes[0].error, SkipRow)
    assert [one.error for one in outcomes[1:]] == [None, None]


def test_when_moodle_goes_away_between_the_halves_the_done_half_is_done(
    make_campus: Callable[..., Campus],
):
    campus = make_campus(batch_size=4)
    people = [campus.person(f"p{n}") for n in range(4)]
    people[0]["email"] = "p0@nowhere"
    campus.connector.describe()
    good = Fault(CREATE, is_done=True)
    refused = [Fault(CREATE, is_done=True) for _ in range(4)]
    campus.moodle.faults += [*refused, Fault(CREATE, status=503, times=9)]

    outcomes = campus.write("users", *(create(f"k{n}", one) for n, one in enumerate(people)))

    assert good.times == 1
    assert isinstance(outcomes[0].error, SkipRow)
    assert outcomes[1].error is None
    assert all(isinstance(one.error, TryAgain) for one in outcomes[2:])


def test_a_value_that_moodle_quietly_keeps_otherwise_is_named(campus: Campus):
    (amara,) = campus.make("users", create("amara", campus.person("amara")))

    (outcome,) = campus.write("users", change(amara, country="XX", department="Law"))

    assert isinstance(outcome.error, SkipRow)
    assert "country" in outcome.error.message
    assert campus.fields("users", amara)["department"] == "Law"


def test_a_profile_field_that_is_not_there_is_not_lost_in_silence(
    make_campus: Callable[..., Campus],
):
    campus = make_campus(profile_fields=("programme", "intake"))
    campus.site.profile_fields.add("programme")
    told = campus.person("amara", **{"profile.programme": "LLB"})
    (amara,) = campus.make("users", create("amara", told))

    (outcome,) = campus.write("users", change(amara, **{"profile.intake": "2026"}))

    assert campus.fields("users", amara)["profile.programme"] == "LLB"
    assert isinstance(outcome.error, SkipRow)
    assert "profile.intake" in outcome.error.message


def test_enrolments_of_many_courses_share_a_call(campus: Campus):
    campus.taught()
    people = campus.make("users", *(create(n, campus.person(n)) for n in ("amara", "bela")))
    more = [campus.course(f"c{n}") for n in range(3)]
    courses = campus.make("courses", *(create(f"c{n}", one) for n, one in enumerate(more)))

    campus.make("enrolments", *(enrol(c, p) for c in courses for p in people))

    assert campus.moodle.count("enrol_manual_enrol_users") == 1
