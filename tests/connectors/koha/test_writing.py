"""What is written to a Koha, what is refused before it is cut, and what is never touched."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.errors import GiveUp, SkipRow
from matricula.connectors.kit.protocol import Write
from matricula.connectors.koha.simulator import Library
from tests.connectors.koha.people import AMARA, BELA, CHIDI, DEWI, change, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.koha.conftest import Place


def _made(place: Place, person: dict[str, str], **more: object) -> str:
    (outcome,) = place.write(create(person, **more))
    assert outcome.error is None, outcome.error
    assert outcome.external_id is not None
    return outcome.external_id


def test_a_card_number_that_koha_would_cut_is_refused_by_name_and_not_sent(place: Place):
    (outcome,) = place.write(create({**AMARA, "cardnumber": "9" * 33}))

    assert isinstance(outcome.error, SkipRow)
    assert "cardnumber is longer than the 32 characters" in outcome.error.message
    assert place.proxy.count("POST") == 0


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("surname", "", "surname is empty"),
        ("cardnumber", "", "cardnumber is empty"),
        ("gender", "female", "gender is longer than the 1 characters"),
        ("postal_code", "ŵ" * 128, "postal_code is longer than the 255 bytes"),
        ("firstname", "Amara ", "firstname begins or ends with white space"),
        ("expiry_date", "30/09/2031", "expiry_date is no date"),
        ("library_id", None, "library_id is empty"),
    ],
)
def test_what_koha_would_take_and_change_is_refused_before_it_is_sent(
    place: Place, field: str, value: str | None, why: str
):
    (outcome,) = place.write(
        Write("k", "create", None, {**AMARA, field: value}, match={"cardnumber": "S001"})
    )

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M604"
    assert why in outcome.error.message
    assert place.library.patrons == {}


def test_a_creation_without_a_category_is_refused_by_name(place: Place):
    fields = {name: value for name, value in AMARA.items() if name != "category_id"}

    (outcome,) = place.write(Write("k", "create", None, fields, match={"cardnumber": "S001"}))

    assert isinstance(outcome.error, SkipRow)
    assert "category_id is not given" in outcome.error.message


@pytest.mark.parametrize("field", ["category_id", "library_id"])
def test_a_code_that_the_library_does_not_have_is_refused_by_the_fields_name(
    place: Place, field: str
):
    (outcome,) = place.write(create({**AMARA, field: "NOWHERE"}))

    assert isinstance(outcome.error, SkipRow)
    assert f"Koha refuses {field} (400)" in outcome.error.message
    assert "NOWHERE" not in str(outcome.error)


def test_a_card_number_in_other_letters_is_another_patrons(place: Place):
    place.library.add({**AMARA, "cardnumber": "s001"})

    (outcome,) = place.write(create(AMARA))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
    assert "cardnumber is already used" in outcome.error.message


def test_a_login_that_is_taken_is_named_and_not_told(place: Place):
    _made(place, AMARA, userid="okafor")

    (outcome,) = place.write(create(BELA, userid="OKAFOR"))

    assert isinstance(outcome.error, SkipRow)
    assert "userid is already used" in outcome.error.message
    assert "okafor" not in str(outcome.error).lower()


def test_a_unique_attribute_that_is_taken_leaves_no_patron_behind(place: Place):
    _made(place, AMARA, **{"attribute.STUDENT": "0001"})

    (outcome,) = place.write(create(BELA, **{"attribute.STUDENT": "0001"}))

    assert isinstance(outcome.error, SkipRow)
    assert "attribute.STUDENT" in outcome.error.message
    assert [row["cardnumber"] for row in place.rows()] == ["S001"]


def test_a_library_that_writes_names_in_capitals_is_told_and_keeps_no_half_patron(
    make_place: Callable[..., Place],
):
    place = make_place(library=Library(uppercase_surnames=True))

    (outcome,) = place.write(create(AMARA))

    assert isinstance(outcome.error, SkipRow)
    assert "does not keep surname" in outcome.error.message
    assert place.library.patrons == {}


def test_a_change_leaves_what_staff_wrote(place: Place):
    patron_id = _made(place, AMARA)
    place.library.patrons[int(patron_id)]["staff_notes"] = "owes an apology"
    place.library.debarred.add(int(patron_id))

    (outcome,) = place.write(change(patron_id, email="amara@northfield.example"))

    assert outcome.error is None
    patron = place.library.patrons[int(patron_id)]
    assert patron["email"] == "amara@northfield.example"
    assert patron["staff_notes"] == "owes an apology"
    assert place.row("S001")["restricted"] is True


def test_what_is_there_already_is_not_written_again(place: Place):
    patron_id = _made(place, AMARA)

    (outcome,) = place.write(change(patron_id, firstname="Amara"))

    assert outcome.error is None
    assert place.proxy.count("PUT") == 0


def test_an_attribute_changes_alone_and_the_patrons_others_stay(place: Place):
    patron_id = _made(place, AMARA, **{"attribute.STUDENT": "0001", "attribute.FACULTY": "Law"})
    place.library.attribute_types = {**place.library.attribute_types, "LOCKER": False}
    place.library.add_attribute(int(patron_id), {"type": "LOCKER", "value": "17"})

    (changed,) = place.write(change(patron_id, attribute_FACULTY="Medicine"))
    (emptied,) = place.write(change(patron_id, attribute_STUDENT=None))

    assert (changed.error, emptied.error) == (None, None)
    kept = {one["type"]: one["value"] for one in place.library.of(int(patron_id))}
    assert kept == {"FACULTY": "Medicine", "LOCKER": "17"}


def test_a_taken_attribute_says_that_the_other_fields_were_written(place: Place):
    _made(place, AMARA, **{"attribute.STUDENT": "0001"})
    bela = _made(place, BELA)

    (outcome,) = place.write(
        change(bela, attribute_STUDENT="0001", email="bela@northfield.example")
    )

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
    assert place.row("S002")["email"] == "bela@northfield.example"


def test_an_attribute_that_is_there_twice_is_not_guessed_at(place: Place):
    patron_id = _made(place, AMARA, **{"attribute.FACULTY": "Law"})
    place.library.add_attribute(int(patron_id), {"type": "FACULTY", "value": "Medicine"})

    (outcome,) = place.write(change(patron_id, attribute_FACULTY="Arts"))
    with place.connector.read("patrons") as reading:
        (row,) = [row for batch in reading.batches for row in batch.to_pylist()]

    assert isinstance(outcome.error, SkipRow)
    assert "attribute.FACULTY is there several times" in outcome.error.message
    assert row["attribute.FACULTY"] is None
    assert [one.code for one in reading.findings] == ["M436"]


def test_an_attribute_type_that_koha_does_not_have_is_refused_by_name(
    make_place: Callable[..., Place],
):
    place = make_place(attributes=["NOSUCH"])
    patron_id = _made(place, AMARA)

    (outcome,) = place.write(change(patron_id, attribute_NOSUCH="x"))

    assert isinstance(outcome.error, SkipRow)
    assert "Koha refuses attribute.NOSUCH" in outcome.error.message


@pytest.mark.parametrize("field", ["cardnumber", "userid"])
def test_an_identifier_is_not_taken_away_for_koha_would_make_one_up(place: Place, field: str):
    patron_id = _made(place, AMARA)

    (outcome,) = place.write(change(patron_id, **{field: None}))

    assert isinstance(outcome.error, SkipRow)
    assert f"{field} cannot be taken away" in outcome.error.message


@pytest.mark.parametrize("field", ["restricted", "patron_card_lost", "updated_on"])
def test_what_is_the_librarys_alone_is_never_written(place: Place, field: str):
    patron_id = _made(place, AMARA)

    with pytest.raises(GiveUp, match=f"{field} of library.patrons is the library's alone"):
        place.write(change(patron_id, **{field: None}))


def test_a_leaver_stops_borrowing_because_the_card_has_expired(place: Place):
    patron_id = _made(place, AMARA)

    (outcome,) = place.write(change(patron_id, "suspend"))

    assert outcome.error is None
    row = place.row("S001")
    assert row["expiry_date"] == AT.date() - timedelta(days=2)
    assert row["_suspended"] is True
    assert row["restricted"] is False


def test_a_card_that_had_expired_before_keeps_its_day(place: Place):
    patron_id = _made(place, {**AMARA, "expiry_date": "2024-06-30"})

    (outcome,) = place.write(change(patron_id, "suspend"))

    assert outcome.error is None
    assert place.row("S001")["expiry_date"] == date(2024, 6, 30)


def test_whoever_comes_back_gets_the_expiry_that_is_granted(place: Place):
    patron_id = _made(place, AMARA)
    place.write(change(patron_id, "suspend"))

    (outcome,) = place.write(
        Write("k", "resume", patron_id, {"expiry_date": "2032-01-31"}, frozenset())
    )

    assert outcome.error is None
    assert place.row("S001")["expiry_date"] == date(2032, 1, 31)


def test_where_no_expiry_is_granted_the_settings_say_how_long_a_card_is_good(
    make_place: Callable[..., Place],
):
    place = make_place(resumed_days=100)
    patron_id = _made(place, AMARA)
    place.library.debarred.add(int(patron_id))
    place.write(change(patron_id, "suspend"))

    (outcome,) = place.write(change(patron_id, "resume", firstname="Amara"))

    assert outcome.error is None
    row = place.row("S001")
    assert row["expiry_date"] == AT.date() + timedelta(days=100)
    assert row["restricted"] is True


def test_a_patron_with_loans_or_debts_is_kept_and_the_rest_of_the_batch_goes(place: Place):
    amara, bela, chidi, dewi = (_made(place, one) for one in (AMARA, BELA, CHIDI, DEWI))
    place.library.loans[int(amara)] = [date(2090, 1, 1)]
    place.library.debits[int(bela)] = [0.5]
    place.library.holds[int(chidi)] = 1

    outcomes = place.write(
        *(
            Write(one, "delete", one, person)
            for one, person in ((amara, AMARA), (bela, BELA), (chidi, CHIDI), (dewi, DEWI))
        )
    )

    codes = [one.error.code if one.error else None for one in outcomes]
    assert codes == ["M736", "M736", None, None]
    assert "something on loan (has_checkouts)" in str(outcomes[0].error)
    assert "something to pay (has_debt)" in str(outcomes[1].error)
    assert [row["cardnumber"] for row in place.rows()] == ["S001", "S002"]


def test_a_patron_whom_the_desk_made_is_taken_up_by_its_unique_attribute(place: Place):
    number = place.library.add({**AMARA, "cardnumber": "20001", "opac_notes": "by the desk"})
    place.library.add_attribute(number["patron_id"], {"type": "STUDENT", "value": "0001"})

    (outcome,) = place.write(
        create(AMARA, by="attribute.STUDENT", **{"attribute.STUDENT": "0001"})
    )

    assert outcome.error is None
    assert outcome.adopted
    row = place.row("S001")
    assert row["_id"] == str(number["patron_id"])
    assert row["opac_notes"] == "by the desk"


def test_what_was_only_proposed_does_not_replace_what_a_patron_has(place: Place):
    place.library.add({**AMARA, "lang": "cy"})
    fields = {**AMARA, "lang": "en"}
    write = Write("k", "create", None, fields, frozenset({"cardnumber"}), {"cardnumber": "S001"})

    (outcome,) = place.write(write)

    assert outcome.error is None
    assert place.row("S001")["lang"] == "cy"


def test_nobody_is_taken_over_for_an_email_address(place: Place):
    email = "family@northfield.example"
    place.library.add({**AMARA, "email": email})

    (outcome,) = place.write(create(BELA, by="email", email=email))

    assert isinstance(outcome.error, SkipRow)
    assert "email is no proof of who it is" in outcome.error.message
    assert place.row("S001")["surname"] == "Okafor"


def test_a_creation_that_the_network_sends_twice_makes_one_patron(place: Place):
    place.break_(method="POST", twice=True, times=1)

    (outcome,) = place.write(create(AMARA))

    assert outcome.error is None
    assert outcome.adopted
    assert [row["cardnumber"] for row in place.rows()] == ["S001"]


def test_patrons_of_other_categories_are_neither_read_nor_touched(
    make_place: Callable[..., Place],
):
    place = make_place(categories=["ST"])
    staff = place.library.add({**DEWI, "category_id": "STAFF"})["patron_id"]
    _made(place, AMARA)

    outcomes = place.write(
        create(DEWI),
        change(str(staff), firstname="X"),
        Write("gone", "delete", str(staff), DEWI),
    )

    assert [one.error.code for one in outcomes if one.error] == ["M606"] * 3
    assert "a category that the charter does not name" in str(outcomes[0].error)
    assert [row["cardnumber"] for row in place.rows()] == ["S001"]
    wanted = [{"cardnumber": "S004"}, {"surname": "Lestari"}, {"_id": str(staff)}]
    assert place.connector.find("patrons", wanted) == [[], [], []]
    assert place.library.patrons[staff]["firstname"] == "Dewi"


def test_a_superlibrarian_is_set_aside_and_stops_nobody_else(place: Place):
    amara, bela = _made(place, AMARA), _made(place, BELA)
    body = b'{"error":"Not enough privileges to change a superlibrarian\'s email"}'
    place.break_(method="PUT", path=f"/patrons/{amara}", forward=False, status=403, body=body)

    first, second = place.write(
        change(amara, email="a@x.example"), change(bela, email="b@x.example")
    )

    assert isinstance(first.error, SkipRow)
    assert "superlibrarian" in first.error.message
    assert second.error is None


def test_new_patrons_are_looked_up_in_one_call_and_looked_at_again_in_as_many_as_may_be_at_once(
    make_place: Callable[..., Place],
):
    place = make_place(concurrency=3)
    people = [{**AMARA, "cardnumber": f"S{n:03d}", "userid": f"u{n}"} for n in range(30)]

    outcomes = place.write(*(create(one) for one in people))

    assert [one.error for one in outcomes] == [None] * 30
    assert sum("cardnumber" in path for _, path in place.proxy.calls) == 1
    assert sum("%22me.patron_id%22" in path for _, path in place.proxy.calls) == 3
    assert len(place.proxy.calls) == 30 + 1 + 3
