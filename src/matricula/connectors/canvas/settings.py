"""What a charter may say about a Canvas."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from matricula.connectors.canvas.tables import SPECS
from matricula.connectors.kit.address import Address  # noqa: TC001 - pydantic reads it
from matricula.connectors.kit.secrets import Secret  # noqa: TC001 - pydantic reads it


class CanvasSettings(BaseModel):
    """Settings of one Canvas.

    Attributes:
        url: Its address: what stands before `/api/v1`.
        token: An access token of an administrator of the root account.
        ca_file: Certificates to trust instead of the usual ones, for a private authority.
        account: The root account, by its number; `self` is the one of the address.
        override_sis_stickiness: By resource, the fields that are written even where somebody
            changed them in Canvas itself. Whatever is not listed here, Canvas keeps.
        clear_sis_stickiness: Whether such a write also takes the mark of the change away.
        label_imports: Whether every import carries a name of its own (a data set identifier
            that is used once), by which it is found again when the answer to it is lost.
        read_only: Whether nothing is ever written, so that no permission to import is asked.
        grades: Whether marks may be read, which takes a permission of its own.
        page_size: Records asked for at once; Canvas gives 100 at most.
        batch_size: Writes in one import.
        import_deadline_seconds: How long an import is waited for. When it takes longer, its
            rows count as unknown and are looked up by the next run.
        timeout_seconds: How long one answer may take.
        concurrency: Look-ups under way at once; Canvas charges for calls side by side.
        per_second: Calls a second, at most; left out, as many as Canvas answers.
    """

    model_config = ConfigDict(extra="forbid")

    url: Address
    token: Secret
    ca_file: str = ""
    account: str = Field(default="self", pattern=r"^(self|[0-9]+(~[0-9]+)?)$")
    override_sis_stickiness: dict[str, list[str]] = Field(default_factory=dict)
    clear_sis_stickiness: bool = False
    label_imports: bool = True
    read_only: bool = False
    grades: bool = True
    page_size: int = Field(default=100, ge=1, le=100)
    batch_size: int = Field(default=10_000, ge=1, le=100_000)
    import_deadline_seconds: float = Field(default=1800.0, gt=0, le=86_400)
    timeout_seconds: float = Field(default=60.0, gt=0, le=600)
    concurrency: int = Field(default=3, ge=1, le=16)
    per_second: float | None = Field(default=None, gt=0, le=1000)

    @model_validator(mode="after")
    def _only_what_can_stick(self) -> Self:
        for resource, fields in self.override_sis_stickiness.items():
            sticky = SPECS[resource].sticky if resource in SPECS else frozenset()
            strangers = sorted(set(fields) - sticky)
            if strangers or not sticky:
                known = ", ".join(sorted(sticky)) or "no field"
                message = f"of {resource}, Canvas keeps changes of {known} only"
                raise ValueError(message)
        return self
