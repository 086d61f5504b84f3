"""Ways in to what we serve ourselves: a client of ours, over the wire, to our own OneRoster."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.api.consumers import ROSTERING, let_in
from tests.api.test_round_trip import answering
from tests.conformance.door import VARIABLE, Door, Porter

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def _served(_: Any) -> Iterator[Porter]:
    with answering() as address:
        settings = {
            "url": address + ROSTERING, "token_url": f"{address}/oauth/token",
            "client_id": "moodle", "client_secret": f"env:{VARIABLE}", "demographics": True,
        }  # fmt: skip
        porter = Porter(
            settings, {VARIABLE: let_in(scopes=["roster-core", "roster-demographics"])}
        )

        def take(_: str) -> None:
            settings["client_id"] = "canvas"
            porter.secrets["narrow"] = let_in("canvas", scopes=["roster-core"])
            os.environ[VARIABLE] = porter.secrets["narrow"]

        porter.take = take
        yield porter


DOORS = [
    Door(
        "OneRoster served by Matricula, a client's secret", "oneroster", "users", "sourcedId",
        _served,
        wrong=("token address answers 401", "secret"),
        endless="a token lasts an hour and a new one is fetched; a secret ends when it is "
        "renewed, and is wrong then",
        lacking=("scope/roster-demographics.readonly",),
        commits=True,
    ),
]  # fmt: skip
