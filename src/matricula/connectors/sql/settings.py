"""What the charter says about a SQL database."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from matricula.connectors.kit.database import DatabaseUrl  # noqa: TC001 - pydantic reads it
from matricula.connectors.kit.secrets import Secret  # noqa: TC001 - pydantic reads it
from matricula.kernel.durations import PATTERN

Setting = str | int | bool | None
Overlap = Annotated[str, Field(pattern=PATTERN)] | Annotated[int, Field(strict=True, ge=0)]


class Suspension(BaseModel):
    """Which column says that a record is suspended, and in what words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str
    value: Setting = True
    resume_value: Setting = False


class ChangedBy(BaseModel):
    """The column that tells which records may have changed; its name alone may be written.

    Attributes:
        column: An instant, a date or a whole number that the database moves on whenever it
            changes a record.
        overlap: How far before the last one seen every look begins: a duration, or so many
            numbers. It must outlast the longest transaction and the worst clock.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: str = Field(min_length=1)
    overlap: Overlap = "10m"


class Feed(BaseModel):
    """A table into which triggers of the database write what may have changed.

    Attributes:
        table: Its name; `matricula_feed_` and the resource's when left out.
        watch: Tables to the columns in them that spell a record's identifier; a table with
            none of them has everything looked at. The resource's own when left out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = ""
    watch: dict[str, tuple[str, ...]] = Field(default_factory=dict)


def _named(key: str) -> BeforeValidator:
    """Let a text alone stand for the one key that must be told."""

    def spelled(told: Any) -> Any:  # noqa: ANN401 - whatever stands in the charter
        return {key: told} if isinstance(told, str) else told

    return BeforeValidator(spelled)


class Resource(BaseModel):
    """One table, view or query.

    Attributes:
        table: The name of a table or view; that of the resource when left out.
        query: One SELECT, without parameters, in place of a table.
        key: Columns that identify a record.
        columns: Columns that the charter may name; all when left out.
        where: Column to value: only these records exist for us, and new ones get the values.
        suspend: How a record is suspended; it cannot be when left out.
        external_id: The column that holds the system's own identifier; the key when left out.
        changed_by: The column by which a pass over changes reads; all is read when left out.
        feed: The feed by which it reads, instead of a column.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = ""
    query: str = ""
    key: tuple[str, ...] = Field(min_length=1)
    columns: tuple[str, ...] | None = None
    where: dict[str, Setting] = Field(default_factory=dict)
    suspend: Suspension | None = None
    external_id: str = ""
    changed_by: Annotated[ChangedBy, _named("column")] | None = None
    feed: Annotated[Feed, _named("table")] | None = None

    @model_validator(mode="after")
    def _must_be_one_thing(self) -> Resource:
        if self.table and self.query:
            message = "a resource is a table or a query: leave out `table:` or `query:`"
            raise ValueError(message)
        if self.changed_by and self.feed:
            message = "changes are told in one way: leave out `changed_by:` or `feed:`"
            raise ValueError(message)
        if self.query and self.feed and not self.feed.watch:
            message = "the feed of a query needs `watch:`, the tables that the query reads"
            raise ValueError(message)
        return self

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns that make up `_id`."""
        return (self.external_id,) if self.external_id else self.key


class Settings(BaseModel):
    """A database and what of it takes part.

    Attributes:
        url: An SQLAlchemy URL without password, or a secret that holds a whole one.
        password: Put into the URL when it is used.
        database_schema: `schema:` in the charter; the connection's own when left out.
        resources: By the name the charter uses after the dot.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    url: DatabaseUrl
    password: Secret | None = None
    database_schema: str | None = Field(default=None, alias="schema")
    resources: dict[str, Resource] = Field(min_length=1)
