"""What a charter says about a system that is served over SCIM; what it is served, flows say."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

LARGEST_PAGE = 1_000


class ScimProviderSettings(BaseModel):
    """One identity provider that fetches from us.

    Attributes:
        largest_page: Records on a page, at most; fewer where groups are large.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    largest_page: int = Field(default=LARGEST_PAGE, ge=1, le=LARGEST_PAGE)
