"""What is taught comes in by the rules of the curriculum; what is none of a bundle is refused."""

from __future__ import annotations

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.curriculum import queries as curriculum
from tests.sis.loading.bundles import TAUGHT, loaded, said, taken, whole

pytestmark = pytest.mark.django_db


def test_what_is_taught_and_is_there_and_different_is_named_and_stays():
    loaded(TAUGHT)
    other = whole(TAUGHT)
    other["programmes"] = [{**TAUGHT["programmes"][0], "title": "Life sciences"}]
    other["sections"] = [{**TAUGHT["sections"][0], "capacity": "40"}]
    other["section_events"] = other["section_events"][:1]

    found = loaded(other)

    assert said(found) == [
        ("programmes.csv:2", "M996", "title"), ("sections.csv:2", "M996", "capacity"),
        ("sections.csv:2", "M996", "section"),
    ]  # fmt: skip
    assert taken(found) == {}
    assert curriculum.programme("BIO").title == "Biology"


_UNFIT = [
    ("terms", {"code": "t2", "census_on": "2026-12-20"}, "census_on"),
    ("terms", {"code": "t3"}, "120 percent"),
    ("campuses", {"code": "c2", "timezone": "Europe/Atlantis"}, "Europe/Atlantis"),
    ("curricula", {"version": "2", "requirements": '{"any": []}'}, "does not say what it asks"),
    ("curricula", {"version": "3", "requirements": "{"}, "no JSON"),
    ("module_versions", {"starts_on": "2021-01-01", "requisites": "passed(BIO"}, "character 11"),
    ("meetings", {"weekday": "8"}, "weekday"),
    ("meetings", {"ends_at": "08:00"}, "before it has begun"),
]


def test_what_is_taught_fits_by_the_rules_of_the_curriculum_or_is_not_taken():
    band = {"term": "t3", "until_on": "2026-09-28", "percent": "120"}
    more = [{table: [{**TAUGHT[table][0], **change}]} for table, change, _ in _UNFIT]

    found = loaded(whole(TAUGHT, *more, refund_bands=[band]))

    messages = [one.message for one in found.findings() if one.code == "M992"]
    assert [says for *_, says in _UNFIT if not any(says in one for one in messages)] == []
    assert taken(found) == {name: len(rows) for name, rows in TAUGHT.items()}


def test_a_key_that_stands_twice_names_the_first_row():
    bundle = whole(TAUGHT, programmes=TAUGHT["programmes"])

    found = loaded(bundle)

    assert said(found) == [("programmes.csv:3", "M994", "code")]
    assert "programmes.csv:2" in next(found.findings()).message


@pytest.mark.parametrize(
    ("table", "column", "says"),
    [("students", "nickname", "no column nickname"), ("pupils", "person", "no table pupils")],
)
def test_a_bundle_with_a_table_or_column_that_nobody_knows_is_refused_whole(table, column, says):
    with pytest.raises(Refused, match=says) as refused:
        loaded(whole(TAUGHT, {table: [{column: "x"}]}))

    assert refused.value.code == "M991"


def test_an_empty_bundle_changes_nothing():
    found = loaded({})

    assert (found.counts, said(found)) == ((), [])
