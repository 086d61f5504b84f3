"""What went wrong with a system, named after the next move.

    ConnectorError
    +-- TryAgain    nothing happened there; the same call may go through later
    +-- ReadBack    the call was sent and its answer lost; look before doing anything
    +-- SkipRow     the system refuses this record; set it aside, go on with the others
    +-- GiveUp      this resource cannot be served as configured; set the flow aside
    +-- Stop        the whole system refuses us (credentials, permission); stop calling it
    +-- Untrusted   what was read must not be believed; hold every flow that reads it

Messages are safe to show: they name fields and codes, never personal values or secrets.
"""

from __future__ import annotations


class ConnectorError(Exception):
    """A failure of a connected system.

    Args:
        message: What the system said or what we saw, without personal values.
        code: A stable code with a heading in the reference (M6xx, M4xx for `Untrusted`).
        cure: What a person should do, in one sentence.
    """

    def __init__(self, message: str, *, code: str, cure: str) -> None:
        self.message = message
        self.code = code
        self.cure = cure
        super().__init__(f"{code}: {message} {cure}")


class TryAgain(ConnectorError):
    """Nothing happened; try later, not before `after_seconds` where the system says so."""

    def __init__(self, message: str, *, code: str, cure: str, after_seconds: float = 0.0) -> None:
        self.after_seconds = after_seconds
        super().__init__(message, code=code, cure=cure)


class ReadBack(ConnectorError):
    """The outcome is unknown: settle it by reading, never by sending again."""


class SkipRow(ConnectorError):
    """The system refuses one record."""


class GiveUp(ConnectorError):
    """The resource cannot be served as configured."""


class Stop(ConnectorError):
    """The system refuses us altogether."""


class Untrusted(ConnectorError):
    """What was read is empty, cut off, or of the wrong shape."""


def not_begun(error: ConnectorError) -> TryAgain:
    """Say of a write that was kept back that it is for later, and what kept it back."""
    if isinstance(error, TryAgain):
        return error
    return TryAgain(error.message, code=error.code, cure=error.cure)
