"""What a charter says about a system that provides a roster over OneRoster REST."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from matricula.connectors.kit.address import Address  # noqa: TC001 - pydantic reads it
from matricula.connectors.kit.oneroster.stated import must_be_extensions, scope
from matricula.connectors.kit.secrets import Secret  # noqa: TC001 - pydantic reads it
from matricula.connectors.oneroster.signing import Method  # noqa: TC001 - pydantic reads it


class OneRosterSettings(BaseModel):
    """A provider.

    Attributes:
        url: What stands before `/users`: in 1.2 it ends with `/rostering/v1p2`, in 1.1 with
            `/v1p1`.
        gradebook_url: What stands before `/lineItems`, where line items and results are read
            too. In 1.1 it is the same address as `url`.
        version: Which standard the provider speaks.
        token_url: Where tokens are fetched, by OAuth 2.0 client credentials.
        client_id: The client's identifier there.
        client_secret: Its secret, as `env:NAME` or `file:PATH`.
        token: A lasting bearer token instead of the three.
        signature: How each request is signed with `client_id` and `client_secret`, for
            providers that let in by OAuth 1.0a; there is no `token_url` then.
        scope: Asked for with a token; left out, those that reading what is read needs.
        demographics: Read birth dates and the like too; they are sensitive, so nothing does
            unless it is said.
        metadata: Resource to the `metadata.` fields that are read there.
        page_size: Records asked for at once; providers may give fewer.
        concurrency: Pages under way at once; the standard does not say what providers bear.
        timeout_seconds: How long one answer may take.
        per_second: Calls a second, at most; left out, as many as the provider answers.
    """

    model_config = ConfigDict(extra="forbid")

    url: Address
    gradebook_url: Address | None = None
    version: Literal["1.1", "1.2"] = "1.2"
    token_url: Address | None = None
    client_id: str = ""
    client_secret: Secret | None = None
    token: Secret | None = None
    signature: Method | None = None
    scope: str = ""
    demographics: bool = False
    metadata: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    page_size: int = Field(default=1000, ge=2, le=10_000)
    concurrency: int = Field(default=1, ge=1, le=16)
    timeout_seconds: float = Field(default=60.0, gt=0, le=600)
    per_second: float | None = Field(default=None, gt=0, le=1000)

    @property
    def scopes(self) -> str:
        """What is asked for with a token."""
        if self.scope:
            return self.scope
        words = ["roster-core"]
        words += ["roster-demographics"] if self.demographics else []
        # In 1.1 the gradebook has no core of its own.
        gradebook = "gradebook-core" if self.version == "1.2" else "gradebook"
        words += [gradebook] if self.gradebook_url else []
        return " ".join(scope(word, version=self.version) for word in words)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if not self._has_one_way_in():
            message = (
                "give token alone; or client_id and client_secret with either token_url or "
                "signature"
            )
            raise ValueError(message)
        must_be_extensions(self.metadata)
        return self

    def _has_one_way_in(self) -> bool:
        named = [bool(self.client_id), self.client_secret is not None]
        ways = [self.token_url is not None, self.signature is not None]
        if self.token is not None:
            return not any([*named, *ways])
        return all(named) and ways.count(True) == 1
