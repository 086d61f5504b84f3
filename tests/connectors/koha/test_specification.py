"""What our client asks, and what the simulator answers, is what Koha itself publishes."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.koha.simulator.columns import COLUMNS, REQUIRED
from matricula.connectors.koha.simulator.server import Exchange
from tests.connectors.koha.people import AMARA, BELA, change, create
from tests.connectors.koha.specification import Specification

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.connectors.kit.protocol import Value
    from tests.connectors.koha.conftest import Place


@pytest.fixture
def specification(shared: Path) -> Specification:
    """Koha's interface description, where it is at hand."""
    path = shared / "standards" / "koha" / "koha-openapi.json"
    if not path.is_file():
        pytest.skip(f"Koha's interface description is not at {path}; set MATRICULA_SHARED")
    return Specification(path)


def test_every_call_and_every_answer_is_as_koha_publishes_it(
    place: Place, specification: Specification
):
    place.running.listener = specification.judge
    attributes: dict[str, Value] = {"attribute.STUDENT": "0001", "attribute.FACULTY": "Law"}

    amara, bela = place.write(create(AMARA, **attributes), create(BELA, gender="F"))
    number = int(str(amara.external_id))
    place.library.loans[number], place.library.holds[number] = [date(2020, 1, 1)], 2
    place.library.debits[number], place.library.credits[number] = [1.5], [0.5]
    place.connector.describe()
    place.write(
        change(amara.external_id, firstname="Ama", attribute_FACULTY="Arts"),
        change(bela.external_id, attribute_FACULTY="Law", date_of_birth="2004-02-29"),
    )
    place.write(change(bela.external_id, attribute_FACULTY=None, email=None))
    place.write(change(bela.external_id, "suspend"), change(amara.external_id, "resume"))
    place.write(create({**AMARA, "cardnumber": "s001"}), create({**BELA, "category_id": "X"}))
    for resource in ("patrons", "clearance"):
        place.rows(resource)
        place.connector.find(
            resource, [{"cardnumber": "S001"}, {"attribute.STUDENT": "0001"}, {"_id": str(number)}]
        )
    place.write(change(amara.external_id, "delete"), change(bela.external_id, "delete"))
    place.write(change("999", "update", firstname="X"))

    assert specification.faults == []
    assert specification.judged > 40


def test_the_simulators_patron_is_the_published_one(specification: Specification):
    published = specification.whole["definitions"]["patron_yaml"]

    assert set(COLUMNS) == set(published["properties"])
    assert set(REQUIRED) == set(published["required"])
    for name, column in COLUMNS.items():
        says = published["properties"][name]
        kind = says.get("format") or (
            says["type"] if isinstance(says["type"], str) else says["type"][0]
        )
        assert (name, column.kind) == (name, kind)
        assert column.read_only == says.get("readOnly", False), name
        assert column.nullable == isinstance(says["type"], list), name


def test_the_judge_sees_what_is_not_published(specification: Specification):
    wrong = Exchange(
        "POST", "/api/v1/patrons", {"_page": "1"}, ["library"], {"nickname": "x"}, 207, {}
    )
    specification.judge(wrong)

    text = " ".join(specification.faults)
    assert all(word in text for word in ("nickname", "no embed", "no parameter", "no such status"))
