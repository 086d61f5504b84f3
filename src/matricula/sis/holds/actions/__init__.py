"""What can be done with holds, one module for each subject."""

from __future__ import annotations

from matricula.sis.holds.actions.deciding import (
    RefusedDecision,
    ask,
    decide,
    decide_each,
    keep_refused,
)
from matricula.sis.holds.actions.heeding import GRANT, heed
from matricula.sis.holds.actions.holding import dispute, place, release, settle
from matricula.sis.holds.actions.reversing import reverse
from matricula.sis.holds.actions.ruling import (
    Window,
    end_exemption,
    exempt,
    exempt_from_all,
    rule,
)

__all__ = [
    "GRANT", "RefusedDecision", "Window", "ask", "decide", "decide_each", "dispute",
    "end_exemption", "exempt", "exempt_from_all", "heed", "keep_refused", "place", "release",
    "reverse", "rule", "settle",
]  # fmt: skip
