"""A small Moodle that speaks the REST protocol as the real one was measured to, traps included.

For the tests, the benches and the demonstration. It listens on loopback alone and keeps
everything in memory.

    with serve(Site()) as moodle:
        ... moodle.url, moodle.token, moodle.site ...

Source: Moodle 4.5.6, its answers and its code.
"""

from __future__ import annotations

from matricula.connectors.moodle.simulator.server import Fault, Moodle, serve
from matricula.connectors.moodle.simulator.site import Site

__all__ = ["Fault", "Moodle", "Site", "serve"]
