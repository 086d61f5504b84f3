"""Whom the hub tells, and who tells it: read from the text, and refused with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .texts import errors, loaded

if TYPE_CHECKING:
    from pathlib import Path

OFFICE = "notify: iam@northfield.example"
SYSTEM = "lms: {connector: files, steward: it"
HOOK = "url: 'https://lms.example/hook', secret: env:KEY, events: [flow.delivered], because: x"


def test_channels_subscriptions_and_announcements_are_compiled(tmp_path: Path) -> None:
    charter = loaded(
        tmp_path,
        (OFFICE, f"{OFFICE}, channel: env:ROOM, subscribes: {{{HOOK}}}"),
        (SYSTEM, f"{SYSTEM}, subscribes: {{{HOOK}}}, announces: {{secret: 'file:/run/key'}}"),
    ).charter

    assert charter is not None
    office, system = charter.stewards["it"], charter.systems["lms"]
    assert office.channel == "env:ROOM"
    assert office.subscribes is not None
    assert office.subscribes.events == ("flow.delivered",)
    assert system.subscribes is not None
    assert (system.subscribes.secret, system.subscribes.place) == ("env:KEY", "all.yaml:12")
    assert system.announces == "file:/run/key"


def test_whom_the_hub_tells_needs_no_new_signature(tmp_path: Path) -> None:
    before = loaded(tmp_path).charter
    after = loaded(
        tmp_path,
        (OFFICE, f"{OFFICE}, channel: env:ROOM"),
        (SYSTEM, f"{SYSTEM}, subscribes: {{{HOOK}}}, announces: {{secret: env:KEY}}"),
    ).charter

    assert before is not None
    assert after is not None
    assert after.flows["accounts"].digest == before.flows["accounts"].digest
    assert after.digest != before.digest


@pytest.mark.parametrize(
    ("edit", "code", "place", "word"),
    [
        ((OFFICE, f"{OFFICE}, channel: 'slack://hidden'"), "M217", 8, "it.channel"),
        ((OFFICE, f"{OFFICE}, channel: 'env:hidden value'"), "M217", 8, "it.channel"),
        ((OFFICE, f"{OFFICE}, channel: 'file:'"), "M217", 8, "it.channel"),
        ((SYSTEM, f"{SYSTEM}, announces: {{secret: whsec_hidden}}"), "M217", 12, "announces.s"),
        ((SYSTEM, f"{SYSTEM}, announces: {{}}"), "M111", 12, "`secret`"),
        ((SYSTEM, f"{SYSTEM}, announces: {{secret: env:A, url: x}}"), "M110", 12, "`url`"),
        ((SYSTEM, f"{SYSTEM}, announces: yes"), "M112", 12, "announces"),
        *(
            ((SYSTEM, f"{SYSTEM}, subscribes: {{{HOOK.replace(old, new)}}}"), code, 12, word)
            for old, new, code, word in [
                ("https://lms", "http://hidden", "M113", "subscribes.url"),
                ("https://lms.example/hook", "hidden", "M113", "subscribes.url"),
                ("https://lms", "https://me:hidden@lms", "M217", "subscribes.url"),
                ("https://lms.example", "https://[hidden", "M113", "subscribes.url"),
                ("https://lms.example/hook", "env:", "M217", "subscribes.url"),
                ("env:KEY", "whsec_hidden", "M217", "subscribes.secret"),
                ("[flow.delivered]", "[flow.hidden]", "M113", "subscribes.events"),
                ("[flow.delivered]", "[]", "M113", "subscribes.events"),
                (", because: x", "", "M111", "`because`"),
            ]
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_line_and_no_secret_is_repeated(
    tmp_path: Path, edit: tuple[str, str], code: str, place: int, word: str
) -> None:
    (found,) = errors(loaded(tmp_path, edit))

    assert (found.code, found.place) == (code, f"all.yaml:{place}")
    assert word in found.message + found.cure
    # A word that is not of the list is no secret.
    assert "hidden" not in found.message + found.cure or "events" in found.message
