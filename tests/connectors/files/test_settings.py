"""What a charter may say about files, and what is refused before a file is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from matricula.charter.grammar import FlowPart
from matricula.connectors import files, registry
from matricula.connectors.files.settings import FilesSettings

PART = Path(files.__file__).parent / "charter.yaml"


def settings(**resource):
    stated = {"file": "patrons.csv", "key": ["cardnumber"], **resource}
    return FilesSettings.model_validate({"folder": "drop", "resources": {"patrons": stated}})


def test_the_part_that_an_institution_copies_is_valid():
    part = YAML(typ="safe").load(PART.read_text(encoding="utf-8"))

    parsed = FilesSettings.model_validate(part["systems"]["library"]["settings"])
    flow = FlowPart.model_validate(part["flows"]["library-patrons"])

    assert set(flow.fields) <= set(parsed.resources["patrons"].columns)


def test_a_charter_calls_the_connector_files():
    assert registry.connector_class("files").__name__ == "FilesConnector"


@pytest.mark.parametrize(
    ("file", "kind"),
    [("a.csv", "csv"), ("a.TXT", "csv"), ("a-*.parquet", "parquet"), ("a.ndjson", "jsonl")],
)
def test_the_format_follows_from_the_ending(file, kind):
    assert settings(file=file).resources["patrons"].kind == kind


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        ({"file": "patrons.dat"}, "write `format:`"),
        ({"key": []}, "at least 1"),
        ({"columns": ["surname"]}, "must list the key"),
        ({"delimiter": ";;"}, "at most 1"),
        ({"delimiter": '"'}, "must differ"),
        ({"encoding": "utf-7"}, "utf-16"),
        ({"patterns": {"cardnumber": "["}}, "not a regular expression"),
        ({"patterns": {"cardnumber": "(?=a)b"}}, "not a regular expression"),
        ({"control": {}}, "either"),
        ({"control": {"file": "x", "trailer": "(?P<rows>.)"}}, "either"),
        ({"control": {"trailer": "END,.*"}}, "(?P<rows>"),
        ({"file": "p.jsonl", "control": {"trailer": "(?P<rows>.)"}}, "only CSV"),
        ({"file": "p.jsonl", "encoding": "utf-16"}, "always utf-8"),
        ({"seperator": ";"}, "Extra inputs"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(resource, said):
    with pytest.raises(ValidationError) as refusal:
        settings(**resource)

    assert said in str(refusal.value)
