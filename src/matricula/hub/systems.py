"""Connected systems: made from the charter's settings, asked how they are, let go of."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import ValidationError

from matricula.connectors import registry
from matricula.connectors.kit.errors import ConnectorError
from matricula.connectors.kit.protocol import Context
from matricula.hub.models import SystemState
from matricula.kernel.errors import MatriculaError
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from pydantic_core import ErrorDetails

    from matricula.charter.model import Charter, System
    from matricula.connectors.kit.protocol import Connector, ResourceShape
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


def remember(name: str, *, well: bool, sentence: str, at: datetime) -> None:
    """Remember how a system answered, and since when it has been so."""
    before = SystemState.objects.filter(system=name).first()
    since = before.since if before and before.is_well == well else at
    SystemState.objects.update_or_create(
        system=name,
        defaults={"is_well": well, "sentence": sentence, "since": since, "asked_at": at},
    )


def check_live(desk: Desk) -> list[Finding]:
    """Ask every system whether it has what the charter names, and can take it.

    Returns:
        A finding for each system that is away or refuses us, and for each resource or
        field that is missing or cannot be written.
    """
    found: list[Finding] = []
    with connected(desk) as systems:
        for system in desk.charter.systems.values():
            try:
                connector = systems[system.name]
                health = connector.ping()
                remember(system.name, well=health.well, sentence=health.sentence, at=desk.at)
                if not health.well:
                    found.append(_away(system, health.sentence))
                    continue
                shapes = {shape.name: shape for shape in connector.describe()}
            except ConnectorError as error:
                found.append(Finding(system.place, error.code, error.message, error.cure))
                continue
            found += _compare(desk.charter, system, shapes)
    return found


def _away(system: System, sentence: str) -> Finding:
    return Finding(
        system.place, "M652", f"{system.name} is not there: {sentence}",
        "See whether it runs and whether the secret that the charter names is right.",
    )  # fmt: skip


def _compare(
    charter: Charter, system: System, shapes: Mapping[str, ResourceShape]
) -> list[Finding]:
    found: list[Finding] = []
    for entity in charter.entities.values():
        for owned in entity.fields.values():
            if owned.owner.system == system.name:
                found += _lacks(shapes, owned.owner.resource, [owned.owner_field], owned.place)
    for flow in charter.flows.values():
        if flow.target.system == system.name:
            for granted in flow.fields.values():
                found += _lacks(
                    shapes, flow.target.resource, [granted.name], granted.place, write=True
                )
    return found


def _lacks(
    shapes: Mapping[str, ResourceShape],
    resource: str,
    fields: list[str],
    place: str,
    *,
    write: bool = False,
) -> list[Finding]:
    shape = shapes.get(resource)
    if shape is None:
        return [
            Finding(
                place, "M654", f"The system has no resource {resource}.",
                f"Use one of {', '.join(sorted(shapes)) or 'those it has'}.",
            )
        ]  # fmt: skip
    known = {f.name: f for f in shape.fields}
    found = []
    for name in fields:
        if name in known and write and not known[name].writable:
            found.append(
                Finding(
                    place,
                    "M654",
                    f"{resource}.{name} cannot be written.",
                    "Leave it out of the flow.",
                )
            )
        if name not in known and not shape.open_ended:
            found.append(
                Finding(
                    place, "M654", f"{resource} has no field {name}.",
                    f"Use one of {', '.join(sorted(known)[:12])}.",
                )
            )  # fmt: skip
    return found
