"""A small Koha that speaks its REST interface as 23.05 was measured to, traps included.

For tests and for the demonstration: on loopback alone, in memory, in threads of this process.
"""

from __future__ import annotations

from matricula.connectors.koha.simulator.library import Library
from matricula.connectors.koha.simulator.server import Account, Running, koha

__all__ = ["Account", "Library", "Running", "koha"]
