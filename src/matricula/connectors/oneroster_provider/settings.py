"""What a charter says about a system that is served over OneRoster REST."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from matricula.connectors.kit.oneroster.objects import INSIDE, rest_tables
from matricula.connectors.kit.oneroster.stated import must_be_extensions, must_be_rows
from matricula.connectors.kit.oneroster.tables import MODIFIED, STATUS, Column

# What the standard lets a consumer put.
Puttable = Literal[
    "categories", "lineItems", "results", "scoreScales", "assessmentLineItems",
    "assessmentResults",
]  # fmt: skip
# A resource that is only read: one mark for each student in each class.
COURSEWORK = "coursework"
COURSEWORK_FIELDS = (
    "classSourcedId", "studentSourcedId", "score", "textScore", "scoreStatus", "scoreDate",
    "lineItemSourcedId",
)  # fmt: skip


class OneRosterProviderSettings(BaseModel):
    """One system that fetches from us.

    Attributes:
        metadata: Table to the `metadata.` fields that may be written there.
        static: Table to fixed rows. Such a table is the charter's alone: what stands here is
            all it holds, and no flow may write to it.
        receives: Tables of the gradebook that the consumer puts to us and owns. They are a
            source, and no flow may write to them.
        coursework: The category whose results are marks of coursework; then there is a resource
            of that name, with one mark for each student in each class.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    metadata: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    static: dict[str, tuple[dict[str, str | None], ...]] = Field(default_factory=dict)
    receives: tuple[Puttable, ...] = ()
    coursework: str = ""

    @property
    def received(self) -> frozenset[str]:
        """Give every table that is the consumer's, with those whose rows stand inside."""
        return frozenset(self.receives) | {
            table for table, (owner, _) in INSIDE.items() if owner in self.receives
        }

    def writes(self, table: str) -> bool:
        """Whether flows write to a table: neither the charter's alone nor the consumer's."""
        return table not in self.static and table not in self.received

    def writable(self, table: str) -> dict[str, Column]:
        """Give the fields of a table that a flow may write, by name."""
        own = {one.name: one for one in rest_tables()[table].columns}
        kept = {name: one for name, one in own.items() if name not in {STATUS, MODIFIED}}
        return {**kept, **{name: Column(name, "text") for name in self.metadata.get(table, ())}}

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> OneRosterProviderSettings:
        for name in (*self.metadata, *self.static):
            if name not in rest_tables():
                message = f"OneRoster 1.2 serves no {name}; it serves {', '.join(rest_tables())}"
                raise ValueError(message)
        must_be_extensions(self.metadata)
        both = sorted(self.received.intersection(self.static))
        if both:
            message = f"{both[0]} is the charter's (`static:`) or the consumer's (`receives:`)"
            raise ValueError(message)
        must_be_rows(self.static, self.writable)
        return self
