"""The steps of the effect protocol, by one name each in the model and at the crash points."""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    """What a run does, in this order; each is durable or seen outside before the next begins."""

    CLAIM = "claim"
    """Take the target; nobody else may write to it."""
    PART = "part"
    """Part what dead runs had sent from what they had only intended."""
    LOOK = "look"
    """Ask the target what became of what is open."""
    CONCLUDE = "conclude"
    """Write down what it said, or that nobody knows."""
    SNAPSHOT = "snapshot"
    """Read the owners, and the target in a full pass."""
    PLAN = "plan"
    """Find what differs, and keep it."""
    INTEND = "intend"
    """Write down what is about to be sent."""
    SEND = "send"
    """Mark it as sent."""
    CALL = "call"
    """Hand it to the connector, if the target is still held."""
    ANSWER = "answer"
    """It reaches the target and the answer reaches us, or not."""
    SETTLE = "settle"
    """Write down what became of it: effect, link and audit, in one transaction."""
    SEAL = "seal"
    """Seal the audit; the end of that transaction, so the model has them as one."""
    FREE = "free"
    """Let the target go."""
