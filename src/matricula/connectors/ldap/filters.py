"""Filters of a search (RFC 4511 4.5.1.7), built from parts and never from text. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.ldap import ber

if TYPE_CHECKING:
    from collections.abc import Iterable

_AND, _OR, _EQUALITY, _PRESENT = 0xA0, 0xA1, 0xA3, 0x87


def present(attribute: str) -> bytes:
    """Whatever has the attribute."""
    return ber.octets(attribute, _PRESENT)


def equal(attribute: str, value: bytes) -> bytes:
    """Whatever has this value of the attribute, by the directory's own comparison."""
    return ber.sequence(ber.octets(attribute), ber.octets(value), tag=_EQUALITY)


def every(parts: Iterable[bytes]) -> bytes:
    """Whatever all parts speak of."""
    return _joined(parts, _AND)


def either(parts: Iterable[bytes]) -> bytes:
    """Whatever one of the parts speaks of."""
    return _joined(parts, _OR)


def _joined(parts: Iterable[bytes], tag: int) -> bytes:
    together = list(parts)
    return together[0] if len(together) == 1 else ber.sequence(*together, tag=tag)
