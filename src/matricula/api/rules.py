"""Which scopes there are, what a refusal means in HTTP, and what a digest is: pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from matricula.connectors.kit.oneroster.stated import scope
from matricula.kernel.errors import MatriculaError

if TYPE_CHECKING:
    from collections.abc import Mapping

LIFETIME = timedelta(hours=1)
# Of what a consumer puts, in bytes: a mark with its comment and some hundred objectives.
LARGEST = 256 << 10
# By the word under which an operator grants them. OneRoster prescribes its scopes; SCIM has none.
ONEROSTER_SCOPES: Mapping[str, str] = {
    **{
        name: scope(name)
        for name in (
            "roster", "roster-core", "roster-demographics", "gradebook", "gradebook-core",
            "assessment", "resource", "resource-core",
        )
    },
    "gradebook-put": scope("gradebook", verb="createput"),
    "gradebook-delete": scope("gradebook", verb="delete"),
    "assessment-put": scope("assessment", verb="createput"),
    "assessment-delete": scope("assessment", verb="delete"),
}  # fmt: skip
SCIM_SCOPES: Mapping[str, str] = {"scim-users": "scim-users", "scim-groups": "scim-groups"}
# What a system may be read by, by its connector.
SERVED: Mapping[str, Mapping[str, str]] = {
    "oneroster_provider": ONEROSTER_SCOPES, "scim_provider": SCIM_SCOPES,
}  # fmt: skip
SCOPES: Mapping[str, str] = {**ONEROSTER_SCOPES, **SCIM_SCOPES}


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
    "M766": Meaning(403, "forbidden"),
    "M767": Meaning(422, "invaliddata"),
    "M768": Meaning(422, "deletefailure"),
}
BUSY = Meaning(429, "server_busy")
NOT_NOW = Meaning(503, "server_busy")
BROKEN = Meaning(500, "internal_server_error")


class NotServed(MatriculaError):
    """A request that is refused; `MEANINGS`, and SCIM's own, say what its code means there."""


class NotAllowed(NotServed):
    """A method that an address does not know.

    Args:
        allowed: Those that it knows, parted by commas.
    """

    def __init__(self, allowed: str) -> None:
        self.allowed = allowed
        super().__init__("M758", "What is served is read only.", cure="Change it at its owner.")


def digest(secret: str) -> str:
    """Digest a secret of our own making.

    They are 256 bits of chance, which nobody guesses however quick the digest; a slow one
    would only let strangers keep the machine busy.
    """
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
