"""Claims: of one batch, which record was made or taken over for which key.

What a batch has just made stands in no link yet, so nobody else can tell that it is taken.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import SkipRow

if TYPE_CHECKING:
    from matricula.connectors.kit.protocol import Write


class Claims:
    """The records that the creations of one batch have, each for one key. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: dict[str, str] = {}

    def made(self, write: Write, external_id: str) -> None:
        """Note that a record was made for a key."""
        with self._lock:
            self._holders[external_id] = write.key

    def take_over(self, write: Write, external_id: str) -> None:
        """Note that a record which a look-up found is taken over for a key.

        Raises:
            SkipRow: It is another key's copy, by an earlier batch or by this one (M606).
        """
        write.must_be_free(external_id)
        with self._lock:
            if self._holders.setdefault(external_id, write.key) != write.key:
                raise SkipRow(
                    f"{external_id} answers to this key's match, and was made or taken over for "
                    "another key just now.",
                    code="M606",
                    cure="Give one of the two another value in what they are found by, at its "
                    "owner.",
                )
