"""Whether what the charter refers to for messages is there; nobody is told anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.hub import channels, outbox, signing, webhooks
from matricula.hub.ways import NotTaken
from matricula.kernel.errors import SettingMissing
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.charter.model import Charter


def unreachable(charter: Charter) -> Iterator[Finding]:
    """List the channels, subscriptions and announcements whose secrets are not there."""
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


def _channels(charter: Charter) -> Iterator[Finding]:
    for office in charter.stewards.values():
        try:
            if office.channel:
                channels.must_be_known(office.channel)
        except NotTaken as error:
            message = f"stewards.{office.name} cannot be told where it talks: {error}."
            cure = "Write there an Apprise URL of one service."
            yield Finding(office.place, "M592", message, cure)
