from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from matricula.charter.model import Guard, Limit, ResourceRef, ValueType
from matricula.engine import line, project
from matricula.engine.workbench import Bench, open_workbench
from matricula.kernel.digests import document
from tests.engine.campus import (
    AT,
    CARDS,
    MONEY,
    PEOPLE,
    TEXT,
    accounts,
    aside,
    campus,
    cards,
    changes,
    copy,
    feed_of,
    people,
    plan_of,
    print_of,
    seen,
    take_in,
    texts,
)
from tests.oracle import northfield as nf
from tests.oracle.northfield import charter, entity, flow, link

AMARA = '{"first":"Amara","number":"1","owed":"2.50"}'
ONE = {PEOPLE: people(("1", "Amara", "active")), CARDS: cards(("1", "2.50"))}


def with_people(
    *rows: tuple[Any, ...], owed: Any = (("1", "2.50"),)
) -> dict[ResourceRef, pa.Table]:
    return {PEOPLE: people(*rows), CARDS: cards(*owed)}


# --- what is wanted


def test_a_new_person_is_created_with_every_granted_field() -> None:
    plan = plan_of(campus(), ONE)

    [row] = plan.changes.to_pylist()
    assert (row["kind"], row["key"], row["after"]) == ("create", "1", AMARA)
    assert row["fields"] == ["first", "number", "owed"]
    assert row["before"] is row["external_id"] is row["initial"] is row["waits"] is None
    assert json.loads(row["match"]) == {"number": "1"}


def test_a_copy_that_is_as_it_should_be_is_left_alone() -> None:
    plan = plan_of(campus(), ONE, {"accounts": {"1": copy(AMARA)}})

    assert plan.is_empty
    assert plan.flows[0].unchanged == 1


def test_a_change_names_the_fields_that_differ_and_what_they_were() -> None:
    was = AMARA.replace("Amara", "Amy")

    [row] = plan_of(campus(), ONE, {"accounts": {"1": copy(was)}}).changes.to_pylist()

    assert (row["kind"], row["external_id"], row["before"], row["fields"]) == (
        "update", "x1", was, ["first"],
    )  # fmt: skip


def test_a_flow_that_grants_one_field_less_changes_nothing() -> None:
    more = '{"extra":"x",' + AMARA[1:]

    assert plan_of(campus(), ONE, {"accounts": {"1": copy(more)}}).is_empty


def test_a_value_for_the_start_is_proposed_once_and_never_again() -> None:
    made = campus(accounts(fields={"number": "no", "login": "name"}, initially=["login"]))
    known = {"accounts": {"1": copy('{"number":"1"}')}}

    [first] = plan_of(made, ONE).changes.to_pylist()
    told = seen(("x1", False, "1", "chosen by herself"), also=("number", "login"))

    assert first["initial"] == '{"login":"Amara"}'
    assert plan_of(made, ONE, known, seen={"accounts": told}).is_empty


def test_a_null_condition_lets_nobody_in() -> None:
    plan = plan_of(campus(), with_people(("1", "Amara", None)))

    assert plan.is_empty


def test_not_around_two_conditions_denies_both_of_them() -> None:
    made = campus(accounts(where="not (status = 'left' and name = 'Bela')"))
    rows = with_people(
        ("1", "Amara", "left"), ("2", "Bela", "left"), ("3", "Bela", "active"), ("4", None, "left")
    )

    assert changes(plan_of(made, rows)) == [("1", "create"), ("3", "create")]


def test_or_in_a_condition_does_not_let_set_aside_records_through() -> None:
    made = campus(accounts(where="status = 'active' or name is not null"))
    rows = with_people(("1", "Amara", "active"), owed=[("1", "not money")])

    plan = plan_of(made, rows)

    assert plan.is_empty
    assert aside(plan) == [("1", "M410")]


# --- who leaves


LEFT = with_people(("1", "Amara", "left"))


@pytest.mark.parametrize(
    ("on_exit", "state", "expected"),
    [
        ("suspend", "active", [("1", "suspend")]),
        ("suspend", "suspended", []),
        ("delete", "active", [("1", "delete")]),
        ("delete", "suspended", [("1", "delete")]),
        ("leave", "active", []),
    ],
)
def test_a_leaver_leaves_as_the_flow_says(
    on_exit: Any, state: str, expected: list[tuple[str, str]]
) -> None:
    made = campus(accounts(on_exit=on_exit))

    assert changes(plan_of(made, LEFT, {"accounts": {"1": copy(AMARA, state=state)}})) == expected


def test_who_is_not_on_the_roster_any_more_leaves() -> None:
    rows = with_people(("2", "Bela", "left"))

    assert changes(plan_of(campus(), rows, {"accounts": {"1": copy(AMARA)}})) == [("1", "suspend")]


def test_who_comes_back_is_resumed_and_not_made_anew() -> None:
    plan = plan_of(campus(), ONE, {"accounts": {"1": copy(AMARA, state="suspended")}})

    [row] = plan.changes.to_pylist()
    assert (row["kind"], row["external_id"], row["fields"]) == ("resume", "x1", [])


def test_a_leaver_without_a_copy_in_the_target_is_nothing_to_do() -> None:
    waiting = copy(AMARA, state="refused", external_id=None, confirmed=None)

    assert plan_of(campus(), LEFT, {"accounts": {"1": waiting}}).is_empty


def test_a_leaver_leaves_although_an_unrelated_value_is_wrong() -> None:
    rows = with_people(("1", "Amara", "left"), owed=[("1", "not money")])

    plan = plan_of(campus(), rows, {"accounts": {"1": copy(AMARA)}})

    assert changes(plan) == [("1", "suspend")]
    assert aside(plan) == []


def test_whether_somebody_leaves_is_not_guessed_from_a_wrong_value() -> None:
    rows = with_people(("1", "Amara", "gone fishing"))

    plan = plan_of(campus(), rows, {"accounts": {"1": copy(AMARA)}})

    assert plan.is_empty
    assert aside(plan) == [("1", "M410")]


# --- who is set aside


def test_a_wrong_value_holds_its_record_and_no_other() -> None:
    rows = with_people(
        ("1", "Amara", "active"), ("2", "Bela", "active"), owed=[("1", "12,50"), ("2", "1")]
    )

    plan = plan_of(campus(), rows)

    assert changes(plan) == [("2", "create")]
    assert aside(plan) == [("1", "M410")]
    assert plan.flows[0].held == 1


def test_a_wrong_value_on_a_record_of_nobody_holds_nobody() -> None:
    rows = with_people(("1", "Amara", "active"), owed=[(None, "12,50"), ("9", "x"), ("1", "2.50")])

    plan = plan_of(campus(), rows)

    assert changes(plan) == [("1", "create")]
    assert aside(plan) == []


def test_a_wrong_value_that_a_flow_does_not_carry_does_not_concern_it() -> None:
    made = campus(accounts(fields={"number": "no"}))

    assert changes(plan_of(made, with_people(("1", "A", "active"), owed=[("1", "x")]))) == [
        ("1", "create")
    ]


def test_two_cards_of_one_person_hold_that_person_until_somebody_decides() -> None:
    rows = with_people(
        ("1", "Amara", "active"), ("2", "Bela", "active"), owed=[("1", "1"), ("1", "2")]
    )
    known = {"accounts": {"1": copy(AMARA)}}

    plan = plan_of(campus(), rows, known)

    assert changes(plan) == [("2", "create")]
    assert aside(plan) == [("1", "M412")]


def test_a_stewards_decision_finds_the_card_of_a_person() -> None:
    rows = {PEOPLE: people(("1", "Amara", "active")), CARDS: cards(("misspelt", "2.50"))}
    decided = pa.table({"external_id": ["r0"], "key": ["1"]})

    plan = plan_of(campus(), rows, crosswalk={("person", CARDS): decided})

    assert plan.changes["after"].to_pylist() == [AMARA]


def test_a_stewards_decision_may_make_a_second_card_of_a_person_known() -> None:
    rows = {PEOPLE: people(("1", "Amara", "active")), CARDS: cards(("x", "2.50"), ("1", "1"))}
    decided = pa.table({"external_id": ["r0"], "key": ["1"]})

    plan = plan_of(campus(), rows, crosswalk={("person", CARDS): decided})

    assert aside(plan) == [("1", "M412")]


def test_nobody_decides_otherwise_than_the_roster_who_a_person_is() -> None:
    decided = pa.table({"external_id": ["r0"], "key": ["somebody else"]})

    plan = plan_of(campus(), ONE, crosswalk={("person", PEOPLE): decided})

    assert changes(plan) == [("1", "create")]


@pytest.mark.parametrize(("retry", "expected"), [(False, []), (True, [("1", "update")])])
def test_what_the_target_refused_is_not_sent_again_before_it_is_due(
    retry: bool, expected: list[tuple[str, str]]
) -> None:
    refused = copy(AMARA.replace("Amara", "Amy"), refused=print_of(AMARA), retry=retry)

    plan = plan_of(campus(), ONE, {"accounts": {"1": refused}})

    assert changes(plan) == expected
    assert aside(plan) == ([] if retry else [("1", "M650")])


def test_a_refused_record_that_its_owner_has_changed_is_sent_at_once() -> None:
    refused = copy(AMARA.replace("Amara", "Amy"), refused=print_of("something older"))

    assert changes(plan_of(campus(), ONE, {"accounts": {"1": refused}})) == [("1", "update")]


@pytest.mark.parametrize(("retry", "expected"), [(False, []), (True, [("1", "suspend")])])
def test_a_refused_suspension_is_due_like_anything_else(
    retry: bool, expected: list[tuple[str, str]]
) -> None:
    refused = copy(AMARA, refused=print_of(""), retry=retry)

    assert changes(plan_of(campus(), LEFT, {"accounts": {"1": refused}})) == expected


def test_a_refused_record_that_reads_again_as_confirmed_is_settled() -> None:
    plan = plan_of(campus(), ONE, {"accounts": {"1": copy(AMARA, refused=print_of("{}"))}})

    assert plan.is_empty
    assert plan.settled.to_pylist() == [{"flow": "accounts", "key": "1"}]


def test_nothing_is_sent_while_an_outcome_is_unknown() -> None:
    plan = plan_of(campus(), ONE, {"accounts": {"1": copy(AMARA, state="unknown")}})

    assert plan.is_empty
    assert aside(plan) == [("1", "M651")]


def test_two_keys_on_one_copy_are_nobodys_to_change() -> None:
    rows = with_people(("1", "Amara", "active"), ("2", "Bela", "left"), ("3", "Chidi", "active"))
    known = {"1": copy(AMARA), "2": copy(AMARA), "3": copy("{}", external_id="x3")}

    plan = plan_of(campus(), rows, {"accounts": known})

    assert changes(plan) == [("3", "update")]
    assert aside(plan) == [("1", "M505"), ("2", "M505")]


# --- what cannot be computed


def test_a_value_that_cannot_be_computed_holds_its_record_and_no_other() -> None:
    sums = {"sum": nf.expression("fines * 100000000000", ValueType("integer"))}
    made = campus(accounts(fields={"number": "no", **sums}))
    rows = with_people(
        ("1", "Amara", "active"),
        ("2", "Bela", "active"),
        ("3", "Chidi", "left"),
        owed=[("1", "1.00"), ("2", "99999999999.00"), ("3", "99999999999.00")],
    )

    plan = plan_of(made, rows, {"accounts": {"3": copy("{}", external_id="x3")}})

    assert changes(plan) == [("1", "create"), ("3", "suspend")]
    assert aside(plan) == [("2", "M507")]


def test_a_condition_that_cannot_be_computed_decides_nothing() -> None:
    made = campus(accounts(where="abs(fines * 100000000000) >= 0 and status = 'active'"))
    rows = with_people(
        ("1", "Amara", "active"),
        ("2", "Bela", "active"),
        owed=[("1", "1.00"), ("2", "99999999999.00")],
    )

    plan = plan_of(made, rows, {"accounts": {"2": copy("{}", external_id="x2")}})

    assert changes(plan) == [("1", "create")]
    assert aside(plan) == [("2", "M507")]


def test_without_a_condition_everybody_is_wanted_but_whom_nothing_can_be_computed_for() -> None:
    sums = {"sum": nf.expression("fines * 100000000000", ValueType("integer"))}
    made = campus(accounts(where="", fields={"number": "no", **sums}))

    plan = plan_of(made, with_people(("1", "A", None), owed=[("1", "99999999999.00")]))

    assert aside(plan) == [("1", "M507")]


# --- what the target was seen to hold


def drift_of(plan: Any) -> list[tuple[str, list[str]]]:
    return [(row["key"], row["fields"]) for row in plan.drift.to_pylist()]


@pytest.mark.parametrize(
    ("on_drift", "expected"),
    [("restore", [("1", "restore")]), ("report", []), ("adopt", [])],
)
def test_an_edited_copy_is_named_and_put_back_where_the_flow_says_so(
    on_drift: Any, expected: list[tuple[str, str]]
) -> None:
    told = seen(("x1", False, "1", "Edited", "2.5"))
    made = campus(accounts(on_drift=on_drift))

    plan = plan_of(made, ONE, {"accounts": {"1": copy(AMARA)}}, seen={"accounts": told})

    assert drift_of(plan) == [("1", ["first"])]
    assert changes(plan) == expected


@pytest.mark.parametrize("on_drift", ["restore", "report", "adopt"])
def test_an_edit_that_the_owner_has_made_its_own_is_no_drift_and_is_confirmed(
    on_drift: Any,
) -> None:
    told = seen(("x1", False, "1", "Edited", "2.5"))
    rows = with_people(("1", "Edited", "active"), owed=[("1", "2.5")])
    made = campus(accounts(on_drift=on_drift))

    plan = plan_of(made, rows, {"accounts": {"1": copy(AMARA)}}, seen={"accounts": told})

    assert drift_of(plan) == []
    assert changes(plan) == [("1", "update")]


def test_another_spelling_of_one_value_is_no_drift() -> None:
    told = seen(("x1", False, "1", "Amara", "2.500"))

    plan = plan_of(campus(), ONE, {"accounts": {"1": copy(AMARA)}}, seen={"accounts": told})

    assert drift_of(plan) == []


def test_what_is_not_of_its_type_in_the_target_is_shown_as_it_stands() -> None:
    told = seen(("x1", False, "1", "Amara", "a lot"))
    empty = AMARA.replace('"2.50"', "null")
    rows = {PEOPLE: ONE[PEOPLE], CARDS: cards(("9", "1"))}

    plan = plan_of(campus(), rows, {"accounts": {"1": copy(empty)}}, seen={"accounts": told})

    [row] = plan.drift.to_pylist()
    assert json.loads(row["found"])["owed"] == "a lot"
    assert row["fields"] == ["owed"]


@pytest.mark.parametrize(
    ("on_drift", "expected", "told"),
    [("restore", [("1", "create")], []), ("report", [], [("1", "M506")])],
)
def test_a_copy_that_somebody_removed_is_made_again_or_reported(
    on_drift: Any, expected: list[tuple[str, str]], told: list[tuple[str, str]]
) -> None:
    made = campus(accounts(on_drift=on_drift))
    others = seen(("x9", False, "9", "Dewi", None))

    plan = plan_of(made, ONE, {"accounts": {"1": copy(AMARA)}}, seen={"accounts": others})

    assert changes(plan) == expected
    assert aside(plan) == told
    assert [row["found"] for row in plan.drift.to_pylist()] == [None]


def test_a_copy_put_to_sleep_by_hand_is_woken() -> None:
    told = seen(("x1", True, "1", "Amara", "2.50"))

    plan = plan_of(campus(), ONE, {"accounts": {"1": copy(AMARA)}}, seen={"accounts": told})

    assert drift_of(plan) == [("1", ["_suspended"])]
    assert changes(plan) == [("1", "restore")]


def test_a_copy_put_to_sleep_by_hand_is_woken_together_with_a_change() -> None:
    told = seen(("x1", True, "1", "Amy", "2.50"))
    was = copy(AMARA.replace("Amara", "Amy"))

    plan = plan_of(campus(), ONE, {"accounts": {"1": was}}, seen={"accounts": told})

    assert changes(plan) == [("1", "resume")]


def test_a_leavers_copy_that_somebody_woke_is_put_back_to_sleep() -> None:
    told = seen(("x1", False, "1", "Amara", "2.50"))
    known = {"accounts": {"1": copy(AMARA, state="suspended")}}

    plan = plan_of(campus(), LEFT, known, seen={"accounts": told})

    assert changes(plan) == [("1", "suspend")]


def test_a_suspended_copy_is_compared_by_its_suspension_alone() -> None:
    told = seen(("x1", True, "1", "marked as left", None))
    known = {"accounts": {"1": copy(AMARA, state="suspended")}}

    plan = plan_of(campus(), LEFT, known, seen={"accounts": told})

    assert drift_of(plan) == []


def test_a_record_twice_in_a_reading_makes_one_change() -> None:
    told = seen(("x1", False, "1", "Edited", None), ("x1", False, "1", "Edited too", None))

    plan = plan_of(campus(), ONE, {"accounts": {"1": copy(AMARA)}}, seen={"accounts": told})

    assert changes(plan) == [("1", "restore")]
    assert len(drift_of(plan)) == 1


def test_what_the_target_does_not_show_is_taken_as_confirmed() -> None:
    told = seen(("x1", False, "Amara"), also=("first",))

    plan = plan_of(campus(), ONE, {"accounts": {"1": copy(AMARA)}}, seen={"accounts": told})

    assert drift_of(plan) == []
    assert plan.is_empty


# --- copies that were there before us


def test_a_copy_that_agrees_is_recorded_and_not_written() -> None:
    told = seen(("t7", False, "1", "Amara", "2.5"))

    [row] = plan_of(campus(), ONE, seen={"accounts": told}).changes.to_pylist()

    assert (row["kind"], row["external_id"]) == ("match", "t7")


def test_a_copy_of_another_entity_is_nobodys_though_it_answers_to_the_match() -> None:
    told = seen(("t7", False, "1", "Amara", "2.5"))
    theirs = pa.table({"external_id": ["t7"]})

    plan = plan_of(campus(), ONE, seen={"accounts": told}, elsewhere={"accounts": theirs})

    [row] = plan.changes.to_pylist()
    assert (row["kind"], row["external_id"]) == ("create", None)


def test_a_copy_that_differs_is_updated_and_not_made_twice() -> None:
    told = seen(("t7", False, "1", "Amy", "2.5"))

    [row] = plan_of(campus(), ONE, seen={"accounts": told}).changes.to_pylist()

    assert (row["kind"], row["external_id"], row["fields"]) == ("update", "t7", ["first"])


def test_a_sleeping_copy_that_agrees_is_woken() -> None:
    told = seen(("t7", True, "1", "Amara", "2.5"))

    [row] = plan_of(campus(), ONE, seen={"accounts": told}).changes.to_pylist()

    assert (row["kind"], row["external_id"]) == ("resume", "t7")


def test_several_copies_for_one_person_are_for_a_person_to_decide() -> None:
    told = seen(("t7", False, "1", "Amara", None), ("t8", False, "1", "Amara", None))

    plan = plan_of(campus(), ONE, seen={"accounts": told})

    assert plan.is_empty
    assert aside(plan) == [("1", "M505")]


def test_one_copy_for_two_people_is_for_a_person_to_decide() -> None:
    made = campus(accounts(match=["first"]))
    rows = with_people(("1", "Amara", "active"), ("2", "Amara", "active"))
    told = seen(("t7", False, "5", "Amara", None))

    plan = plan_of(made, rows, seen={"accounts": told})

    assert plan.is_empty
    assert aside(plan) == [("1", "M505"), ("2", "M505")]


@pytest.mark.parametrize("blank", ["", None])
def test_a_blank_finds_nobody_and_makes_no_copy(blank: str | None) -> None:
    made = campus(accounts(match=["first"]))
    told = seen(("t7", False, "5", blank, None))

    plan = plan_of(made, with_people(("1", blank, "active")), seen={"accounts": told})

    assert plan.is_empty
    assert aside(plan) == [("1", "M508")]
    assert plan.flows[0].aside == {"M508": 1}


@pytest.mark.parametrize("blank", ["", None])
def test_a_copy_that_is_gone_is_not_made_again_while_nothing_would_find_it(
    blank: str | None,
) -> None:
    made = campus(accounts(match=["first"], on_drift="restore"))
    rows = with_people(("1", blank, "active"))
    known = {"1": copy(json.dumps({"first": blank, "number": "1", "owed": "2.50"}))}
    told = seen(("t7", False, "5", "Bela", None))

    plan = plan_of(made, rows, {"accounts": known}, seen={"accounts": told})

    assert aside(plan) == [("1", "M508")]


def test_a_copy_that_is_there_is_kept_up_though_its_match_value_went_blank() -> None:
    made = campus(accounts(match=["first"]))

    plan = plan_of(made, with_people(("1", None, "active")), {"accounts": {"1": copy(AMARA)}})

    assert changes(plan) == [("1", "update")]


def test_a_match_by_a_link_that_is_not_there_yet_waits_and_is_no_blank() -> None:
    made = campus(
        accounts(),
        flow(
            "loans", "person", {"who": link("accounts", "no"), "card": "no"},
            match=["who", "card"],
        ),
    )  # fmt: skip

    plan = plan_of(made, with_people(("1", "Amara", "active")))

    assert [(c["flow"], c["kind"]) for c in plan.changes.to_pylist()] == [
        ("accounts", "create"), ("loans", "create"),
    ]  # fmt: skip


def test_a_copy_of_somebody_else_is_not_found_again() -> None:
    made = campus(accounts(match=["first"]))
    rows = with_people(("1", "Amara", "active"), ("2", "Amara", "active"), owed=[])
    told = seen(("x1", False, "1", "Amara", None))
    known = {"accounts": {"1": copy('{"first":"Amara","number":"1","owed":null}')}}

    assert changes(
        plan_of(made, rows | {CARDS: cards(("9", "1"))}, known, seen={"accounts": told})
    ) == [("2", "create")]


def test_copies_found_in_the_target_count_for_the_guard() -> None:
    limits = Guard(Limit(), Limit(), Limit(50))
    rows = with_people(*[(str(n), "Amara", "active") for n in range(4)])
    told = seen(*[(f"t{n}", False, str(n), "Amara" if n else "Amy", None) for n in range(4)])
    rows[CARDS] = cards(("9", "1"))

    plan = plan_of(campus(accounts(guard=limits)), rows, seen={"accounts": told})

    assert plan.flows[0].counts == {"match": 3, "update": 1}
    assert plan.flows[0].reasons == ()


# --- refs and links


def test_a_composite_key_finds_its_records_however_it_is_spelled() -> None:
    made = charter(nf.FLOWS[-1], nf.FLOWS[0])
    enrolments = texts(
        ["n_student_no", "n_section", "n_state"], [("a|b", "c", "in"), ("a", "b|c", "in")]
    )
    marks = texts(["who", "what", "n_mark"], [("a|b", "c", "1"), ("a", "b|c", "2")])
    tables = {nf.ENROLMENTS: enrolments, nf.MARKS: marks}
    only = replace(made, entities={"enrolment": nf.ENROLMENT}, flows={"enr": nf.FLOWS[-1]})

    plan = plan_of(only, tables, {"acc": {"a": copy("{}", external_id="u7")}})

    told = {row["key"]: (row["after"], row["waits"]) for row in plan.changes.to_pylist()}
    assert told == {
        r"a|b\|c": ('{"course":"b|c","mark":2,"userid":"u7"}', None),
        r"a\|b|c": ('{"course":"c","mark":1,"userid":null}', '{"userid":["acc","a|b"]}'),
    }


FRIENDS = entity(
    "person",
    ["no"],
    PEOPLE,
    {"no": (PEOPLE, TEXT), "friend": (PEOPLE, TEXT)},
)


@pytest.mark.parametrize("dirty", [None, {"person": pa.table({"key": ["1"]})}])
def test_two_links_to_one_flow_are_both_found(dirty: dict[str, pa.Table] | None) -> None:
    pairs = flow("pairs", "person", {"me": link("acc", "no"), "other": link("acc", "friend")})
    made = charter(pairs, entities=[FRIENDS])
    known = {"acc": {"1": copy("{}", external_id="u1"), "2": copy("{}", external_id="u2")}}
    tables = {PEOPLE: texts(["n_no", "n_friend"], [("1", "2"), ("2", None)])}

    plan = plan_of(made, tables, known, dirty=dirty)

    first = plan.changes.to_pylist()[0]
    assert (first["after"], first["waits"]) == ('{"me":"u1","other":"u2"}', None)


def test_a_copy_waits_for_what_nobody_named() -> None:
    pairs = flow("pairs", "person", {"other": link("acc", "friend")})
    tables = {PEOPLE: texts(["n_no", "n_friend"], [("2", None)])}

    [row] = plan_of(charter(pairs, entities=[FRIENDS]), tables).changes.to_pylist()

    assert json.loads(row["waits"]) == {"other": ["acc", None]}


def test_what_is_read_through_a_ref_is_its_owners() -> None:
    by_title = flow(
        "titles", "student", {"title": "programme.title", "weight": "programme.weight"}
    )
    made = charter(by_title)
    students = texts(
        ["n_student_no", "n_name", "n_status", "n_born", "n_fulltime", "n_changed", "n_programme"],
        [
            ("1", "A", "active", None, None, None, "P1"),
            ("2", "B", "active", None, None, None, "P9"),
            ("3", "C", "active", None, None, None, "P2"),
            ("4", "D", "active", None, None, None, "P3"),
        ],
    )
    tables = {
        nf.STUDENTS: students,
        nf.PATRONS: texts(["cardnumber", "n_fines", "n_overdue"], [("x", "1", "1")]),
        nf.USERS: texts(["externalId", "n_login", "n_score"], [("x", "1", "1")]),
        nf.PROGRAMMES: texts(
            ["n_code", "n_title"], [("P1", "Law"), ("P2", "Art"), ("P3", "Music")]
        ),
        nf.SHELVES: texts(
            ["prog", "n_weight"], [("P1", "3"), ("P2", "3"), ("P2", "4"), ("P3", "heavy")]
        ),
    }
    only = replace(made, entities={"student": nf.STUDENT, "programme": nf.PROGRAMME})

    plan = plan_of(only, tables)

    assert {row["key"]: row["after"] for row in plan.changes.to_pylist()} == {
        "1": '{"title":"Law","weight":3}',
        "2": '{"title":null,"weight":null}',
    }
    assert aside(plan) == [("3", "M412"), ("4", "M410")]


# --- names and values of every sort


@pytest.mark.parametrize(
    "name",
    [
        "emails[work]",
        "name.givenName",
        'a"b',
        "a'b",
        "a\\b",
        "a/b~c",
        "*",
        "$",
        " ",
        "ünï",
        "🎓",
        "a\nb",
    ],
)
def test_a_field_of_the_target_may_be_called_anything(name: str) -> None:
    made = campus(accounts(fields={"number": "no", name: "name"}))
    was = json.dumps(
        {"number": "1", name: "Amy"}, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    told = seen(("x1", False, "1", "Edited"), also=("number", name))

    [row] = plan_of(
        made, ONE, {"accounts": {"1": copy(was)}}, seen={"accounts": told}
    ).changes.to_pylist()

    assert (row["kind"], row["fields"]) == ("update", [name])
    assert json.loads(row["after"]) == {"number": "1", name: "Amara"}
    assert json.loads(row["before"]) == {"number": "1", name: "Edited"}


@pytest.mark.parametrize(
    "value",
    [
        "x" * 10_000,
        "𝔘𝔫𝔦" * 3000,
        "\x01\x0b\x1f\x7f\\u001f",
        "\u202e",
        "Robert'); DROP TABLE people;--",
        '"\\"',
        "\ufeff",
    ],
)
def test_a_value_arrives_whole_and_unharmed(value: str) -> None:
    [row] = plan_of(campus(), with_people(("1", value, "active"))).changes.to_pylist()

    assert json.loads(row["after"])["first"] == value
    assert row["after"] == document(json.loads(row["after"]))


def test_entities_and_systems_whose_names_run_together_are_told_apart() -> None:
    one, other = ResourceRef("b_sis", "t"), ResourceRef("sis", "t")
    fields = {"no": (one, TEXT)}, {"no": (other, TEXT)}
    made = charter(
        flow("one", "a", {"no": "no"}),
        flow("two", "a_b", {"no": "no"}),
        entities=[entity("a", ["no"], one, fields[0]), entity("a_b", ["no"], other, fields[1])],
    )

    plan = plan_of(made, {one: texts(["n_no"], [("1",)]), other: texts(["n_no"], [("2",)])})

    assert [(r["flow"], r["key"]) for r in plan.changes.to_pylist()] == [
        ("one", "1"),
        ("two", "2"),
    ]


# --- passes over some keys


def test_a_pass_over_some_keys_touches_no_other() -> None:
    rows = with_people(("1", "Amara", "active"), ("2", "Bela", "active"))
    known = {"accounts": {"9": copy("{}", external_id="x9")}}
    dirty = {"person": pa.table({"key": ["2"]})}

    assert changes(plan_of(campus(), rows, known, dirty=dirty)) == [("2", "create")]


def test_a_pass_over_some_keys_finds_who_left() -> None:
    known = {"accounts": {"1": copy(AMARA)}}
    dirty = {"person": pa.table({"key": ["1", "1"]})}

    plan = plan_of(campus(), with_people(("2", "Bela", "active")), known, dirty=dirty)

    assert changes(plan) == [("1", "suspend")]


def test_an_entity_that_is_not_named_has_no_dirty_keys() -> None:
    assert plan_of(campus(), ONE, dirty={}).is_empty


def test_a_pass_over_some_keys_does_not_judge_the_targets_reading() -> None:
    told = seen(("t7", False, "1", "Amara", None))
    dirty = {"person": pa.table({"key": ["1"]})}

    plan = plan_of(campus(), ONE, dirty=dirty, seen={"accounts": told})

    assert changes(plan) == [("1", "create")]
    assert drift_of(plan) == []


def test_only_the_copies_that_differ_are_asked_for_their_text() -> None:
    rows = with_people(*[(str(n), "Amara", "active") for n in range(50)], owed=[("x", "1")])
    texts_of = {
        str(n): copy(f'{{"first":"Amara","number":"{n}","owed":null}}', external_id=f"x{n}")
        for n in range(50)
    }
    texts_of["7"].confirmed = "{}"
    feed = feed_of(rows, {"accounts": texts_of})

    with open_workbench(Bench(threads=1)) as bench:
        verdicts = line.take_in(bench, campus(), feed)
        line.make_plan(bench, campus(), feed, flows=["accounts"], verdicts=verdicts)

    assert feed.known.asked == [("accounts", 1)]


def test_links_that_arrive_as_a_stream_are_read_as_well() -> None:
    feed = feed_of(ONE, {"accounts": {"1": copy(AMARA)}})

    class Streaming:
        def state(self, flow: str, keys: pa.Table | None) -> pa.RecordBatchReader:
            return feed.known.state(flow, keys).to_reader()

        def confirmed(self, flow: str, keys: pa.Table | None) -> pa.RecordBatchReader:
            return feed.known.confirmed(flow, keys).to_reader()

        def still_there(self, flow: str, copies: pa.Table) -> pa.Table:
            return feed.known.still_there(flow, copies)

    with open_workbench(Bench(threads=1)) as bench:
        verdicts = line.take_in(bench, campus(), feed)
        plan = line.make_plan(
            bench,
            campus(),
            replace(feed, known=Streaming()),
            flows=["accounts"],
            verdicts=verdicts,
        )

    assert plan.is_empty


def test_as_of_is_the_institutions_date_and_no_clock() -> None:
    made = campus(accounts(fields={"number": "no", "day": "strftime(as_of(), '%d.%m.%Y')"}))
    made = replace(made, timezone="Pacific/Auckland")

    [row] = plan_of(made, ONE, at=AT).changes.to_pylist()

    assert json.loads(row["after"])["day"] == "24.11.2026"


def test_the_query_of_a_flow_can_be_shown() -> None:
    query = project.desired(campus(), accounts(), on=AT.date()).sql(dialect="duckdb", pretty=True)

    assert '"golden_person"' in query
    assert "status" in query


def test_a_source_that_cannot_be_trusted_leaves_the_others_readable() -> None:
    verdicts = take_in(campus(), {PEOPLE: ONE[PEOPLE], CARDS: cards()})

    assert verdicts[PEOPLE].is_trusted
    assert not verdicts[CARDS].is_trusted


def test_a_narrowed_charter_does_without_the_owner_that_no_flow_reads() -> None:
    names = replace(accounts(fields={"number": "no"}), carries=("person.no", "person.status"))
    made = campus(names)

    narrow = line.narrow(made, [names])
    plan = plan_of(narrow, {PEOPLE: ONE[PEOPLE]})

    assert line.sources_of(made, names) == [PEOPLE]
    assert changes(plan) == [("1", "create")]


def told_asleep(*rows: tuple[Any, ...], said_by: str) -> pa.Table:
    told = seen(*rows, also=("number", "off"))
    kinds = [
        field.with_metadata({"said_by": said_by}) if field.name == "_suspended" else field
        for field in told.schema
    ]
    return told.cast(pa.schema(kinds))


@pytest.mark.parametrize(
    ("said_by", "expected"), [("off", []), ("something else", [("1", ["_suspended"])])]
)
def test_a_copy_that_the_charter_wants_asleep_was_put_to_sleep_by_nobody(
    said_by: str, expected: list[tuple[str, list[str]]]
) -> None:
    off = nf.expression("name = 'Amara'", ValueType("boolean"))
    made = campus(accounts(fields={"number": "no", "off": off}))
    known = {"accounts": {"1": copy('{"number":"1","off":true}')}}
    told = told_asleep(("x1", True, "1", "true"), said_by=said_by)

    plan = plan_of(made, ONE, known, seen={"accounts": told})

    assert drift_of(plan) == expected


def test_a_target_that_cannot_put_to_sleep_is_compared_by_its_fields() -> None:
    told = seen(("x1", False, "1", "Edited", "2.50")).drop_columns(["_suspended"])

    plan = plan_of(campus(), ONE, {"accounts": {"1": copy(AMARA)}}, seen={"accounts": told})

    assert drift_of(plan) == [("1", ["first"])]


def test_a_flow_that_only_proposes_makes_copies_and_compares_nothing() -> None:
    made = campus(accounts(fields={"login": "name"}, initially=["login"], match=[]))
    told = seen(("x1", False, "chosen by herself"), also=("login",))

    first = plan_of(made, ONE)
    later = plan_of(made, ONE, {"accounts": {"1": copy("{}")}}, seen={"accounts": told})

    assert first.changes.select(["kind", "after", "initial"]).to_pylist() == [
        {"kind": "create", "after": "{}", "initial": '{"login":"Amara"}'}
    ]
    assert later.is_empty
    assert drift_of(later) == []


def test_a_steward_may_say_that_a_card_is_nobodys() -> None:
    rows = {PEOPLE: people(("1", "Amara", "active")), CARDS: cards(("1", "9"), ("1", "2.50"))}
    decided = pa.table({"external_id": ["r0"], "key": pa.array([None], pa.string())})

    plan = plan_of(campus(), rows, crosswalk={("person", CARDS): decided})

    assert plan.changes["after"].to_pylist() == [AMARA]
    assert aside(plan) == []


def test_who_is_decided_to_be_a_student_may_be_found_as_staff_by_number() -> None:
    staff = entity(
        "staff", ["no"], nf.STUDENTS,
        {"no": (nf.STUDENTS, TEXT), "fines": (CARDS, MONEY)}, {CARDS: ("card",)},
    )  # fmt: skip
    both = charter(
        accounts(), flow("desks", "staff", {"number": "no", "owed": "fines"}, match=["number"]),
        entities=[*campus().entities.values(), staff],
    )  # fmt: skip
    rows = {
        PEOPLE: people(("1", "Amara", "active")),
        nf.STUDENTS: texts(["n_no"], [("s1",)]),
        CARDS: cards(("s1", "2.50")),
    }
    decided = pa.table({"external_id": ["r0"], "key": ["1"]})

    plan = plan_of(both, rows, crosswalk={("person", CARDS): decided})

    held = {row["flow"]: json.loads(row["after"])["owed"] for row in plan.changes.to_pylist()}
    assert held == {"accounts": "2.50", "desks": "2.50"}
