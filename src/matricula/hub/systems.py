"""Connected systems: made from the charter's settings, asked how they are, let go of."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import F
from pydantic import ValidationError

from matricula.connectors import registry
from matricula.connectors.kit.errors import ConnectorError, GiveUp, Stop
from matricula.connectors.kit.protocol import Context
from matricula.hub.alone import overtaken
from matricula.hub.models import SystemState
from matricula.hub.settings import finding
from matricula.kernel.errors import MatriculaError, SettingMissing
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from matricula.charter.model import Charter, System
    from matricula.charter.text import Node
    from matricula.connectors.kit.protocol import Connector
    from matricula.hub.alone import Claim
    from matricula.hub.desk import Desk


_LONGEST_REST = timedelta(days=1)


class Systems:
    """The connectors of one run, made when first asked for.

    `refusing` says why nothing more is sent to a system in this run; `may_send` whether the
    run still has the right to, and `fence` the same within a transaction (`alone.Claim`).
    """

    def __init__(self, desk: Desk, claim: Claim | None) -> None:
        self._desk = desk
        self._claim = claim
        self._made: dict[str, Connector] = {}
        self.refusing: dict[str, str] = {}

    def may_send(self) -> bool:
        """Whether the run may still write; one that only looks never may."""
        return self._claim is not None and self._claim.holds()

    def fence(self, system: str) -> None:
        """Let a transaction go on only while the run may write to a system.

        Raises:
            Refused: It was thought dead (M529).
        """
        if self._claim is None:
            raise overtaken()
        self._claim.fence(system)

    def __getitem__(self, name: str) -> Connector:
        """Give a system's connector.

        Raises:
            ConnectorError: It cannot be made, which is this system's trouble and no other's.
        """
        if name not in self._made:
            try:
                self._made[name] = self._make(name)
            except SettingMissing as error:
                raise Stop(error.message, code="M613", cure=error.cure) from error
            except ConnectorError:
                raise
            except Exception as error:
                # Its name alone: what else it says may hold a secret.
                raise GiveUp(
                    f"The connector of {name} cannot be made: {type(error).__name__}.",
                    code="M654",
                    cure="Look at the system's settings with `matricula check`, or report it to "
                    "whoever maintains the connector; the other flows go on.",
                ) from error
        return self._made[name]

    def _make(self, name: str) -> Connector:
        system = self._desk.charter.systems[name]
        kind = registry.connector_class(system.connector)
        for wrong in _wrong_settings(system, kind, None):
            raise GiveUp(wrong.message, code=wrong.code, cure=wrong.cure)
        settings = kind.Settings.model_validate(dict(system.settings))
        context = Context(system=name, folder=self._desk.folder)
        return kind(settings, context)  # type: ignore[call-arg]  # a protocol has no constructor

    def close(self) -> None:
        """Let go of every connection."""
        for connector in self._made.values():
            connector.close()


@contextmanager
def connected(desk: Desk, claim: Claim | None = None) -> Iterator[Systems]:
    """Hold the systems of a charter for the length of a run.

    Args:
        desk: The charter.
        claim: The run's right to write; without one it may only look.
    """
    systems = Systems(desk, claim)
    try:
        yield systems
    finally:
        systems.close()


def check_settings(charter: Charter, text: Node | None = None) -> list[Finding]:
    """Check every system's connector and settings, without connecting to anything.

    Args:
        charter: Whose systems.
        text: What it was compiled from, for the lines.
    """
    found: list[Finding] = []
    for system in charter.systems.values():
        try:
            kind = registry.connector_class(system.connector)
        except MatriculaError as error:
            found.append(Finding(system.place, error.code, error.message, error.cure))
            continue
        found += _wrong_settings(system, kind, text)
    return found


def _wrong_settings(system: System, kind: type[Connector], text: Node | None) -> list[Finding]:
    try:
        kind.Settings.model_validate(dict(system.settings))
    except ValidationError as error:
        told = [finding(system, kind.Settings, one, text) for one in error.errors()]
        return list(dict.fromkeys(told))
    return []


def resting(name: str, at: datetime) -> str:
    """Say why a system must be left alone for now, by its own word; empty when it need not."""
    state = SystemState.objects.filter(system=name, not_before__gt=at).first()
    return f"It asked to be left alone until {state.not_before:%H:%M:%S} UTC." if state else ""


def away_since(name: str) -> datetime | None:
    """Say since when a system has not been well; None when it is."""
    state = SystemState.objects.filter(system=name, is_well=False).first()
    return state.since if state else None


def remember(name: str, *, well: bool, sentence: str, at: datetime) -> None:
    """Remember how a system answered when it was read, and since when it has been so.

    One that cannot be written to is not well because it can be read.
    """
    told: dict[str, object] = {"sentence": sentence, "asked_at": at}
    if well and SystemState.objects.filter(system=name, by_writing=True).update(asked_at=at):
        return
    _remember(name, well=well, told=told if well else {**told, "by_writing": False})


def trip(name: str, error: ConnectorError, *, at: datetime) -> None:
    """Remember that a system took no writes, and for how long it asks to be left alone."""
    asked = getattr(error, "after_seconds", 0.0)
    rest = timedelta(seconds=min(asked, _LONGEST_REST.total_seconds()))
    told = {
        "sentence": error.message, "asked_at": at, "by_writing": True,
        "not_before": at + rest if rest else None,
    }  # fmt: skip
    _remember(name, well=False, told=told)


def recover(names: Iterable[str], *, at: datetime) -> None:
    """Remember that nothing stopped what was to be sent to some systems."""
    SystemState.objects.filter(system__in=list(names), by_writing=True).update(
        is_well=True, by_writing=False, not_before=None, failures=0, since=at, asked_at=at,
        sentence="It takes what is sent.",
    )  # fmt: skip


def _remember(name: str, *, well: bool, told: Mapping[str, object]) -> None:
    failures = 0 if well else F("failures") + 1
    as_before = SystemState.objects.filter(system=name, is_well=well)
    if as_before.update(**told, failures=failures):
        return
    fresh = {**told, "is_well": well, "since": told["asked_at"], "failures": int(not well)}
    SystemState.objects.update_or_create(system=name, defaults=fresh)
