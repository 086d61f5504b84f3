"""What a charter says about a system that is served over SCIM: nothing but that it is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class ScimProviderSettings(BaseModel):
    """One identity provider that fetches from us. What it is served, flows say."""

    model_config = ConfigDict(extra="forbid", frozen=True)
