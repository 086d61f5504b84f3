"""Values as Moodle takes and gives them, and what none may be."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.moodle import fields, mapping
from matricula.connectors.moodle.refusals import Refused, judged, of_record
from matricula.connectors.moodle.settings import MoodleSettings

LONDON, UTC = ZoneInfo("Europe/London"), ZoneInfo("UTC")
USERS, COURSES = fields.users(("intake",)), fields.COURSES


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("username", "Amara", "upper-case"),
        ("username", " amara", "space"),
        ("username", None, "blank"),
        ("firstname", "  ", "blank"),
        ("firstname", "x" * 101, "101 characters"),
        ("lastname", "a<b", "HTML"),
        ("email", "amara@", "e-mail"),
        ("country", "Ghana", "Moodle holds 2"),
        ("country", "gb", "capital"),
        ("department", "NUL\0inside", "leaves out"),
        ("suspended", "perhaps", "true nor false"),
    ],
)
def test_a_value_that_moodle_would_refuse_or_change_is_refused_by_name(
    name: str, value: str | None, why: str
):
    with pytest.raises(SkipRow, match=why) as caught:
        mapping.checked(USERS.columns[name], value)

    assert caught.value.message.startswith(name)
    assert caught.value.code == "M604"


@pytest.mark.parametrize("value", ["x" * 100, "a < b", "R&D > all", "Ánh “Tuyết”", "王小明"])
def test_a_value_that_moodle_takes_passes(value: str):
    assert mapping.checked(USERS.columns["firstname"], value) is None


def test_a_day_begins_where_the_institution_is():
    start = COURSES.columns["startdate"]

    assert (
        mapping.native(start, "2026-07-01", UTC) - mapping.native(start, "2026-07-01", LONDON)
        == 3600
    )
    assert mapping.canonical(start, 1782860400, LONDON) == "2026-07-01"
    assert mapping.native(start, None, LONDON) == 0
    assert mapping.canonical(start, 0, LONDON) is None


@pytest.mark.parametrize(
    ("raw", "text"), [(67.5, "67.5"), ("67.50000", "67.5"), (100, "100"), (0, "0"), (0.1, "0.1")]
)
def test_a_mark_is_written_without_the_traces_of_a_float(raw: object, text: str):
    assert mapping.decimal_text(raw) == text


def test_profile_fields_go_in_a_list_of_their_own_and_come_back_as_fields():
    form = mapping.native_record(USERS, {"city": "York", "profile.intake": "2026"}, UTC)
    custom = [{"shortname": "intake", "value": "2026"}]
    row = mapping.row_of(USERS, {"id": 7, "city": "York", "customfields": custom}, UTC)

    assert form == {"city": "York", "customfields": [{"type": "intake", "value": "2026"}]}
    assert (row["profile.intake"], row["city"], row["idnumber"]) == ("2026", "York", None)


def test_of_an_error_only_a_plain_code_is_ever_repeated():
    page = {"errorcode": "<div>Amara's password is weak</div>", "message": "Amara"}
    error = judged("core_user_create_users", page)

    assert isinstance(error, Refused)
    assert error.code == "unnamed"
    assert "Amara" not in str(of_record(error))


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://moodle.campus.example"},
        {"token": "0123456789abcdef"},
        {"timezone": "Mars/Olympus"},
        {"resources": ["everything"]},
        {"password": "x"},
        {"page_size": 5000},
    ],
)
def test_settings_that_would_do_harm_are_refused(wrong: dict[str, object]):
    sound = {"url": "https://moodle.campus.example", "token": "env:MOODLE_TOKEN"}

    assert MoodleSettings.model_validate(sound).batch_size == 50
    with pytest.raises(ValidationError):
        MoodleSettings.model_validate({**sound, **wrong})
