"""Who may be whom is asked, decided by a person, remembered, and can be taken back."""

from __future__ import annotations

import pytest
from django.conf import settings

from matricula.audit.queries import history
from matricula.hub.models import Link, MatchCase, MatchDecision

pytestmark = pytest.mark.django_db

MATCHING = """
    matching:
      compare: {name: name, born: date, postcode: exact}
      with: {library.patrons: {name: fullname, born: birth}}
      because: One person is not to have two cards or two numbers.
"""
WHY = ("--why", "looked at both files")
AMONG_THEMSELVES = (
    "is an old key as well; where records change keys among themselves, give one of them a free "
    "key first"
)


@pytest.fixture
def campus(world):
    """The university, with dates of birth, whose students are compared with the library's."""
    world.edit_charter(
        "      fines: {owner: library.patrons, type: money, class: personal}\n",
        "      born: {owner: sis.students, type: text, class: personal}\n"
        "      postcode: {owner: sis.students, type: text, class: personal}\n"
        "      fines: {owner: library.patrons, type: money, class: personal}" + MATCHING,
        "charter.yaml",
    )  # fmt: skip
    world.sis("ALTER TABLE students ADD born TEXT")
    world.sis("ALTER TABLE students ADD postcode TEXT")
    world.sis(
        "UPDATE students SET name = 'G' || (student_no * 7 % 41) || ' F' || (student_no * 3 % 37),"
        " born = 1960 + student_no || '-01-' || (10 + student_no * 5 % 17),"
        " postcode = 'P' || student_no % 23"
    )
    world.sis(
        "UPDATE students SET name = 'Amara Okafor', born = '1999-03-04', postcode = 'NE1' "
        "WHERE student_no = '00001'"
    )
    world.sis("UPDATE students SET name = 'Bela Bartók' WHERE student_no = '00002'")
    patrons(world)
    return world


def patrons(world, *more):
    rows = [f"{n:05d},,,{n}.50" for n in range(2, 41)]
    world.write_patrons("cardnumber,fullname,birth,fines\n" + "\n".join([*rows, *more]) + "\n")


MISSPELT = "0001,Amara Okafor,1999-03-04,7.50"


def fines(world, key="00001"):
    [found] = [link.confirmed for link in Link.objects.filter(flow="warehouse-students", key=key)]
    return found


def cases(world):
    return world.run("matches", "--json").json


@pytest.mark.any_database
def test_a_card_that_no_number_identifies_is_a_case_and_is_linked_by_nobody(campus):
    patrons(campus, MISSPELT)

    campus.settle()

    [case] = cases(campus)
    assert (case["kind"], case["key"], case["other"], case["steward"]) == (
        "candidate", "00001", "0001", "registrar",
    )  # fmt: skip
    assert case["evidence"] == {"name": "equal", "born": "equal", "postcode": "unknown"}
    assert '"fines":null' in fines(campus)
    [told] = [i for i in campus.run("incidents", "--json").json if i["code"] == "M550"]
    assert (told["place"], told["steward"]) == ("sis.students", "registrar")


def test_a_case_holds_no_personal_value(campus):
    patrons(campus, MISSPELT)

    campus.settle()

    kept = str(list(MatchCase.objects.values()))
    assert not any(word in kept for word in ("Amara", "Okafor", "1999", "NE1"))


@pytest.mark.any_database
def test_what_is_said_to_be_the_same_is_found_as_that_key_from_then_on(campus):
    patrons(campus, MISSPELT)
    campus.settle()
    [case] = cases(campus)

    said = campus.run("matches", "same", str(case["case"]), *WHY)
    campus.run("sync", "--changed")

    assert said.code == 0, said.err
    assert '"fines":"7.50"' in fines(campus)
    assert cases(campus) == []
    assert campus.run("incidents", "--json").json == []
    [entry] = [e for e in history("student", "00001", limit=50) if e.action == "match same"]
    assert entry.why == "looked at both files"


@pytest.mark.any_database
def test_a_decided_match_survives_passes_in_which_the_records_no_longer_look_alike(campus):
    patrons(campus, MISSPELT)
    campus.settle()
    campus.run("matches", "same", str(cases(campus)[0]["case"]), *WHY)
    patrons(campus, "0001,Somebody Else,1950-01-01,8.50")

    campus.run("sync")

    assert '"fines":"8.50"' in fines(campus)
    assert cases(campus) == []


def test_a_decision_that_is_undone_leaves_every_record_as_before(campus):
    patrons(campus, MISSPELT)
    campus.settle()
    before = fines(campus)
    number = str(cases(campus)[0]["case"])
    campus.run("matches", "same", number, *WHY)
    campus.run("sync")

    campus.run("matches", "undo", number, "--why", "they are cousins")
    campus.run("sync")

    assert fines(campus) == before
    assert [str(c["case"]) for c in cases(campus)] == [number]
    said = campus.run("matches", "show", number, "--json").json["decisions"]
    assert [(d["said"], d["why"]) for d in said] == [
        ("same", "looked at both files"), ("undo", "they are cousins"),
    ]  # fmt: skip


@pytest.mark.any_database
def test_what_is_said_to_be_different_is_never_proposed_again(campus):
    patrons(campus, MISSPELT)
    campus.settle()
    campus.run("matches", "different", str(cases(campus)[0]["case"]), *WHY)

    campus.run("sync")
    campus.run("matches", "find", "student")

    assert cases(campus) == []
    assert MatchCase.objects.get().state == "different"
    assert '"fines":null' in fines(campus)


def test_twins_are_told_apart_once_and_for_all(campus):
    campus.sis(
        "UPDATE students SET name = 'Chika Okafor', born = '1999-03-04', postcode = 'NE1' "
        "WHERE student_no = '00007'"
    )
    campus.settle()
    for case in cases(campus):
        campus.run("matches", "different", str(case["case"]), *WHY)

    campus.run("sync")

    assert cases(campus) == []
    assert Link.objects.filter(flow="lms-accounts", key__in=("00001", "00007")).count() == 2


@pytest.mark.any_database
def test_two_records_of_the_roster_are_never_merged_here_whatever_is_said(campus):
    campus.sis(
        "INSERT INTO students VALUES ('90001', 'Amara Okafor', 'a2@example.org', 'active', "
        "'1999-03-04', 'NE1')"
    )
    campus.settle()
    [case] = cases(campus)
    assert (case["key"], case["resource"], case["other"]) == ("00001", "sis.students", "90001")

    campus.run("matches", "same", str(case["case"]), *WHY)
    campus.run("sync")

    held = campus.in_lms("SELECT idnumber FROM users WHERE fullname = 'Amara Okafor' ORDER BY 1")
    assert held == [("00001",), ("90001",)]
    [told] = campus.run("incidents", "--json").json
    assert (told["code"], told["steward"]) == ("M551", "registrar")
    assert "00001 and 90001" in told["message"]


@pytest.mark.any_database
def test_the_office_has_done_its_part_once_one_of_the_two_is_gone(campus):
    campus.sis(
        "INSERT INTO students VALUES ('90001', 'Amara Okafor', 'a2@example.org', 'active', "
        "'1999-03-04', 'NE1')"
    )
    campus.settle()
    campus.run("matches", "same", str(cases(campus)[0]["case"]), *WHY)
    campus.sis("DELETE FROM students WHERE student_no = '90001'")

    campus.run("sync")

    assert campus.run("incidents", "--json").json == []
    assert campus.in_lms("SELECT suspended FROM users WHERE idnumber = '90001'") == [(1,)]


def test_a_chain_of_weak_matches_never_makes_one_record_two_people(campus):
    campus.sis(
        "INSERT INTO students VALUES ('90001', 'Amara Okafor', 'a2@example.org', 'active', "
        "'1999-03-04', 'NE2')"
    )
    patrons(campus, MISSPELT)
    campus.settle()
    library = [c for c in cases(campus) if c["resource"] == "library.patrons"]
    assert [c["key"] for c in library] == ["00001", "90001"]
    campus.run("matches", "same", str(library[0]["case"]), *WHY)

    said = campus.run("matches", "same", str(library[1]["case"]), *WHY)

    assert said.code == 1
    assert "M553" in said.err
    assert MatchDecision.objects.count() == 1


@pytest.mark.any_database
def test_two_cards_of_one_number_are_a_case_each_and_one_may_be_said_to_be_nobodys(campus):
    campus.edit_charter("key: [cardnumber]", "key: [id]", "charter.yaml")
    rows = [f"{n},{n:05d},,,{n}.50" for n in range(1, 41)]
    campus.write_patrons(
        "id,cardnumber,fullname,birth,fines\n" + "\n".join([*rows, "99,00001,,,9.99"]) + "\n"
    )
    campus.sign_all()
    campus.run("sync")
    claims = {c["other"]: c for c in cases(campus) if c["kind"] == "claim"}
    assert set(claims) == {"1", "99"}
    assert {c["steward"] for c in claims.values()} == {"library"}

    campus.run("matches", "different", str(claims["99"]["case"]), *WHY)
    campus.run("sync")

    assert '"fines":"1.50"' in fines(campus)
    assert [c for c in cases(campus) if c["kind"] == "claim"] == []


@pytest.mark.any_database
def test_several_copies_in_a_target_are_a_case_that_its_office_settles_there(world):
    world.edit_charter("match: {idnumber: student_no}", "match: {email: email}")
    for number in (501, 502):
        world.lms("INSERT INTO users VALUES (?, NULL, 'A', 's00001@example.org', 'a', 0)", number)
    world.sign_all()
    world.run("sync")
    [case] = cases(world)
    assert (case["kind"], case["key"], case["steward"]) == ("copies", "00001", "it")

    said = world.run("matches", "same", str(case["case"]), *WHY)
    world.lms("DELETE FROM users WHERE id = 502")
    world.run("sync")

    assert (said.code, "M553" in said.err) == (1, True)
    assert cases(world) == []
    assert world.in_lms("SELECT id FROM users WHERE idnumber = '00001'") == [(501,)]


@pytest.mark.any_database
def test_a_returning_student_is_woken_under_the_old_identifier(world):
    world.settle()
    [before] = world.in_lms("SELECT id FROM users WHERE idnumber = '00001'")
    world.sis("UPDATE students SET status = 'withdrawn' WHERE student_no = '00001'")
    world.run("sync")
    assert world.in_lms("SELECT suspended FROM users WHERE idnumber = '00001'") == [(1,)]

    world.sis("UPDATE students SET status = 'active' WHERE student_no = '00001'")
    world.run("sync")

    held = world.in_lms("SELECT id, suspended FROM users WHERE idnumber = '00001'")
    assert held == [(before[0], 0)]
    assert Link.objects.get(flow="lms-accounts", key="00001").external_id == str(before[0])


@pytest.mark.any_database
def test_a_record_that_goes_on_under_a_new_number_keeps_its_copies(world):
    world.settle()
    [before] = world.in_lms("SELECT id FROM users WHERE idnumber = '00001'")
    world.sis("UPDATE students SET student_no = '70001' WHERE student_no = '00001'")
    world.sis("UPDATE enrolments SET student_no = '70001' WHERE student_no = '00001'")

    said = world.run("matches", "rekey", "student", "--from", "00001", "--to", "70001", *WHY)
    world.run("sync")

    assert said.code == 0, said.err
    assert world.in_lms("SELECT id, suspended FROM users WHERE idnumber = '70001'") == [
        (before[0], 0)
    ]
    assert world.in_lms("SELECT COUNT(*) FROM users") == [(40,)]
    mine = world.in_lms(f"SELECT COUNT(*) FROM enrolments WHERE userid = '{before[0]}'")  # noqa: S608 - a number
    assert mine == [(2,)]
    assert [e.action for e in history("student", "00001", limit=50)][:1] == ["match same"]
    # Under the old number nobody is erased any more: that would be half of somebody.
    erased = world.run("audit", "erase", "student", "00001", "--why", "request 1")
    assert (erased.code, "goes on as 70001" in erased.err) == (1, True)


def test_a_number_that_has_copies_of_its_own_cannot_be_taken(world):
    world.settle()

    said = world.run("matches", "rekey", "student", "--from", "00001", "--to", "00002", *WHY)

    assert (said.code, "M554" in said.err) == (1, True)
    assert Link.objects.filter(flow="lms-accounts").count() == 40


def test_new_numbers_come_as_a_list_and_one_that_cannot_be_taken_moves_none(world, tmp_path):
    world.settle()
    path = tmp_path / "keys.csv"

    def told(*rows):
        path.write_text("\n".join(rows), encoding="utf-8")
        said = world.run("matches", "rekey", "student", "--file", str(path), *WHY)
        assert (said.code, "M554" in said.err) == (1, True)
        return [line.strip() for line in said.err.splitlines() if "keys.csv:" in line]

    assert told("old,new", "00001,70001", "00002,00003", "00008,00001", "nobody,70005") == [
        "keys.csv:3: lms-accounts has a copy of 00003 as well",
        f"keys.csv:4: 00001 {AMONG_THEMSELVES}",
        "keys.csv:5: no flow has a copy of nobody",
    ]
    assert told("00001,70001", "00002", "00001,70002", "00003,70003", "00004,70003") == [
        "keys.csv:2: a line is an old key, a comma and its new key",
        "keys.csv:3: 00001 stands on an earlier line as well",
        "keys.csv:4: 70003 is given more than once",
        "keys.csv:5: 70003 is given more than once",
    ]
    assert Link.objects.filter(key__startswith="7").count() == 0


def test_a_list_out_of_a_spreadsheet_is_read_and_what_it_said_is_found_again_and_taken_back(
    world, tmp_path
):
    world.settle()
    path = tmp_path / "keys.csv"
    rekey = ("matches", "rekey", "student", "--file", str(path))
    path.write_bytes("Müller;1\n".encode("cp1252"))
    unread = world.run(*rekey, *WHY)
    path.write_text("\ufeffold;new\n00001;70001\n00002;70002\n", encoding="utf-8")
    groundless = world.run(*rekey, "--why", " ")

    taken = world.run(*rekey, *WHY)

    assert [(said.code, "UTF-8" in said.err) for said in (unread, groundless)] == [
        (1, True), (1, False),
    ]  # fmt: skip
    cases = [case["case"] for case in world.run("matches", "--decided", "--json").json]
    assert len(cases) == 2
    assert f"cases {cases[0]} to {cases[1]}" in taken.out
    assert world.run("matches").out == "No match case waits.\n"
    assert world.run("matches", "undo", *map(str, cases), *WHY).code == 0
    assert Link.objects.filter(key__startswith="7").count() == 0
    assert world.run("matches", "--decided", "--json").json == []
    misspelt = world.run("drift", "--asks", "registar")
    assert (misspelt.code, "Did you mean registrar?" in misspelt.err) == (1, True)


def test_a_new_number_can_be_taken_back(world):
    world.settle()
    world.run("matches", "rekey", "student", "--from", "00001", "--to", "70001", *WHY)
    number = str(MatchCase.objects.get().pk)

    world.run("matches", "undo", number, "--why", "the wrong person")

    assert Link.objects.filter(flow="lms-accounts", key="00001").count() == 1
    assert world.run("sync", "--json").json["delivered"] == {}


def newcomer(campus, number="90001", name="Amara Okafor"):
    campus.sis(
        f"INSERT INTO students VALUES ('{number}', '{name}', 'a{number}@example.org', 'active', "  # noqa: S608 - our own words
        "'1999-03-04', 'NE1')"
    )


def told(world):
    return [(c["key"], c["resource"], c["other"]) for c in cases(world)]


def test_a_newcomer_who_may_be_there_already_is_a_case_as_soon_as_a_pass_over_changes_sees_them(
    campus,
):
    patrons(campus, MISSPELT)
    campus.settle()
    before = told(campus)
    newcomer(campus)

    campus.run("sync", "--changed")

    assert before == [("00001", "library.patrons", "0001")]
    both = [("00001", "sis.students", "90001"), ("90001", "library.patrons", "0001")]
    assert sorted(told(campus)) == sorted([*before, *both])
    [incident] = [i for i in campus.run("incidents", "--json").json if i["code"] == "M550"]
    assert "3 match case(s)" in incident["message"]
    campus.run("sync")
    assert sorted(told(campus)) == sorted([*before, *both])


@pytest.mark.any_database
def test_two_newcomers_of_one_day_who_may_be_one_are_a_case_though_they_came_in_two_passes(campus):
    campus.settle()
    newcomer(campus, "90001", "Dorotea Quist")
    campus.run("sync", "--changed")
    newcomer(campus, "90002", "Dorothea Quist")

    campus.run("sync", "--changed")

    assert ("90001", "sis.students", "90002") in told(campus)


def test_a_case_is_over_once_a_pass_over_changes_sees_that_one_of_the_two_has_gone(campus):
    campus.settle()
    newcomer(campus)
    campus.run("sync", "--changed")
    before = told(campus)
    campus.sis("DELETE FROM students WHERE student_no = '90001'")

    campus.run("sync", "--changed")

    assert before == [("00001", "sis.students", "90001")]
    assert told(campus) == []
    assert [i for i in campus.run("incidents", "--json").json if i["code"] == "M550"] == []


@pytest.mark.any_database
def test_what_was_said_of_others_stands_when_a_pass_compares_newcomers_alone(campus):
    newcomer(campus)
    campus.settle()
    campus.run("matches", "same", str(cases(campus)[0]["case"]), *WHY)
    campus.run("sync")
    newcomer(campus, "90002", "Somebody Else")

    campus.run("sync", "--changed")

    assert [i["code"] for i in campus.run("incidents", "--json").json] == ["M551"]


@pytest.mark.any_database
def test_a_damaged_memory_of_who_was_compared_costs_nothing_but_the_wait_for_a_full_pass(campus):
    campus.settle()
    [kept] = (settings.HOME / "alike").glob("*/rows.arrow")
    kept.write_bytes(b"nonsense")
    newcomer(campus)

    passed = campus.run("sync", "--changed")
    meanwhile = told(campus)
    campus.run("sync")

    assert (passed.code, meanwhile) == (0, [])
    assert told(campus) == [("00001", "sis.students", "90001")]


def test_nothing_that_was_compared_of_a_person_is_left_once_they_are_erased(campus):
    campus.edit_charter("on_exit: suspend", "on_exit: delete")
    newcomer(campus, name="Zenobia Quarmby")
    campus.settle()
    campus.sis("DELETE FROM students WHERE student_no = '90001'")
    campus.run("sync", "--changed")
    held = [p for p in settings.HOME.rglob("alike/*/*") if b"zenobia" in p.read_bytes()]

    said = campus.run("audit", "erase", "student", "90001", "--why", "request 1", "--yes")

    assert len(held) > 0
    assert said.code == 0, said.err
    assert not (settings.HOME / "alike").exists()
