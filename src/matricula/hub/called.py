"""Called: what somebody names by its word in the charter, or the nearest word instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.kernel.words import meant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matricula.charter.model import Charter, Flow, Steward


def flow_called(charter: Charter, name: str) -> Flow:
    """Find a flow.

    Raises:
        Refused: The charter knows no such flow (M517).
    """
    if name not in charter.flows:
        raise unknown(f"The charter knows no flow {name}.", name, charter.flows)
    return charter.flows[name]


def office_called(charter: Charter, name: str) -> Steward:
    """Find an office.

    Raises:
        Refused: The charter knows no such office (M517).
    """
    if name not in charter.stewards:
        raise unknown(f"The charter knows no office {name}.", name, charter.stewards)
    return charter.stewards[name]


def unknown(message: str, word: str, known: Iterable[str]) -> Refused:
    """Refuse a word that the charter does not know (M517)."""
    return Refused("M517", message, cure=meant(word, known))
