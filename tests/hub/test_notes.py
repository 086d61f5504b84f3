"""What a reading could not use is an incident of its office; what is odd stands in the status."""

from __future__ import annotations

import pytest

from matricula.connectors.koha.simulator import koha

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

_FILES = """    connector: files
    steward: library
    settings:
      folder: drop
      resources:
        patrons: {file: patrons.csv, key: [cardnumber]}
"""
_KOHA = """    connector: koha
    steward: library
    settings:
      url: "%s"
      user: env:KOHA_USER
      password: env:KOHA_PASSWORD
      attributes: [FACULTY]
"""
_FINES = "      fines: {owner: library.patrons, type: money, class: personal}\n"


@pytest.fixture
def library(world, monkeypatch):
    """A Koha in the place of the library's export, in which Amara's faculty stands twice."""
    with koha() as running:
        monkeypatch.setenv("KOHA_USER", running.account.user)
        monkeypatch.setenv("KOHA_PASSWORD", running.account.password)
        world.edit_charter(_FILES, _KOHA % running.url, name="charter.yaml")
        faculty = "      faculty: {owner: library.patrons.attribute.FACULTY, type: text}\n"
        world.edit_charter(_FINES, faculty, name="charter.yaml")
        world.edit_charter("fines: {is: fines", "faculty: {is: faculty")
        made = running.library.add(
            {"cardnumber": "00001", "surname": "Okafor", "category_id": "ST", "library_id": "CPL"}
        )
        for value in ("Law", "Medicine"):
            running.library.add_attribute(
                int(made["patron_id"]), {"type": "FACULTY", "value": value}
            )
        yield running


def test_a_value_that_could_not_be_used_is_told_to_the_office_until_it_is_put_right(
    world, library
):
    world.run("plan")
    (incident,) = world.run("incidents", "--json").json
    (number,) = [one["extended_attribute_id"] for one in library.library.attributes][:1]

    library.library.drop_attribute(library.library.numbered("00001"), number)
    world.run("plan")

    assert (incident["code"], incident["steward"]) == ("M436", "library")
    assert incident["place"] == "library.patrons"
    assert "field attribute.FACULTY: The value is there several times" in incident["message"]
    assert "Law" not in incident["message"]
    assert incident["cure"] == "Have the library correct the record."
    assert world.run("incidents", "--json").json == []


def test_what_is_odd_but_bearable_stands_in_the_status_and_is_no_incident(world):
    rows = "".join(f"{n:05d},{n}.50,AmaraÃ¼\n" for n in range(1, 41))
    world.write_patrons(f"cardnumber,fines,surname\n{rows}")

    world.run("plan")
    systems = {one["system"]: one for one in world.run("status", "--json").json["systems"]}

    assert "characters that an earlier wrong decoding left" in systems["library"]["sentence"]
    assert world.run("incidents", "--json").json == []
