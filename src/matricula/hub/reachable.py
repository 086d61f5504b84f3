"""Whether messages could go out as they are set up; nobody is told anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.hub import channels, letters, outbox, signing, ways, webhooks
from matricula.hub.ways import NotTaken
from matricula.kernel.errors import SettingMissing
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.charter.model import Charter


def unreachable(charter: Charter) -> Iterator[Finding]:
    """List what does not let us in, and the channels and keys whose secrets are not there."""
    yield from _mail()
    yield from _channels(charter)
    for told in outbox.subscribers(charter):
        try:
            webhooks.address(told.how)
            signing.keys(told.how.secret)
        except SettingMissing as error:
            yield Finding(told.how.place, error.code, error.message, error.cure)
    for system in charter.systems.values():
        try:
            if system.announces:
                signing.keys(system.announces)
        except SettingMissing as error:
            yield Finding(system.place, error.code, error.message, error.cure)


def _mail() -> Iterator[Finding]:
    """Say why the mail server, where one is named, would take no letter of ours."""
    if not letters.are_on():
        return
    place = "MATRICULA_SMTP_URL"
    try:
        ways.must_take_mail()
    except ways.NotTaken as error:
        message = f"The mail server takes no letter of ours: {error}."
        cure = "Correct the account, MATRICULA_SMTP_PASSWORD or MATRICULA_MAIL_FROM, or have the "
        yield Finding(place, "M671", message, f"{cure}sending granted by the server's office.")
    except ways.Away as error:
        message = f"The mail server cannot be reached ({error})."
        yield Finding(place, "M670", message, "Bring it back, or correct MATRICULA_SMTP_URL.")


def _channels(charter: Charter) -> Iterator[Finding]:
    for office in charter.stewards.values():
        try:
            if office.channel:
                channels.must_be_known(office.channel)
        except NotTaken as error:
            message = f"stewards.{office.name} cannot be told where it talks: {error}."
            cure = "Write there an Apprise URL of one service."
            yield Finding(office.place, "M592", message, cure)
