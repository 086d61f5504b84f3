from __future__ import annotations

from importlib import resources

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from matricula.connectors.warehouse.connector import WarehouseConnector


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "either `folder:` or `url:`"),
        ({"folder": "w", "url": "env:URL"}, "either `folder:` or `url:`"),
        ({"url": "postgresql://a:secret@localhost/x"}, "the URL holds a password"),
        ({"url": "sqlite:///x.db"}, "a folder or a PostgreSQL database"),
        ({"folder": "w", "resources": {"Students; DROP": {}}}, "no name for a table"),
        ({"folder": "w", "resources": {"s": {"columns": {"a": "varchar"}}}}, "no column type"),
        ({"folder": "w", "resources": {"s": {"refs": {"a": "t"}}}}, "names t"),
        (
            {"folder": "w", "resources": {"s": {"columns": {"a": "date"}, "refs": {"a": "s"}}}},
            "which are text",
        ),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_with_the_reason(
    settings: dict[str, object], why: str
):
    with pytest.raises(ValidationError, match=why):
        WarehouseConnector.Settings.model_validate(settings)


def test_the_part_of_a_charter_that_comes_with_the_connector_has_good_settings():
    part = resources.files("matricula.connectors.warehouse").joinpath("charter.yaml")
    text = YAML(typ="safe").load(part.read_text(encoding="utf-8"))
    system = text["systems"]["reporting"]

    settings = WarehouseConnector.Settings.model_validate(system["settings"])

    assert system["connector"] == "warehouse"
    targets = {flow["to"].partition(".")[2] for flow in text["flows"].values()}
    assert targets <= set(settings.resources)
