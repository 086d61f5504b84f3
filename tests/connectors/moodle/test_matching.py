"""Whose account it is: by idnumber, then by user name, and never by an address alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import GiveUp, SkipRow
from tests.connectors.moodle.campus import change, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.moodle.campus import Campus


def _theirs(campus: Campus, **fields: object) -> str:
    """Have an account that an administrator made by hand."""
    told = {"auth": "oauth2", "firstname": "Ama", "lastname": "O.", **fields}
    (made,) = campus.wire.write("core_user_create_users", users=[told])
    return str(made["id"])


def assert_ambiguous(campus: Campus, write: object) -> SkipRow:
    (outcome,) = campus.write("users", write)  # type: ignore[arg-type]  # a Write
    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
    return outcome.error


def test_an_account_with_our_idnumber_is_taken_over_and_brought_in_line(campus: Campus):
    amara = campus.person("amara")
    theirs = _theirs(campus, username="old", email="old@n.example", idnumber=amara["idnumber"])

    (outcome,) = campus.write("users", create("amara", amara))

    assert outcome.external_id == theirs
    assert outcome.adopted
    assert campus.fields("users", theirs)["username"] == amara["username"]


def test_an_account_with_our_granted_user_name_and_no_idnumber_is_taken_over(campus: Campus):
    amara = campus.person("amara")
    theirs = _theirs(campus, username=amara["username"], email="old@n.example")

    (outcome,) = campus.write("users", create("amara", amara))

    assert outcome.external_id == theirs
    assert campus.fields("users", theirs)["idnumber"] == amara["idnumber"]


def test_a_user_name_that_was_only_proposed_takes_over_nobody(campus: Campus):
    amara = campus.person("amara")
    _theirs(campus, username=amara["username"], email="old@n.example")
    proposed = replace(create("amara", amara), changed=frozenset(amara) - {"username"})

    error = assert_ambiguous(campus, proposed)

    assert "proposed" in error.message


def test_a_user_name_of_another_number_is_a_case_for_a_person(campus: Campus):
    amara = campus.person("amara")
    _theirs(campus, username=amara["username"], email="old@n.example", idnumber="S-other")

    assert_ambiguous(campus, create("amara", amara))


def test_an_address_alone_is_a_case_for_a_person_in_any_case_of_its_letters(campus: Campus):
    amara = campus.person("amara")
    _theirs(campus, username="old", email=str(amara["email"]).upper())

    error = assert_ambiguous(campus, create("amara", amara))

    assert "email" in error.message


def test_an_address_that_looks_like_a_pattern_is_no_pattern(campus: Campus):
    _theirs(campus, username="old", email="amaraXb@n.example")
    amara = campus.person("amara", email="amara_b@n.example")

    (outcome,) = campus.write("users", create("amara", amara))

    assert outcome.error is None


def test_a_match_by_address_finds_nobody_to_take_over(campus: Campus):
    amara = campus.person("amara")
    _theirs(campus, username="old", email=amara["email"])

    assert_ambiguous(campus, create("amara", amara, ("email",)))


def test_what_moodle_cannot_be_asked_for_is_no_match(campus: Campus):
    with pytest.raises(GiveUp, match="department"):
        campus.write("users", create("a", campus.person("a", department="Law"), ("department",)))


def test_another_keys_copy_is_not_taken_over(campus: Campus):
    (theirs,) = campus.make("users", create("amara", campus.person("amara")))
    again = replace(create("other", campus.person("amara")), spared=frozenset({theirs}))

    assert_ambiguous(campus, again)


def test_two_keys_with_one_number_do_not_end_as_one_account(campus: Campus):
    amara = campus.person("amara")

    first, second = campus.write("users", create("amara", amara), create("twin", amara))

    assert first.error is None
    assert isinstance(second.error, SkipRow)
    assert len(campus.rows("users")) == 1


def test_two_keys_with_one_number_and_two_logins_do_not_end_as_two_accounts(campus: Campus):
    amara, bela = campus.person("amara"), campus.person("bela")
    twin = {**bela, "idnumber": amara["idnumber"]}

    first, second = campus.write(
        "users", create("amara", amara, ("username",)), create("twin", twin, ("username",))
    )

    assert first.error is None
    assert isinstance(second.error, SkipRow)


def test_two_changes_of_one_batch_do_not_give_one_number_to_two_accounts(campus: Campus):
    amara, bela = campus.make("users", *(create(n, campus.person(n)) for n in ("amara", "bela")))

    first, second = campus.write(
        "users", change(amara, idnumber="S-new"), change(bela, idnumber="S-new")
    )

    assert first.error is None
    assert isinstance(second.error, SkipRow)


def test_a_number_that_another_account_has_is_not_written_a_second_time(campus: Campus):
    amara, bela = campus.make("users", *(create(n, campus.person(n)) for n in ("amara", "bela")))
    taken = campus.fields("users", amara)["idnumber"]

    (outcome,) = campus.write("users", change(bela, idnumber=taken))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
    assert campus.fields("users", bela)["idnumber"] != taken


def test_a_proposed_value_never_replaces_what_an_adopted_account_holds(campus: Campus):
    amara = campus.person("amara", department="Law")
    theirs = _theirs(
        campus, username="old", email="old@n.example", idnumber=amara["idnumber"], department="Art"
    )
    proposed = replace(create("amara", amara), changed=frozenset(amara) - {"department"})

    campus.write("users", proposed)

    assert campus.fields("users", theirs)["department"] == "Art"


def test_a_suspended_account_that_is_adopted_sleeps_on_unless_the_flow_says_otherwise(
    campus: Campus,
):
    amara = campus.person("amara")
    theirs = _theirs(campus, username="old", email="old@n.example", idnumber=amara["idnumber"])
    campus.wire.write("core_user_update_users", users=[{"id": theirs, "suspended": 1}])

    campus.make("users", create("amara", amara))
    asleep = campus.fields("users", theirs)["suspended"]
    campus.make("users", create("amara", {**amara, "suspended": False}))

    assert asleep is True
    assert campus.fields("users", theirs)["suspended"] is False


def test_with_moodles_own_passwords_everybody_is_made_one(make_campus: Callable[..., Campus]):
    campus = make_campus(auth="manual")

    (amara,) = campus.make("users", create("amara", campus.person("amara")))

    assert campus.fields("users", amara)["auth"] == "manual"


def test_nobody_is_made_without_a_way_to_sign_in(make_campus: Callable[..., Campus]):
    campus = make_campus(auth="")

    with pytest.raises(GiveUp, match="signs in"):
        campus.write("users", create("amara", campus.person("amara")))


def test_the_sites_own_accounts_are_not_read(campus: Campus):
    campus.make("users", create("amara", campus.person("amara")))

    assert [row["firstname"] for row in campus.rows("users")] == ["Amara"]


def test_a_category_without_a_number_is_found_by_its_name_and_gets_one(campus: Campus):
    told = {"idnumber": "FAC1", "name": "Category 1"}

    (outcome,) = campus.write("categories", create("fac", told, ("name",)))

    assert outcome.external_id == "1"
    assert campus.fields("categories", "1")["idnumber"] == "FAC1"


def test_a_course_of_that_short_name_with_another_number_is_a_case_for_a_person(campus: Campus):
    campus.make("courses", create("law", campus.course()))
    twin = {**campus.course(), "idnumber": "LAW-2"}

    (outcome,) = campus.write("courses", create("twin", twin, ("shortname",)))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
