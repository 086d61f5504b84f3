"""A small Canvas for tests and the demonstration: SIS imports and what they are read back by.

It behaves as Canvas's documents and its own source say, strict where Canvas is: imports run
by themselves, rows fail singly, what was edited in it sticks, what is unknown is passed over.
"""

from __future__ import annotations

from matricula.connectors.canvas.simulator.campus import Campus
from matricula.connectors.canvas.simulator.server import Simulator, running_canvas

__all__ = ["Campus", "Simulator", "running_canvas"]
