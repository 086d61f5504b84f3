from __future__ import annotations

from importlib import resources

from ruamel.yaml import YAML

from matricula.connectors.sql.connector import SqlConnector


def test_the_part_of_a_charter_that_comes_with_the_connector_has_good_settings():
    part = resources.files("matricula.connectors.sql").joinpath("charter.yaml")
    text = YAML(typ="safe").load(part.read_text(encoding="utf-8"))
    system = text["systems"]["campus"]

    settings = SqlConnector.Settings.model_validate(system["settings"])

    assert system["connector"] == "sql"
    targets = {flow["to"].partition(".")[2] for flow in text["flows"].values()}
    assert targets <= set(settings.resources)
