"""What is taught, in the database: added, versioned, planned; what does not fit is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import pytest

from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.curriculum import actions, models, queries, rules
from matricula.sis.record import actions as record
from tests.sis.conftest import AT, TODAY, agreed, doing
from tests.sis.curriculum.conftest import SPRING, TERM, meeting, move, plan, schedule, version


def _assert_refused(action, *arguments, code, match=None, **told):
    with pytest.raises(Refused, match=match) as refused, doing(**told) as act:
        action(act, *arguments)
    assert refused.value.code == code
    return refused.value


def _curriculum(**told):
    return replace(
        actions.NewCurriculum("BIO", "2", "2027", Decimal(180), {"module": "BIO101"}), **told
    )


def test_a_programme_is_added_and_told_to_other_systems(timetable):
    with doing() as act:
        actions.add_programme(
            act, actions.NewProgramme("GEO", "Geology", "SCI", award="BSc", terms=6)
        )
        (changed,) = record.refresh(act.touched, on=TODAY)

    assert changed.after == {"code": "GEO", "title": "Geology", "department": "SCI"}
    assert [one.action for one in audited("programme", "GEO")] == ["add"]


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"code": "BIO"}, "M922"),
        ({"code": " "}, "M929"),
        ({"code": "GEO "}, "M929"),
        ({"title": ""}, "M929"),
        ({"terms": 0}, "M929"),
        ({"department": "ART"}, "M921"),
    ],
)
def test_a_programme_that_is_there_or_says_too_little_is_refused(timetable, told, code):
    said = {"code": "GEO", "title": "Geology", "department": "SCI", "award": "BSc", "terms": 6}

    _assert_refused(actions.add_programme, actions.NewProgramme(**{**said, **told}), code=code)

    assert not models.Programme.objects.filter(title="Geology").exists()


def test_a_programme_is_closed_once(timetable):
    with doing() as act:
        actions.close_programme(act, "BIO", date(2027, 1, 1))

    assert queries.programme("BIO").closed_on == date(2027, 1, 1)
    _assert_refused(
        actions.close_programme, "BIO", TODAY, code="M922", match="closed from 2027-01-01"
    )


def test_a_clock_that_does_not_exist_is_refused(register):
    for zone in ("Mars/Olympus", "../etc/passwd"):
        _assert_refused(actions.add_campus, "FAR", "Far", zone, code="M929", match="no time zone")


def test_a_cohort_follows_the_last_version_that_began_for_it(timetable):
    with doing() as act:
        actions.add_curriculum(act, _curriculum())

    assert queries.version_for("BIO", "2026") == "1"
    assert queries.version_for("BIO", "2028") == "2"
    assert queries.curriculum("BIO", "2").requirements.parts[0].need == 180


@pytest.mark.parametrize(
    ("told", "code", "match"),
    [
        ({"version": "1"}, "M922", "has a curriculum 1 already"),
        ({"from_cohort": "2020"}, "M922", "from 2020 to the next version"),
        ({"to_cohort": "2026"}, "M929", "before the first"),
        ({"requirements": {"module": "BIO1O1"}}, "M923", "no module BIO1O1"),
        ({"requirements": {"modul": "BIO101"}}, "M923", "does not say what it asks"),
        ({"programme": "ART"}, "M921", "no programme ART"),
        ({"credits": Decimal(-1)}, "M929", "credits is -1"),
    ],
)
def test_a_curriculum_that_is_taken_or_cannot_be_read_is_refused(timetable, told, code, match):
    _assert_refused(actions.add_curriculum, _curriculum(**told), code=code, match=match)


def test_a_curriculum_is_read_from_what_a_file_says():
    said = {"programme": "BIO", "version": "2", "from_cohort": "2027", "credits": 37.5,
            "requirements": {}}  # fmt: skip

    assert actions.read_curriculum(said).credits == Decimal("37.5")
    for wrong in ([], {**said, "cohort": "1"}, {"version": "2"}, {**said, "credits": "many"}):
        with pytest.raises(Refused) as refused:
            actions.read_curriculum(wrong)
        assert refused.value.code == "M929"


def test_a_module_is_what_its_version_of_the_day_says(timetable):
    spring = date(2027, 1, 1)
    with doing() as act:
        actions.add_module_version(
            act, "BIO101", version("Cells and tissues", starts_on=spring,
                                   requisites="passed(CHE101)"),
        )  # fmt: skip

    assert queries.modules(["BIO101"], on=TODAY)["BIO101"].title == "Cells"
    assert queries.modules(["BIO101"], on=spring)["BIO101"].title == "Cells and tissues"
    assert queries.modules(["BIO101", "X"], on=date(2019, 1, 1)) == {}
    assert queries.modules_touched_on(spring, spring) == {"BIO101"}


@pytest.mark.parametrize(
    ("told", "code", "match"),
    [
        ({}, "M922", "holds from 2020-09-01"),
        ({"starts_on": date(2019, 9, 1), "ends_on": date(2020, 9, 1)}, "M922", "holds from 2020"),
        ({"starts_on": TODAY, "requisites": "passed("}, "M924", "At character"),
        ({"starts_on": TODAY, "requisites": "passed(CHEM)"}, "M924", "no module CHEM"),
        ({"starts_on": TODAY, "ends_on": date(2026, 1, 1)}, "M929", "before the first"),
        ({"starts_on": TODAY, "title": " "}, "M929", "title is empty"),
        ({"starts_on": TODAY, "credits": Decimal(-5)}, "M929", "credits is -5"),
    ],
)
def test_a_version_that_overlaps_or_cannot_be_read_is_refused(timetable, told, code, match):
    _assert_refused(actions.add_module_version, "BIO101", version(**told), code=code, match=match)


def test_a_new_version_names_the_planned_sections_that_still_teach_the_earlier(timetable):
    with doing() as act:
        actions.add_term(act, SPRING)
    plan(code="BIO101-1")
    plan(code="BIO101-2", term="2026-2")

    with doing() as act:
        actions.add_module_version(act, "BIO101", version(starts_on=date(2027, 1, 1)))

    assert len(act.left) == 1
    assert act.left[0].startswith("BIO101-2 is planned with the earlier version")


def test_a_term_is_read_with_its_bands_and_the_terms_of_a_day_are_found(timetable):
    with doing() as act:
        actions.add_term(act, SPRING)

    assert queries.term("2026-1") == TERM
    assert queries.terms() == [TERM, SPRING]
    assert queries.terms_on(TERM.ends_on) == [TERM]
    assert queries.terms_on(date(2027, 1, 1)) == []
    with pytest.raises(Refused, match="Did you mean 2026-1"):
        queries.term("26-1")


def test_a_term_whose_dates_do_not_go_together_is_refused(timetable):
    wrong = replace(SPRING, census_on=date(2027, 1, 1))

    _assert_refused(
        actions.add_term, wrong, code="M925", match=r"census_on .* is before .* \(2 more\)|is"
    )


def test_a_date_to_come_is_changed_alone_and_the_earlier_dates_stay_known(timetable):
    later = replace(TERM, withdraw_until=date(2026, 11, 27), title="Autumn")

    with doing(at=AT + timedelta(days=1)) as act:
        actions.change_term(act, later)

    assert queries.term("2026-1") == later
    assert queries.term("2026-1", known_at=AT) == replace(TERM, title="Autumn")
    _assert_refused(actions.change_term, later, code="M922", match="these dates already")


def test_the_past_of_a_term_is_changed_for_a_reason_by_two(timetable):
    other = replace(TERM, census_on=date(2026, 10, 8))

    _assert_refused(actions.change_term, other, code="M928", match="census_on 2026-10-01")
    _assert_refused(actions.change_term, other, code="M909", reason="error")
    _assert_refused(actions.change_term, other, code="M909", reason="error", approver="ada")
    assert queries.term("2026-1") == TERM


def test_a_second_person_lets_the_past_of_a_term_be_changed(timetable):
    other = replace(TERM, census_on=date(2026, 10, 8))

    with doing(reason="error", approver=agreed("bela", "term:2026-1")) as act:
        actions.change_term(act, other)

    assert queries.term("2026-1").census_on == date(2026, 10, 8)
    done = [(one.actor, one.action) for one in audited("term", "2026-1")]
    assert done == [
        ("ada", "change"), ("ada", "use agreement"), ("bela", "agree"), ("ada", "add"),
    ]  # fmt: skip


def test_a_shorter_term_names_the_sections_that_would_meet_after_it(timetable):
    plan()
    schedule("BIO101-1", meeting())

    with doing() as act:
        actions.change_term(act, replace(TERM, ends_on=date(2026, 12, 7)))

    assert act.left == [
        "BIO101-1 meets outside 2026-09-01 to 2026-12-07: move or end its meetings."
    ]


def test_a_section_teaches_the_version_that_holds_when_its_term_begins(timetable):
    plan()

    found = queries.section("BIO101-1")

    assert (found.module, found.title, found.credits, found.state) == (
        "BIO101", "Cells", Decimal(20), rules.PLANNED,
    )  # fmt: skip
    assert (found.department, found.timezone, found.capacity) == ("SCI", "Europe/London", 30)
    assert queries.sections_of("2026-1") == ["BIO101-1"]
    assert set(queries.sections(["BIO101-1", "NONE-1"])) == {"BIO101-1"}


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"code": "CHE101-1"}, "M922"),
        ({"module": "ART1"}, "M921"),
        ({"term": "2030-1"}, "M921"),
        ({"campus": "MOON"}, "M921"),
        ({"capacity": -1}, "M929"),
    ],
)
def test_a_section_of_what_is_not_there_is_refused(timetable, told, code):
    plan("CHE101-1", module="CHE101")
    said = {"code": "BIO101-1", "module": "BIO101", "term": "2026-1", "campus": "MAIN",
            "capacity": 30}  # fmt: skip

    _assert_refused(actions.plan_section, actions.NewSection(**{**said, **told}), code=code)


def test_a_module_that_is_not_taught_when_the_term_begins_has_no_section(timetable):
    with doing() as act:
        actions.add_module(act, "NEW1", "SCI", version(starts_on=date(2027, 1, 1)))

    wanted = actions.NewSection("NEW1-1", "NEW1", "2026-1", "MAIN", 30)
    _assert_refused(actions.plan_section, wanted, code="M921", match="is not taught on 2026-09-01")


def test_a_section_that_is_opened_and_closed_is_told_to_other_systems(timetable):
    plan()
    with doing() as act:
        actions.move_section(act, "BIO101-1", "open", taken=0)
        (changed,) = record.refresh(act.touched, on=TODAY)
    move("BIO101-1", "close")
    move("BIO101-1", "open")

    assert changed.after == {
        "code": "BIO101-1", "title": "Cells", "module": "BIO101", "term": "2026-1",
        "year": "2026", "state": "open",
    }  # fmt: skip
    assert queries.section("BIO101-1").state == rules.OPEN
    assert [one.action for one in audited("section", "BIO101-1")] == [
        "open", "close", "open", "plan",
    ]  # fmt: skip


@pytest.mark.parametrize("action", ["close", "finish", "plan", "reopen"])
def test_a_planned_section_is_not_closed_finished_or_planned_again(timetable, action):
    plan()

    _assert_refused(partial(actions.move_section, taken=0), "BIO101-1", action, code="M926")

    assert queries.section("BIO101-1").state == rules.PLANNED


def test_who_sits_in_a_cancelled_section_is_named_to_a_person(timetable):
    plan()

    act = move("BIO101-1", "cancel", reason="too few", taken=4)

    assert act.left == ["BIO101-1 is cancelled and 4 sat in it: see where they go."]
    assert models.SectionEvent.objects.get(action="cancel").reason == "too few"


def test_a_section_is_known_as_it_was(timetable):
    plan()
    schedule("BIO101-1", meeting(1, room="LAB1"))
    later = AT + timedelta(hours=2)
    with doing(at=later) as act:
        actions.move_section(act, "BIO101-1", "open", taken=0)
        actions.change_capacity(act, "BIO101-1", 20, taken=20)
        (number,) = queries.meetings_of("BIO101-1")
        actions.end_meeting(act, number, TODAY)

    before = queries.section("BIO101-1", known_at=AT + timedelta(hours=1))
    now = queries.section("BIO101-1", known_at=later)

    assert (before.state, before.capacity) == (rules.PLANNED, 30)
    assert before.meetings == (meeting(1, room="LAB1"),)
    assert now == queries.section("BIO101-1")
    assert (now.state, now.capacity) == (rules.OPEN, 20)
    assert queries.sections(["BIO101-1"], known_at=AT - timedelta(days=1)) == {}


def test_a_section_has_no_fewer_seats_than_are_taken_and_no_more_than_its_room(timetable):
    plan()
    schedule("BIO101-1", meeting(room="LAB1"))

    for seats, said in ((19, "20 are taken"), (31, "the room LAB1 has 30")):
        with pytest.raises(Refused, match=said) as refused, doing() as act:
            actions.change_capacity(act, "BIO101-1", seats, taken=20)
        assert refused.value.code == "M926"

    assert queries.section("BIO101-1").capacity == 30


def test_what_an_act_did_to_a_section_is_taken_back_and_counts_again(timetable):
    plan()
    opened = move("BIO101-1", "open")

    with doing() as back:
        actions.reverse_section_events(back, opened.act)
    after_one = queries.section("BIO101-1").state
    with doing() as act:
        actions.reverse_section_events(act, back.act)

    assert after_one == rules.PLANNED
    assert queries.section("BIO101-1").state == rules.OPEN


def test_a_plan_and_seats_are_not_taken_back(timetable):
    plan()
    planned = models.SectionEvent.objects.get(action="plan").act
    with doing() as act:
        actions.change_capacity(act, "BIO101-1", 40, taken=0)

    for told in (planned, act.act):
        _assert_refused(
            actions.reverse_section_events, told, code="M926", match="is not taken back"
        )


def test_what_lies_beneath_a_later_event_is_not_taken_back(timetable):
    plan()
    opened = move("BIO101-1", "open")
    move("BIO101-1", "close")

    _assert_refused(
        actions.reverse_section_events, opened.act, code="M926", match="recorded to close"
    )


def test_a_cancelled_section_gives_its_room_and_is_told_of_it_when_it_comes_back(timetable):
    plan()
    plan("CHE101-1", module="CHE101")
    schedule("BIO101-1", meeting(room="LAB1"))
    cancelled = move("BIO101-1", "cancel", reason="no staff")
    schedule("CHE101-1", meeting(room="LAB1"))

    with doing() as act:
        actions.reverse_section_events(act, cancelled.act)

    assert len(act.left) == 1
    assert act.left[0].startswith("A room of BIO101-1 was given away: BIO101-1 meets on Monday")


def test_sections_are_locked_with_their_seats_in_the_order_of_their_codes(timetable):
    plan("BIO101-2", seats=12)
    plan("BIO101-1")

    with doing() as act:
        act.name("try", "section", "BIO101-1")
        held = actions.lock_sections(act, ["BIO101-2", "BIO101-1"])
        with pytest.raises(Refused, match="no section NONE-1"):
            actions.lock_sections(None, ["BIO101-1", "NONE-1"])

    assert list(held.items()) == [("BIO101-1", 30), ("BIO101-2", 12)]
