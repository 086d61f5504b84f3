"""Claims: of one batch, which record was made or taken over for which key.

What a batch has just made stands in no link yet, so nobody else can tell that it is taken.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import SkipRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.connectors.kit.protocol import Write


class Claims:
    """The records that the creations of one batch have, each for one key. For any thread."""

    def __init__(self) -> None:
        self._settled = threading.Condition()
        self._holders: dict[str, str] = {}
        self._making: set[str] = set()

    @contextmanager
    def making(self, write: Write) -> Iterator[None]:
        """While a record is being made by one of several threads, from sending to `made`.

        A look-up may find the record before its maker has heard that there is one.
        """
        with self._settled:
            self._making.add(write.key)
        try:
            yield
        finally:
            with self._settled:
                self._making.discard(write.key)
                self._settled.notify_all()

    def made(self, write: Write, external_id: str) -> None:
        """Note that a record was made for a key."""
        with self._settled:
            self._holders[external_id] = write.key

    def take_over(self, write: Write, external_id: str) -> None:
        """Note that a record which a look-up found is taken over for a key.

        Waits until what is being made now is made; never called while making.

        Raises:
            SkipRow: It is another key's copy, by an earlier batch or by this one (M606).
        """
        write.must_be_free(external_id)
        with self._settled:
            under_way = set(self._making)
            self._settled.wait_for(lambda: not under_way & self._making)
            if self._holders.setdefault(external_id, write.key) != write.key:
                raise SkipRow(
                    f"{external_id} answers to this key's match, and was made or taken over for "
                    "another key just now.",
                    code="M606",
                    cure="Give one of the two another value in what they are found by, at its "
                    "owner.",
                )
