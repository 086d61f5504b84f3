"""What a charter may say about a SCIM system."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from matricula.connectors.kit.address import Address  # noqa: TC001 - pydantic reads it
from matricula.connectors.kit.secrets import Secret  # noqa: TC001 - pydantic reads it

Way = Literal["auto", "rfc", "whole", "pathless", "entra", "put"]


class ScimSettings(BaseModel):
    """Settings of one SCIM system.

    Attributes:
        url: Base address: what stands before `/Users`.
        token: A bearer token, for servers that hand out a lasting one.
        token_url: Where a token is fetched with `client_id` and `client_secret` (OAuth 2.0
            client credentials) instead. Calls go to these two hosts only.
        scope: Asked for with the token, where the server wants one.
        page_size: Records asked for at once; servers may give fewer. 0 leaves it to the
            server, for those that fail when they are asked for a number.
        timeout_seconds: How long one answer may take.
        concurrency: Calls under way at once within a batch.
        per_second: Calls a second, at most; left out, as many as the server answers.
        batch_size: Writes that are handed over at once.
        bulk: Whether a batch goes out in bulk requests where the server offers them.
        patch: How changes are said. `auto` finds out what the server understands; `rfc`,
            `whole`, `pathless` and `entra` keep to one way; `put` replaces records and sends
            no PATCH.
    """

    model_config = ConfigDict(extra="forbid")

    url: Address
    token: Secret | None = None
    token_url: Address | None = None
    client_id: str = ""
    client_secret: Secret | None = None
    scope: str = ""
    page_size: int = Field(default=200, ge=0, le=5000)
    timeout_seconds: float = Field(default=30.0, gt=0, le=600)
    concurrency: int = Field(default=4, ge=1, le=32)
    per_second: float | None = Field(default=None, gt=0, le=1000)
    batch_size: int = Field(default=100, ge=1, le=1000)
    bulk: bool = True
    patch: Way = "auto"

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        fetched = (
            self.token_url is not None,
            bool(self.client_id),
            self.client_secret is not None,
        )
        if self.token is not None and not any(fetched):
            return self
        if self.token is None and all(fetched):
            return self
        message = "give either token, or all of token_url, client_id and client_secret"
        raise ValueError(message)
