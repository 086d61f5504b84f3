"""What an import does to a FOLIO's users, what it must not do, and what they still have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.connectors.folio.settings import FolioSettings
from matricula.connectors.kit.errors import ReadBack, SkipRow, Stop, TryAgain, Untrusted
from matricula.connectors.kit.protocol import Write
from tests.connectors.folio.conftest import AMARA, BELA, CHIDI, create
from tests.counterparts.faulty_proxy import Fault, faulty_proxy

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.folio.conftest import Place


def test_of_one_import_each_user_is_settled_by_what_is_there_afterwards(place: Place):
    place.write(create(AMARA))

    taken, fine = place.write(create({**BELA, "username": "amara"}), create(CHIDI))

    assert isinstance(taken.error, SkipRow)
    assert taken.error.code == "M604"
    assert "amara" not in str(taken.error)
    assert fine.external_id == place.tenant.numbered("S003")["id"]


def test_one_user_of_the_wrong_form_does_not_keep_the_others_out(place: Place):
    place.tenant.whole_refusal = "Kovács"

    outcomes = place.write(create(AMARA), create(BELA), create(CHIDI))

    assert [one.error is None for one in outcomes] == [True, False, True]
    assert len(place.tenant.users) == 2


def test_whoever_is_missing_from_a_batch_stays_active(place: Place):
    place.write(create(AMARA), create(BELA))

    place.write(create(CHIDI))

    assert [row["active"] for row in place.rows()] == [True] * 3


def test_a_change_keeps_the_request_preference_and_what_staff_wrote(place: Place):
    (made,) = place.write(create(AMARA))
    user_id = str(made.external_id)
    preference = {"userId": user_id, "holdShelf": True, "delivery": False}
    place.tenant.preferences[user_id] = preference
    place.tenant.users[user_id]["personal"]["preferredContactTypeId"] = "001"
    place.tenant.users[user_id]["personal"]["addresses"] = [{"city": "Northfield"}]

    outcome = place.do("update", user_id, email="new@northfield.example")

    assert outcome.error is None
    assert place.tenant.preferences[user_id] == {"holdShelf": True, "delivery": False}
    personal = place.tenant.users[user_id]["personal"]
    assert personal["preferredContactTypeId"] == "001"
    assert personal["addresses"] == [{"city": "Northfield"}]
    assert personal["email"] == "new@northfield.example"


def test_what_an_import_cannot_empty_is_refused_by_name(place: Place):
    (made,) = place.write(create(AMARA))

    outcome = place.do("update", made.external_id, email=None)

    assert isinstance(outcome.error, SkipRow)
    assert "email cannot be emptied" in outcome.error.message


def test_a_patron_group_that_folio_does_not_have_is_refused_before_it_is_sent(place: Place):
    (outcome,) = place.write(create({**AMARA, "patronGroup": "nowhere"}))

    assert isinstance(outcome.error, SkipRow)
    assert "patronGroup names a patron group that FOLIO does not have" in outcome.error.message


def test_a_user_whom_folio_knows_by_another_number_is_not_made_twice(place: Place):
    place.write(create(AMARA, barcode="B1"))

    (outcome,) = place.write(create({**BELA, "barcode": "B1"}, by="barcode"))

    assert isinstance(outcome.error, SkipRow)
    assert "another externalSystemId" in outcome.error.message
    assert len(place.tenant.users) == 1


def test_signs_with_a_meaning_in_a_query_find_nobody_else(place: Place):
    place.write(create(AMARA), create({**BELA, "username": 'b"*?^\\a'}))

    every, quoted = place.connector.find("users", [{"username": "*"}, {"username": 'b"*?^\\a'}])

    assert every == []
    assert [one.fields["lastName"] for one in quoted] == ["Kovács"]


def test_users_of_other_groups_are_neither_read_nor_touched(make_place: Callable[..., Place]):
    place = make_place(patron_groups=["undergrad"])
    place.write(create(AMARA))
    other = dict(place.tenant.numbered("S001"), id="x", externalSystemId="S002", username="bela")
    place.tenant.users["x"] = {**other, "patronGroup": "g-3"}

    outcomes = [
        *place.write(create(BELA)),
        place.do("update", "x", lastName="X"),
        place.do("delete", "x"),
    ]

    assert [one.error.code for one in outcomes if one.error] == ["M606"] * 3
    assert [row["externalSystemId"] for row in place.rows()] == ["S001"]


def test_whoever_has_something_open_is_not_deleted(place: Place):
    (made,) = place.write(create(AMARA))
    place.tenant.requests[str(made.external_id)] = 1

    outcome = place.do("delete", made.external_id)

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M736"


def test_what_remains_of_fees_is_owed_and_inactive_users_are_blocked(place: Place):
    (made,) = place.write(create(AMARA))
    user_id = str(made.external_id)
    place.tenant.accounts[user_id] = [0.1, 0.2]
    place.tenant.loans[user_id] = ["2020-01-01T00:00:00.000+00:00", "2090-01-01T00:00:00Z"]
    place.do("suspend", user_id)

    ((found,),) = place.connector.find("clearance", [{"externalSystemId": "S001"}])

    named = ("loans", "overdue", "holds", "owed", "access")
    assert [found.fields[name] for name in named] == [2, 1, 0, "0.3", "blocked"]


def test_what_is_not_said_is_not_taken_for_nothing(make_place: Callable[..., Place]):
    place = make_place()
    place.write(create(AMARA))
    with faulty_proxy(place.tenant.url) as proxy:
        proxy.faults.append(Fault(path="open-transactions", rewrite=lambda _: {"loans": 0}))
        behind = make_place(url=proxy.url)
        behind.tenant.tokens = place.tenant.tokens

        with behind.connector.read("clearance") as reading, pytest.raises(Untrusted, match="M441"):
            list(reading.batches)


def test_an_import_whose_answer_is_lost_is_unknown_and_makes_no_second_user(
    make_place: Callable[..., Place],
):
    place = make_place()
    with faulty_proxy(place.tenant.url) as proxy:
        proxy.faults.append(Fault(method="POST", path="user-import", times=1, drop=True))
        behind = make_place(url=proxy.url)

        lost, other = behind.write(create(AMARA), create(BELA))
        again, _ = behind.write(create(AMARA), create(BELA))

    assert isinstance(lost.error, ReadBack)
    assert isinstance(other.error, ReadBack)
    assert again.error is None
    assert len(place.tenant.users) == 2


def test_what_half_an_import_did_is_kept_when_folio_is_away_for_the_other_half(
    make_place: Callable[..., Place],
):
    place = make_place()
    place.tenant.whole_refusal = CHIDI["lastName"]
    with faulty_proxy(place.tenant.url) as proxy:
        # All three and then the first go through; for the other two it is busy.
        proxy.faults += [
            Fault(method="POST", path="user-import", times=2),
            Fault(method="POST", path="user-import", forward=False, status=503),
        ]
        behind = make_place(url=proxy.url)

        amara, bela, chidi = behind.write(create(AMARA), create(BELA), create(CHIDI))

    assert amara.error is None
    assert isinstance(bela.error, TryAgain)
    assert isinstance(chidi.error, TryAgain)


def test_a_batch_is_looked_up_in_one_call_and_imported_in_parts_of_the_settings_size(
    make_place: Callable[..., Place],
):
    place = make_place()
    people = [{**AMARA, "externalSystemId": f"S{n:03d}", "username": f"u{n}"} for n in range(30)]
    with faulty_proxy(place.tenant.url) as proxy:
        behind = make_place(url=proxy.url, batch_size=10)

        made = behind.write(*map(create, people))
        changed = [
            Write(
                one.key, "update", one.external_id, {"firstName": "Ada"}, frozenset({"firstName"})
            )
            for one in made
        ]
        before = len(proxy.calls)
        again = behind.write(*changed)

    assert [one.error for one in (*made, *again)] == [None] * 60
    # Users, preferences, and three imports that are read back.
    assert len(proxy.calls) - before == 1 + 1 + 3 + 3
    assert {user["personal"]["firstName"] for user in place.tenant.users.values()} == {"Ada"}


def test_a_token_that_has_ended_is_fetched_again(place: Place):
    place.write(create(AMARA))
    place.tenant.tokens.clear()

    (outcome,) = place.write(create(BELA))

    assert outcome.error is None


@pytest.mark.parametrize("permission", ["users.collection.get", "user-import.post"])
def test_a_missing_permission_is_named_by_the_check_on_the_live_system(
    place: Place, permission: str
):
    place.tenant.lacks.add(permission)

    health = place.connector.ping()

    assert not health.well
    assert f"our account lacks {permission} (for " in health.sentence


def test_a_wrong_password_is_told_and_nothing_of_it(place: Place):
    place.tenant.password = "changed"

    health = place.connector.ping()

    assert not health.well
    assert "open-sesame" not in health.sentence
    with pytest.raises(Stop, match="M613"):
        place.write(Write("k", "suspend", "1", {}))


def test_a_patron_group_of_the_settings_that_is_not_there_is_told(
    make_place: Callable[..., Place],
):
    health = make_place(patron_groups=["undergrad", "nowhere"]).connector.ping()

    assert "no patron group nowhere" in health.sentence


def test_a_password_is_never_written_as_itself():
    given = {"url": "https://folio.example", "tenant": "t", "user": "env:U", "password": "secret"}

    with pytest.raises(ValueError, match="never as itself"):
        FolioSettings.model_validate(given)
