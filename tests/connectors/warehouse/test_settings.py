from __future__ import annotations

import pytest
from pydantic import ValidationError

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
