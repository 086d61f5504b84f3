"""Connected systems: made from the charter's settings, asked how they are, let go of."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import ValidationError

from matricula.connectors import registry
from matricula.connectors.kit.protocol import Context
from matricula.hub.models import SystemState
from matricula.kernel.errors import MatriculaError
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pydantic_core import ErrorDetails

    from matricula.charter.model import Charter, System
    from matricula.connectors.kit.protocol import Connector
    from matricula.hub.desk import Desk


class Systems:
    """The connectors of one run, made when first asked for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._made: dict[str, Connector] = {}

    def __getitem__(self, name: str) -> Connector:
        """Give a system's connector."""
        if name not in self._made:
            system = self._desk.charter.systems[name]
            kind = registry.connector_class(system.connector)
            settings = kind.Settings.model_validate(dict(system.settings))
            context = Context(system=name, folder=self._desk.folder)
            self._made[name] = kind(settings, context)  # type: ignore[call-arg]  # a protocol has no constructor
        return self._made[name]

    def close(self) -> None:
        """Let go of every connection."""
        for connector in self._made.values():
            connector.close()


@contextmanager
def connected(desk: Desk) -> Iterator[Systems]:
    """Hold the systems of a charter for the length of a run."""
    systems = Systems(desk)
    try:
        yield systems
    finally:
        systems.close()


def check_settings(charter: Charter) -> list[Finding]:
    """Check every system's connector and settings, without connecting to anything."""
    found: list[Finding] = []
    for system in charter.systems.values():
        try:
            kind = registry.connector_class(system.connector)
            kind.Settings.model_validate(dict(system.settings))
        except MatriculaError as error:
            found.append(Finding(system.place, error.code, error.message, error.cure))
        except ValidationError as error:
            found += [_setting_finding(system, told) for told in error.errors()]
    return found


def _setting_finding(system: System, told: ErrorDetails) -> Finding:
    where = ".".join(str(part) for part in told["loc"])
    return Finding(
        system.place,
        "M602",
        f"{system.name}: the setting {where or 'settings'} is wrong: {told['msg']}.",
        f"See the settings of the connector {system.connector} in the reference.",
    )


def away_since(name: str) -> datetime | None:
    """Say since when a system has not been well; None when it is."""
    state = SystemState.objects.filter(system=name, is_well=False).first()
    return state.since if state else None


def remember(name: str, *, well: bool, sentence: str, at: datetime) -> None:
    """Remember how a system answered, and since when it has been so."""
    as_before = SystemState.objects.filter(system=name, is_well=well)
    if as_before.update(sentence=sentence, asked_at=at):
        return
    SystemState.objects.update_or_create(
        system=name,
        defaults={"is_well": well, "sentence": sentence, "since": at, "asked_at": at},
    )
