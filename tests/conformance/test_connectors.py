"""The kit's suite on every connector that has a subject in `subjects/`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.conformance import check_texts_survive, checks_for
from tests.conformance.every import subjects

if TYPE_CHECKING:
    from matricula.connectors.kit.conformance import Check, Subject

HERE = Path(__file__).parent
SHARED = Path(os.environ.get("MATRICULA_SHARED", HERE.parents[2] / "shared"))
NAUGHTY = SHARED / "data" / "naughty-strings" / "blns.json"


EVERY = subjects()


def _marks(*, needs_database: bool) -> list[pytest.MarkDecorator]:
    return [pytest.mark.django_db] if needs_database else []


PAIRS = [
    pytest.param(subject, check, id=f"{subject.name}-{check}", marks=_marks(needs_database=needs))
    for subject, needs in EVERY
    for check in checks_for(subject)
]
WRITABLE = [
    pytest.param(subject, id=subject.name, marks=_marks(needs_database=needs))
    for subject, needs in EVERY
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
