"""What a charter may say about an Alma."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from matricula.connectors.kit.address import Address  # noqa: TC001 - pydantic reads it
from matricula.connectors.kit.secrets import Secret  # noqa: TC001 - pydantic reads it

IdentifierType = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]{1,50}$")]


class AlmaSettings(BaseModel):
    """Settings of one Alma institution.

    Attributes:
        url: The gateway of the institution's region, such as
            `https://api-eu.hosted.exlibrisgroup.com`. Calls go to this host only.
        api_key: A key for the users' area; reading, and writing where a flow goes there.
        external_id: The code of the student system's profile in Alma: whose users they are.
        record_type: Of users that are made.
        user_groups: Codes of the groups whose users are read and written; left out, those of
            all external users.
        identifiers: Types of identifiers, each a field `identifier.TYPE`.
        email_type: Of the address that is written.
        read_only: Nothing is written, and no permission to write is looked for.
        page_size: Users listed at once; 100 is Alma's most.
        timeout_seconds: How long one answer may take.
        concurrency: Calls under way at once.
        per_second: Calls a second, at most; the institution shares some 25 with all others.
        batch_size: Writes that are handed over at once.
    """

    model_config = ConfigDict(extra="forbid")

    url: Address
    api_key: Secret
    external_id: str = Field(min_length=1)
    record_type: Literal["PUBLIC", "STAFF"] = "PUBLIC"
    user_groups: list[str] = Field(default_factory=list)
    identifiers: list[IdentifierType] = Field(default_factory=list)
    email_type: str = "school"
    read_only: bool = False
    page_size: int = Field(default=100, ge=2, le=100)
    timeout_seconds: float = Field(default=60.0, gt=0, le=600)
    concurrency: int = Field(default=4, ge=1, le=32)
    per_second: float | None = Field(default=20.0, gt=0, le=1000)
    batch_size: int = Field(default=100, ge=1, le=1000)
