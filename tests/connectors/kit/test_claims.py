"""Which record of one batch is whose, also while several threads make them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.protocol import Write


def creation(key: str) -> Write:
    return Write(key, "create", None, {"number": "7"}, frozenset({"number"}))


def test_a_record_found_while_it_is_being_made_is_its_maker_s():
    claims, found = Claims(), Event()

    def take_over() -> None:
        found.set()
        claims.take_over(creation("second"), "record-7")

    with ThreadPoolExecutor(1) as pool:
        with claims.making(creation("first")):
            # The server has the record by now, and the second key's look-up sees it.
            late = pool.submit(take_over)
            found.wait(5)
            claims.made(creation("first"), "record-7")
        with pytest.raises(SkipRow, match="another key just now"):
            late.result(5)


def test_a_creation_that_made_nothing_leaves_the_record_to_who_finds_it():
    claims = Claims()
    with claims.making(creation("first")):
        pass

    claims.take_over(creation("second"), "record-7")

    with pytest.raises(SkipRow):
        claims.take_over(creation("third"), "record-7")
