"""The same promises, and the same traps, on the simulator and on a real Koha.

A real one is named by `MATRICULA_TEST_KOHA_URL` with `MATRICULA_TEST_KOHA_USER` and
`MATRICULA_TEST_KOHA_PASSWORD`, or `MATRICULA_TEST_KOHA_CLIENT_ID` and
`MATRICULA_TEST_KOHA_CLIENT_SECRET`; `MATRICULA_TEST_KOHA_CATEGORY` and
`MATRICULA_TEST_KOHA_LIBRARY` are codes that it has (`ST` and `CPL` when left out), and
`MATRICULA_TEST_KOHA_ATTRIBUTE` that of a unique extended attribute (`STUDENT`). Patrons are made
with card numbers of this test's own and deleted at the end.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.protocol import Context, Outcome, Write
from matricula.connectors.koha.connector import KohaConnector
from matricula.connectors.koha.simulator import koha

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ENV = "MATRICULA_TEST_KOHA_"
_ATTRIBUTE = os.environ.get(f"{_ENV}ATTRIBUTE", "STUDENT")


@dataclass
class Contract:
    """A Koha, real or not, with what a patron must be given there."""

    connector: KohaConnector
    url: str
    auth: tuple[str, str] | None
    category: str
    library: str
    mark: str = field(default_factory=lambda: f"MT{uuid.uuid4().hex[:10]}")

    def person(self, n: int, **more: object) -> dict[str, Any]:
        return {
            "cardnumber": f"{self.mark}{n}", "surname": "Okafor", "firstname": "Amara",
            "category_id": self.category, "library_id": self.library,
            "expiry_date": "2031-09-30", **more,
        }  # fmt: skip

    def create(self, n: int, **more: object) -> Outcome:
        fields = self.person(n, **more)
        match = {"cardnumber": fields["cardnumber"]}
        write = Write(str(n), "create", None, fields, frozenset(fields), match)
        (outcome,) = self.connector.write("patrons", [write], at=AT)
        return outcome

    def seen(self, n: int, resource: str = "patrons") -> dict[str, Any] | None:
        ((*found,),) = self.connector.find(resource, [{"cardnumber": f"{self.mark}{n}"}])
        return {**found[0].fields, "_id": found[0].external_id} if found else None

    def do(self, kind: Any, patron_id: str | None, **fields: Any) -> Outcome:
        write = Write("k", kind, patron_id, fields, frozenset(fields))
        (outcome,) = self.connector.write("patrons", [write], at=AT)
        return outcome

    def raw(self) -> httpx2.Client:
        if self.auth is None:
            pytest.skip("the bare traps are tried with a user name and a password")
        return httpx2.Client(base_url=f"{self.url}/api/v1", auth=self.auth, timeout=30)


@pytest.fixture(params=["simulator", "real"])
def contract(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Contract]:
    """A Koha to make a few patrons in, who are gone afterwards."""
    if request.param == "simulator":
        with koha() as running:
            for name in ("user", "password"):
                (tmp_path / name).write_text(getattr(running.account, name), encoding="utf-8")
            settings = {
                "url": running.url, "user": f"file:{tmp_path}/user",
                "password": f"file:{tmp_path}/password",
            }  # fmt: skip
            auth = (running.account.user, running.account.password)
            yield from _contract(settings, auth, tmp_path)
        return
    url = os.environ.get(f"{_ENV}URL")
    if not url:
        pytest.skip(f"no real Koha: set {_ENV}URL, and {_ENV}USER with {_ENV}PASSWORD")
    names = ("CLIENT_ID", "CLIENT_SECRET") if f"{_ENV}CLIENT_ID" in os.environ else (
        "USER", "PASSWORD"
    )  # fmt: skip
    settings = {"url": url, **{name.lower(): f"env:{_ENV}{name}" for name in names}}
    basic = names[0] == "USER"
    auth = (os.environ[f"{_ENV}USER"], os.environ[f"{_ENV}PASSWORD"]) if basic else None
    yield from _contract(settings, auth, tmp_path)


def _contract(
    settings: dict[str, Any], auth: tuple[str, str] | None, folder: Path
) -> Iterator[Contract]:
    checked = KohaConnector.Settings.model_validate({**settings, "attributes": [_ATTRIBUTE]})
    connector = KohaConnector(checked, Context("library", folder))
    made = Contract(
        connector,
        checked.url,  # type: ignore[attr-defined]  # the settings are Koha's
        auth,
        os.environ.get(f"{_ENV}CATEGORY", "ST"),
        os.environ.get(f"{_ENV}LIBRARY", "CPL"),
    )
    try:
        yield made
    finally:
        for n in range(4):
            seen = made.seen(n)
            if seen is not None:
                made.do("delete", seen["_id"])
        connector.close()


def test_our_account_may_do_what_the_tests_need(contract: Contract):
    health = contract.connector.ping()

    assert health.well, health.sentence


def test_a_patron_is_made_once_changed_read_and_deleted(contract: Contract):
    first = contract.create(0)
    again = contract.create(0)
    changed = contract.do("update", first.external_id, email="amara@northfield.example")
    seen = contract.seen(0)
    gone = [contract.do("delete", first.external_id) for _ in range(2)]

    assert first.error is None, first.error
    assert (again.external_id, again.adopted) == (first.external_id, True)
    assert changed.error is None, changed.error
    assert seen is not None
    assert (seen["email"], seen["surname"]) == ("amara@northfield.example", "Okafor")
    assert [one.error for one in gone] == [None, None]
    assert contract.seen(0) is None


def test_a_leaver_expires_and_comes_back(contract: Contract):
    patron_id = contract.create(1).external_id

    contract.do("suspend", patron_id)
    left = contract.seen(1)
    contract.do("resume", patron_id, expiry_date="2032-01-31")
    back = contract.seen(1)

    assert left is not None
    assert left["expiry_date"] == "2026-08-30"
    assert back is not None
    assert back["expiry_date"] == "2032-01-31"


def test_whoever_has_nothing_is_clear(contract: Contract):
    contract.create(2)

    seen = contract.seen(2, "clearance")

    assert seen is not None
    assert [seen[name] for name in ("loans", "overdue", "holds", "owed")] == [0, 0, 0, "0"]


def test_a_card_number_of_other_letters_and_a_strange_library_are_refused(contract: Contract):
    contract.create(0)
    contract.mark = contract.mark.lower()
    twin = contract.create(0)
    contract.mark = contract.mark.upper()
    strange = contract.create(3, library_id="NOSUCHLIB")

    assert isinstance(twin.error, SkipRow)
    assert isinstance(strange.error, SkipRow)
    assert "library_id" in strange.error.message


def test_a_listing_is_read_whole_and_in_order(contract: Contract):
    for n in range(3):
        contract.create(n)

    with contract.connector.read("patrons") as reading:
        cards = [c for batch in reading.batches for c in batch.column("cardnumber").to_pylist()]

    mine = [card for card in cards if card and card.startswith(contract.mark)]
    assert mine == [f"{contract.mark}{n}" for n in range(3)]


def test_koha_cuts_a_long_card_number_and_shows_it_uncut(contract: Contract):
    long = contract.mark + "9" * 40
    with contract.raw() as client:
        made = client.post("/patrons", json=contract.person(0, cardnumber=long))
        number = made.json()["patron_id"]
        stored = client.get(f"/patrons/{number}").json()
        client.delete(f"/patrons/{number}")

    assert made.status_code == 201
    assert made.json()["cardnumber"] == long
    assert stored["cardnumber"] == long[:32]


def test_koha_finds_what_contains_unless_it_is_told_otherwise(contract: Contract):
    contract.create(0)
    part = contract.mark[:-1]
    with contract.raw() as client:
        contains = client.get("/patrons", params={"cardnumber": part})
        exact = client.get("/patrons", params={"cardnumber": part, "_match": "exact"})

    assert [one["cardnumber"] for one in contains.json()] == [f"{contract.mark}0"]
    assert exact.json() == []


def test_a_unique_attribute_finds_its_patron_and_is_nobody_elses(contract: Contract):
    name = f"attribute.{_ATTRIBUTE}"
    patron_id = contract.create(0, **{name: contract.mark}).external_id
    twin = contract.create(1, **{name: contract.mark.lower()})
    other = contract.create(2).external_id
    taken = contract.do("update", other, **{name: contract.mark})
    changed = contract.do("update", patron_id, **{name: f"{contract.mark}X"})

    old, new = contract.connector.find(
        "patrons", [{name: contract.mark}, {name: f"{contract.mark}X"}]
    )

    assert [one.error.code for one in (twin, taken) if one.error] == ["M606", "M606"]
    assert contract.seen(1) is None
    assert changed.error is None, changed.error
    assert old == []
    assert [one.external_id for one in new] == [patron_id]


@pytest.mark.parametrize("given", ["embed", "parameter", "order"])
def test_koha_refuses_what_it_does_not_embed_and_breaks_on_an_order_of_two_meanings(
    contract: Contract, given: str
):
    joined = {"x-koha-embed": "extended_attributes"}
    with contract.raw() as client:
        if given == "embed":
            answer = client.get("/patrons", headers={"x-koha-embed": "nonsense"})
        elif given == "parameter":
            answer = client.get("/patrons", params={"nonsense": "1"})
        else:
            answer = client.get("/patrons", params={"_order_by": "patron_id"}, headers=joined)

    assert answer.status_code == (500 if given == "order" else 400)


def test_koha_shows_a_new_patron_sparsely_and_the_days_it_made_up_as_instants(contract: Contract):
    with contract.raw() as client:
        body = contract.person(0, firstname=" Zoë ")
        del body["expiry_date"]
        made = client.post("/patrons", json=body).json()

    assert "city" not in made
    assert made["firstname"] == "Zoë"
    assert made["userid"].startswith("zoe.okafor")
    assert len(made["expiry_date"]) > len("2031-09-30")


@pytest.mark.parametrize("q", ["{", '{"no_such_column":1}', '{"extended_attributes.code":"X"}'])
def test_koha_breaks_on_a_query_that_is_wrong(contract: Contract, q: str):
    with contract.raw() as client:
        assert client.get("/patrons", params={"q": q}).status_code == 500


def test_koha_keeps_what_a_change_leaves_out_and_clears_what_is_null(contract: Contract):
    patron_id = contract.create(0, email="amara@northfield.example", city="Northfield").external_id
    body = {n: v for n, v in contract.person(0).items() if n in ("surname", "category_id")}
    body |= {"library_id": contract.library, "city": None}
    with contract.raw() as client:
        answer = client.put(f"/patrons/{patron_id}", json=body)
        echoed = client.put(
            f"/patrons/{patron_id}", json=client.get(f"/patrons/{patron_id}").json()
        )

    seen = contract.seen(0)
    assert answer.status_code == 200
    assert echoed.status_code == 400
    assert seen is not None
    assert (seen["email"], seen["city"]) == ("amara@northfield.example", None)


def test_koha_breaks_on_attributes_in_a_change(contract: Contract):
    patron_id = contract.create(0).external_id
    body = {**contract.person(0), "extended_attributes": [{"type": "X", "value": "1"}]}
    with contract.raw() as client:
        assert client.put(f"/patrons/{patron_id}", json=body).status_code == 500


def test_koha_names_the_field_that_it_does_not_have_and_forbids_a_wrong_password(
    contract: Contract,
):
    with contract.raw() as client:
        unknown = client.post("/patrons", json=contract.person(0, nickname="x"))
        wrong = client.get("/patrons", auth=("nobody-at-all", "wrong"))
        none = httpx2.get(f"{contract.url}/api/v1/patrons")

    assert unknown.status_code == 400
    assert "nickname" in unknown.text
    assert (wrong.status_code, none.status_code) == (403, 401)
