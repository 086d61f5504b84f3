"""What an error code is. Each room keeps its own table in its `codes.py`.

M1xx charter text and shape · M2xx charter meaning · M3xx expressions · M4xx reading ·
M5xx planning, guarding, applying · M6xx delivery and connectors · M7xx audit · M8xx the
command line and its settings · M9xx accounts and the register. A code is never given a
second meaning.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of refusal, for the reference.

    Attributes:
        title: A few words.
        why: Why Matricula refuses this; one or two sentences.
        cure: What to do, in general.
    """

    title: str
    why: str
    cure: str
