"""What a charter may say about a Koha."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from matricula.connectors.kit.address import Address
from matricula.connectors.kit.secrets import Secret  # noqa: TC001 - pydantic reads it

BASE_PATH = "/api/v1"

Use = Literal["patrons", "deletion", "clearance"]
# A code is a column of ten characters there.
AttributeCode = Annotated[str, Field(pattern=r"^[^\s.]{1,10}$")]


# With what is below it, as it stands in a browser, it is the same address.
StaffAddress = Annotated[Address, AfterValidator(lambda url: url.removesuffix(BASE_PATH))]


class KohaSettings(BaseModel):
    """Settings of one Koha.

    Attributes:
        url: Address of the staff interface, without `/api/v1`. Calls go to this host only.
        user: The account's user name, for Basic; with `password`.
        password: Its password.
        client_id: An API key's identifier (OAuth 2.0 client credentials) instead; with
            `client_secret`.
        client_secret: Its secret.
        categories: Codes of the patron categories that Matricula sees and writes; left out,
            all. Name the students' here, and the staff's patrons are neither read nor touched.
        attributes: Codes of extended attributes, each a field `attribute.CODE`.
        clearance_by: `patron`: what is open and what waits is asked of each patron, exactly.
            `listing`: the listing alone says it, a thousand times sooner: reservations are
            not told, and what the library owes a patron stands against what the patron owes.
        uses: What the charter has this Koha for; a permission that this needs and the account
            lacks makes `check --live` name it.
        resumed_days: Days from the run's day until a resumed patron expires, where the flow
            grants no `expiry_date`.
        page_size: Patrons asked for at once.
        timeout_seconds: How long one answer may take.
        concurrency: Calls under way at once.
        per_second: Calls a second, at most; left out, as many as it answers.
        batch_size: Writes that are handed over at once.
    """

    model_config = ConfigDict(extra="forbid")

    url: StaffAddress
    user: Secret | None = None
    password: Secret | None = None
    client_id: Secret | None = None
    client_secret: Secret | None = None
    categories: list[str] = Field(default_factory=list)
    attributes: list[AttributeCode] = Field(default_factory=list)
    clearance_by: Literal["patron", "listing"] = "patron"
    uses: list[Use] = ["patrons", "clearance"]
    resumed_days: int = Field(default=365, ge=1, le=3660)
    page_size: int = Field(default=500, ge=1, le=5000)
    timeout_seconds: float = Field(default=30.0, gt=0, le=600)
    concurrency: int = Field(default=4, ge=1, le=32)
    per_second: float | None = Field(default=None, gt=0, le=1000)
    batch_size: int = Field(default=100, ge=1, le=1000)

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        basic = (self.user, self.password)
        key = (self.client_id, self.client_secret)
        if (all(basic) and not any(key)) or (all(key) and not any(basic)):
            return self
        message = "give either user and password, or client_id and client_secret"
        raise ValueError(message)
