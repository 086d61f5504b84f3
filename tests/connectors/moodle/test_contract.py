"""What Moodle does, of the simulator and of a real one alike: its traps, and what we make of them.

A simulator that is kinder than the real system would let these pass for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from matricula.connectors.kit.errors import ReadBack, SkipRow, Stop, TryAgain
from matricula.connectors.kit.protocol import Write
from matricula.connectors.moodle.refusals import Refused
from matricula.connectors.moodle.wire import flattened
from tests.connectors.moodle.campus import change, create, enrol

if TYPE_CHECKING:
    from tests.connectors.moodle.campus import Campus


def _refusal(campus: Campus, function: str, **arguments: object) -> str:
    with pytest.raises(Refused) as caught:
        campus.wire.write(function, **arguments)
    return caught.value.code


def _accounts(campus: Campus, *names: str) -> list[dict[str, Any]]:
    return [{**campus.person(name), "auth": "oauth2"} for name in names]


def test_a_call_that_is_cut_short_is_refused_as_a_whole(either: Campus):
    course, (amara,) = either.taught("amara")
    row = {"roleid": 5, "userid": amara, "courseid": course}
    pairs = list(flattened({"enrolments": [row] * 2000}))
    form = either.wire._form("enrol_manual_enrol_users", pairs)

    answer = either.wire._open().send(
        "POST",
        "/webservice/rest/server.php",
        content=form,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert answer.status == 200
    assert answer.json()["errorcode"] == "invalidtoken"
    assert either.find("enrolments", courseid=course, userid=amara) == []


def test_the_check_finds_nothing_to_object_to(either: Campus):
    assert either.connector.ping().sentence.startswith("It is Moodle 4.")


def test_nobody_is_suspended_on_the_front_page_and_it_cannot_be_asked(either: Campus):
    options = [{"name": "onlysuspended", "value": 1}]

    with pytest.raises(Refused, match="codingerror"):
        either.wire.read("core_enrol_get_enrolled_users", courseid=1, options=options)


def test_an_unknown_criterion_finds_everybody(either: Campus):
    either.make("users", create("amara", either.person("amara")))

    told = either.wire.read("core_user_get_users", criteria=[{"key": "phone", "value": "1"}])

    assert len(told["users"]) > 2
    assert told["warnings"][0]["warningcode"] == "invalidfieldparameter"


def test_the_front_page_lists_everybody_page_by_page(either: Campus):
    ids = set(either.make("users", *(create(n, either.person(n)) for n in ("amara", "bela"))))

    rows = either.rows("users")

    assert ids <= {row["_id"] for row in rows}
    assert len({row["_id"] for row in rows}) == len(rows)


def test_an_idnumber_may_be_given_twice_by_moodle_and_is_refused_by_us(either: Campus):
    amara, bela = _accounts(either, "amara", "bela")
    bela["idnumber"] = amara["idnumber"]
    either.wire.write("core_user_create_users", users=[amara, bela])

    (outcome,) = either.write("users", create("amara", either.person("amara")))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"


def test_accounts_are_made_all_or_none(either: Campus):
    amara, bela = _accounts(either, "amara", "bela")

    code = _refusal(either, "core_user_create_users", users=[amara, {**bela, "email": "no"}])

    assert code == "invalidparameter"
    assert either.find("users", idnumber=amara["idnumber"]) == []


def test_accounts_are_changed_one_by_one(either: Campus):
    amara, bela = either.make("users", *(create(n, either.person(n)) for n in ("amara", "bela")))
    taken = either.person("amara")["email"]

    told = either.wire.write(
        "core_user_update_users",
        users=[{"id": bela, "email": taken}, {"id": amara, "department": "Law"}],
    )

    assert [one["warningcode"] for one in told["warnings"]] == ["useremailduplicate"]
    assert either.fields("users", amara)["department"] == "Law"


def test_a_weak_password_spoils_the_answer_after_others_were_changed(either: Campus):
    amara, bela = either.make("users", *(create(n, either.person(n)) for n in ("amara", "bela")))
    users = [{"id": amara, "department": "Law"}, {"id": bela, "password": "x"}]

    code = _refusal(either, "core_user_update_users", users=users)

    assert code == "invalidresponse"
    assert either.fields("users", amara)["department"] == "Law"


def test_a_capital_in_a_user_name_makes_moodle_refuse_the_whole_question(either: Campus):
    with pytest.raises(Refused, match="invalidparameter"):
        either.wire.read("core_user_get_users_by_field", field="username", values=["Amara"])

    assert either.find("users", username="Amara") == []


def test_the_remains_of_a_deleted_account_answer_to_its_number_and_are_nobody(either: Campus):
    (amara,) = either.make("users", create("amara", either.person("amara")))
    either.wire.write("core_user_delete_users", userids=[amara])

    shown = either.wire.read("core_user_get_users_by_field", field="id", values=[amara])

    assert [str(one["id"]) for one in shown] == [amara]
    assert either.find("users", _id=amara) == []
    (outcome,) = either.write("users", change(amara, department="Law"))
    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M605"


def test_an_account_is_made_awake_and_suspended_at_once_when_that_is_asked(either: Campus):
    (amara,) = either.make("users", create("amara", either.person("amara", suspended=True)))

    assert either.fields("users", amara)["suspended"] is True


def test_names_of_any_script_come_back_as_they_were_written(either: Campus):
    told = {
        "firstname": "Ánh “Tuyết” & 王小明",
        "lastname": "O’Brien > \U0001f469\u200d\U0001f467",
    }

    (amara,) = either.make("users", create("amara", either.person("amara", **told)))

    assert {n: either.fields("users", amara)[n] for n in told} == told


def test_markup_in_a_name_is_refused_by_the_name_of_its_field(either: Campus):
    amara = either.person("amara", lastname="<b>Okafor</b>")
    raw = {**amara, "auth": "oauth2"}

    assert _refusal(either, "core_user_create_users", users=[raw]) == "invalidparameter"
    (outcome,) = either.write("users", create("amara", amara))
    assert "lastname" in str(outcome.error)


def test_a_course_keeps_its_days_and_its_ampersands(either: Campus):
    told = either.course(fullname='Contract & "Tort"', summary="<p>a &amp; b</p>")

    (course,) = either.make("courses", create("law", told))

    held = either.fields("courses", course)
    assert {name: held[name] for name in told} == told


def test_a_course_is_hidden_and_shown_again(either: Campus):
    (course,) = either.make("courses", create("law", either.course()))

    either.make("courses", change(course, "suspend"))
    asleep = either.fields("courses", course)["visible"]
    either.make("courses", change(course, "resume"))

    assert asleep is False
    assert either.fields("courses", course)["visible"] is True


def test_two_courses_with_one_short_name_are_two_minds(either: Campus):
    either.make("courses", create("law", either.course()))
    twin = {**either.course(), "idnumber": f"other{either.mark}"}

    (outcome,) = either.write("courses", create("twin", twin))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"


def test_a_category_is_made_changed_and_found(either: Campus):
    told = {"idnumber": f"fac{either.mark}", "name": "Law & Order", "description": "a < b"}
    (category,) = either.make("categories", create("fac", told))

    either.make("categories", change(category, name="Law"))

    assert either.fields("categories", category)["name"] == "Law"
    assert either.write("categories", create("fac", told))[0].external_id == category


def test_enrolling_without_suspend_wakes_and_we_always_say_the_whole_state(either: Campus):
    course, (amara,) = either.taught("amara")
    (place,) = either.make("enrolments", enrol(course, amara, suspended=True))
    assert either.fields("enrolments", place)["suspended"] is True

    row = {"roleid": 5, "userid": amara, "courseid": course}
    either.wire.write("enrol_manual_enrol_users", enrolments=[row])

    assert either.fields("enrolments", place)["suspended"] is False


def test_whoever_is_suspended_keeps_role_and_group(either: Campus):
    course, (amara,) = either.taught("amara")
    (place,) = either.make("enrolments", enrol(course, amara))
    group_row = {"idnumber": f"g{either.mark}", "courseid": course, "name": "Monday"}
    (group,) = either.make("groups", create("g", group_row, ("idnumber", "courseid")))
    either.make("group_members", create("m", {"groupid": group, "userid": amara}, ()))

    either.make("enrolments", change(place, "suspend"))

    assert either.fields("enrolments", place)["suspended"] is True
    assert [one.external_id for one in either.find("group_members", groupid=group)] == [
        f"{group}|{amara}"
    ]


def test_only_who_is_enrolled_can_be_in_a_group_and_waits_until_then(either: Campus):
    course, (amara,) = either.taught("amara")
    group_row = {"idnumber": f"g{either.mark}", "courseid": course, "name": "Monday"}
    (group,) = either.make("groups", create("g", group_row, ("idnumber", "courseid")))
    joins = create("m", {"groupid": group, "userid": amara}, ())
    members = [{"groupid": group, "userid": amara}]

    code = _refusal(either, "core_group_add_group_members", members=members)
    (early,) = either.write("group_members", joins)
    either.make("enrolments", enrol(course, amara))
    (late,) = either.write("group_members", joins)

    assert code == "invalidparameter"
    assert isinstance(early.error, TryAgain)
    assert early.error.code == "M730"
    assert late.error is None


def test_one_bad_enrolment_spoils_moodles_call_and_not_our_batch(either: Campus):
    course, (amara, bela) = either.taught("amara", "bela")

    first, bad, last = either.write(
        "enrolments", enrol(course, amara), enrol(course, "99999999"), enrol(course, bela)
    )

    assert first.error is None
    assert last.error is None
    assert isinstance(bad.error, SkipRow)
    assert bad.error.code == "M605"


def test_a_teacher_is_enrolled_with_that_role(either: Campus):
    course, (dewi,) = either.taught("dewi")

    either.make("enrolments", enrol(course, dewi, "editingteacher"))

    (found,) = either.find("enrolments", courseid=course)
    assert found.fields["role"] == "editingteacher"


def test_a_role_that_our_account_may_not_assign_is_named(either: Campus):
    course, (dewi,) = either.taught("dewi")

    (outcome,) = either.write("enrolments", enrol(course, dewi, "manager"))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code in ("M731", "M605")


def test_cohort_members_are_settled_one_by_one_though_warnings_name_no_row(either: Campus):
    told = {"idnumber": f"i{either.mark}", "name": f"Intake {either.mark}"}
    (cohort,) = either.make("cohorts", create("i", told))
    amara, bela = either.make("users", *(create(n, either.person(n)) for n in ("amara", "bela")))

    first, gone, last = either.write(
        "cohort_members",
        *(create(u, {"cohortid": cohort, "userid": u}, ()) for u in (amara, "99999999", bela)),
    )
    again = either.write("cohort_members", create("x", {"cohortid": cohort, "userid": amara}, ()))

    assert [first.error, last.error, again[0].error] == [None, None, None]
    assert isinstance(gone.error, SkipRow)
    assert len(either.find("cohort_members", cohortid=cohort)) == 2


def test_leaving_a_cohort_twice_is_agreed(either: Campus):
    told = {"idnumber": f"i{either.mark}", "name": f"Intake {either.mark}"}
    (cohort,) = either.make("cohorts", create("i", told))
    (amara,) = either.make("users", create("amara", either.person("amara")))
    joins = create("m", {"cohortid": cohort, "userid": amara}, ())
    (pair,) = either.make("cohort_members", joins)
    leaves = Write("m", "delete", pair, joins.fields)

    either.make("cohort_members", leaves)
    either.make("cohort_members", leaves)

    assert either.find("cohort_members", cohortid=cohort) == []


def test_a_cohort_in_a_category_is_left_where_it_is(either: Campus):
    place = {"type": "id", "value": "1"}
    told = {"categorytype": place, "name": "Theirs", "idnumber": f"c{either.mark}"}
    either.wire.write("core_cohort_create_cohorts", cohorts=[told])

    (outcome,) = either.write(
        "cohorts", create("c", {"idnumber": f"c{either.mark}", "name": "Ours"})
    )

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"


def test_a_name_of_a_group_is_one_courses_own(either: Campus):
    course, _ = either.taught()
    told = {"idnumber": f"g{either.mark}", "courseid": course, "name": "Monday"}
    either.make("groups", create("g", told, ("idnumber", "courseid")))

    (outcome,) = either.write(
        "groups", create("h", {**told, "idnumber": f"h{either.mark}"}, ("idnumber", "courseid"))
    )

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"


def test_marks_are_read_for_whoever_is_active(either: Campus):
    course, (amara, bela) = either.taught("amara", "bela")
    either.make("enrolments", enrol(course, amara), enrol(course, bela, suspended=True))

    found = either.find("coursework", courseid=course)

    assert [one.external_id for one in found] == [f"{course}|{amara}"]
    assert found[0].fields["user_idnumber"] == either.person("amara")["idnumber"]


def test_a_wrong_token_is_refused_with_status_200_and_stops_us(
    either: Campus, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SOME_TOKEN", "0" * 32)
    either.wire._settings.token = "env:SOME_TOKEN"

    with pytest.raises(Stop, match="invalidtoken"):
        either.wire.read("core_webservice_get_site_info")


def test_a_function_that_is_not_in_the_service_is_named(either: Campus):
    if either.moodle is not None:
        either.moodle.functions.discard("core_user_delete_users")
    function = "core_user_delete_users" if either.moodle else "core_files_get_files"

    with pytest.raises(Stop, match=function):
        either.wire.read(function)


def test_nothing_is_sent_again_after_a_lost_answer(either: Campus):
    either.wire._settings.timeout_seconds = 0.001

    with pytest.raises((ReadBack, TryAgain)):
        either.wire.write("core_user_create_users", users=_accounts(either, "amara"))
