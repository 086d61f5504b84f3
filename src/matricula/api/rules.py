"""Which scopes there are, what a refusal means in HTTP, and what a digest is: pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from matricula.kernel.errors import MatriculaError

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVED_CONNECTORS = frozenset({"oneroster_provider"})
LIFETIME = timedelta(hours=1)
_SCOPE = "https://purl.imsglobal.org/spec/or/v1p2/scope/"
# By the word under which an operator grants them.
SCOPES: Mapping[str, str] = {
    name: f"{_SCOPE}{name}.readonly"
    for name in (
        "roster", "roster-core", "roster-demographics", "gradebook", "gradebook-core",
        "assessment", "resource", "resource-core",
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a refusal is in HTTP and in the standard's words."""

    status: int
    minor: str
    major: str = "failure"


MEANINGS: Mapping[str, Meaning] = {
    "M751": Meaning(401, "unauthorisedrequest"),
    "M752": Meaning(403, "forbidden"),
    "M753": Meaning(400, "invalid_filter_field"),
    "M754": Meaning(400, "invalid_selection_field"),
    "M755": Meaning(400, "invalid_selection_field"),
    "M756": Meaning(404, "unknownobject"),
    "M757": Meaning(400, "invaliddata"),
    "M758": Meaning(405, "forbidden", major="unsupported"),
}
BUSY = Meaning(429, "server_busy")
BROKEN = Meaning(500, "internal_server_error")


class NotServed(MatriculaError):
    """A request that is refused; its code is one of `MEANINGS`."""


def digest(secret: str) -> str:
    """Digest a secret of our own making.

    They are 256 bits of chance, which nobody guesses however quick the digest; a slow one
    would only let strangers keep the machine busy.
    """
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
