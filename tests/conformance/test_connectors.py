"""The kit's suite on every connector that has a subject in `subjects/`.

A module there defines `SUBJECT`, or `SUBJECTS` where a connector has several resources.
"""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.conformance import Subject, check_texts_survive, checks_for

if TYPE_CHECKING:
    from matricula.connectors.kit.conformance import Check

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("MATRICULA_SHARED", HERE.parents[2] / "shared"))
NAUGHTY = SHARED / "data" / "naughty-strings" / "blns.json"


# Subjects that stand in the tests' own database.
OF_DATABASE: set[str] = set()


def _subjects() -> list[Subject]:
    found: list[Subject] = []
    for path in sorted((HERE / "subjects").glob("[a-z]*.py")):
        spec = importlib.util.spec_from_file_location(f"conformance_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        mine = getattr(module, "SUBJECTS", None) or [module.SUBJECT]
        found.extend(mine)
        if getattr(module, "NEEDS_DATABASE", False):
            OF_DATABASE.update(subject.name for subject in mine)
    return found


def _marks(subject: Subject) -> list[pytest.MarkDecorator]:
    return [pytest.mark.django_db] if subject.name in OF_DATABASE else []


SUBJECTS = _subjects()
PAIRS = [
    pytest.param(subject, check, id=f"{subject.name}-{check}", marks=_marks(subject))
    for subject in SUBJECTS
    for check in checks_for(subject)
]
WRITABLE = [
    pytest.param(subject, id=subject.name, marks=_marks(subject))
    for subject in SUBJECTS
    if subject.text and "create" in subject.writes
]


@pytest.mark.parametrize(("subject", "check"), PAIRS)
def test_connector_keeps_the_promise(subject: Subject, check: Check, tmp_path: Path):
    check.run(subject, tmp_path)

    assert check.fits(subject)


@pytest.mark.parametrize("subject", WRITABLE)
def test_connector_stores_or_refuses_the_big_list_of_naughty_strings(
    subject: Subject, tmp_path: Path
):
    if not NAUGHTY.is_file():
        pytest.skip(f"the list of naughty strings is not at {NAUGHTY}")
    texts = [text for text in json.loads(NAUGHTY.read_text(encoding="utf-8")) if text.strip()]

    check_texts_survive(subject, tmp_path, texts)

    assert len(texts) > 400
