"""Whatever a consumer asks, the answer is a page or a refusal, in the published form."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matricula.api.oneroster.operations import operations
from matricula.connectors.kit.oneroster.json_text import path_of
from tests.api.consumers import consumer, fill

pytestmark = pytest.mark.django_db
COLLECTIONS = [one for one in operations() if "{" not in one.path]
FIELDS = sorted({name for one in COLLECTIONS for name in
                 ["sourcedId", "dateLastModified", "class.sourcedId", "roles.role",
                  *(each.name for each in one.shape.properties)]})  # fmt: skip
WORDS = st.one_of(st.sampled_from(["2026-09-01", "true", "'", "''", "%", "\\", "1e999", "NaN"]),
                  st.text(max_size=12))  # fmt: skip
FILTER = st.lists(
    st.tuples(st.sampled_from(FIELDS), st.sampled_from(["=", "!=", ">", "<=", "~", "=="]), WORDS,
              st.sampled_from([" AND ", " OR ", " "])),
    max_size=4,
).map(lambda parts: "".join(f"{a}{b}'{c}'{d}" for a, b, c, d in parts).strip())  # fmt: skip
QUERY = st.fixed_dictionaries(
    {},
    optional={
        "filter": st.one_of(FILTER, st.text(max_size=30)),
        "sort": st.one_of(st.sampled_from(FIELDS), st.text(max_size=8)),
        "orderBy": st.sampled_from(["asc", "desc", "ASC", "x"]),
        "fields": st.lists(st.sampled_from([*FIELDS, "x"]), max_size=3).map(",".join),
        "limit": st.one_of(st.integers(-1, 10), st.text(max_size=3)),
        "offset": st.one_of(st.integers(-1, 10), st.text(max_size=3)),
    },
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(operation=st.sampled_from(COLLECTIONS), query=QUERY)
def test_no_question_breaks_anything(world, operation, query):
    answer = world.get(f"{path_of(operation.shape.service)}/{operation.path}", **query)

    told = json.loads(answer.content)
    if answer.status_code == 200:
        assert list(told) == [operation.shape.table]
        assert int(answer["X-Total-Count"]) >= len(told[operation.shape.table])
    else:
        assert answer.status_code == 400
        assert told["imsx_codeMajor"] == "failure"


@pytest.fixture
def world():
    fill()
    return consumer()
