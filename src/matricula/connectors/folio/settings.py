"""What a charter may say about a FOLIO."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from matricula.connectors.kit.address import Address  # noqa: TC001 - pydantic reads it
from matricula.connectors.kit.secrets import Secret  # noqa: TC001 - pydantic reads it

Use = Literal["users", "deletion", "clearance"]


class FolioSettings(BaseModel):
    """Settings of one FOLIO tenant.

    Attributes:
        url: Address of its gateway (Okapi or Kong). Calls go to this host only.
        tenant: The tenant's identifier.
        user: The account's user name, as a reference.
        password: Its password.
        patron_groups: Names of the groups whose users are read and written; left out, all.
        uses: What the charter has this FOLIO for; a permission that this needs and the account
            lacks makes `check --live` name it.
        preferred_contact: How users that are made are written to.
        page_size: Users asked for at once.
        timeout_seconds: How long one answer may take; an import answers when it is done.
        concurrency: Calls under way at once.
        per_second: Calls a second, at most; left out, as many as it answers.
        batch_size: Users in one import.
    """

    model_config = ConfigDict(extra="forbid")

    url: Address
    tenant: str = Field(min_length=1)
    user: Secret
    password: Secret
    patron_groups: list[str] = Field(default_factory=list)
    uses: list[Use] = ["users", "clearance"]
    preferred_contact: Literal["mail", "email", "text", "phone", "mobile"] = "email"
    page_size: int = Field(default=200, ge=2, le=2000)
    timeout_seconds: float = Field(default=120.0, gt=0, le=600)
    concurrency: int = Field(default=4, ge=1, le=32)
    per_second: float | None = Field(default=None, gt=0, le=1000)
    batch_size: int = Field(default=100, ge=1, le=1000)
