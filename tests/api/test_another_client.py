"""A client that others made reads ours, and puts to it, unmodified, by types of its own.

It was generated from 1EdTech's description of version 1.1. Where that knows an object otherwise
than 1.2 does, the client's own types refuse what it was sent; each such operation is named here.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.api.consumers import GRADEBOOK, RESOURCES, ROSTERING, Consumer, consumer, fill
from tests.api.test_receiving import ROSTER, receiving_charter
from tests.api.test_round_trip import answering
from tests.api.test_schemas import NAMED, SINGLE

if TYPE_CHECKING:
    from collections.abc import Iterator

oneroster_client = pytest.importorskip(
    "oneroster_client", reason="strongmind-oneroster-client is not installed"
)
pytestmark = pytest.mark.django_db(transaction=True)
COLLECTIONS = {
    "academic_session": "academicSessions", "class": "classes", "category": "categories",
    "demographic": "demographics", "grading_period": "gradingPeriods", "line_item": "lineItems",
}  # fmt: skip
# In 1.1 a user has one role and its organisations; in 1.2 it has roles, each in one of them.
ROLE_ELSEWHERE = re.compile("get_(user|student|teacher)s?($|_for)")
# The standard's address is .../lineItems; this client asks for .../lineitems.
ANOTHER_ADDRESS = {"get_line_items_for_class"}


class Call(NamedTuple):
    """One reading operation of the client: its class, its name, what it is asked for."""

    api: type
    name: str
    named: tuple[str, ...]

    @property
    def base(self) -> str:
        if re.search("category|categories|line_item|result", self.name):
            return GRADEBOOK
        return RESOURCES if "resource" in self.name else ROSTERING

    def made(self, address: str, token: str, **how: bool) -> Any:
        """What the client makes of the answer."""
        return getattr(self.api(client_at(address + self.base, token)), self.name)(
            *self.named, **how
        )


def client_at(address: str, token: str) -> Any:
    configuration = oneroster_client.Configuration()
    configuration.host, configuration.access_token = address, token
    return oneroster_client.ApiClient(configuration)


def calls() -> Iterator[Call]:
    """Every reading operation that the client has."""
    import oneroster_client.api

    for module in pkgutil.iter_modules(oneroster_client.api.__path__):
        there = vars(importlib.import_module(f"oneroster_client.api.{module.name}"))
        (api,) = [one for name, one in there.items() if name.endswith("ManagementApi")]
        for name, method in inspect.getmembers(api, inspect.isfunction):
            if name.startswith("get_") and not name.endswith("_info"):
                _, *words, _ = inspect.signature(method).parameters
                yield Call(api, name, tuple(named(name, word) for word in words))


def named(operation: str, word: str) -> str:
    if word != "sourced_id":
        return NAMED[
            {"line_item": "lineItem"}.get(which := word.removesuffix("_sourced_id"), which)
        ]
    one = operation.removeprefix("get_")
    return SINGLE[COLLECTIONS.get(one, f"{one}s")]


def as_json(made: Any) -> Any:
    return oneroster_client.ApiClient().sanitize_for_serialization(made)


def holds(ours: Any, theirs: Any) -> bool:
    """Whether all that the client made of an answer stands in the answer."""
    if isinstance(theirs, dict):
        return all(name in ours and holds(ours[name], told) for name, told in theirs.items())
    if isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(holds, ours, theirs))
    if isinstance(ours, str) and re.match(r"\d{4}-\d\d-\d\dT", ours):
        return datetime.fromisoformat(ours) == datetime.fromisoformat(theirs)
    # A boolean is the word for it in 1.2, and was none in 1.1.
    return ours == (str(theirs).lower() if isinstance(theirs, bool) else theirs)


def test_every_operation_of_the_client_reads_what_is_served():
    fill()
    token, seen = consumer().token, {}

    with answering() as address:
        for call in calls():
            try:
                made = call.made(address, token)
            except Exception as error:  # noqa: BLE001 - the client raises whatever its parts do
                seen[call.name] = f"{type(error).__name__}: {error}"
                continue
            # The same, before its types made anything of it.
            raw = call.made(address, token, _preload_content=False).json()
            assert holds(raw, as_json(made)), call.name
            assert all(raw.values()), call.name

    everything = {call.name for call in calls()}
    elsewhere = {name for name in everything if ROLE_ELSEWHERE.match(name)}
    assert len(everything) == 55
    assert {name for name, said in seen.items() if "404" in said} == ANOTHER_ADDRESS
    assert {name for name, said in seen.items() if "`role`" in said} == elsewhere
    assert set(seen) == ANOTHER_ADDRESS | elsewhere
    assert len(everything) - len(seen) == 42


def test_users_reach_the_client_whole_before_its_own_types_refuse_them():
    fill()
    token = consumer().token

    with answering() as address:
        for call in calls():
            if ROLE_ELSEWHERE.match(call.name):
                raw = call.made(address, token, _preload_content=False).json()
                (told,) = raw.values()
                one = told if isinstance(told, dict) else told[0]
                assert one["roles"][0]["org"]["sourcedId"] == "northfield", call.name


def test_the_client_puts_a_mark_changes_it_and_takes_it_away(tmp_path, settings):
    receiving_charter(tmp_path, settings, receives="[categories, lineItems, results]")
    fill(tables=[one for one in ROSTER if one != "categories"])
    token = consumer().token
    models = oneroster_client
    head = {"status": "active", "date_last_modified": datetime.fromisoformat("2026-11-05T10:00Z")}

    def ref(kind: str, one: str) -> Any:
        return models.GUIDRefType(href=f"https://vle.example/{one}", sourced_id=one, type=kind)

    with answering() as address:
        api = client_at(address + GRADEBOOK, token)
        grading, marking = models.CategoriesManagementApi(api), models.ResultsManagementApi(api)
        items = models.LineItemsManagementApi(api)
        category = models.CategoryType(title="Coursework", sourced_id="coursework", **head)
        grading.put_category({"category": as_json(category)}, "coursework")
        item = models.LineItemType(
            title="Essay", sourced_id="essay", assign_date=date(2026, 10, 1),
            due_date=date(2026, 10, 31), _class=ref("class", "law101-a"),
            category=ref("category", "coursework"),
            grading_period=ref("academicSession", "2026-autumn-1"), result_value_min=0,
            result_value_max=100, **head,
        )  # fmt: skip
        # Its line item of 1.1 has no school, which 1.2 requires, and days instead of instants.
        more = {"school": as_json(ref("org", "northfield")), "assignDate": "2026-10-01T00:00:00Z",
                "dueDate": "2026-10-31T00:00:00Z"}  # fmt: skip
        with pytest.raises(Exception, match="422"):
            items.put_line_item({"lineItem": as_json(item)}, "essay")
        items.put_line_item({"lineItem": as_json(item) | more}, "essay")
        for score in (71.5, 40.0):
            mark = models.ResultType(
                line_item=ref("lineItem", "essay"), student=ref("user", "S1"), score=score,
                score_status="fully graded", score_date=date(2026, 11, 5), sourced_id="S1-essay",
                **head,
            )  # fmt: skip
            marking.put_result({"result": as_json(mark)}, "S1-essay")
            assert marking.get_result("S1-essay").result.score == score
        marking.delete_result("S1-essay")
        items.delete_line_item("essay")
        grading.delete_category("coursework")

    left = Consumer(token).get(f"{GRADEBOOK}/results").json()["results"]
    assert [(one["sourcedId"], one["status"]) for one in left] == [("S1-essay", "tobedeleted")]
