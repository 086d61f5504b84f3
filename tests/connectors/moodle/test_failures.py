"""When Moodle fails: what certainly did not happen, and what nobody can know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from matricula.connectors.kit.errors import GiveUp, ReadBack, SkipRow, Stop, TryAgain, Untrusted
from matricula.connectors.moodle.simulator import Fault
from tests.connectors.moodle.campus import change, create, enrol

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.moodle.campus import Campus

CREATE, UPDATE = "core_user_create_users", "core_user_update_users"
LOOK = "core_user_get_users_by_field"
LOST = [
    {"drops": True},
    {"status": 502, "body": b"<html>"},
    {"body": b"PHP Notice: something in /srv/moodle"},
    {"code": "invalidresponse"},
]


@pytest.mark.parametrize("fault", LOST, ids=["hangs up", "gateway", "no JSON", "spoilt answer"])
def test_a_creation_whose_answer_is_lost_is_unknown_and_found_by_looking(
    campus: Campus, fault: dict[str, object]
):
    campus.moodle.faults.append(Fault(CREATE, is_done=True, **fault))

    (outcome,) = campus.write("users", create("amara", campus.person("amara")))

    assert isinstance(outcome.error, ReadBack)
    assert campus.moodle.count(CREATE) == 1
    assert len(campus.find("users", idnumber=campus.person("amara")["idnumber"])) == 1


def test_after_an_unknown_outcome_the_same_creation_makes_no_second_account(campus: Campus):
    campus.moodle.faults.append(Fault(CREATE, is_done=True, drops=True))
    campus.write("users", create("amara", campus.person("amara")))

    (outcome,) = campus.write("users", create("amara", campus.person("amara")))

    assert outcome.error is None
    assert outcome.adopted
    assert len(campus.rows("users")) == 1


def test_a_creation_that_takes_too_long_is_unknown_and_never_sent_twice(
    make_campus: Callable[..., Campus],
):
    campus = make_campus(timeout_seconds=0.3)
    campus.moodle.faults.append(Fault(CREATE, is_done=True, wait_seconds=0.6))

    (outcome,) = campus.write("users", create("amara", campus.person("amara")))

    assert isinstance(outcome.error, ReadBack)
    assert campus.moodle.count(CREATE) == 1


def test_a_read_is_sent_again_when_its_answer_is_lost(make_campus: Callable[..., Campus]):
    campus = make_campus(attempts=2)
    campus.connector.describe()
    campus.connector._wire._clock = campus.connector._wire._clock.__class__(sleep=lambda _: None)
    campus.moodle.faults.append(Fault("core_course_get_categories", drops=True))

    assert [row["name"] for row in campus.rows("categories")] == ["Category 1"]
    assert campus.moodle.count("core_course_get_categories") == 2


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_site_is_left_alone_for_as_long_as_it_says(campus: Campus, status: int):
    campus.moodle.faults.append(Fault(CREATE, status=status, headers={"Retry-After": "40"}))

    (outcome,) = campus.write("users", create("amara", campus.person("amara")))

    assert isinstance(outcome.error, TryAgain)
    assert outcome.error.after_seconds == 40.0


def test_a_site_that_says_busy_is_not_asked_for_the_rest_of_the_batch(
    make_campus: Callable[..., Campus],
):
    campus = make_campus(concurrency=1, batch_size=1)
    campus.moodle.faults.append(Fault(CREATE, status=503, times=9))

    outcomes = campus.write(
        "users", *(create(n, campus.person(n)) for n in ("amara", "bela", "chidi"))
    )

    assert all(isinstance(one.error, TryAgain) for one in outcomes)
    assert campus.moodle.count(CREATE) == 1


def test_a_site_in_maintenance_is_tried_again_later(campus: Campus):
    campus.connector.describe()
    campus.moodle.is_closed = True

    with pytest.raises(TryAgain) as caught:
        campus.write("users", create("amara", campus.person("amara")))

    assert caught.value.code == "M611"
    assert not campus.connector.ping().well


def test_a_token_that_is_withdrawn_half_way_loses_no_outcome(make_campus: Callable[..., Campus]):
    campus = make_campus(concurrency=1, batch_size=1)
    campus.moodle.faults.append(Fault("core_webservice_get_site_info", is_done=True))
    campus.connector.describe()
    later = [Fault(CREATE, is_done=True), Fault(CREATE, code="invalidtoken", times=9)]
    campus.moodle.faults.extend(later)

    first, second, third = campus.write(
        "users", *(create(n, campus.person(n)) for n in ("amara", "bela", "chidi"))
    )

    assert first.error is None
    assert [one.error.code for one in (second, third)] == ["M613", "M613"]
    assert isinstance(second.error, TryAgain)


def test_a_token_that_is_refused_from_the_start_stops_the_batch(campus: Campus):
    campus.moodle.token = "another"

    with pytest.raises(Stop):
        campus.write("users", create("amara", campus.person("amara")))

    assert not campus.connector.ping().well


def test_the_check_names_every_function_that_the_service_lacks(campus: Campus):
    campus.moodle.functions -= {CREATE, "enrol_manual_enrol_users"}

    health = campus.connector.ping()

    assert not health.well
    assert f"{CREATE}, enrol_manual_enrol_users" in health.sentence


def test_a_charter_that_uses_few_resources_needs_few_functions(make_campus: Callable[..., Campus]):
    campus = make_campus(resources=["users"])
    campus.moodle.functions = {"core_webservice_get_site_info", CREATE, UPDATE, LOOK} | {
        "core_enrol_get_enrolled_users"
    }

    assert campus.connector.ping().well
    assert [shape.name for shape in campus.connector.describe()] == ["users"]
    with pytest.raises(GiveUp, match="no resource courses"):
        campus.rows("courses")


def test_a_resource_says_that_it_cannot_be_written_without_the_function(campus: Campus):
    campus.moodle.functions -= {CREATE, "core_group_get_groups"}

    shapes = {shape.name: shape for shape in campus.connector.describe()}

    assert shapes["users"].writes == {"update", "suspend", "resume"}
    assert "groups" not in shapes
    with pytest.raises(GiveUp, match="core_group_get_groups"):
        campus.rows("groups")


@pytest.mark.parametrize(
    ("lacking", "named"),
    [
        ("moodle/user:viewalldetails", "moodle/user:viewalldetails"),
        ("moodle/site:viewuseridentity", "moodle/site:viewuseridentity"),
    ],
)
def test_an_account_that_does_not_see_others_is_not_believed_to_find_nobody(
    campus: Campus, lacking: str, named: str
):
    campus.make("users", create("amara", campus.person("amara")))
    campus.site.capabilities.discard(lacking)
    campus.connector.describe()

    with pytest.raises(Stop, match=named):
        campus.write("users", create("amara", campus.person("amara")))


@pytest.mark.parametrize(
    "capability",
    [
        "moodle/user:viewalldetails",
        "moodle/category:manage",
        "moodle/course:update",
        "moodle/course:enrolreview",
        "moodle/course:managegroups",
    ],
)
def test_the_check_names_a_capability_without_which_something_cannot_be_seen(
    campus: Campus, capability: str
):
    well = campus.connector.ping()
    campus.site.capabilities.discard(capability)

    health = campus.connector.ping()

    assert well.well
    assert not health.well
    assert capability in health.sentence
    assert campus.moodle.count(CREATE) == 0


def test_a_site_that_hides_who_is_suspended_is_not_believed_to_have_nobody_suspended(
    campus: Campus,
):
    campus.site.hidden.add("suspended")

    with pytest.raises(Stop, match="moodle/user:viewhiddendetails"):
        campus.rows("users")


def test_a_capability_that_is_missing_for_every_account_is_named(campus: Campus):
    campus.site.capabilities.discard("moodle/user:create")

    (outcome,) = campus.write("users", create("amara", campus.person("amara")))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M731"
    assert "moodle/user:create" in outcome.error.message


def test_a_crash_without_a_code_that_may_have_done_some_is_settled_by_reading(campus: Campus):
    (amara,) = campus.make("users", create("amara", campus.person("amara")))
    campus.moodle.faults.append(Fault(UPDATE, is_done=True, code=None))

    (outcome,) = campus.write("users", change(amara, department="Law"))

    assert outcome.error is None
    assert campus.moodle.count(UPDATE) == 1


def test_after_an_accepted_change_that_cannot_be_looked_at_nobody_knows(campus: Campus):
    (amara,) = campus.make("users", create("amara", campus.person("amara")))
    campus.moodle.faults.append(Fault(UPDATE, is_done=True, code="invalidresponse"))
    campus.moodle.faults.append(Fault(LOOK, status=503, times=9))

    (outcome,) = campus.write("users", change(amara, department="Law"))

    assert isinstance(outcome.error, ReadBack)


def test_a_lost_enrolment_is_unknown_and_found_by_looking_anew(campus: Campus):
    course, (amara,) = campus.taught("amara")
    campus.moodle.faults.append(Fault("enrol_manual_enrol_users", is_done=True, drops=True))

    (outcome,) = campus.write("enrolments", enrol(course, amara))

    assert isinstance(outcome.error, ReadBack)
    assert len(campus.find("enrolments", courseid=course, userid=amara)) == 1


def test_a_page_that_is_no_moodle_says_so(campus: Campus):
    campus.connector._wire._settings.url += "/elsewhere"

    assert "`url`" in campus.connector.ping().sentence


def test_no_message_repeats_a_name_an_address_or_the_token(campus: Campus):
    campus.moodle.is_careless = True
    campus.make("users", create("amara", campus.person("amara")))
    twin = {**campus.person("bela"), "email": campus.person("amara")["email"]}
    long = campus.person("chidi", firstname="C" * 101)
    odd = campus.person("dewi", lastname="<i>Lestari")
    campus.moodle.faults.append(Fault(CREATE, code="somethingnew", times=20))

    outcomes = campus.write("users", *(create(n, p) for n, p in enumerate((twin, long, odd))))
    campus.moodle.token = "another"
    said = [str(one.error) for one in outcomes] + [campus.connector.ping().sentence]

    assert all(one.error is not None for one in outcomes)
    for secret in ("bela", "CCCC", "Lestari", "northfield", "INSERT", campus.moodle.token):
        assert not any(secret in sentence for sentence in said)


def test_a_listing_without_even_the_front_page_is_not_believed(campus: Campus):
    campus.connector.describe()
    campus.moodle.faults.append(Fault("core_course_get_courses", body=b"[]", times=9))

    with pytest.raises(Untrusted):
        campus.rows("enrolments")


def _moving(campus: Campus, victims: list[str]) -> None:
    """Delete an account whenever the first page of who takes part has been read."""
    answer = campus.moodle.answer

    def moving(form: dict[str, Any]) -> object:
        told = answer(form)
        options = {one["name"]: one["value"] for one in form.get("options", ())}
        if options.get("limitfrom") == "0" and victims:
            campus.site.users.change(int(victims.pop(0)), {"deleted": True})
        return told

    campus.moodle.answer = moving  # type: ignore[method-assign]  # for this one test


def test_a_listing_that_moved_is_read_again(make_campus: Callable[..., Campus]):
    campus = make_campus(page_size=3)
    course, _ = campus.taught()
    ids = campus.make("users", *(create(f"k{n}", campus.person(f"p{n}")) for n in range(6)))
    campus.make("enrolments", *(enrol(course, one) for one in ids))
    _moving(campus, ids[:1])

    assert {row["userid"] for row in campus.rows("enrolments")} == set(ids[1:])


def test_a_listing_that_never_holds_still_is_not_believed(make_campus: Callable[..., Campus]):
    campus = make_campus(page_size=3)
    course, _ = campus.taught()
    ids = campus.make("users", *(create(f"k{n}", campus.person(f"p{n}")) for n in range(9)))
    campus.make("enrolments", *(enrol(course, one) for one in ids))
    _moving(campus, ids)

    with pytest.raises(Untrusted) as caught:
        campus.rows("enrolments")

    assert caught.value.code == "M440"
